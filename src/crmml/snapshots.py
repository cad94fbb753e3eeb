"""Who is observed when: the key of everything after.

A snapshot is a customer at a cut-off. Calendar cut-offs observe every customer
the bank had on that day; an event snapshot observes one customer on the day
before a loan was granted or a contact was assigned, and carries the terms asked
for. What is said of the customer (gone, in default) was known on that day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _
from ibis.util import gen_name

from crmml.periods import Interval
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, holders

COLUMNS = (
    "customer_id",
    "cutoff_date",
    "event_id",
    "kind",
    "branch_id",
    "manager_id",
    "is_gone",
    "is_in_default",
    "hash_bucket",
)
BUCKETS = 100
#: Customers of one person or one household share a bucket, so none of them is trained on while another is held out.
SAME = ("same_person", "household", "spouse")
Event = Literal["loans", "contacts"]


@dataclass(frozen=True)
class Population:
    """Which snapshots a model speaks of: kinds of customer, and a condition on snapshot and feature columns.

    `where` is SQL such as "deposits_mean_3m >= 1000"; where an input is null, it is not met.
    """

    kinds: tuple[Literal["person", "company"], ...] = ("person", "company")
    where: str | None = None

    def __post_init__(self) -> None:
        if not self.kinds:
            raise ValueError("kinds is empty; expected person, company or both")


@dataclass(frozen=True)
class Cutoffs:
    """When to observe: on the `dates`, or before each `event` that happened in `between`, with its `terms`."""

    dates: tuple[date, ...] = ()
    event: Event | None = None
    between: Interval | None = None
    terms: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.dates) == (self.event is not None):
            raise ValueError("cut-offs are either dates or an event, got both or neither")
        if self.event is not None and self.between is None:
            raise ValueError(f"cut-offs before {self.event} need the interval the events happened in")


def observe(bank: Bank, cutoffs: Cutoffs) -> ir.Table:
    """The snapshots of `cutoffs`, of either kind."""
    if cutoffs.event is None:
        return take_snapshots(bank, cutoffs.dates)
    assert cutoffs.between is not None
    return take_event_snapshots(bank, cutoffs.event, cutoffs.between, cutoffs.terms)


def take_snapshots(bank: Bank, cutoffs: Sequence[date]) -> ir.Table:
    """One row per customer and cut-off, kept in the bank's connection.

    Columns: `customer_id`, `cutoff_date`, `event_id` (null), `kind`,
    `branch_id`, `manager_id`, `is_gone` (left, or all main accounts closed),
    `is_in_default`, `hash_bucket` (0 to 99). A customer appears from the day of
    joining; where that is not known, from the first day the bank knew a row of
    the customer.

    Raises
    ------
    ValueError
        If no cut-off is given.
    """
    if not cutoffs:
        raise ValueError("at least one cut-off is needed")
    days = ibis.memtable(pa.table({"cutoff_date": pa.array(sorted(set(cutoffs)), pa.date32())}))
    joined = _first_days(bank).cross_join(days).filter(_.first_day <= _.cutoff_date)
    keys = joined.select("customer_id", "cutoff_date", event_id=ibis.null("string"))
    return _described(bank, keys, name="snapshots")


def take_event_snapshots(bank: Bank, event: Event, between: Interval, terms: Sequence[str] = ()) -> ir.Table:
    """One row per loan or contact of `between`, observed the day before, kept in the bank's connection.

    Columns as in `take_snapshots`; `event_id` is the loan's id or the contact's
    key, and each of `terms` (columns of the event's table) becomes `term_<name>`.

    Raises
    ------
    ValueError
        If a term is not a column that was settled when the event began.
    """
    allowed = EVENT_TERMS[event]
    for term in terms:
        if term not in allowed:
            raise ValueError(f"{term!r} is not a term of {event}; expected one of {', '.join(allowed)}")
    events = _loans(bank) if event == "loans" else contact_events(bank)
    inside = events.filter(_.event_day > between.start, _.event_day <= between.end)
    keys = inside.select(
        "customer_id",
        "event_id",
        cutoff_date=(inside.event_day - ibis.interval(days=1)).cast("date"),
        **{f"term_{term}": inside[term] for term in terms},
    )
    return _described(bank, keys, name=f"snapshots_{event}")


#: What is settled when an event begins; outcomes are not among them.
EVENT_TERMS: dict[str, tuple[str, ...]] = {
    "loans": ("principal", "interest_rate", "term_months", "instalment", "collateral_value", "product_id"),
    "contacts": ("product_id", "arm", "list_id"),
}


def _loans(bank: Bank) -> ir.Table:
    """Loans with their first owner, in whose name a loan is asked for."""
    owners = holders(bank).filter(_.role == "owner")
    owner = owners.group_by("account_id").aggregate(customer_id=_.customer_id.min())
    products = accounts(bank).select("account_id", "product_id")
    loans = bank.table("loans").inner_join(owner, "account_id").left_join(products, "account_id")
    return loans.mutate(event_id=_.loan_id, event_day=_.granted_on)


def contact_events(bank: Bank) -> ir.Table:
    """Assignments of the contact log with their `event_id` and `event_day`."""
    contacts = bank.table("contacts")
    parts = [contacts.product_id, contacts.assigned_on.cast("string"), contacts.list_id.fill_null("")]
    return contacts.mutate(event_id=ibis.literal("/").join([contacts.customer_id, *parts]), event_day=_.assigned_on)


def _first_days(bank: Bank) -> ir.Table:
    """One row per customer: the first day the customer is observed on."""
    customers = bank.table("customers").group_by("customer_id").aggregate(joined_on=_.joined_on.min())
    seen = _first_seen(bank).group_by("customer_id").aggregate(seen_on=_.seen_on.min())
    both = customers.left_join(seen, "customer_id")
    return both.select("customer_id", first_day=ibis.coalesce(both.joined_on, both.seen_on)).filter(
        _.first_day.notnull()
    )


def _first_seen(bank: Bank) -> ir.Table:
    """Days on which a row of a customer was known."""
    tables = []
    if bank.has("accounts"):
        held = holders(bank).select("account_id", "customer_id", "since").inner_join(accounts(bank), "account_id")
        tables.append(held.select("customer_id", seen_on=_latest(held.opened_on, held.posted_on, held.since)))
    for name, day in (("transactions", "valued_on"), ("balances", "balance_on")):
        if bank.has(name) and not bank.has("accounts"):
            rows = bank.table(name).inner_join(holders(bank).select("account_id", "customer_id"), "account_id")
            tables.append(rows.select("customer_id", seen_on=_latest(rows[day], rows.posted_on)))
    if bank.has("activity"):
        rows = bank.table("activity")
        tables.append(rows.select("customer_id", seen_on=_latest(rows.period_end, rows.posted_on)))
    return ibis.union(*tables) if len(tables) > 1 else tables[0]


def _latest(*days: ir.Value) -> ir.Value:
    """The latest of days; nulls say nothing."""
    given = [ibis.coalesce(day, date(1900, 1, 1)) for day in days]
    return ibis.greatest(*given)


def _described(bank: Bank, keys: ir.Table, *, name: str) -> ir.Table:
    """Keys with what was known of the customer at the cut-off, computed once."""
    keys = _kept(bank, keys, f"{name}_keys")
    terms = [column for column in keys.columns if column.startswith("term_")]
    described = _with(states(bank, keys), _buckets(bank, keys))[[*COLUMNS, *terms]]
    return _kept(bank, described.order_by(["cutoff_date", "customer_id", "event_id"]), name)


def states(bank: Bank, keys: ir.Table) -> ir.Table:
    """`keys` (customer_id, cutoff_date and more) with kind, branch_id, manager_id, is_gone and is_in_default.

    Not computed yet: the leak audit asks it again of changed tables.
    """
    rows = keys
    for part in (_profiles(bank, keys), _closed(bank, keys), _defaults(bank, keys)):
        rows = _with(rows, part)
    flagged = rows.mutate(
        is_gone=_.has_left.fill_null(False) | _.is_closed.fill_null(False),
        is_in_default=_.is_in_default.fill_null(False),
    )
    return flagged.drop("has_left", "is_closed")


def _with(rows: ir.Table, part: ir.Table) -> ir.Table:
    on = [column for column in ("customer_id", "cutoff_date") if column in part.columns]
    return rows.left_join(part, on, rname="{name}_again").drop(*(f"{column}_again" for column in on))


def _kept(bank: Bank, table: ir.Table, name: str) -> ir.Table:
    """Computed once, under a name no other call shares: snapshots taken earlier stay what they were."""
    return bank.connection.create_table(gen_name(name), table)


def _profiles(bank: Bank, keys: ir.Table) -> ir.Table:
    """Kind, branch and manager as of the cut-off (newest valid row), and whether the customer had left."""
    days = keys.select("customer_id", "cutoff_date").distinct()
    rows = days.inner_join(bank.table("customers"), "customer_id").filter(
        _.valid_from.isnull() | (_.valid_from <= _.cutoff_date), _.posted_on.isnull() | (_.posted_on <= _.cutoff_date)
    )
    newest = ibis.row_number().over(
        ibis.window(group_by=["customer_id", "cutoff_date"], order_by=ibis.desc("valid_from", nulls_first=False))
    )
    return (
        rows.mutate(place=newest)
        .filter(_.place == 0)
        .select(
            "customer_id",
            "cutoff_date",
            "kind",
            "branch_id",
            "manager_id",
            has_left=_.left_on.notnull() & (_.left_on <= _.cutoff_date),
        )
    )


def _closed(bank: Bank, keys: ir.Table) -> ir.Table:
    """Whether a customer who had main accounts had closed (or handed over) all of them."""
    held = holders(bank).select("account_id", "customer_id", "since", "until", held_posted_on="posted_on")
    main = accounts(bank).filter(_.main).inner_join(held, "account_id")
    begin = _latest(main.opened_on, main.posted_on, main.since, main.held_posted_on)
    end = ibis.coalesce(ibis.least(main.closed_on, main.until), main.closed_on, main.until)
    spans = main.select("customer_id", begin=begin, end=end)
    days = keys.select("customer_id", "cutoff_date").distinct()
    known = days.inner_join(spans, "customer_id").filter(_.begin <= _.cutoff_date)
    is_open = known.end.isnull() | (known.end > known.cutoff_date)
    return known.mutate(is_open=is_open).group_by(["customer_id", "cutoff_date"]).aggregate(is_closed=~_.is_open.any())


def _defaults(bank: Bank, keys: ir.Table) -> ir.Table:
    """Customers in default: latest known days past due at the threshold, or a loan written off."""
    days = keys.select("customer_id", "cutoff_date").distinct()
    if not (bank.has("loans") and bank.has("accounts")):
        return days.mutate(is_in_default=ibis.literal(False))
    held = holders(bank).select("account_id", "customer_id")
    loans = bank.table("loans").inner_join(held, "account_id")
    written_off = loans.filter(_.written_off_on.notnull()).select(
        "customer_id",
        "loan_id",
        day="written_off_on",
        known_on=_latest(loans.written_off_on, loans.posted_on),
        is_bad=True,
    )
    off = days.inner_join(written_off, "customer_id").filter(_.known_on <= _.cutoff_date)
    parts = [off.select("customer_id", "cutoff_date", "is_bad")]
    if bank.has("arrears"):
        parts.append(_past_due(bank, loans, days))
    found = ibis.union(*parts) if len(parts) > 1 else parts[0]
    return found.group_by(["customer_id", "cutoff_date"]).aggregate(is_in_default=_.is_bad.any())


def _past_due(bank: Bank, loans: ir.Table, days: ir.Table) -> ir.Table:
    """Whether the newest known report of each loan is past the threshold; only loans that ever were are looked at."""
    threshold = bank.spec.default_dpd
    reports = bank.table("arrears")
    ever = reports.filter(_.days_past_due >= threshold).select("loan_id").distinct()
    owners = loans.select("loan_id", "customer_id")
    rows = reports.semi_join(ever, "loan_id").inner_join(owners, "loan_id")
    known = days.inner_join(rows, "customer_id").filter(_.as_of <= _.cutoff_date, _.posted_on <= _.cutoff_date)
    newest = ibis.row_number().over(
        ibis.window(
            group_by=["customer_id", "cutoff_date", "loan_id"],
            order_by=[ibis.desc("as_of"), ibis.desc("posted_on"), ibis.desc("days_past_due")],
        )
    )
    last = known.mutate(place=newest).filter(_.place == 0)
    return last.select("customer_id", "cutoff_date", is_bad=_.days_past_due >= threshold)


def _buckets(bank: Bank, keys: ir.Table) -> ir.Table:
    """One row per customer: a bucket of 0 to 99, the same for all of one person or household."""
    customers = keys.select("customer_id").distinct().to_pyarrow()["customer_id"].to_pylist()
    heads = _heads(bank)
    buckets = [hash_bucket(heads.get(customer, customer)) for customer in customers]
    return ibis.memtable(
        pa.table({"customer_id": pa.array(customers, pa.string()), "hash_bucket": pa.array(buckets, pa.int64())})
    )


def hash_bucket(identifier: str) -> int:
    """The bucket of an id, from 0 to 99; the same in every bank and run."""
    return int.from_bytes(hashlib.blake2b(identifier.encode(), digest_size=8).digest(), "big") % BUCKETS


def _heads(bank: Bank) -> dict[str, str]:
    """For customers related as one person or household: the smallest id of all that are connected."""
    if not bank.has("relations"):
        return {}
    pairs = bank.table("relations").filter(_.relation.isin(SAME)).select("customer_id", "related_id").distinct()
    heads: dict[str, str] = {}

    def head(identifier: str) -> str:
        while heads.setdefault(identifier, identifier) != identifier:
            heads[identifier] = heads[heads[identifier]]
            identifier = heads[identifier]
        return identifier

    for row in pairs.to_pyarrow().to_pylist():
        one, other = sorted((head(row["customer_id"]), head(row["related_id"])))
        heads[other] = one
    return {identifier: head(identifier) for identifier in list(heads)}
