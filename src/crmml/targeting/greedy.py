"""Going through candidates in one order and taking what still fits: for comparison, and for a first count."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmml.targeting.room import COUNTED, Room, ids_of, room_of
from crmml.targeting.spec import ListSpec


@dataclass(frozen=True)
class Slots:
    """Rows as codes of their customer and of each kind of capacity, and what is free of each."""

    customer: list[int]
    codes: list[list[int]]
    free: list[list[float]]
    cost: list[float]
    total: float
    budget: float

    @classmethod
    def of(cls, rows: pd.DataFrame, room: Room) -> Slots:
        codes, free = [], []
        for kind, columns in COUNTED.items():
            if any(np.isfinite(count) for count in room.free.get(kind, {}).values()):
                code, keys = pd.factorize(ids_of(rows, columns))
                codes.append(code.tolist())
                free.append([room.free[kind].get(str(key), np.inf) for key in keys])
        customer = pd.factorize(rows["customer_id"])[0].tolist()
        return cls(customer, codes, free, rows["contact_cost"].astype(float).tolist(), room.total, room.budget)

    def fill(self, order: np.ndarray) -> np.ndarray:
        """Go through the rows in this order and take each that still fits; positions in the order taken."""
        left = [list(free) for free in self.free]
        kinds = list(zip(self.codes, left, strict=True))
        served = bytearray(max(self.customer, default=0) + 1)
        total, budget, taken = self.total, self.budget, []
        for row in order.tolist():
            if total < 1:
                break
            if served[self.customer[row]] or self.cost[row] > budget:
                continue
            if any(free[code[row]] < 1 for code, free in kinds):
                continue
            for code, free in kinds:
                free[code[row]] -= 1
            served[self.customer[row]] = 1
            total -= 1
            budget -= self.cost[row]
            taken.append(row)
        return np.array(taken, dtype=np.int64)


def rank_by(candidates: pd.DataFrame, column: str, spec: ListSpec, *, rows: int | None = None) -> pd.DataFrame:
    """The rows one would contact by ranking on another column under the same capacities, best first.

    For comparison: by `prob_take`, by `value_if_taken`, by a customer's
    deposits. Where the column does not tell a customer's offers apart the more
    probable one goes first. Rows of any expected value may be taken, at most
    `rows` of them; rows without a value are not. Minimums are not looked at.

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
