"""Which offer goes to whom, through which channel: the best expected value that branches, managers and money allow.

Candidates become a matrix of customers by offers and channels, which
`crmml.allocation` fills: prices of what is scarce, repaired to whole rows, held
against an upper bound that no allocation can exceed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmml.allocation import Limits, Problem, Share, Solution, solve
from crmml.allocation.solve import EXACT_SIZE
from crmml.errors import GateError
from crmml.targeting.demands import conflict_text
from crmml.targeting.room import COUNTED, Room, ids_of

_TOLERANCE = 1e-6
_DOUBLE = 4_000_000
"""Cells of the matrix up to which values are held in double precision."""


@dataclass(frozen=True)
class Allocation:
    """What was chosen and what proves it.

    Attributes
    ----------
    chosen
        Positions of the chosen candidates, best first.
    value, bound
        Their value, and what no allocation exceeds, in currency.
    lp_optimum
        The exact optimum with fractions of rows allowed; None where the list is too large for it.
    prices
        By kind and key, what one more of a limit is worth, in currency per row
        (per unit of currency for the budget); of a minimum what one row less is worth.
    """

    chosen: np.ndarray
    value: float
    bound: float
    lp_optimum: float | None = None
    prices: Mapping[tuple[str, str], float] = field(default_factory=dict)

    @property
    def gap(self) -> float:
        """How far the value is from the bound at most, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, 1.0 - self.value / self.bound)


@dataclass(frozen=True)
class Matrix:
    """A problem with the candidates, groups and cells its numbers stand for."""

    problem: Problem
    row: np.ndarray
    """Position of the candidate by column and customer, -1 where there is none."""

    @classmethod
    def of(cls, candidates: pd.DataFrame, room: Room) -> Matrix:
        """The problem of candidates sorted by customer, offer and channel."""
        values = candidates["expected_value"].to_numpy(dtype=float)
        customer, customers = pd.factorize(candidates["customer_id"])
        kinds = candidates[["offer", "channel"]].drop_duplicates().sort_values(["offer", "channel"])
        column = pd.MultiIndex.from_frame(kinds).get_indexer(pd.MultiIndex.from_frame(candidates[["offer", "channel"]]))
        row = np.full((len(kinds), len(customers)), -1, dtype=np.int64)
        row[column, customer] = np.arange(len(candidates))
        dtype = np.float64 if row.size <= _DOUBLE else np.float32
        value = np.full(row.shape, -np.inf, dtype=dtype)
        useful = values > 0
        value[column[useful], customer[useful]] = values[useful]
        people = candidates[~candidates["customer_id"].duplicated()]
        limits = _limits(people, kinds, room)
        cost = candidates.loc[kinds.index, "contact_cost"].to_numpy(dtype=float)
        shares = tuple(
            Share(_members(candidates[share.column].to_numpy(dtype=bool), column, customer, row.shape), share.share, share.offset)
            for share in room.shares
        )  # fmt: skip
        return cls(Problem(value, limits, cost, room.budget, shares), row)

    def prices(self, solution: Solution) -> dict[tuple[str, str], float]:
        """The prices by kind and key; 0 where the list leaves room."""
        customer = np.flatnonzero(solution.column >= 0)
        column, prices = solution.column[customer], solution.prices
        found: dict[tuple[str, str], float] = {}
        for limits, cells in zip(self.problem.limits, prices.cells, strict=True):
            used = limits.counts(customer, column).ravel()
            is_full, is_least = used >= limits.most.ravel(), used <= limits.least.ravel()
            for number, key in enumerate(limits.names):
                price = float(cells.ravel()[number])
                found[limits.kind, key] = max(price, 0.0) if is_full[number] else 0.0
                if limits.least.ravel()[number]:
                    found[f"minimum_{limits.kind}", key] = max(-price, 0.0) if is_least[number] else 0.0
        left = self.problem.budget - float(self.problem.cost[column].sum())
        found["budget", ""] = prices.budget if left < self.problem.cost.max(initial=0.0) else 0.0
        for number, share in enumerate(self.problem.shares):
            is_tight = share.surplus(customer, column) < 1
            found["minimum_share", str(number + 1)] = float(prices.shares[number]) if is_tight else 0.0
        return found


def allocate(candidates: pd.DataFrame, room: Room, *, exact_size: int = EXACT_SIZE) -> Allocation:
    """Choose at most one offer per customer, of positive expected value, within the room.

    Parameters
    ----------
    candidates
        One row per customer, offer and channel in that order, with `customer_id,
        offer, channel, branch_id, manager_id, contact_cost, expected_value` and
        the columns of the room's shares. A contact costs the same for every
        customer of an offer and channel.
    room
        What is free and what is asked for.
    exact_size
        Candidates up to which the linear programme checks the list.

    Raises
    ------
    GateError
        G011 if minimums cannot be met, naming a smallest set of rules in conflict;
        G013 if no list was found that meets them and none was proven impossible.

    Notes
    -----
    Ties go by customer, offer and channel, so row order changes nothing.
    """
    if candidates.empty or not (candidates["expected_value"] > 0).any():
        if room.has_minimums:
            raise GateError(
                "the capacities ask for minimums, and no candidate has an expected value above 0; drop the minimums "
                "or look at the values",
                code="G011",
            )
        return Allocation(np.empty(0, dtype=np.int64), 0.0, 0.0, 0.0)
    matrix = Matrix.of(candidates, room)
    _require_somebody(matrix.problem, room)
    solution = solve(matrix.problem, exact_size=exact_size)
    if solution.unmet > _TOLERANCE:
        raise _refusal(matrix, room, solution)
    served = np.flatnonzero(solution.column >= 0)
    chosen = matrix.row[solution.column[served], served]
    worth = candidates["expected_value"].to_numpy(dtype=float)[chosen]
    order = np.lexsort((chosen, -worth))
    value = float(worth.sum())
    return Allocation(chosen[order], value, max(solution.bound, value), solution.lp_optimum, matrix.prices(solution))


def empty_reason(candidates: pd.DataFrame, room: Room) -> str:
    """Which capacities leave no row at all, in words; empty where none is proven to."""
    return conflict_text(Matrix.of(candidates, room).problem, room, at_least_one=True) or ""


def _refusal(matrix: Matrix, room: Room, solution: Solution) -> GateError:
    text = conflict_text(matrix.problem, room)
    if text is None:
        return GateError(
            f"no list was found that meets every minimum; the best misses {solution.unmet:g} rows, and none was proven "
            "impossible. Lower a minimum or raise a capacity",
            code="G013",
        )
    return GateError(f"these rules cannot be kept together: {text}. Lower a minimum or raise a capacity", code="G011")


def _require_somebody(problem: Problem, room: Room) -> None:
    """Refuse a minimum for a product or branch that has no candidate at all."""
    known = {(limits.kind, name) for limits in problem.limits for name in limits.names}
    for kind, ids in room.least.items():
        for key, count in ids.items():
            if count > 0 and (kind, key) not in known:
                rule = "minimum_per_product" if kind == "offer" else f"minimum_per_{kind}"
                raise GateError(
                    f"{rule} {key} asks for {count:,.0f} rows and no customer is eligible for it; lower it, or loosen a rule",
                    code="G011",
                )


def _limits(people: pd.DataFrame, kinds: pd.DataFrame, room: Room) -> tuple[Limits, ...]:
    """The finite limits and the minimums of a room."""
    found: list[Limits] = []
    for kind, columns in COUNTED.items():
        free, least = room.free.get(kind, {}), room.least.get(kind, {})
        if not any(np.isfinite(count) for count in free.values()) and not any(least.values()):
            continue
        by_customer, customers = _codes(people, tuple(name for name in columns if name.endswith("_id")))
        by_column, offered = _codes(kinds, tuple(name for name in columns if not name.endswith("_id")))
        names = [" × ".join(part for part in (one, other) if part) for other in customers for one in offered]
        shape = (len(customers), len(offered))
        most = np.array([free.get(name, np.inf) for name in names]).reshape(shape)
        asked = np.array([least.get(name, 0.0) for name in names]).reshape(shape)
        found.append(Limits(kind, by_customer, by_column, most, asked, tuple(names)))
    if np.isfinite(room.total):
        found.append(Limits("total", None, None, np.array([[room.total]]), np.zeros((1, 1)), ("",)))
    return tuple(found)


def _codes(rows: pd.DataFrame, columns: tuple[str, ...]) -> tuple[np.ndarray | None, list[str]]:
    if not columns:
        return None, [""]
    codes, names = pd.factorize(ids_of(rows, columns), sort=True)
    return codes.astype(np.int32), [str(name) for name in names]


def _members(is_member: np.ndarray, column: np.ndarray, customer: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Members by customer where a customer's candidates agree, else by column and customer."""
    count = np.bincount(customer, minlength=shape[1])
    inside = np.bincount(customer[is_member], minlength=shape[1])
    if ((inside == 0) | (inside == count)).all():
        return inside > 0
    member = np.zeros(shape, dtype=bool)
    member[column, customer] = is_member
    return member
