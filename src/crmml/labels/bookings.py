"""Bookings of the customer's own in the label window."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.labels.frame import NOTHING, Observed, complete_until
from crmml.labels.targets import Bookings
from crmml.sources.bank import Bank
from crmml.sources.movements import customer_transactions


def bookings(bank: Bank, base: ir.Table, target: Bookings) -> Observed:
    """1 if the customer's accounts show at least `at_least` bookings of the label window, by value date.

    Transfers between the customer's own accounts do not count; a booking on a
    joint account counts for every holder. What is booked inside the gap neither
    counts nor puts a row out: the question is of the window alone.
    """
    counted = customer_transactions(bank).filter(~_.is_own_transfer)
    if target.kinds:
        counted = counted.filter(_.kind.isin(list(target.kinds)))
    if target.direction != "any":
        counted = counted.filter(_.amount > 0 if target.direction == "in" else _.amount < 0)
    days = counted.select("customer_id", "valued_on")
    joined = base.select("row_id", "customer_id", "window_start", "window_end").join(days, "customer_id")
    inside = joined.filter((joined.valued_on > joined.window_start) & (joined.valued_on <= joined.window_end))
    found = inside.group_by("row_id").aggregate(bookings=_.count())
    rows = base.select("row_id").left_join(found, "row_id").drop("row_id_right")
    enough = ibis.coalesce(rows.bookings, 0) >= target.at_least
    rows = rows.select("row_id", label=enough.cast("float64"), reason=NOTHING, in_gap=NOTHING)
    return Observed(rows, complete_until(bank, "transactions"))
