"""Snapshots with their label windows, and the status of every row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from crmml.periods import Horizon, label_window, shift_months
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, holders

KEY = ["customer_id", "cutoff_date", "event_id"]


@dataclass(frozen=True)
class Observed:
    """What a target saw.

    `rows` has `row_id, label, reason` (why a row is out of the population, null
    when it is in) and `in_gap` (why it is out if something happened in the gap,
    else null), and for contribution the components. `until` is the last day
    the label's sources are complete; a row with a true `is_told` was told
    otherwise, and needs them no longer. `admits_gone`: the population is those
    who are gone.
    """

    rows: ir.Table
    until: date
    components: tuple[str, ...] = ()
    admits_gone: bool = False


def windowed(snapshots: ir.Table, horizon: Horizon) -> ir.Table:
    """Snapshots with a `row_id` and their windows.

    The label window is `]window_start, window_end]`; `]before, cutoff_date]` is
    as many months before the cut-off.
    """
    cutoffs = snapshots.select("cutoff_date").distinct().to_pandas()["cutoff_date"]
    days = sorted(pd.to_datetime(cutoffs).dt.date)
    frame = pd.DataFrame(
        {
            "cutoff_date": days,
            "window_start": [label_window(day, horizon).start for day in days],
            "window_end": [label_window(day, horizon).end for day in days],
            "before": [shift_months(day, -horizon.months) for day in days],
        }
    )
    windows = ibis.memtable(frame, schema=dict.fromkeys(frame.columns, "date"))
    numbered = snapshots.select(*KEY, "is_gone", "is_in_default").mutate(
        cutoff_date=_.cutoff_date.cast("date"),
        row_id=ibis.row_number().over(order_by=KEY),
    )
    return numbered.join(windows, "cutoff_date")


def settle(base: ir.Table, seen: Observed) -> ir.Table:
    """Labels with their status; the label of a row that is not `ok` is null.

    The first that applies: gone, in_default, the target's own reason, immature,
    what happened in the gap, ok.
    """
    joined = base.left_join(seen.rows, "row_id").drop("row_id_right")
    is_out = ibis.literal(False) if seen.admits_gone else joined.is_gone
    is_told = ibis.coalesce(joined.is_told, False) if "is_told" in joined.columns else ibis.literal(False)
    status = ibis.cases(
        (is_out, "gone"),
        (joined.is_in_default, "in_default"),
        (joined.reason.notnull(), joined.reason),
        ((joined.window_end > seen.until) & ~is_told, "immature"),
        (joined.in_gap.notnull(), joined.in_gap),
        else_="ok",
    )
    settled = joined.mutate(status=status)
    values = {
        name: ibis.ifelse(settled.status == "ok", settled[name].cast("float64"), ibis.null("float64"))
        for name in ("label", *seen.components)
    }
    return settled.select(*KEY, "status", **values)


def holdings(bank: Bank) -> ir.Table:
    """Who holds what from when to when: customer_id, account_id, product_id, family, main, held_from, held_until.

    A customer holds an account at the end of a day `d` when `held_from <= d` (or
    null) and `held_until > d` (or null).
    """
    held = holders(bank).select("account_id", "customer_id", "since", "until")
    joined = accounts(bank).join(held, "account_id")
    return joined.select(
        "customer_id",
        "account_id",
        "product_id",
        "family",
        "main",
        held_from=ibis.greatest(_.opened_on, _.since),
        held_until=ibis.least(_.closed_on, _.until),
    )


def holds_on(table: ir.Table, day: ir.Column) -> ir.BooleanColumn:
    """Whether a row of `holdings` is held at the end of `day`."""
    began = table.held_from.isnull() | (table.held_from <= day)
    return began & (table.held_until.isnull() | (table.held_until > day))


def complete_until(bank: Bank, *tables: str) -> date:
    """The last day on which all of these tables that the bank has are complete."""
    return min(bank.observed_until(name) for name in tables if bank.has(name))


def flag(condition: ir.BooleanColumn, word: str) -> ir.StringColumn:
    """`word` where the condition holds, else null."""
    return ibis.ifelse(ibis.coalesce(condition, False), ibis.literal(word), ibis.null("string"))


NOTHING = ibis.null("string")
