"""An independent check of a finished list against what was asked for.

It shares no code with the allocation: it counts the rows of the list and
compares them with the spec and with the candidates that were allowed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pandas as pd

from crmml.limits import Limit
from crmml.targeting.candidates import KEY, Table
from crmml.targeting.eligibility import evaluate
from crmml.targeting.spec import NO_BAND, RISK_BANDS, ListSpec, Rule


@dataclass(frozen=True)
class Violation:
    """A broken rule: whose, how much was found and how much is allowed (at least, of a minimum)."""

    rule: str
    key: str
    found: float
    allowed: float


def check_allocation(
    table: pd.DataFrame, spec: ListSpec, allowed: pd.DataFrame, features: Table | None = None
) -> tuple[Violation, ...]:
    """Every rule of the spec that a list breaks; empty when it breaks none.

    Parameters
    ----------
    table
        The list: `customer_id, offer, channel, branch_id, manager_id,
        contact_cost, expected_value, arm`, and `risk_band` where one is asked for.
    spec
        What was asked for.
    allowed
        The eligible, unsuppressed candidates: `customer_id, offer, channel`, and
        the columns that minimum shares read.
    features
        The features that minimum shares read.
    """
    return (
        *_rows(table, allowed),
        *_bands(table, spec),
        *_counts(table, spec),
        *_money(table, spec),
        *_minimums(table, spec, allowed),
        *_shares(table, spec, allowed, features),
    )


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


def _bands(table: pd.DataFrame, spec: ListSpec) -> Iterator[Violation]:
    if spec.max_risk_band is None or "risk_band" not in table:
        return
    worst = RISK_BANDS.index(spec.max_risk_band)
    for customer, band in zip(table["customer_id"], table["risk_band"], strict=True):
        if band != NO_BAND and RISK_BANDS.index(band) > worst:
            yield Violation("maximum risk band", f"{customer} {band}", RISK_BANDS.index(band), worst)


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
    pairs = Counter(zip(contacted["offer"], contacted["branch_id"].astype("str").fillna("-"), strict=True))
    for (product, branch), count in pairs.items():
        most = spec.capacities.per_product_branch.get(product, Limit()).of(branch)
        if count > most:
            yield Violation("capacity per product and branch", f"{product} {branch}", count, most)
    if spec.capacities.total is not None and len(contacted) > spec.capacities.total:
        yield Violation("total capacity", "list", len(contacted), spec.capacities.total)


def _money(table: pd.DataFrame, spec: ListSpec) -> Iterator[Violation]:
    cost = sum(table.loc[table["arm"] != "control", "contact_cost"])
    if spec.capacities.budget is not None and cost > spec.capacities.budget + 1e-6:
        yield Violation("budget of contact costs", "list", cost, spec.capacities.budget)


def _minimums(table: pd.DataFrame, spec: ListSpec, allowed: pd.DataFrame) -> Iterator[Violation]:
    contacted = table[table["arm"] != "control"]
    offers = Counter(contacted["offer"])
    for product, least in spec.capacities.minimum_per_product.items():
        if offers[product] < least:
            yield Violation("minimum per product", product, offers[product], least)
    if "branch_id" not in allowed:
        return
    branches = Counter(contacted["branch_id"].astype("str").fillna("-"))
    asked = spec.capacities.minimum_per_branch
    known = set(allowed["branch_id"].astype("str").fillna("-")) if asked.default else set()
    for branch in sorted(known | set(asked.overrides)):
        least = asked.overrides.get(branch, asked.default or 0)
        if branches[branch] < least:
            yield Violation("minimum per branch", branch, branches[branch], least)


def _shares(table: pd.DataFrame, spec: ListSpec, allowed: pd.DataFrame, features: Table | None) -> Iterator[Violation]:
    asked = spec.capacities.minimum_shares
    contacted = table.loc[table["arm"] != "control", KEY]
    if not asked or contacted.empty:
        return
    listed = contacted.merge(allowed.drop_duplicates(KEY), on=KEY, how="left")
    met = evaluate([Rule(share.where) for share in asked], listed, features)
    for number, share in enumerate(asked):
        count = int(met[:, number].sum())
        if count < share.share * len(listed) - 1e-9:
            yield Violation("minimum share", share.en, count / len(listed), share.share)
