"""Which offer goes to whom: the best expected value that branches, managers and money allow.

Best-first (greedy), repeated on values less the shadow prices of the scarce
offers and channels, mended by swaps where the list is short, and held against
an upper bound that no allocation can exceed (`bound.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmml.targeting.bound import Problem, dual_prices
from crmml.targeting.room import COUNTED, Room, ids_of, room_of
from crmml.targeting.spec import ListSpec

_GOOD = 0.005
"""A gap below which no swaps are tried."""
_SWAP_WORK = 2_000_000
"""Rows chosen times rows to choose from up to which swaps are cheap."""


@dataclass(frozen=True)
class Allocation:
    """Positions of the chosen candidates, best first, their value, and the bound of any allocation (currency)."""

    chosen: np.ndarray
    value: float
    bound: float

    @property
    def gap(self) -> float:
        """How far the value is from the bound at most, as a share of the bound."""
        return 0.0 if self.bound <= 0 else max(0.0, 1.0 - self.value / self.bound)


def allocate(candidates: pd.DataFrame, room: Room) -> Allocation:
    """Choose at most one offer per customer, of positive expected value, within the room.

    Parameters
    ----------
    candidates
        One row per customer, offer and channel in that order, with `customer_id, offer,
        channel, branch_id, manager_id, contact_cost, expected_value`.
    room
        What is free.

    Notes
    -----
    Ties go by customer, offer and channel, so row order changes nothing.
    """
    values = candidates["expected_value"].to_numpy(dtype=float)
    useful = np.flatnonzero(values > 0)
    if not useful.size:
        return Allocation(np.empty(0, dtype=np.int64), 0.0, 0.0)
    rows = candidates.iloc[useful]
    problem = Problem.of(rows, room)
    worth, slots = values[useful], Slots.of(rows, room)
    best = slots.fill(np.argsort(-worth, kind="stable"))
    bound, prices = dual_prices(problem, float(worth[best].sum()))
    orders = [np.argsort(-(worth - price[problem.offer_of_row]), kind="stable") for price in prices]
    best = max([best, *map(slots.fill, orders)], key=lambda taken: float(worth[taken].sum()))
    if worth[best].sum() < bound * (1 - _GOOD) and len(best) * len(rows) <= _SWAP_WORK:
        best = _swap(slots, worth, best, orders)
    ordered = best[np.argsort(-worth[best], kind="stable")]
    value = float(worth[best].sum())
    return Allocation(useful[ordered], value, max(bound, value))


def _swap(slots: Slots, worth: np.ndarray, taken: np.ndarray, orders: list[np.ndarray]) -> np.ndarray:
    """Give up one row at a time where what then fits is worth more, until none is."""
    is_better = True
    while is_better:
        is_better = False
        for row in taken[np.argsort(worth[taken], kind="stable")]:
            rest = taken[taken != row]
            found = max(
                (slots.fill(np.concatenate([rest, order[order != row]])) for order in orders),
                key=lambda rows: float(worth[rows].sum()),
            )
            if worth[found].sum() > worth[taken].sum() * (1 + 1e-9):
                taken, is_better = found, True
                break
    return taken


@dataclass(frozen=True)
class Slots:
    """Rows as codes of customer, offer, channel, branch and manager, and what is free of each."""

    customer: list[int]
    codes: list[list[int]]
    free: list[list[float]]
    cost: list[float]
    total: float
    budget: float

    @classmethod
    def of(cls, rows: pd.DataFrame, room: Room) -> Slots:
        codes, free = [], []
        for kind, column in COUNTED.items():
            code, keys = pd.factorize(ids_of(rows, column))
            codes.append(code.tolist())
            free.append([room.free[kind][str(key)] for key in keys])
        customer = pd.factorize(rows["customer_id"])[0].tolist()
        return cls(customer, codes, free, rows["contact_cost"].astype(float).tolist(), room.total, room.budget)

    def fill(self, order: np.ndarray) -> np.ndarray:
        """Go through the rows in this order and take each that still fits; positions in the order taken."""
        offer, channel, branch, manager = self.codes
        offers, channels, branches, managers = (list(free) for free in self.free)
        served = bytearray(max(self.customer) + 1)
        total, budget, taken = self.total, self.budget, []
        for row in order.tolist():
            if total < 1:
                break
            o, c, b, m = offer[row], channel[row], branch[row], manager[row]
            if offers[o] < 1 or managers[m] < 1 or branches[b] < 1 or channels[c] < 1:
                continue
            if served[self.customer[row]] or self.cost[row] > budget:
                continue
            served[self.customer[row]] = 1
            offers[o] -= 1
            channels[c] -= 1
            branches[b] -= 1
            managers[m] -= 1
            total -= 1
            budget -= self.cost[row]
            taken.append(row)
        return np.array(taken, dtype=np.int64)


def rank_by(candidates: pd.DataFrame, column: str, spec: ListSpec, *, rows: int | None = None) -> pd.DataFrame:
    """The rows one would contact by ranking on another column under the same capacities, best first.

    For comparison: by `prob_take`, by `value_if_taken`, by a customer's
    deposits. Where the column does not tell a customer's offers apart the more
    probable one goes first. Rows of any expected value may be taken, at most
    `rows` of them; rows without a value are not.

    Parameters
    ----------
    candidates
        Eligible and unsuppressed, such as `TargetList.allowed`, with the column.
    """
    ranked = candidates[candidates[column].notna()].sort_values(
        [column, "prob_take", "customer_id", "offer", "channel"],
        ascending=[False, False, True, True, True],
        ignore_index=True,
    )
    if ranked.empty:
        return ranked.assign(rank=pd.array([], dtype="int64"))
    taken = ranked.iloc[Slots.of(ranked, room_of(spec, ranked)).fill(np.arange(len(ranked)))].iloc[:rows]
    return taken.assign(rank=np.arange(1, len(taken) + 1)).reset_index(drop=True)
