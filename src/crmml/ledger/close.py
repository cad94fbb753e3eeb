"""The contribution of account-months, from their states to cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from crmml.economics import CREDIT_FAMILIES, DEPOSIT_FAMILIES, Economics
from crmml.economics.capital import capital_charge
from crmml.economics.interest import interest
from crmml.economics.loss import exposure_at_default, loss_of_days, remaining_loss
from crmml.economics.returns import tax
from crmml.economics.shares import split_cents, to_cents
from crmml.ledger.bookings import MICRO
from crmml.ledger.capital import CapitalRule, given
from crmml.ledger.funding import is_own_term
from crmml.ledger.parameters import Products, default_probabilities

Floats = NDArray[np.float64]
Cents = NDArray[np.int64]
COMPONENTS = ("margin", "fees", "expected_loss", "service_cost", "capital_charge")
BESIDE = ("tax", "capital", "risk_exposure", "leverage_exposure", "ftp_interest")
BEFORE, IN, AFTER = 0, 1, 2


@dataclass(frozen=True)
class Prices:
    """What closing a month needs beside the states."""

    economics: Economics
    products: Products
    ftp: Floats
    capital: CapitalRule
    months: tuple[date, ...]

    @property
    def is_own_term(self) -> NDArray[np.bool_]:
        return np.array([is_own_term(rule) for rule in self.products.ftp_rules], dtype=bool)


def close(rows: pa.Table, prices: Prices) -> pa.Table:
    """Ledger rows of whole accounts, one per account, month and holder, in cents.

    `rows` holds the states, repeated for each holder, in the order account,
    month, customer. Components are computed once per account-month, rounded to
    cents, and split over the holders by largest remainder, so that all sums
    over customers are those over accounts.
    """
    account = rows["account_number"].to_numpy().astype(np.int64)
    month = rows["month_number"].to_numpy().astype(np.int64)
    is_first = np.r_[True, (account[1:] != account[:-1]) | (month[1:] != month[:-1])] if len(account) else account == 0
    group = np.cumsum(is_first) - 1
    states = _States.of(rows, np.flatnonzero(is_first), account, month)
    whole = components(states, prices)
    whole["balance_days"] = states.cents("balance_days")
    whole["balance_average"] = to_cents(whole["balance_days"] / states.days / 100)
    whole["interest_booked"] = states.cents("interest_booked")
    weights = holder_weights(_floats(rows, "share"), group)
    parts = {name: split_cents(cents, group, weights) for name, cents in whole.items()}
    parts["contribution"] = parts["margin"] + parts["fees"] - sum(parts[name] for name in COMPONENTS[2:])
    keys = rows.select(["account_number", "month_number", "customer_id"])
    for name, cents in parts.items():
        keys = keys.append_column(name, pa.array(cents))
    return keys


def close_months(rows: pa.Table, prices: Prices) -> dict[str, Cents]:
    """The components of account-months, one row each, in the order account, month: `close` without holders."""
    account = rows["account_number"].to_numpy().astype(np.int64)
    month = rows["month_number"].to_numpy().astype(np.int64)
    return components(_States.of(rows, np.arange(len(account)), account, month), prices)


def components(states: _States, prices: Prices) -> dict[str, Cents]:
    """The five components of every account-month, tax, and what they are made of, in cents; costs are positive.

    Tax is that of the profit before it, contribution + capital charge.
    """
    internal, capital = _internal_interest(states, prices), _capital(states, prices)
    economics = prices.economics
    charge = capital_charge(capital["capital"], hurdle=economics.hurdle, days=states.days, basis=economics.day_count)
    whole = {
        "margin": to_cents(_margin(states, prices, internal)),
        "fees": states.cents("fees"),
        "expected_loss": _expected_loss(states, prices),
        "service_cost": to_cents(_service_cost(states, prices)),
        "capital_charge": to_cents(charge),
        "ftp_interest": to_cents(internal),
        **{name: to_cents(amount) for name, amount in capital.items()},
    }
    profit = whole["margin"] + whole["fees"] - whole["expected_loss"] - whole["service_cost"]
    whole["tax"] = to_cents(tax(profit / 100, rate=economics.tax_rate))
    return whole


def _margin(states: _States, prices: Prices, internal: Floats) -> Floats:
    """Deposits: internal less paid interest; credit: received less internal; 0 for families without balances."""
    is_deposit, is_credit = states.is_deposit(prices), states.is_lent(prices)
    basis = prices.economics.day_count
    on_deposit = internal - states.money("interest_balance") / basis
    on_credit = states.money("interest_drawn") / basis + internal
    return np.where(is_deposit, on_deposit, np.where(is_credit, on_credit, 0.0))


def _internal_interest(states: _States, prices: Prices) -> Floats:
    """What the treasury pays for a deposit (positive) or takes for a loan (negative), in currency."""
    basis = prices.economics.day_count
    rate = np.nan_to_num(prices.ftp[states.month, states.product])
    on_deposit = interest(rate, states.money("balance_days"), basis=basis)
    on_credit = interest(rate, states.money("drawn_days"), basis=basis)
    if "ftp_balance" in states.rows.column_names:
        own_term = prices.is_own_term[states.product]
        on_deposit = np.where(own_term, states.money("ftp_balance") / basis, on_deposit)
        on_credit = np.where(own_term, states.money("ftp_drawn") / basis, on_credit)
    return np.where(states.is_deposit(prices), on_deposit, np.where(states.is_lent(prices), -on_credit, 0.0))


def _expected_loss(states: _States, prices: Prices) -> Cents:
    """PD × LGD × EAD by days before the month of default, what remains of LGD × EAD in it, nothing after.

    The PD is that of the arrears known when the month began.
    """
    products, basis = prices.products, prices.economics.day_count
    credit = states.flag("is_credit")
    lgd = given(products.lgd[states.product], credit.astype(np.float64), products, states.product, "lgd") * credit
    unused = states.money("unused_days") + states.money("unused_start") + states.money("unused_end")
    ccf = given(products.ccf_ead[states.product], credit * unused, products, states.product, "ccf_ead")
    prob_default = default_probabilities(
        prices.economics,
        products,
        list(prices.months),
        states.month,
        states.product,
        states.cents("days_past_due"),
    )
    days = states.days
    average = exposure_at_default(states.money("drawn_days") / days, states.money("unused_days") / days, ccf)
    stage = states.cents("default_stage")
    loss = to_cents(np.where(stage == BEFORE, loss_of_days(prob_default, lgd, average, days=days, basis=basis), 0.0))
    ead = np.maximum(
        exposure_at_default(states.money("drawn_start"), states.money("unused_start"), ccf),
        exposure_at_default(states.money("drawn_end"), states.money("unused_end"), ccf),
    )
    final = to_cents(remaining_loss(lgd, ead, charged_before(loss, states.account) / 100))
    return np.where(stage == IN, final, loss)


def charged_before(loss: Cents, account: Cents) -> Cents:
    """The running sum of `loss` over each account's earlier rows; accounts stand together, months in order.

    >>> charged_before(np.array([1, 2, 4, 8]), np.array([0, 0, 0, 1])).tolist()
    [0, 1, 3, 0]
    """
    total = np.cumsum(loss) - loss
    starts = np.searchsorted(account, account, side="left")
    return total - total[starts] if len(total) else total


def _service_cost(states: _States, prices: Prices) -> Floats:
    open_months = np.where(states.flag("is_open"), prices.products.cost_per_month[states.product], 0.0)
    return open_months + states.cents("work") / MICRO


def _capital(states: _States, prices: Prices) -> dict[str, Floats]:
    """Capital by the measure that binds the bank, and both exposures, of the daily averages of each month."""
    credit = states.flag("is_credit")
    return prices.capital.capital(
        prices.economics,
        prices.products,
        month=states.month,
        product=states.product,
        drawn=credit * states.money("net_drawn_days") / states.days,
        unused=credit * states.money("unused_days") / states.days,
    )


def holder_weights(share: Floats, group: Cents) -> Floats:
    """Shares of the holders of each account-month; holders without one share what the others leave, equally.

    >>> holder_weights(np.array([0.5, np.nan, np.nan]), np.array([0, 0, 0])).tolist()
    [0.5, 0.25, 0.25]
    """
    unknown = np.isnan(share)
    stated = np.bincount(group, np.nan_to_num(share))
    lacking = np.bincount(group, unknown)
    left = np.maximum(0.0, 1.0 - stated) / np.maximum(lacking, 1)
    weights = np.where(unknown, left[group], share)
    is_void = (np.bincount(group, weights) <= 0)[group]
    return np.where(is_void, 1.0, weights)


@dataclass(frozen=True)
class _States:
    """The account-months among the rows, as arrays."""

    rows: pa.Table
    account: Cents
    month: Cents
    product: Cents
    days: Floats

    @classmethod
    def of(cls, rows: pa.Table, firsts: Cents, account: Cents, month: Cents) -> _States:
        table = rows.take(pa.array(firsts))
        product = table["product_number"].to_numpy().astype(np.int64)
        return cls(table, account[firsts], month[firsts], product, _floats(table, "days"))

    def cents(self, name: str) -> Cents:
        return self.rows[name].to_numpy().astype(np.int64)

    def money(self, name: str) -> Floats:
        return _floats(self.rows, name) / 100

    def is_deposit(self, prices: Prices) -> NDArray[np.bool_]:
        return np.isin(np.array(prices.products.families, dtype=object), DEPOSIT_FAMILIES)[self.product]

    def is_lent(self, prices: Prices) -> NDArray[np.bool_]:
        return np.isin(np.array(prices.products.families, dtype=object), CREDIT_FAMILIES)[self.product]

    def flag(self, name: str) -> NDArray[np.bool_]:
        return self.rows[name].to_numpy().astype(bool)


def _floats(rows: pa.Table, name: str) -> Floats:
    return rows[name].to_numpy().astype(np.float64)
