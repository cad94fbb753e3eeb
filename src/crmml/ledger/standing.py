"""Days past due, provisions and the month of default of credit accounts."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.sources.bank import Bank


def known_arrears(bank: Bank) -> ir.Table:
    """Arrears by account and by the day the bank knew them.

    Returns
    -------
    account_id, loan_id, known_on, as_of, days_past_due, provision
    """
    loans = bank.table("loans").select("loan_id", "account_id")
    return (
        bank.table("arrears")
        .join(loans, "loan_id")
        .select(
            "account_id",
            "loan_id",
            "as_of",
            "days_past_due",
            known_on=ibis.greatest(_.as_of, _.posted_on),
            provision=(ibis.coalesce(_.provision, ibis.literal(0).cast("decimal(18,2)")) * 100).cast("int64"),
        )
    )


def default_days(bank: Bank, numbers: ir.Table) -> ir.Table | None:
    """The first day an account was known to be in default: account_number, defaulted_on."""
    found = []
    if bank.has("arrears"):
        late = known_arrears(bank).filter(_.days_past_due >= bank.spec.default_dpd)
        found.append(late.select("account_id", day=_.known_on))
    if bank.has("loans"):
        lost = bank.table("loans").filter(_.written_off_on.notnull())
        found.append(lost.select("account_id", day=ibis.greatest(_.written_off_on, _.posted_on)))
    if not found:
        return None
    days = ibis.union(*found) if len(found) > 1 else found[0]
    return days.join(numbers, "account_id").group_by("account_number").aggregate(defaulted_on=_.day.min())


def arrears_at_start(bank: Bank, spine: ir.Table, numbers: ir.Table) -> ir.Table | None:
    """What was known of an account's arrears when each of its months began, at the end of the month before.

    Each loan's newest row is carried forward; an account with several loans has
    the most days past due and the sum of the provisions.

    Returns
    -------
    account_number, month, days_past_due, provision (cents)
    """
    if not bank.has("arrears"):
        return None
    by_loan = {"group_by": "loan_id", "order_by": "month"}
    so_far = ibis.window(**by_loan, preceding=None, following=0)
    monthly = (
        known_arrears(bank)
        .group_by(["account_id", "loan_id", _.known_on.truncate("M").cast("date").name("month")])
        .aggregate(newest=_.as_of.max(), dpd=_.days_past_due.argmax(_.as_of), provision=_.provision.argmax(_.as_of))
        .mutate(seen=_.newest.max().over(so_far))
        .filter(_.newest >= _.seen)
    )
    before = ibis.window(**by_loan)
    steps = monthly.join(numbers, "account_id").select(
        "account_number",
        "loan_id",
        # What a month ends with, the next begins with.
        month=(_.month + ibis.interval(months=1)).cast("date"),
        dpd=_.dpd - ibis.coalesce(_.dpd.lag().over(before), 0),
        provision=_.provision - ibis.coalesce(_.provision.lag().over(before), 0),
        wanted=ibis.literal(0, "int64"),
    )
    zero = ibis.literal(0, "int64")
    loans = steps.select("account_number", "loan_id").distinct()
    wanted = spine.join(loans, "account_number").select(
        "account_number", "loan_id", "month", dpd=zero, provision=zero, wanted=ibis.literal(1, "int64")
    )
    carried = (
        ibis.union(steps, wanted)
        .group_by(["account_number", "loan_id", "month"])
        .aggregate(dpd=_.dpd.sum(), provision=_.provision.sum(), wanted=_.wanted.max())
        .mutate(dpd=_.dpd.sum().over(so_far), provision=_.provision.sum().over(so_far))
        .filter(_.wanted == 1)
    )
    return carried.group_by(["account_number", "month"]).aggregate(
        days_past_due=_.dpd.max().cast("int64"), provision=_.provision.sum().cast("int64")
    )
