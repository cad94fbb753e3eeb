"""Accounts in another currency, in the bank's own: the average rate of exchange of each month."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from crmml.errors import SourceError
from crmml.ledger.parameters import Products
from crmml.ledger.quotes import Days, Quotes, read_quotes, refuse_holes
from crmml.periods import month_end
from crmml.sources.bank import Bank

SCALE = 10
CENTS = (
    "balance_days", "drawn_days", "unused_days", "drawn_start", "drawn_end", "unused_start", "unused_end", "fees",
    "interest_booked", "provision",
)  # fmt: skip
FLOATS = ("interest_balance", "interest_drawn", "ftp_balance", "ftp_drawn")


def in_own_currency(states: ir.Table, bank: Bank, products: Products, months: list[date]) -> ir.Table:
    """The states of account-months, those of foreign accounts at the average rate of the month.

    All of a month, balances and bookings alike, is converted at one rate: the
    mean over its days of the rate in force (units of the bank's currency for
    one of the other), of ten decimals. Cents are rounded per account and month,
    halves away from zero. Work by channel is priced in the bank's currency
    already.

    Raises
    ------
    SourceError
        If a currency has no rate in a month in which an account stands in it.

    References
    ----------
    .. [1] IAS 21, The Effects of Changes in Foreign Exchange Rates, 22 and 40 (an average rate for a period).
    """
    foreign = [place for place, currency in enumerate(products.currencies) if currency != bank.spec.currency]
    if not foreign:
        return states
    held = states.filter(_.product_number.isin(foreign)).select("product_number", "month_number").distinct()
    needed = held.to_pandas()
    needed["currency"] = [products.currencies[place] for place in needed["product_number"]]
    rates = monthly_averages(bank, needed, months)
    table = ibis.memtable(rates, schema={"product_number": "int64", "month_number": "int64", "fx": "decimal(38, 10)"})
    joined = states.left_join(table, ["product_number", "month_number"])
    return joined.mutate(
        **{name: _cents(joined, name) for name in CENTS},
        **{
            name: joined[name] * ibis.coalesce(joined.fx.cast("float64"), 1.0)
            for name in FLOATS
            if name in states.columns
        },
    ).select(*states.columns)


def _cents(joined: ir.Table, name: str) -> ir.Value:
    exact = joined[name].cast("decimal(38, 10)") * joined.fx
    return ibis.ifelse(joined.fx.isnull(), joined[name], exact.round(0).cast("int64"))


def monthly_averages(bank: Bank, needed: pd.DataFrame, months: list[date]) -> pd.DataFrame:
    """One row per product and month in `needed`, with `fx`, the average rate as an exact decimal text."""
    found = read_quotes(bank, "fx", needed["currency"])
    rows = []
    for currency, place in needed[["currency", "month_number"]].drop_duplicates().itertuples(index=False):
        fx = average_rate(found.get(currency), currency, months[place], bank)
        alike = needed[(needed["currency"] == currency) & (needed["month_number"] == place)]
        rows += [(int(product), int(place), fx) for product in alike["product_number"]]
    return pd.DataFrame(rows, columns=["product_number", "month_number", "fx"])


def average_rate(quotes: Quotes | None, currency: str, month: date, bank: Bank) -> str:
    """The mean rate over the days of a month on which one was in force, rounded to ten decimals."""
    days: Days = np.datetime64(month, "D") + np.arange(month_end(month).day)
    places = np.array([], dtype=np.int64) if quotes is None else quotes.place(days)
    if quotes is None or not (places >= 0).any():
        begin = "none at all" if quotes is None else f"the first is of {quotes.first}"
        raise SourceError(
            f"rates: {currency} has no rate of exchange in {month:%Y-%m}, in which accounts stand in it ({begin}); "
            f"expected rows of kind fx, key {currency}: units of {bank.spec.currency} for one {currency}",
            code="D015",
        )
    gap = None if bank.spec.economics is None else bank.spec.economics.rate_gap_months
    refuse_holes(quotes, days[-1:], gap, needed_by=f"accounts in {currency}")
    units = [_units(quotes.points[place][1][0], currency, bank) for place in places[places >= 0]]
    mean = (2 * sum(units) + len(units)) // (2 * len(units))
    return f"{mean // 10**SCALE}.{mean % 10**SCALE:0{SCALE}d}"


def _units(rate: float, currency: str, bank: Bank) -> int:
    if not 0 < rate < 1e6:
        raise SourceError(
            f"rates: a rate of exchange of {currency} is {rate}; expected units of {bank.spec.currency} for one "
            f"{currency}, above 0",
            code="D015",
        )
    return round(rate * 10**SCALE)
