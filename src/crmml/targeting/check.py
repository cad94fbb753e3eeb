"""An independent check of a finished list against what was asked for.

It shares no code with the allocation: it counts the rows of the list and
compares them with the spec and with the candidates that were allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from crmml.targeting.spec import Limit, ListSpec


@dataclass(frozen=True)
class Violation:
    """A broken rule: whose, how much was found and how much is allowed."""

    rule: str
    key: str
    found: float
    allowed: float


def check_allocation(table: pd.DataFrame, spec: ListSpec, allowed: pd.DataFrame) -> tuple[Violation, ...]:
    """Every rule of the spec that a list breaks; empty when it breaks none.

    Parameters
    ----------
    table
        The list: `customer_id, offer, channel, branch_id, manager_id,
        contact_cost, expected_value, arm`.
    spec
        What was asked for.
    allowed
        `customer_id, offer, channel` of the eligible, unsuppressed candidates.
    """
    return (*_rows(table, allowed), *_counts(table, spec), *_money(table, spec))


def _rows(table: pd.DataFrame, allowed: pd.DataFrame) -> Iterator[Violation]:
    known = set(zip(allowed["customer_id"], allowed["offer"], allowed["channel"], strict=True))
    for customer, count in Counter(table["customer_id"]).items():
        if count > 1:
            yield Violation("one offer per customer", customer, count, 1)
    columns = [table[name] for name in ("customer_id", "offer", "channel", "arm", "expected_value")]
    for customer, offer, channel, arm, value in zip(*columns, strict=True):
        if (customer, offer, channel) not in known:
            yield Violation("eligible and not suppressed", f"{customer} {offer} {channel}", 1, 0)
        if arm != "explore" and not value > 0:
            yield Violation("positive expected value", f"{customer} {offer} {channel}", float(value), 0)


def _counts(table: pd.DataFrame, spec: ListSpec) -> Iterator[Violation]:
    contacted = table[table["arm"] != "control"]
    products = Limit(None, {offer.product: offer.capacity for offer in spec.offers if offer.capacity is not None})
    channels = Limit(None, spec.capacities.per_channel)
    limits = {
        "offer": products,
        "channel": channels,
        "branch_id": spec.capacities.per_branch,
        "manager_id": spec.capacities.per_manager,
    }
    for column, limit in limits.items():
        for key, count in Counter(contacted[column].astype("str").fillna("-")).items():
            if count > limit.of(key):
                yield Violation(f"capacity per {column.removesuffix('_id')}", key, count, limit.of(key))
    if spec.capacities.total is not None and len(contacted) > spec.capacities.total:
        yield Violation("total capacity", "list", len(contacted), spec.capacities.total)


def _money(table: pd.DataFrame, spec: ListSpec) -> Iterator[Violation]:
    cost = sum(table.loc[table["arm"] != "control", "contact_cost"])
    if spec.capacities.budget is not None and cost > spec.capacities.budget + 1e-6:
        yield Violation("budget of contact costs", "list", cost, spec.capacities.budget)
