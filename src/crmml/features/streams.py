"""The streams features are counted on: one row per thing that happened to a customer.

Every stream has `customer_id`, `day` (its own date), `posted_on` (when the bank
knew) and columns of its own; `entity_id` where the newest row of each loan or
account is asked for. A state that begins and ends (an account, a loan, a
complaint) is two rows, its end known on the day it happened and not before: so
no dated column after the cut-off is ever read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.sources.bank import Bank
from crmml.sources.contract import DEPOSIT_FAMILIES
from crmml.sources.movements import accounts, customer_transactions, holders, movements

LONG_AGO = date(1900, 1, 1)
#: Days after which a contact without a response counts as unanswered.
PATIENCE = 60


@dataclass(frozen=True)
class Stream:
    """`build(holdings)` makes the relation; `source(bank)` names the table whose observation limits its windows."""

    build: Callable[[Holdings], ir.Table]
    source: Callable[[Bank], str]
    zh: str
    en: str


def _later(one: ir.Value, other: ir.Value) -> ir.Value:
    """The later of two days; a null says nothing."""
    return ibis.coalesce(ibis.greatest(one, other), one, other)


class Holdings:
    """A bank, and who holds which of its accounts, looked up once for all streams."""

    def __init__(self, bank: Bank) -> None:
        self.bank = bank

    @cached_property
    def holders(self) -> ir.Table:
        return holders(self.bank).select("account_id", "customer_id", "since", "until", held_posted_on="posted_on")

    @cached_property
    def accounts(self) -> ir.Table:
        """One row per account and holder: product, family, begin, known (posting), end (null: still held)."""
        joined = accounts(self.bank).inner_join(self.holders, "account_id")
        begin = ibis.coalesce(_later(joined.opened_on, joined.since), LONG_AGO)
        ends = ibis.coalesce(ibis.least(joined.closed_on, joined.until), joined.closed_on, joined.until)
        return joined.select(
            "customer_id",
            "account_id",
            "product_id",
            "family",
            begin=begin,
            known=ibis.coalesce(_later(joined.posted_on, joined.held_posted_on), begin),
            end=ibis.ifelse(ends < begin, begin, ends),
        )

    @cached_property
    def loans(self) -> ir.Table:
        """Loans by holder of their account."""
        held = self.accounts.select("customer_id", "account_id", "family", "known")
        return self.bank.table("loans").inner_join(held, "account_id")


def transactions(holdings: Holdings) -> ir.Table:
    """Bookings of the customer's accounts."""
    return customer_transactions(holdings.bank).rename(day="valued_on")


def balance_changes(holdings: Holdings) -> ir.Table:
    """Changes of the balances a customer holds; `amount` sums to the balance at the cut-off.

    Who comes to an account later gets its balance on that day; who leaves gives
    it up on the day of leaving.
    """
    joined = movements(holdings.bank).inner_join(holdings.holders, "account_id")
    came = joined.select(
        "customer_id",
        "account_id",
        "family",
        "amount",
        day=_later(joined.day, joined.since),
        posted_on=_later(_later(joined.posted_on, joined.held_posted_on), joined.account_posted_on),
        until="until",
    )
    left = came.filter(_.until.notnull()).mutate(
        amount=-_.amount, day=_later(_.day, _.until), posted_on=_later(_.posted_on, _.until)
    )
    columns = ["customer_id", "account_id", "family", "day", "posted_on", "amount"]
    return came[columns].union(left[columns])


def account_changes(holdings: Holdings) -> ir.Table:
    """Accounts taken (`change` 1) and given up (`change` -1)."""
    held = holdings.accounts
    keys = ("customer_id", "account_id", "product_id", "family")
    begun = held.select(*keys, change=1, day="begin", posted_on="known")
    ended = held.filter(_.end.notnull()).select(*keys, change=-1, day="end", posted_on=_later(held.known, held.end))
    return begun.union(ended)


def account_limits(holdings: Holdings) -> ir.Table:
    """Credit limits and rates of accounts as they were set; closing an account sets its limit to 0."""
    held = holdings.accounts
    terms = holdings.bank.table("account_terms").select(
        "account_id", "valid_from", "credit_limit", terms_posted_on="posted_on"
    )
    joined = terms.filter(_.credit_limit.notnull()).inner_join(held, "account_id")
    joined = joined.filter(_.end.isnull() | (_.valid_from < _.end))
    set_ = joined.select(
        "customer_id",
        "family",
        "credit_limit",
        entity_id="account_id",
        day=_later(joined.valid_from, joined.begin),
        posted_on=_later(joined.terms_posted_on, joined.known),
    )
    ended = held.filter(_.end.notnull()).select(
        "customer_id",
        "family",
        credit_limit=ibis.literal(0).cast("decimal(18, 2)"),
        entity_id="account_id",
        day="end",
        posted_on=_later(held.known, held.end),
    )
    return set_.union(ended[set_.columns])


def loan_changes(holdings: Holdings) -> ir.Table:
    """Loans granted (`change` 1) and ended by repayment or write-off (`change` -1), with their instalment."""
    loans = holdings.loans
    granted = loans.select(
        "customer_id",
        "family",
        "principal",
        "instalment",
        entity_id="loan_id",
        change=1,
        due_on=(loans.granted_on + loans.term_months.as_interval("M")).cast("date"),
        day="granted_on",
        posted_on=_later(loans.posted_on, loans.known),
    )
    ended = loans.mutate(
        ended=ibis.coalesce(ibis.least(_.closed_on, _.written_off_on), _.closed_on, _.written_off_on)
    ).filter(_.ended.notnull())
    closing = ended.select(
        "customer_id",
        "family",
        principal=-ended.principal,
        instalment=-ended.instalment,
        entity_id="loan_id",
        change=-1,
        due_on=ibis.null("date"),
        day="ended",
        posted_on=_later(_later(ended.posted_on, ended.known), ended.ended),
    )
    return granted.union(closing[granted.columns])


def loan_states(holdings: Holdings) -> ir.Table:
    """States of loans as reported; a repaid loan owes nothing from that day."""
    loans = holdings.loans.mutate(repaid_on=_repaid_on)
    linked = loans.select("loan_id", "customer_id", "family", "known", "repaid_on")
    rows = holdings.bank.table("arrears").inner_join(linked, "loan_id")
    rows = rows.filter(_.repaid_on.isnull() | (_.as_of < _.repaid_on))
    reported = rows.select(
        "customer_id",
        "family",
        "days_past_due",
        "overdue_amount",
        "outstanding",
        entity_id="loan_id",
        is_report=True,
        day="as_of",
        posted_on=_later(rows.posted_on, rows.known),
    )
    closed = loans.filter(_.repaid_on.notnull())
    nothing = ibis.literal(0).cast("decimal(18, 2)")
    repaid = closed.select(
        "customer_id",
        "family",
        days_past_due=ibis.literal(0).cast("int64"),
        overdue_amount=nothing,
        outstanding=nothing,
        entity_id="loan_id",
        is_report=False,
        day="repaid_on",
        posted_on=_later(_later(closed.posted_on, closed.known), closed.repaid_on),
    )
    return reported.union(repaid[reported.columns])


def _repaid_on(loans: ir.Table) -> ir.Value:
    """A loan that was written off is closed, but not repaid."""
    before_write_off = loans.written_off_on.isnull() | (loans.closed_on < loans.written_off_on)
    return ibis.ifelse(before_write_off, loans.closed_on, None)


def customer_events(holdings: Holdings) -> ir.Table:
    """Events that happened (`change` 1) and were closed (`change` -1) after so many days (`lasted`)."""
    events = holdings.bank.table("events")
    happened = events.select(
        "customer_id", "kind", change=1, day="happened_on", posted_on="posted_on", lasted=ibis.null("int64")
    )
    closed = events.filter(_.closed_on.notnull())
    ended = closed.select(
        "customer_id",
        "kind",
        change=-1,
        day="closed_on",
        posted_on=_later(closed.posted_on, closed.closed_on),
        lasted=closed.closed_on.delta(closed.happened_on, unit="day").cast("int64"),
    )
    return happened.union(ended)


def contact_steps(holdings: Holdings) -> ir.Table:
    """Steps of campaigns: assigned, contacted, responded, unanswered for 60 days, each on its own day.

    What a bank writes down as the outcome has no day of its own; that nobody
    answered for 60 days is known on that day.
    """
    contacts = holdings.bank.table("contacts")
    contacts = contacts.mutate(waited_until=(contacts.contacted_on + ibis.interval(days=PATIENCE)).cast("date"))
    unanswered = contacts.filter(_.responded_on.isnull() | (_.responded_on > _.waited_until))
    steps = [("assigned", contacts, "assigned_on")]
    steps += [(step, contacts.filter(contacts[day].notnull()), day) for step, day in _LATER_STEPS]
    steps.append(("unanswered", unanswered.filter(_.waited_until.notnull()), "waited_until"))
    tables = [
        rows.select(
            "customer_id",
            "product_id",
            step=ibis.literal(step),
            day=rows[day],
            posted_on=_later(rows.posted_on, rows[day]),
        )
        for step, rows, day in steps
    ]
    return ibis.union(*tables)


def payments(holdings: Holdings) -> ir.Table:
    """Bookings of deposit accounts with someone else's account, and whether that lies at another bank.

    An account lies at another bank unless it was known, when the booking was
    posted, as one of this bank's.
    """
    rows = customer_transactions(holdings.bank).rename(day="valued_on")
    rows = rows.filter(_.family.isin(DEPOSIT_FAMILIES), ~_.is_own_transfer, _.counterparty_account.notnull())
    ours = accounts(holdings.bank).select(
        counterparty_account="account_id", opened_on="opened_on", opened_posted_on="posted_on"
    )
    joined = rows.left_join(ours, "counterparty_account").drop("counterparty_account_right")
    is_ours = (joined.opened_on <= joined.day) & (
        joined.opened_posted_on.isnull() | (joined.opened_posted_on <= joined.posted_on)
    )
    return joined.mutate(is_outside=~is_ours.fill_null(False)).drop("opened_on", "opened_posted_on")


def maturities(holdings: Holdings) -> ir.Table:
    """When time deposits fall due, as agreed (`matures_on`), and how the money on them moved (`amount`)."""
    held = holdings.accounts.filter(_.family == "time_deposit")
    terms = holdings.bank.table("account_terms").select(
        "account_id", "valid_from", "matures_on", terms_posted_on="posted_on"
    )
    agreed = terms.filter(_.matures_on.notnull()).inner_join(held, "account_id")
    stated = agreed.select(
        "customer_id",
        "account_id",
        "matures_on",
        day=_later(agreed.valid_from, agreed.begin),
        posted_on=_later(agreed.terms_posted_on, agreed.known),
        amount=ibis.literal(0).cast("decimal(18, 2)"),
    )
    money = balance_changes(holdings).filter(_.family == "time_deposit").mutate(matures_on=ibis.null("date"))
    return stated.union(money[stated.columns])


def relations(holdings: Holdings) -> ir.Table:
    """Related customers (step `related`, `change` 1 and -1), and when one of them left or fell into default.

    A relation counts both ways. What happened to a related customer counts
    while the relation held, on its own day, known when both were.
    """
    pairs = _pairs(holdings.bank)
    begun = pairs.select("customer_id", "related_id", change=1, day="since", posted_on="known")
    ended = pairs.filter(_.until.notnull()).select(
        "customer_id", "related_id", change=-1, day="until", posted_on=_later(pairs.known, pairs.until)
    )
    own = begun.union(ended).mutate(step=ibis.literal("related"))
    ends = _ends_of_customers(holdings)
    joined = pairs.inner_join(ends, "related_id")
    joined = joined.filter(joined.until.isnull() | (joined.until > joined.day))
    happened = joined.select(
        "customer_id", "related_id", "day", "step", change=0, posted_on=_later(joined.known, joined.posted_on)
    )
    return own.union(happened[own.columns])


def _pairs(bank: Bank) -> ir.Table:
    """Each relation from both sides: customer_id, related_id, since, until, known."""
    rows = bank.table("relations")
    rows = rows.filter(_.customer_id != _.related_id).mutate(since=_.since.coalesce(LONG_AGO))
    told = rows.select("customer_id", "related_id", "since", "until", known=_.posted_on.coalesce(_.since))
    other = told.select("since", "until", "known", customer_id="related_id", related_id="customer_id")
    return told.union(other[told.columns])


def _ends_of_customers(holdings: Holdings) -> ir.Table:
    """Days on which customers left, or were reported in default or written off."""
    bank = holdings.bank
    left = bank.table("customers").filter(_.left_on.notnull())
    tables = [
        left.select(
            related_id="customer_id", day="left_on", posted_on=_later(left.posted_on, left.left_on),
            step=ibis.literal("left"),
        )
    ]  # fmt: skip
    if bank.has("arrears") and bank.has("loans"):
        bad = loan_states(holdings).filter(_.days_past_due >= bank.spec.default_dpd)
        tables.append(bad.select("day", "posted_on", related_id="customer_id", step=ibis.literal("default")))
    if bank.has("loans"):
        lost = holdings.loans.filter(_.written_off_on.notnull())
        tables.append(
            lost.select(
                day="written_off_on",
                posted_on=_later(_later(lost.posted_on, lost.known), lost.written_off_on),
                related_id="customer_id",
                step=ibis.literal("default"),
            )
        )
    columns = ["related_id", "day", "posted_on", "step"]
    return ibis.union(*(table[columns] for table in tables)) if len(tables) > 1 else tables[0][columns]


_LATER_STEPS = (("contacted", "contacted_on"), ("responded", "responded_on"))


def activity(holdings: Holdings) -> ir.Table:
    """Values of the measures the bank holds per customer and period."""
    rows = holdings.bank.table("activity")
    return rows.select("customer_id", "measure", "value", entity_id="measure", day="period_end", posted_on="posted_on")


def _balance_source(bank: Bank) -> str:
    return "balances" if bank.has("balances") else "transactions"


def _named(table: str) -> Callable[[Bank], str]:
    return lambda bank: table if bank.has(table) else "customers"


STREAMS: Mapping[str, Stream] = {
    "transactions": Stream(transactions, _named("transactions"), "交易流水", "bookings"),
    "balances": Stream(balance_changes, _balance_source, "账户余额", "account balances"),
    "accounts": Stream(account_changes, _named("accounts"), "账户", "accounts"),
    "account_terms": Stream(account_limits, _named("account_terms"), "账户授信条件", "limits of accounts"),
    "loans": Stream(loan_changes, _named("loans"), "贷款台账", "loans"),
    "arrears": Stream(loan_states, _named("arrears"), "逾期记录", "arrears"),
    "events": Stream(customer_events, _named("events"), "客户事件", "events of customers"),
    "contacts": Stream(contact_steps, _named("contacts"), "营销接触记录", "campaign contacts"),
    "payments": Stream(payments, _named("transactions"), "往来对手的交易", "bookings with others"),
    "maturities": Stream(maturities, _named("account_terms"), "定期到期日", "maturities of time deposits"),
    "relations": Stream(relations, _named("relations"), "客户关系", "relations of customers"),
    "activity": Stream(activity, _named("activity"), "活动汇总", "activity aggregates"),
}


def ledger_rows(ledger: ir.Table) -> ir.Table:
    """Contribution by account and month; a closed month never changes, so it is known at its end."""
    return ledger.mutate(day=ledger.month_end, posted_on=ledger.month_end)
