"""How many rows are still free: the capacities by id, as they are used up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import pandas as pd

from crmml.targeting.spec import ListSpec

NOBODY = "-"
"""The id under which customers without a branch or manager are counted."""

COUNTED = {"offer": "offer", "channel": "channel", "branch": "branch_id", "manager": "manager_id"}
"""Kind of capacity: the column whose rows it counts."""


@dataclass(frozen=True)
class Room:
    """Rows free by kind and id, in all, and the budget of contact costs; infinite where there is no limit."""

    free: Mapping[str, Mapping[str, float]]
    total: float
    budget: float

    def less(self, rows: pd.DataFrame) -> Room:
        """What is free after these rows have been contacted."""
        free = {kind: dict(ids) for kind, ids in self.free.items()}
        for kind, column in COUNTED.items():
            for key, count in ids_of(rows, column).value_counts().items():
                free[kind][str(key)] -= count
        return Room(free, self.total - len(rows), self.budget - float(rows["contact_cost"].sum()))

    def stretched(self, control_share: float, reserve: float = 0.0, parts: Mapping[str, int] | None = None) -> Room:
        """Room for the control rows too: n may be chosen where n less its control share fits.

        `reserve` is kept of the budget, because the control rows of an offer are
        a whole number and may be one fewer than their share. So may those of a
        channel's offers one by one, where offers have several channels: `parts`
        says how many offers each channel carries, and all but one row of them is kept.
        """
        if control_share == 0:
            return self
        treated = 1 - Fraction(str(control_share))
        kept = {key: count - 1 for key, count in ({} if parts is None else parts).items()}
        free = {kind: {key: _stretch(count, treated) for key, count in ids.items()} for kind, ids in self.free.items()}
        for key, count in self.free["channel"].items():
            free["channel"][key] = _stretch(max(count - kept.get(key, 0), 0), treated)
        budget = self.budget if math.isinf(self.budget) else max(0.0, self.budget - reserve) / float(treated)
        return Room(free, _stretch(self.total, treated), budget)


def room_of(spec: ListSpec, candidates: pd.DataFrame) -> Room:
    """The capacities of a list for the branches and managers of its candidates."""
    capacities = spec.capacities
    free = {
        "offer": {offer.product: _or_infinite(offer.capacity) for offer in spec.offers},
        "channel": {channel: _or_infinite(capacities.per_channel.get(channel)) for channel in spec.channels},
        "branch": {key: capacities.per_branch.of(key) for key in _keys(candidates, "branch_id")},
        "manager": {key: capacities.per_manager.of(key) for key in _keys(candidates, "manager_id")},
    }
    return Room(free, _or_infinite(capacities.total), math.inf if capacities.budget is None else capacities.budget)


def ids_of(rows: pd.DataFrame, column: str) -> pd.Series:
    """The ids of a column, those missing under one name."""
    return rows[column].astype("str").fillna(NOBODY)


def _keys(candidates: pd.DataFrame, column: str) -> list[str]:
    return sorted(ids_of(candidates, column).unique())


def _or_infinite(count: int | None) -> float:
    return math.inf if count is None else float(count)


def _stretch(count: float, treated: Fraction) -> float:
    return count if math.isinf(count) else float(math.floor(Fraction(int(count)) / treated))
