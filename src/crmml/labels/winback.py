"""Win-back: of those who left lately, who comes back."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from crmml.labels.attrition import attrited, average_between, with_areas
from crmml.labels.churn import closed
from crmml.labels.frame import Observed, complete_until, flag, holdings
from crmml.labels.silence import active_days, silent
from crmml.labels.targets import Churn, Winback
from crmml.periods import shift_months
from crmml.sources.bank import Bank


def winback(bank: Bank, base: ir.Table, target: Winback) -> Observed:
    """1 if a customer who left in the `within_months` before the cut-off comes back in the label window.

    Left means the label of the same kind of churn is 1 on a window of
    `within_months` that ends with the cut-off; others are out (`not_left`).
    Back means: of `closed`, an account of a main product is opened; of
    `attrited`, the daily average of the window is at least `recovered` of that
    before the fall; of `silent`, the customer books again. Who is back within
    the gap is out (`back_in_gap`).
    """
    earlier = _shifted(base, target.within_months)
    seen = _left(bank, earlier, target)
    # The rows of those who left are few; both looks at them stand on one computed table.
    back = {"closed": _opened_again, "attrited": _balance_recovered, "silent": _active_again}[target.kind]
    left = seen.rows.filter(_.reason.isnull() & _.in_gap.isnull() & (_.label == 1)).select("row_id", has_left=True)
    rows = base.select("row_id").left_join(left, "row_id").drop("row_id_right")
    found = back(bank, base.semi_join(left, "row_id"), earlier.semi_join(left, "row_id"), target)
    rows = rows.left_join(found, "row_id").drop("row_id_right")
    rows = rows.select(
        "row_id",
        label=ibis.coalesce(rows.is_back, False).cast("float64"),
        reason=flag(~ibis.coalesce(rows.has_left, False), "not_left"),
        in_gap=flag(rows.is_back_in_gap, "back_in_gap"),
    )
    source = {
        "closed": ("accounts", "customers"),
        "attrited": ("balances", "transactions"),
        "silent": ("transactions",),
    }
    return Observed(rows, complete_until(bank, *source[target.kind]), admits_gone=True)


def _shifted(base: ir.Table, months: int) -> ir.Table:
    """The rows as seen `months` earlier, with a window that ends at their cut-off."""
    days = sorted(pd.to_datetime(base.select("cutoff_date").distinct().to_pandas()["cutoff_date"]).dt.date)
    frame = pd.DataFrame(
        {
            "window_end": days,
            "seen_on": [shift_months(day, -months) for day in days],
            "before": [shift_months(day, -2 * months) for day in days],
        }
    )
    edges = ibis.memtable(frame, schema=dict.fromkeys(frame.columns, "date"))
    rows = base.select("row_id", "customer_id", window_end=_.cutoff_date.cast("date")).join(edges, "window_end")
    return rows.select("row_id", "customer_id", "before", "window_end", cutoff_date=_.seen_on, window_start=_.seen_on)


def _left(bank: Bank, earlier: ir.Table, target: Winback) -> Observed:
    match target.kind:
        case "closed":
            return closed(bank, earlier)
        case "attrited":
            return attrited(bank, earlier, Churn("attrited", floor=target.floor))
        case "silent":
            return silent(bank, earlier)
    raise ValueError(f"{target.kind!r} is not a kind of churn")


def _opened_again(bank: Bank, base: ir.Table, earlier: ir.Table, target: Winback) -> ir.Table:
    main = holdings(bank).filter(_.main & _.held_from.notnull()).select("customer_id", day="held_from")
    return _happened(base, main)


def _active_again(bank: Bank, base: ir.Table, earlier: ir.Table, target: Winback) -> ir.Table:
    return _happened(base, active_days(bank).select("customer_id", "day"))


def _happened(base: ir.Table, days: ir.Table) -> ir.Table:
    """Whether a day falls into the label window, and into the gap: row_id, is_back, is_back_in_gap."""
    joined = base.join(days, "customer_id")
    return joined.group_by("row_id").aggregate(
        is_back=((joined.day > joined.window_start) & (joined.day <= joined.window_end)).any(),
        is_back_in_gap=((joined.day > joined.cutoff_date) & (joined.day <= joined.window_start)).any(),
    )


def _balance_recovered(bank: Bank, base: ir.Table, earlier: ir.Table, target: Winback) -> ir.Table:
    full = earlier.select("row_id", full_from="before", full_to="cutoff_date")
    edges = ("full_from", "full_to", "cutoff_date", "window_start", "window_end")
    rows = with_areas(bank, base.join(full, "row_id"), edges)
    enough = target.recovered * average_between(rows, "full_from", "full_to")
    return rows.select(
        "row_id",
        is_back=average_between(rows, "window_start", "window_end") >= enough,
        is_back_in_gap=(rows.window_start > rows.cutoff_date)
        & (average_between(rows, "cutoff_date", "window_start") >= enough),
    )
