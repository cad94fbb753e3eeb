"""What a new account took from the customer's other accounts, beside like customers who did not take it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.economics import DEPOSIT_FAMILIES
from crmml.ledger.first_year import MONTHS, month_number

BEFORE = 3
"""Months before the opening that tell what a customer's accounts brought: those who take a product are those
whose balances have just risen, so a whole year back would be compared with a level they had long left."""
LEAST_LIKE = 30
LOANS = ("loan", "mortgage")
"""Families that are paid back: what a borrower brings falls by itself."""
BANDS = (0.0, 10_000.0, 50_000.0, 200_000.0, 500_000.0, 1_000_000.0)
DRAWN_IN = 0.05
ALIKE = ["band", "kind", "owes"]
"""By what customers are alike: deposits, kind, and whether they owe a loan."""


def with_displacement(first_years: ir.Table, ledger: ir.Table, customers: ir.Table) -> ir.Table:
    """`first_years` with `kind` of customer and `displaced`: what the new account took from the others (currency; negative: they grew).

    The change of a customer is the contribution of twelve months from the month
    of opening on, less that of the three months before as a yearly figure. The
    other accounts of a taker have changed by the change of all less the first
    year of the new one; what like customers changed by in the same months, less
    that, was displaced. Like is who banked in those three months with as much on
    deposit, is of the same kind, and opened nothing of the product's family in
    the twelve months. With fewer than 30 of them it is the fall of the other accounts
    alone, against the twelve months before; null where the ledger does not reach back.

    Parameters
    ----------
    first_years : Table
        From `first_year_contribution`.
    ledger : Table
        From `build_ledger`.
    customers : Table
        customer_id, kind; one row each.
    """
    changes = _changes(ledger, customers)
    opened = first_years.mutate(month=month_number(_.opened_on))
    people = customers.select("customer_id", kind=_.kind.fill_null("person"))
    opened = opened.left_join(people, "customer_id").drop("customer_id_right")
    own = opened.left_join(changes.drop("change", "kind").rename(change="whole"), ["customer_id", "month"])
    found = own.drop("customer_id_right", "month_right")
    not_free = _not_free(changes, opened, ledger)
    for name, keys in (("like_change", ["month", *ALIKE]), ("any_change", ALIKE)):
        like = _mean_change(changes, not_free, keys, name)
        found = found.left_join(like, ["family", *keys]).drop(*(f"{one}_right" for one in ["family", *keys]))
    lost = ibis.coalesce(found.like_change, found.any_change) - (found.change - found.contribution.cast("float64"))
    kept = [name for name in first_years.columns if name != "displaced"]
    return found.select(*kept, "kind", displaced=ibis.coalesce(lost, -found.displaced.cast("float64")))


def _changes(ledger: ir.Table, customers: ir.Table) -> ir.Table:
    """One row per customer and month that has three months before and twelve from it on.

    customer_id, month, kind, band (of deposits), owes (a loan the month before),
    whole (the change) and change (drawn in to the quantiles of its band and kind).
    """
    held = ledger.filter(_.customer_id.notnull())
    is_deposit = held.family.isin(list(DEPOSIT_FAMILIES))
    monthly = held.group_by(["customer_id", month_number(held.month_end).name("month")]).aggregate(
        money=_.contribution.sum().cast("float64"),
        deposits=ibis.coalesce(held.balance_average.sum(where=is_deposit).cast("float64"), 0.0),
        loans=held.family.isin(list(LOANS)).cast("int64").max(),
    )
    ahead = ibis.range_window(group_by="customer_id", order_by="month", preceding=0, following=MONTHS - 1)
    back = ibis.range_window(group_by="customer_id", order_by="month", preceding=BEFORE, following=0)
    last_month = ibis.range_window(group_by="customer_id", order_by="month", preceding=1, following=0)
    summed = monthly.mutate(
        after=monthly.money.sum().over(ahead),
        before=monthly.money.sum().over(back) - monthly.money,
        known=monthly.money.count().over(back) - 1,
        level=(monthly.deposits.sum().over(back) - monthly.deposits) / BEFORE,
        owes=monthly.loans.sum().over(last_month) - monthly.loans,
        last=monthly.month.max().over(ibis.window()),
    )
    whole = summed.filter(_.known == BEFORE, _.month + MONTHS - 1 <= _.last)
    whole = whole.select(
        "customer_id",
        "month",
        "owes",
        whole=_.after - _.before * (MONTHS / BEFORE),
        band=sum((whole.level > bound).cast("int64") for bound in BANDS),  # type: ignore[misc]
    )
    kinds = customers.select("customer_id", kind=_.kind.fill_null("person"))
    whole = whole.left_join(kinds, "customer_id").drop("customer_id_right")
    within = ibis.window(group_by=["band", "kind"])
    low, high = (whole.whole.quantile(share).over(within) for share in (DRAWN_IN, 1 - DRAWN_IN))
    return whole.mutate(change=ibis.greatest(ibis.least(whole.whole, high), low))


def _not_free(changes: ir.Table, opened: ir.Table, ledger: ir.Table) -> ir.Table:
    """The changes of those who held something of a family the month before or opened it in the twelve months: `family` beside each."""
    keys = ["customer_id", "family", "month"]
    takers = opened.select("customer_id", "family", taken="month").distinct()
    took = changes.select("customer_id", "month").inner_join(takers, "customer_id")
    took = took.filter((_.taken >= _.month) & (_.taken < _.month + MONTHS)).select(keys)
    held = ledger.filter(_.customer_id.notnull()).select(
        "customer_id", "family", month=month_number(ledger.month_end) + 1
    )
    held = held.semi_join(takers, "family")
    return changes.inner_join(took.union(held, distinct=True), ["customer_id", "month"])


def _mean_change(changes: ir.Table, not_free: ir.Table, keys: list[str], name: str) -> ir.Table:
    """The mean change by family and `keys` of all but those, under a name, where there are 30 or more."""
    families = not_free.select("family").distinct()
    everybody = changes.group_by(keys).aggregate(rows=_.count(), total=_.change.sum()).cross_join(families)
    theirs = not_free.group_by(["family", *keys]).aggregate(their_rows=_.count(), their_total=_.change.sum())
    joined = everybody.left_join(theirs, ["family", *keys])
    rows = joined.rows - ibis.coalesce(joined.their_rows, 0)
    total = joined.total - ibis.coalesce(joined.their_total, 0.0)
    means = joined.mutate(free=rows, **{name: total / ibis.greatest(rows, 1)})
    return means.filter(means.free >= LEAST_LIKE).select("family", *keys, name)
