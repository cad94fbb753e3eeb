"""What an account brought in its first year, and what it took from the customer's other accounts."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.common.deferred import Deferred

MONTHS = 12


def first_year_contribution(ledger: ir.Table, accounts: ir.Table) -> ir.Table:
    """One row per account opened within the ledger and customer, once its first twelve months are complete.

    The first year is the month of opening and the eleven after it. `displaced`
    is what the customer's other accounts contributed in those months, less what
    they did in the twelve months before: negative where the new account took
    from them. It is null where the ledger does not reach back twelve months.

    Parameters
    ----------
    ledger : Table
        From `build_ledger`.
    accounts : Table
        account_id, product_id, family, opened_on.

    Returns
    -------
    account_id, product_id, family, customer_id, opened_on, contribution
    (DECIMAL(18,2)), displaced (DECIMAL(18,2))
    """
    span = ledger.aggregate(first=month_number(_.month_end).min(), last=month_number(_.month_end).max())
    span = span.to_pyarrow().to_pylist()[0]
    if span["last"] is None:
        span = {"first": 0, "last": -1}
    monthly = (
        ledger.filter(_.customer_id.notnull())
        .group_by(["customer_id", "account_id", month_number(_.month_end).name("month")])
        .aggregate(contribution=_.contribution.sum())
    )
    opened = accounts.select("account_id", "product_id", "family", "opened_on", start=month_number(_.opened_on))
    opened = opened.filter((_.start >= span["first"]) & (_.start + MONTHS - 1 <= span["last"]))
    own = monthly.join(opened, "account_id")
    own = own.filter((_.month >= _.start) & (_.month < _.start + MONTHS))
    names = ["account_id", "product_id", "family", "customer_id", "opened_on", "start"]
    years = own.group_by(names).aggregate(contribution=_money(_.contribution.sum()))
    others = monthly.rename(other_id="account_id", other="contribution")
    pairs = years.join(others, "customer_id").filter(_.other_id != _.account_id)
    after = (_.month >= _.start) & (_.month < _.start + MONTHS)
    before = (_.month >= _.start - MONTHS) & (_.month < _.start)
    zero = ibis.literal(0).cast("decimal(18, 2)")
    moved = pairs.group_by(["account_id", "customer_id"]).aggregate(
        after=ibis.coalesce(_money(_.other.sum(where=after)), zero),
        before=ibis.coalesce(_money(_.other.sum(where=before)), zero),
    )
    joined = years.left_join(moved, ["account_id", "customer_id"])
    change = _money(ibis.coalesce(joined.after - joined.before, zero))
    reaches_back = joined.start - MONTHS >= span["first"]
    return joined.select(
        *names[:-1], "contribution", displaced=ibis.ifelse(reaches_back, change, ibis.null("decimal(18, 2)"))
    )


def month_number(day: Deferred) -> Deferred:
    """Months since year 0."""
    return day.year().cast("int64") * 12 + day.month().cast("int64") - 1


def _money(value: Deferred | ir.Column) -> Deferred | ir.Column:
    return value.cast("decimal(18, 2)")
