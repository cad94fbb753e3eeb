"""The ledger: contribution of every account, customer and month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

import ibis
import ibis.expr.types as ir
import numpy as np
from ibis import _
from ibis.util import gen_name
from numpy.typing import NDArray

from crmml.economics import CREDIT_FAMILIES, DEPOSIT_FAMILIES, CurveRule
from crmml.errors import ConfigError
from crmml.ledger.capital import capital_rule
from crmml.ledger.close import BESIDE, COMPONENTS, Prices, close
from crmml.ledger.internal_rates import curves_of, monthly_rates
from crmml.ledger.parameters import Products, product_parameters, require_economics
from crmml.ledger.scratch import Scratch, scratch
from crmml.ledger.states import FUNDING_STATES, AccountMonths, account_months, with_currency
from crmml.periods import month_end
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, balance_basis, holders

ACCOUNTS_AT_ONCE = 50_000
MONEY = ("balance_average", *COMPONENTS, "contribution", "balance_days", "interest_booked", *BESIDE)
_STATES = [
    "account_number", "month_number", "product_number", "days", "is_credit", "is_open", "default_stage",
    "balance_days", "drawn_days", "net_drawn_days", "unused_days", "interest_balance", "interest_drawn",
    "drawn_start", "drawn_end", "unused_start", "unused_end", "days_past_due", "fees", "interest_booked", "work",
]  # fmt: skip


def build_ledger(bank: Bank, first: date, last: date) -> ir.Table:
    """Contribution of every account, customer and month from the month of `first` to that of `last`.

    By booking date, as a general ledger: a row counts from the day it was
    posted, so a closed month never changes and past contribution was known at
    the month's end. Costs, losses and charges are positive numbers; contribution
    = margin + fees - expected_loss - service_cost - capital_charge, exactly.
    What nobody was known to hold has a null customer.

    Returns
    -------
    account_id, customer_id, product_id, family, branch_id, month_end,
    balance_average, margin, fees, expected_loss, service_cost, capital_charge,
    contribution, balance_days, interest_booked, tax, capital, risk_exposure,
    leverage_exposure, ftp_interest (all DECIMAL(18,2)) and balance_basis (daily, month_end, sparse), kept in the bank's connection.

    Raises
    ------
    ConfigError
        If the economics lack a parameter of a family the bank holds.
    ValueError
        If `last` lies before `first`.
    """
    last = month_end(last)
    if last < first:
        raise ValueError(f"a ledger ends after it begins, got {first} to {last}")
    with scratch(bank.connection) as room:
        opened = open_months(bank, first, last, room)
        numbers = opened.found.accounts.select("account_id", "account_number")
        held = _known_holders(bank).join(numbers, "account_id")
        rows = room.keep(_with_holders(opened.states, held).select(*opened.names, "customer_id", "share"))
        closed = _close_by_accounts(rows, opened.prices, room)
        return _finish(bank, closed, opened.found, month_end(first))


@dataclass(frozen=True)
class OpenMonths:
    """Account-months before they are closed: their states, the `names` of what closing reads, and the prices."""

    found: AccountMonths
    states: ir.Table
    names: tuple[str, ...]
    prices: Prices


def open_months(bank: Bank, first: date, last: date, room: Scratch) -> OpenMonths:
    """The states of every account-month from the bank's first to that of `last`, with the prices of each."""
    held = with_currency(bank).select("product_id", "family", "currency").distinct().to_pandas()
    economics = require_economics(bank, set(held["family"]))
    products = product_parameters(bank, held, economics)
    _require_rates(bank, products)
    curves = curves_of(bank, products)
    found = account_months(bank, economics, products, curves, first, last, room)
    states = room.keep(_not_empty(found.states))
    months = list(found.calendar.months)
    rule = capital_rule(states, economics, products, months)
    ftp = monthly_rates(bank, products, curves, months, _needed(states, products, months, first))
    own = [name for name in FUNDING_STATES if name in states.columns]
    return OpenMonths(found, states, (*_STATES, *own), Prices(economics, products, ftp, rule, tuple(months)))


def _not_empty(states: ir.Table) -> ir.Table:
    """Account-months with something in them, and their drawn days net of provisions."""
    amounts = ("balance_days", "fees", "interest_booked", "work")
    has_amount = reduce(or_, (states[name] != 0 for name in amounts))
    kept = states.filter(states.is_open | has_amount | (states.default_stage == 1))
    return kept.mutate(net_drawn_days=ibis.greatest(_.drawn_days - _.provision * _.days, 0))


def _needed(states: ir.Table, products: Products, months: list[date], first: date) -> NDArray[np.bool_]:
    """Months (rows) and products (columns) of which the ledger asked for has rows priced on a curve."""
    needed = np.zeros((len(months), len(products.ids)), dtype=bool)
    if any(isinstance(rule, CurveRule) for rule in products.ftp_rules):
        pairs = states.select("month_number", "product_number").distinct().to_pandas()
        needed[pairs["month_number"], pairs["product_number"]] = True
        needed[: sum(month < first.replace(day=1) for month in months)] = False
    return needed


def _require_rates(bank: Bank, products: Products) -> None:
    """Every account with a balance to bear interest has a rate, from somewhere."""
    bare = [
        product
        for product, family, rate in zip(products.ids, products.families, products.base_rate, strict=True)
        if family in DEPOSIT_FAMILIES + CREDIT_FAMILIES and rate != rate
    ]
    lacking = accounts(bank).filter(_.product_id.isin(bare)).select("account_id", "family")
    for table in ("account_terms", "loans"):
        if bank.has(table):
            lacking = lacking.anti_join(bank.table(table).filter(_.interest_rate.notnull()), "account_id")
    found = lacking.group_by("family").aggregate(n=_.count()).order_by("family").to_pandas()
    if len(found):
        counts = ", ".join(f"{row.n:,} {row.family}" for row in found.itertuples())
        raise ConfigError(
            f"{bank.spec.name}: {counts} accounts have no interest rate in account_terms, loans or products; "
            "expected one there or in economics.paid_rate",
            code="C011",
        )


def _known_holders(bank: Bank) -> ir.Table:
    """Who holds which account, known once both the holding and the account are."""
    known = accounts(bank).select("account_id", account_posted_on="posted_on")
    held = holders(bank).join(known, "account_id")
    return held.mutate(posted_on=ibis.greatest(held.posted_on, held.account_posted_on)).drop("account_posted_on")


def _with_holders(states: ir.Table, held: ir.Table) -> ir.Table:
    """States repeated for each owner and joint holder on the last day of the month, or of the account in it."""
    keys = states.select("account_number", "month_number", "month_end", "closed_on")
    keys = keys.mutate(day=ibis.least(_.month_end, ibis.coalesce(_.closed_on, _.month_end)))
    joined = keys.join(held, "account_number")
    is_known = joined.posted_on.isnull() | (joined.posted_on <= joined.month_end)
    is_held = (joined.since.isnull() | (joined.since <= joined.day)) & (
        joined.until.isnull()
        | (joined.until > joined.day)
        | ((joined.until == joined.day) & (joined.closed_on <= joined.day))
    )
    holding = (
        joined.filter(is_known & is_held)
        .group_by(["account_number", "month_number", "customer_id"])
        .aggregate(share=_.share.cast("float64").max())
    )
    return states.left_join(holding, ["account_number", "month_number"]).drop(
        "account_number_right", "month_number_right"
    )


def _close_by_accounts(rows: ir.Table, prices: Prices, room: Scratch) -> ir.Table:
    """Close the states of some accounts at a time, so that memory does not grow with the bank."""
    last = rows.account_number.max().to_pyarrow().as_py() or 0
    closed: ir.Table | None = None
    for start in range(0, last + 1, ACCOUNTS_AT_ONCE):
        some = rows.filter((_.account_number >= start) & (_.account_number < start + ACCOUNTS_AT_ONCE))
        part = close(some.order_by("account_number", "month_number", "customer_id").to_pyarrow(), prices)
        if closed is None:
            closed = room.keep(part)
        else:
            room.append(closed, part)
    return closed


def _finish(bank: Bank, closed: ir.Table, found: AccountMonths, first_end: date) -> ir.Table:
    """The closed rows with their names, cents as decimals, from the first month asked for."""
    cent = ibis.literal(0.01).cast("decimal(3, 2)")
    months = found.calendar.table().select("month_number", "month_end")
    names = found.accounts.select("account_number", "account_id", "product_id", "family", "branch_id")
    named = closed.join(months.filter(_.month_end >= first_end), "month_number").join(names, "account_number")
    ledger = named.select(
        "account_id", "customer_id", "product_id", "family", "branch_id", "month_end",
        **{column: (named[column] * cent).cast("decimal(18, 2)") for column in MONEY},
        balance_basis=ibis.literal(balance_basis(bank)),
    )  # fmt: skip
    return bank.connection.create_table(gen_name("ledger"), ledger, temp=True)
