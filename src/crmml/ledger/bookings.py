"""What bookings say of a month: fees, interest, and the work they made."""

from __future__ import annotations

from functools import reduce

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.economics import Economics
from crmml.sources.bank import Bank

MICRO = 1_000_000


def monthly_bookings(bank: Bank, economics: Economics) -> ir.Table | None:
    """One row per account and month of booking; None for a bank without transactions.

    Fees are what the customer paid (a refund counts against them), interest is
    the customer's (received positive), both in cents; `work` is the cost of the
    bookings by their channels, in millionths of the currency.

    Returns
    -------
    account_id, month, fees, interest_booked, work
    """
    if not bank.has("transactions"):
        return None
    cents = (_.amount * 100).cast("int64")
    return (
        bank.table("transactions")
        .mutate(month=ibis.greatest(_.valued_on, _.posted_on).truncate("M").cast("date"))
        .group_by(["account_id", "month"])
        .aggregate(
            fees=-_sum_of_kinds(cents, economics.fee_kinds),
            interest_booked=_sum_of_kinds(cents, economics.interest_kinds),
            work=_cost(economics).sum().cast("int64"),
        )
    )


def _sum_of_kinds(cents: ir.Deferred, kinds: tuple[str, ...]) -> ir.Deferred:
    if not kinds:
        return ibis.literal(0, "int64").max()
    return ibis.coalesce(cents.sum(where=_.kind.isin(list(kinds))), 0).cast("int64")


def _cost(economics: Economics) -> ir.Deferred:
    """The cost of one booking by its channel, in millionths of the currency."""
    prices = {channel: round(cost * MICRO) for channel, cost in economics.cost_per_transaction.items()}
    other = ibis.literal(prices.pop("other", 0), "int64")
    if not prices:
        return other
    cases = [(_.channel == channel, ibis.literal(cost, "int64")) for channel, cost in sorted(prices.items())]
    return reduce(lambda rest, case: ibis.ifelse(case[0], case[1], rest), cases, other)
