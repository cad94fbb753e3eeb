"""Who holds which account, and how its balance moves: relations shared by ledger, features and labels.

Every row says when it was known (`posted_on`). What a relation derives from
several rows is known when the last of them is, and a row that was posted later
never changes one that was known before: so every relation, filtered on
`posted_on <= cut-off`, is what it would have been on that day.
"""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir

from crmml.sources.bank import BOOKINGS, Bank
from crmml.sources.holding import accounts, holders

__all__ = ["Basis", "accounts", "balance_basis", "customer_transactions", "holders", "movements", "without_history"]

Basis = Literal["daily", "month_end", "sparse"]


def movements(bank: Bank) -> ir.Table:
    """One row per change of an account's end-of-day balance.

    Columns: account_id, family, day, posted_on, amount (decimal),
    account_posted_on. The balance of an account at a day, as known at a
    cut-off, is the sum of amounts with `day` up to it and `posted_on` up to the
    cut-off; of what product it is was known from `account_posted_on` on. Taken from `balances`
    where the bank has them, else from `transactions`; with neither it is empty.
    """
    if bank.has("balances"):
        changes = _changes_of_balances(bank.table("balances"))
    elif bank.has("transactions"):
        changes = _changes_of_bookings(bank.table("transactions"))
    else:
        changes = _no_changes(bank)
    columns = ["account_id", "family", "day", "posted_on", "amount", "account_posted_on"]
    return changes.inner_join(_families(bank), "account_id")[columns]


def _families(bank: Bank) -> ir.Table:
    """The product family of each account, and when the bank knew it."""
    return accounts(bank).select("account_id", "family", account_posted_on="posted_on")


def _changes_of_balances(balances: ir.Table) -> ir.Table:
    """Differences between successive balances, exact at every cut-off even where rows were posted late.

    A row is punctual when no later balance was posted before it: its change is
    the difference to the punctual row before. A late row adds its own change on
    its day and takes it back on the day of the next balance known by then.
    """
    rows = balances.select("account_id", "posted_on", "balance", day=balances.balance_on)
    later_rows = ibis.window(group_by="account_id", order_by=["day", "posted_on"], rows=(1, None))
    marked = rows.mutate(soonest_after=rows.posted_on.min().over(later_rows))
    is_late = marked.soonest_after.notnull() & (marked.soonest_after < marked.posted_on)
    punctual = marked.filter(~is_late)
    before = punctual.balance.lag().over(ibis.window(group_by="account_id", order_by=["day", "posted_on"]))
    changes = punctual.select(
        "account_id", "day", "posted_on", amount=_cents(punctual.balance - before.fill_null(_money(0)))
    )
    return changes.union(_changes_of_late_rows(marked.filter(is_late), rows))


def _changes_of_late_rows(late: ir.Table, rows: ir.Table) -> ir.Table:
    known = rows.select("account_id", known_day="day", known_posted_on="posted_on", known_balance="balance")
    pairs = late.drop("soonest_after").left_join(known, "account_id").drop("account_id_right")
    is_before = (pairs.known_day < pairs.day) & (pairs.known_posted_on <= pairs.posted_on)
    is_after = (pairs.known_day > pairs.day) & (pairs.known_posted_on < pairs.posted_on)
    near = pairs.group_by(["account_id", "day", "posted_on", "balance"]).aggregate(
        before=pairs.known_balance.argmax(pairs.known_day, where=is_before),
        next_day=pairs.known_day.min(where=is_after),
    )
    change = near.mutate(amount=_cents(near.balance - near.before.fill_null(_money(0))))
    added = change.select("account_id", "day", "posted_on", "amount")
    taken_back = change.select("account_id", "posted_on", day=change.next_day, amount=_cents(-change.amount))
    return added.union(taken_back[["account_id", "day", "posted_on", "amount"]])


def _cents(value: ir.Value) -> ir.Value:
    return value.cast("decimal(18, 2)")


def _changes_of_bookings(bookings: ir.Table) -> ir.Table:
    amounts = bookings.select("account_id", "posted_on", "amount", day=bookings.valued_on)
    columns = ["account_id", "day", "posted_on", "amount"]
    return amounts[columns].union(_openings(bookings)[columns])


def _openings(bookings: ir.Table) -> ir.Table:
    """The balance each account brought along, on the day before its first posted booking.

    First by posting, not by value date: a booking that is posted later, valued
    before, must not change what was known.
    """
    first = ibis.row_number().over(
        ibis.window(group_by="account_id", order_by=["posted_on", "valued_on", "transaction_id", "amount"])
    )
    firsts = bookings.mutate(place=first).filter(lambda t: (t.place == 0) & t.balance.notnull())
    brought = firsts.select(
        "account_id",
        "posted_on",
        day=firsts.valued_on - ibis.interval(days=1),
        amount=_cents(firsts.balance - firsts.amount),
    )
    return brought.mutate(day=brought.day.cast("date")).filter(lambda t: t.amount != 0)


def _no_changes(bank: Bank) -> ir.Table:
    nobody = bank.table("customers").filter(ibis.literal(False))
    return nobody.select(account_id="customer_id", day=ibis.null("date"), posted_on=ibis.null("date"), amount=_money(0))


def _money(value: int) -> ir.Value:
    return _cents(ibis.literal(value))


def customer_transactions(bank: Bank) -> ir.Table:
    """One row per booking and customer who held the account that day.

    Columns: customer_id, account_id, family, valued_on, posted_on, amount,
    kind, channel, counterparty_account, is_own_transfer (the counterparty
    account was known to be held by the same customer). A booking on a joint
    account counts in full for every holder; one on the last day of holding
    counts. Read as `ingest` prepared them, with `customer_no`, where it did.
    """
    if BOOKINGS in bank.prepared:
        return bank.prepared[BOOKINGS]
    held = holders(bank)
    owners = held.select("account_id", "customer_id", "since", "until", held_posted_on="posted_on")
    bookings = bank.table("transactions").inner_join(_families(bank), "account_id")
    joined = bookings.inner_join(owners, "account_id")
    during = (joined.since.isnull() | (joined.since <= joined.valued_on)) & (
        joined.until.isnull() | (joined.until >= joined.valued_on)
    )
    posted_on = _later(_later(joined.posted_on, joined.held_posted_on), joined.account_posted_on)
    theirs = joined.filter(during).mutate(posted_on=posted_on)
    return _with_own_transfers(theirs, held)


def without_history(bank: Bank, cutoff: date) -> frozenset[str]:
    """The customers of whom no booking, balance or activity was known at the end of the cut-off."""
    owners = holders(bank).select("account_id", "customer_id")
    seen = []
    for name, own in (("transactions", "valued_on"), ("balances", "balance_on"), ("activity", "period_end")):
        if bank.has(name):
            rows = bank.table(name)
            rows = rows.filter((rows[own] <= cutoff) & (rows.posted_on <= cutoff))
            rows = rows if name == "activity" else rows.select("account_id").distinct().inner_join(owners, "account_id")
            seen.append(rows.select("customer_id").distinct())
    known = ibis.union(*seen, distinct=True) if len(seen) > 1 else seen[0]
    people = bank.table("customers").select("customer_id").distinct()
    return frozenset(people.anti_join(known, "customer_id").to_pyarrow()["customer_id"].to_pylist())


def _later(day: ir.Value, other: ir.Value) -> ir.Value:
    return ibis.ifelse(other.notnull() & (other > day), other, day)


def _with_own_transfers(theirs: ir.Table, held: ir.Table) -> ir.Table:
    """Flag bookings whose counterparty account the same customer was already known to hold."""
    place = ibis.row_number().over(
        ibis.window(group_by=["account_id", "customer_id"], order_by=[ibis.asc("posted_on", nulls_first=True), "since"])
    )
    first = held.mutate(place=place).filter(lambda t: t.place == 0)
    own = first.select(
        counterparty_account="account_id",
        customer_id="customer_id",
        own_since="since",
        own_posted_on=first.posted_on,
        is_held=ibis.literal(True),
    )
    joined = theirs.left_join(own, ["counterparty_account", "customer_id"])
    known = (
        joined.is_held.fill_null(False)
        & (joined.own_since.isnull() | (joined.own_since <= joined.valued_on))
        & (joined.own_posted_on.isnull() | (joined.own_posted_on <= joined.posted_on))
    )
    return joined.mutate(is_own_transfer=known)[
        [
            "customer_id",
            "account_id",
            "family",
            "valued_on",
            "posted_on",
            "amount",
            "kind",
            "channel",
            "counterparty_account",
            "is_own_transfer",
        ]
    ]


def balance_basis(bank: Bank) -> Basis:
    """How well daily balances are known: every day, at month ends, or more rarely.

    Averages over a month-end or sparse history carry the last balance forward.
    """
    if not bank.has("balances"):
        return "daily" if bank.has("transactions") else "sparse"
    balances = bank.table("balances")
    days = balances.select(day=balances.balance_on).distinct().order_by("day").to_pyarrow()["day"].to_pylist()
    if len(days) < 2:
        return "sparse"
    gaps = [(later - earlier).days for earlier, later in itertools.pairwise(days)]
    if all((day + timedelta(days=1)).day == 1 for day in days):
        return "month_end" if max(gaps) <= 31 else "sparse"
    return "daily" if sum(gaps) <= 1.1 * len(gaps) else "sparse"
