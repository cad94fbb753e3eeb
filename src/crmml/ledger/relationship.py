"""What winning and developing each customer cost, so that the value of the relationship is net of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from crmml.economics import Economics
from crmml.economics.shares import split_cents
from crmml.ledger.close import holder_weights
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, holders

COSTS = ("acquisition_cost", "development_cost")


def relationship_costs(bank: Bank, economics: Economics, first: date, last: date) -> pd.DataFrame:
    """One row per customer with such a cost from the first day of the month of `first` to `last`, in cents.

    Acquisition is paid once: on the day a customer joined (or opened a first
    account, where that is not known), on the opening of an account, shared among
    its holders of that day by largest remainder, and on a response to a
    contact. Development is paid with every contact made and every event. What is
    spent is charged when it is spent, not spread over years. An account nobody
    held has a null customer.

    Returns
    -------
    customer_id, acquisition_cost, development_cost
    """
    span = (first.replace(day=1), last)
    acquired = [_joined(bank, economics, span), _opened(bank, economics, span)]
    developed = []
    if bank.has("contacts"):
        log = bank.table("contacts")
        answers = log.select("customer_id", key="channel", day="responded_on")
        acquired.append(_priced(answers, economics.acquisition_cost.channel, span))
        made = log.filter(log.is_contacted.fill_null(False) | log.contacted_on.notnull())
        calls = made.select("customer_id", key="channel", day=ibis.coalesce(made.contacted_on, made.assigned_on))
        developed.append(_priced(calls, economics.development_cost.contact, span))
    if bank.has("events"):
        events = bank.table("events").select("customer_id", key="kind", day="happened_on")
        developed.append(_priced(events, economics.development_cost.event, span))
    sums = {"acquisition_cost": _summed(acquired), "development_cost": _summed(developed)}
    wide = pd.concat(sums, axis=1).fillna(0).astype("int64")
    return wide.rename_axis("customer_id").reset_index()


def _summed(parts: list[pd.DataFrame]) -> pd.Series:
    rows = pd.concat([pd.DataFrame({"customer_id": pd.Series(dtype="str"), "cents": pd.Series(dtype="int64")}), *parts])
    return rows.groupby("customer_id", dropna=False)["cents"].sum()


def _priced(rows: ir.Table, prices: Mapping[str, float], span: tuple[date, date]) -> pd.DataFrame:
    """Cents by customer of rows (customer_id, key, day) inside the span, at the price of their key."""
    if not prices:
        return pd.DataFrame(columns=["customer_id", "cents"])
    inside = rows.filter(rows.day.between(*map(ibis.literal, span)))
    counts = inside.group_by(["customer_id", "key"]).aggregate(n=_.count()).to_pandas()
    each = [round(100 * prices.get(key or "other", prices.get("other", 0.0))) for key in counts["key"].fillna("")]
    return counts.assign(cents=counts["n"] * np.array(each, dtype=np.int64))[["customer_id", "cents"]]


def _joined(bank: Bank, economics: Economics, span: tuple[date, date]) -> pd.DataFrame:
    prices = economics.acquisition_cost.customer
    if not prices:
        return pd.DataFrame(columns=["customer_id", "cents"])
    held = holders(bank).join(accounts(bank).select("account_id", "opened_on"), "account_id")
    opened = held.group_by("customer_id").aggregate(opened=_.opened_on.min())
    people = bank.table("customers").group_by("customer_id").aggregate(key=_.kind.max(), joined=_.joined_on.min())
    people = people.left_join(opened, "customer_id")
    days = people.select(
        "customer_id", key=people.key.fill_null("person"), day=ibis.coalesce(people.joined, people.opened)
    )
    return _priced(days, prices, span)


def _opened(bank: Bank, economics: Economics, span: tuple[date, date]) -> pd.DataFrame:
    """The cost of each account opened, split over those who held it on that day."""
    prices = economics.acquisition_cost.product
    if not prices:
        return pd.DataFrame(columns=["customer_id", "cents"])
    rows = accounts(bank).filter(_.opened_on.between(*map(ibis.literal, span)) & _.family.isin(list(prices)))
    rows = rows.select("account_id", "family", "opened_on")
    joined = rows.left_join(holders(bank).drop("posted_on"), "account_id").drop("account_id_right")
    is_held = (joined.since.isnull() | (joined.since <= joined.opened_on)) & (
        joined.until.isnull() | (joined.until > joined.opened_on)
    )
    customer = ibis.ifelse(is_held, joined.customer_id, ibis.null("string"))
    named = joined.select("account_id", "family", share=joined.share.cast("float64"), customer_id=customer)
    frame = named.distinct().order_by("account_id", "customer_id").to_pandas()
    # Of an account that somebody held, the rows of others are left out; one that nobody held keeps a row of its own.
    frame = frame[frame["customer_id"].notna() | ~frame.groupby("account_id")["customer_id"].transform("any")]
    frame = frame.drop_duplicates(["account_id", "customer_id"], ignore_index=True)
    if frame.empty:
        return pd.DataFrame(columns=["customer_id", "cents"])
    group, names = pd.factorize(frame["account_id"])
    families = frame.drop_duplicates("account_id")["family"]
    totals = np.array([round(100 * prices[family]) for family in families], dtype=np.int64)
    assert len(totals) == len(names)
    weights = holder_weights(frame["share"].to_numpy(dtype=float), group.astype(np.int64))
    return frame.assign(cents=split_cents(totals, group.astype(np.int64), weights))[["customer_id", "cents"]]
