"""What bookings say of a month: fees, interest, and the work they made."""

from __future__ import annotations

from functools import reduce

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

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
    valued = bank.table("transactions").select(
        "account_id",
        month=ibis.greatest(_.valued_on, _.posted_on).truncate("M").cast("date"),
        fees=_if_kind(-cents, economics.fee_kinds),
        interest_booked=_if_kind(cents, economics.interest_kinds),
        work=_cost(economics),
    )
    sums = {name: valued[name].sum().cast("int64") for name in ("fees", "interest_booked", "work")}
    return valued.group_by(["account_id", "month"]).aggregate(**sums)


def _if_kind(cents: Deferred, kinds: tuple[str, ...]) -> ir.Value:
    """The cents of bookings of these kinds, 0 for all others."""
    if not kinds:
        return ibis.literal(0, "int64")
    return ibis.ifelse(_.kind.isin(list(kinds)), cents, 0)


def _cost(economics: Economics) -> ir.Value:
    """The cost of one booking by its channel, in millionths of the currency."""
    prices = {channel: round(cost * MICRO) for channel, cost in economics.cost_per_transaction.items()}
    other = ibis.literal(prices.pop("other", 0), "int64")
    if not prices:
        return other
    cases = [(_.channel == channel, ibis.literal(cost, "int64")) for channel, cost in sorted(prices.items())]
    return reduce(lambda rest, case: ibis.ifelse(case[0], case[1], rest), cases, other)
