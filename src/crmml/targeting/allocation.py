"""Which offer goes to whom: the best expected value that branches, managers and money allow.

Best-first (greedy), repeated on values less the shadow prices of the scarce
offers and channels, and held against an upper bound that no allocation can
exceed (`bound.py`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmml.targeting.bound import Problem, dual_prices
from crmml.targeting.room import COUNTED, Room, ids_of, room_of
from crmml.targeting.spec import ListSpec


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
        One row per customer and offer in that order, with `customer_id, offer,
        channel, branch_id, manager_id, contact_cost, expected_value`.
    room
        What is free.

    Notes
    -----
    Ties go by customer, then offer, so row order changes nothing.
    """
    values = candidates["expected_value"].to_numpy(dtype=float)
    useful = np.flatnonzero(values > 0)
    if not useful.size:
        return Allocation(np.empty(0, dtype=np.int64), 0.0, 0.0)
    rows = candidates.iloc[useful]
    problem = Problem.of(rows, room)
    best = greedy(rows, room, order=np.argsort(-values[useful], kind="stable"))
    floor = float(values[useful][best].sum())
    bound, prices = dual_prices(problem, floor)
    for price in prices:
        order = np.argsort(-(values[useful] - price[problem.offer_of_row]), kind="stable")
        found = greedy(rows, room, order=order)
        value = float(values[useful][found].sum())
        if value > floor:
            best, floor = found, value
    ordered = best[np.argsort(-values[useful][best], kind="stable")]
    return Allocation(useful[ordered], floor, max(bound, floor))


def greedy(rows: pd.DataFrame, room: Room, *, order: np.ndarray) -> np.ndarray:
    """Go through the rows in this order and take each that still fits; positions taken, ascending."""
    customers = pd.factorize(rows["customer_id"])[0].tolist()
    codes, left = [], []
    for kind, column in COUNTED.items():
        code, keys = pd.factorize(ids_of(rows, column))
        codes.append(code.tolist())
        left.append([room.free[kind][str(key)] for key in keys])
    costs = rows["contact_cost"].to_numpy(dtype=float).tolist()
    (offer, channel, branch, manager), (offers, channels, branches, managers) = codes, left
    served = bytearray(max(customers) + 1)
    total, budget, taken = room.total, room.budget, []
    for row in order.tolist():
        if total < 1:
            break
        o, c, b, m = offer[row], channel[row], branch[row], manager[row]
        if served[customers[row]] or min(offers[o], channels[c], branches[b], managers[m]) < 1 or costs[row] > budget:
            continue
        served[customers[row]] = 1
        offers[o] -= 1
        channels[c] -= 1
        branches[b] -= 1
        managers[m] -= 1
        total -= 1
        budget -= costs[row]
        taken.append(row)
    return np.sort(np.array(taken, dtype=np.int64))


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
        [column, "prob_take", "customer_id", "offer"], ascending=[False, False, True, True], ignore_index=True
    )
    if ranked.empty:
        return ranked.assign(rank=pd.array([], dtype="int64"))
    taken = ranked.iloc[greedy(ranked, room_of(spec, ranked), order=np.arange(len(ranked)))].iloc[:rows]
    return taken.assign(rank=np.arange(1, len(taken) + 1)).reset_index(drop=True)
