"""How many rows are still free, and how many are still asked for: the capacities by id, as they are used up."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction

import pandas as pd

from crmml.limits import Limit
from crmml.targeting.candidates import Table
from crmml.targeting.eligibility import evaluate
from crmml.targeting.spec import ListSpec, Rule

NOBODY = "-"
"""The id under which customers without a branch or manager are counted."""

COUNTED: Mapping[str, tuple[str, ...]] = {
    "offer": ("offer",),
    "channel": ("channel",),
    "offer_branch": ("offer", "branch_id"),
    "manager": ("manager_id",),
    "branch": ("branch_id",),
}
"""Kind of capacity: the columns whose rows it counts."""

Parts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class ShareAsked:
    """A minimum share: Σ (member − share) + offset ≥ 0 over the rows chosen; `column` marks the members."""

    column: str
    share: float
    offset: float = 0.0

    def surplus(self, rows: pd.DataFrame) -> float:
        """By how much the members of these rows exceed their share."""
        return float(rows[self.column].sum()) - self.share * len(rows) + self.offset


@dataclass(frozen=True)
class Room:
    """Rows free by kind and id, in all, and the budget of contact costs; infinite where there is no limit.

    `least` are the rows asked for by kind and id, `shares` the minimum shares.
    `contacted` is the room before it was stretched for the control arm.
    """

    free: Mapping[str, Mapping[str, float]]
    total: float
    budget: float
    least: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    shares: tuple[ShareAsked, ...] = ()
    contacted: Room | None = None

    @property
    def has_minimums(self) -> bool:
        return bool(self.shares) or any(count > 0 for ids in self.least.values() for count in ids.values())

    def less(self, rows: pd.DataFrame) -> Room:
        """What is free, and asked for, after these rows have been contacted."""
        free = {kind: dict(ids) for kind, ids in self.free.items()}
        least = {kind: dict(ids) for kind, ids in self.least.items()}
        for kind, columns in COUNTED.items():
            for key, count in ids_of(rows, columns).value_counts().items():
                if key in free[kind]:
                    free[kind][str(key)] -= count
                if key in least.get(kind, {}):
                    least[kind][str(key)] = max(0.0, least[kind][str(key)] - count)
        shares = tuple(dataclasses.replace(share, offset=share.surplus(rows)) for share in self.shares)
        return Room(free, self.total - len(rows), self.budget - float(rows["contact_cost"].sum()), least, shares)

    def stretched(self, control_share: float, reserve: float = 0.0, parts: Parts | None = None) -> Room:
        """Room for the control rows too: n may be chosen where n less its control share fits, and is enough.

        `reserve` is kept of the budget, because the control rows of an offer are
        a whole number and may be one fewer than their share; what fits with the
        control rows paid for too fits in any case. A cell that is held
        to its share in several `parts` only may be out by one row for each
        further part, which is kept back.
        """
        if control_share == 0:
            return self
        treated = 1 - Fraction(str(control_share))
        parts = parts or {}

        def more(kind: str, key: str) -> int:
            return parts.get(kind, {}).get(key, 1) - 1

        free = {
            kind: {key: _stretch(max(count - more(kind, key), 0), treated) for key, count in ids.items()}
            for kind, ids in self.free.items()
        }
        least = {
            kind: {
                key: 0.0 if count == 0 else float(math.ceil(Fraction(int(count) + more(kind, key)) / treated))
                for key, count in ids.items()
            }
            for kind, ids in self.least.items()
        }
        budget = max(self.budget, (self.budget - reserve) / float(treated))
        shares = tuple(dataclasses.replace(share, offset=share.offset / float(treated)) for share in self.shares)
        return Room(free, _stretch(self.total, treated), budget, least, shares, contacted=self)

    def with_margins(self, margins: list[float]) -> Room:
        """With so many members more than the shares ask for."""
        shares = zip(self.shares, margins, strict=True)
        return dataclasses.replace(
            self,
            shares=tuple(dataclasses.replace(share, offset=share.offset - margin) for share, margin in shares),
        )


def room_of(spec: ListSpec, candidates: pd.DataFrame) -> Room:
    """The capacities of a list for the branches and managers of its candidates."""
    capacities = spec.capacities
    branches, managers = (sorted(ids_of(candidates, (f"{kind}_id",)).unique()) for kind in ("branch", "manager"))
    by_product = {
        _joined(product, branch): limit.of(branch)
        for product, limit in capacities.per_product_branch.items()
        for branch in branches
        if math.isfinite(limit.of(branch))
    }
    free = {
        "offer": {offer.product: _or_infinite(offer.capacity) for offer in spec.offers},
        "channel": {channel: _or_infinite(capacities.per_channel.get(channel)) for channel in spec.channels},
        "offer_branch": by_product,
        "manager": {key: capacities.per_manager.of(key) for key in managers},
        "branch": {key: capacities.per_branch.of(key) for key in branches},
    }
    least = {
        "offer": {product: float(count) for product, count in capacities.minimum_per_product.items() if count},
        "branch": {
            key: count
            for key in sorted({*branches, *capacities.minimum_per_branch.overrides})
            if (count := capacities.least_in_branch(key))
        },
    }
    shares = tuple(
        ShareAsked(member_column(number), asked.share) for number, asked in enumerate(capacities.minimum_shares)
    )
    budget = math.inf if capacities.budget is None else capacities.budget
    return Room(free, _or_infinite(capacities.total), budget, least, shares)


def member_column(number: int) -> str:
    """The column that marks who meets the condition of a minimum share."""
    return f"in_share_{number + 1}"


def with_members(spec: ListSpec, candidates: pd.DataFrame, features: Table | None = None) -> pd.DataFrame:
    """The candidates with a column for each minimum share, true where its condition is met."""
    asked = spec.capacities.minimum_shares
    if not asked:
        return candidates
    met = evaluate([Rule(share.where) for share in asked], candidates, features)
    return candidates.assign(**{member_column(number): met[:, number] for number in range(len(asked))})


def ids_of(rows: pd.DataFrame, columns: tuple[str, ...]) -> pd.Series:
    """The ids of a kind of capacity, those missing under one name."""
    first, *more = (rows[column].astype("str").fillna(NOBODY) for column in columns)
    for other in more:
        first = first + " × " + other
    return first


def limits_of_units(spec: ListSpec) -> dict[str, list[tuple[str, Limit]]]:
    """The limits that name branches and managers, with their keys in the config, by kind of unit."""
    asked = spec.capacities
    by_product = [(f"per_product_branch.{product}", limit) for product, limit in asked.per_product_branch.items()]
    of_branch = [("per_branch", asked.per_branch), ("minimum_per_branch", asked.minimum_per_branch), *by_product]
    return {"branch": of_branch, "manager": [("per_manager", asked.per_manager)]}


def _joined(product: str, branch: str) -> str:
    return f"{product} × {branch}"


def _or_infinite(count: int | None) -> float:
    return math.inf if count is None else float(count)


def _stretch(count: float, treated: Fraction) -> float:
    return count if math.isinf(count) else float(math.floor(Fraction(int(count)) / treated))
