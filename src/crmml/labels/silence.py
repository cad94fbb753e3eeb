"""Churn by silence: the accounts are open and nothing happens on them."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.labels.frame import Observed, complete_until, flag
from crmml.sources.bank import Bank
from crmml.sources.movements import customer_transactions

LEAST_SILENCE = 60
TIMES_MEDIAN = 3
LEAST_GAPS = 3
YEAR = ibis.interval(months=12)


def silent(bank: Bank, base: ir.Table) -> Observed:
    """1 if at the end of the label window the last booking of the customer's own is too long ago.

    Too long is more than max(60 days, 3 × the median gap between the customer's
    active days of the twelve months before the cut-off). Fees and interest are
    the bank's bookings, not the customer's. Out are customers with fewer than
    three gaps (`no_history`) and those silent at the cut-off already
    (`silent_before`) or when the gap ends (`gone_in_gap`).
    """
    active = active_days(bank)
    rows = base.left_join(patience(base, active), "row_id").drop("row_id_right")
    for point in ("cutoff_date", "window_start", "window_end"):
        rows = rows.left_join(last_active(base, active, point), "row_id").drop("row_id_right")
    quiet = {
        point: rows[point].delta(rows[f"last_{point}"], unit="day") > rows.patience
        for point in ("cutoff_date", "window_start", "window_end")
    }
    rows = rows.select(
        "row_id",
        label=quiet["window_end"].cast("float64"),
        reason=ibis.coalesce(flag(rows.patience.isnull(), "no_history"), flag(quiet["cutoff_date"], "silent_before")),
        in_gap=flag(quiet["window_start"], "gone_in_gap"),
    )
    return Observed(rows, complete_until(bank, "transactions"))


def active_days(bank: Bank) -> ir.Table:
    """Days on which a customer did something: customer_id, day, known_on."""
    bookings = customer_transactions(bank)
    economics = bank.spec.economics
    kinds = [] if economics is None else [*economics.fee_kinds, *economics.interest_kinds]
    if kinds:
        bookings = bookings.filter(_.kind.isnull() | ~_.kind.isin(kinds))
    return bookings.group_by(["customer_id", _.valued_on.name("day")]).aggregate(known_on=_.posted_on.min())


def patience(base: ir.Table, active: ir.Table) -> ir.Table:
    """Days of silence a row bears, from gaps known at the cut-off: row_id, patience."""
    joined = base.select("row_id", "customer_id", "cutoff_date").join(active, "customer_id")
    known = joined.filter(
        (joined.day <= joined.cutoff_date)
        & (joined.known_on <= joined.cutoff_date)
        & (joined.day > joined.cutoff_date - YEAR)
    )
    gap = known.day.delta(known.day.lag().over(ibis.window(group_by="row_id", order_by="day")), unit="day")
    gaps = known.mutate(gap=gap).filter(_.gap.notnull()).group_by("row_id")
    medians = gaps.aggregate(median=_.gap.median(), gaps=_.count()).filter(_.gaps >= LEAST_GAPS)
    return medians.select("row_id", patience=ibis.greatest(_.median * TIMES_MEDIAN, float(LEAST_SILENCE)))


def last_active(base: ir.Table, active: ir.Table, point: str) -> ir.Table:
    """The last active day up to a point of the window: row_id, last_<point>."""
    joined = base.select("row_id", "customer_id", point=base[point]).join(active, "customer_id")
    return joined.filter(joined.day <= joined.point).group_by("row_id").aggregate(**{f"last_{point}": _.day.max()})
