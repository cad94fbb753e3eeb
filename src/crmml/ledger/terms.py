"""Rates and limits of accounts over time, as the bank knew them."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.sources.bank import Bank

BEGINNING = date(1900, 1, 1)
PPM = 1_000_000


def term_steps(bank: Bank, base: ir.Table) -> ir.Table:
    """Changes of the customer's rate and limit: one row per account and change.

    `base` holds `account_id, rate_ppm`, the rate of an account whose own is not
    known. Rates are whole millionths per year, limits whole cents, both as the
    difference to what held before, so that running sums give them back. A row
    posted late counts from the first day of the month it was posted in, for a
    closed month never changes; one overtaken by newer terms counts for nothing.

    Returns
    -------
    account_id, day, rate_step, limit_step
    """
    rows = ibis.union(*_streams(bank, base))
    order = {"group_by": "account_id", "order_by": ["known_on", "valid_from", "priority"]}
    so_far = ibis.window(**order, preceding=None, following=0)
    current = rows.mutate(newest=_.valid_from.max().over(so_far)).filter(_.valid_from >= _.newest)
    held = _carried(_carried(current, "rate_ppm", so_far), "limit_cents", so_far)
    before = ibis.window(**order)
    return held.select(
        "account_id",
        day=_.known_on,
        rate_step=_.rate_ppm - ibis.coalesce(_.rate_ppm.lag().over(before), 0),
        limit_step=_.limit_cents - ibis.coalesce(_.limit_cents.lag().over(before), 0),
    )


def _carried(table: ir.Table, column: str, so_far: Any) -> ir.Table:
    """A column with each null replaced by the last known value of the account, 0 where there is none yet."""
    counted = table.mutate(known=table[column].count().over(so_far))
    # The rows that share a count have one known value among them: the one that raised it.
    stretch = ibis.window(group_by=["account_id", "known"])
    return counted.mutate(**{column: ibis.coalesce(counted[column].max().over(stretch), 0)}).drop("known")


def _streams(bank: Bank, base: ir.Table) -> list[ir.Table]:
    """The rate of the product, of the loan and of the account's terms, in rising priority."""
    streams = [
        base.select(
            "account_id",
            known_on=ibis.literal(BEGINNING),
            valid_from=ibis.literal(BEGINNING),
            priority=ibis.literal(0, "int8"),
            rate_ppm=_.rate_ppm.cast("int64"),
            limit_cents=ibis.null("int64"),
        )
    ]
    if bank.has("loans"):
        loans = bank.table("loans").filter(_.interest_rate.notnull())
        streams.append(_stream(loans.mutate(valid_from=_.granted_on, credit_limit=ibis.null("decimal(18,2)")), 1))
    if bank.has("account_terms"):
        streams.append(_stream(bank.table("account_terms"), 2))
    return streams


def _stream(table: ir.Table, priority: int) -> ir.Table:
    return table.select(
        "account_id",
        known_on=ibis.greatest(_.valid_from, _.posted_on.truncate("M").cast("date")),
        valid_from=_.valid_from,
        priority=ibis.literal(priority, "int8"),
        rate_ppm=(_.interest_rate * PPM).round().cast("int64"),
        limit_cents=(_.credit_limit * 100).cast("int64"),
    )
