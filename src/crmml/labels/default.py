"""Default: a loan gets too late, or is written off."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.labels.frame import Observed, complete_until, flag
from crmml.labels.targets import Default
from crmml.sources.bank import Bank
from crmml.sources.movements import holders


def default(bank: Bank, base: ir.Table, target: Default) -> Observed:
    """1 if a loan of the row is in default on a day of the label window.

    At a calendar cut-off the row's loans are those the customer holds then,
    neither closed nor written off (`no_loan` where there are none). At an event
    cut-off the row's loan is the one whose id is the event's. One that defaults
    inside the gap is out (`default_in_gap`).
    """
    held = _loans_of_rows(bank, base)
    days = default_days(bank, target)
    joined = held.left_join(days, "loan_id").drop("loan_id_right")
    day = ibis.coalesce(
        joined.defaulted_on, ibis.ifelse(joined.is_undated & joined.is_event, joined.window_end, ibis.null("date"))
    )
    by_row = joined.group_by("row_id").aggregate(
        has_loan=joined.loan_id.notnull().any(),
        in_gap_too=((day > joined.cutoff_date) & (day <= joined.window_start)).any(),
        defaults=((day > joined.window_start) & (day <= joined.window_end)).any(),
    )
    rows = base.select("row_id").left_join(by_row, "row_id").drop("row_id_right")
    rows = rows.select(
        "row_id",
        label=ibis.coalesce(rows.defaults, False).cast("float64"),
        reason=flag(rows.has_loan.isnull(), "no_loan"),
        in_gap=flag(rows.in_gap_too, "default_in_gap"),
    )
    return Observed(rows, complete_until(bank, "arrears", "loans"))


def default_days(bank: Bank, target: Default) -> ir.Table:
    """The days a loan was in default: loan_id, defaulted_on (null when only the outcome is known), is_undated."""
    loans = bank.table("loans")
    found = [
        loans.filter(_.written_off_on.notnull()).select(
            "loan_id", defaulted_on=_.written_off_on, is_undated=ibis.literal(False)
        )
    ]
    if bank.has("arrears"):
        late = bank.table("arrears").filter(_.days_past_due >= target.days_past_due)
        found.append(late.select("loan_id", defaulted_on=_.as_of, is_undated=ibis.literal(False)))
    if target.outcomes:
        ended = loans.filter(_.outcome.isin(list(target.outcomes)))
        found.append(ended.select("loan_id", defaulted_on=_.outcome_known_on, is_undated=_.outcome_known_on.isnull()))
    return ibis.union(*found) if len(found) > 1 else found[0]


def _loans_of_rows(bank: Bank, base: ir.Table) -> ir.Table:
    """The loans each row answers for: row_id, loan_id, is_event and the row's windows."""
    columns = ["row_id", "loan_id", "is_event", "cutoff_date", "window_start", "window_end"]
    loans = bank.table("loans")
    asked = base.filter(_.event_id.notnull()).join(loans, base.event_id == loans.loan_id)
    asked = asked.mutate(is_event=ibis.literal(True)).select(*columns)
    held = holders(bank).select("account_id", "customer_id", "since", "until")
    theirs = loans.select("loan_id", "account_id", "granted_on", "closed_on", "written_off_on").join(held, "account_id")
    joined = base.filter(_.event_id.isnull()).join(theirs, "customer_id")
    day = joined.cutoff_date
    is_held = (joined.granted_on <= day) & (joined.since.isnull() | (joined.since <= day))
    for end in ("until", "closed_on", "written_off_on"):
        is_held = is_held & (joined[end].isnull() | (joined[end] > day))
    calendar = joined.filter(is_held).mutate(is_event=ibis.literal(False)).select(*columns)
    return ibis.union(asked, calendar)
