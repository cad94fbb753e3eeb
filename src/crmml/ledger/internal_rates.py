"""Internal rates by month and product: flat ones, quoted ones, and curves for money without a maturity."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
from ibis import _
from numpy.typing import NDArray

from crmml.economics import FTP_FAMILIES
from crmml.economics.curves import CurveRule
from crmml.errors import ConfigError, SourceError, did_you_mean
from crmml.ledger.funding import is_own_term, priced
from crmml.ledger.parameters import UNKNOWN, Products
from crmml.ledger.quotes import Floats, Quotes, read_quotes, require_fraction
from crmml.sources.bank import Bank


def curves_of(bank: Bank, products: Products) -> dict[str, Quotes]:
    """The curves that price a product held.

    Raises
    ------
    ConfigError
        If a product with a balance has no internal rate in its currency.
    SourceError
        If `rates` has no such curve, or it has a hole.
    """
    for family, currency, rule in zip(products.families, products.currencies, products.ftp_rules, strict=True):
        if family in FTP_FAMILIES and rule is None:
            raise ConfigError(
                f"economics lacks ftp for {family} in {currency}; expected it in economics.ftp or "
                f"economics.ftp_by_currency.{currency}",
                code="C011",
            )
    wanted = {rule.curve for rule in products.ftp_rules if isinstance(rule, CurveRule)}
    found = read_quotes(bank, "ftp", wanted)
    for name in sorted(wanted - set(found)):
        held = _keys(bank)
        raise SourceError(
            f"rates: there is no curve {name}, which economics.ftp names; expected rows of kind ftp, key {name} with "
            f"tenor_months. Curves there: {', '.join(held) or 'none'}.{did_you_mean(name, held)}",
            code="D038",
        )
    return found


def _keys(bank: Bank) -> list[str]:
    if not bank.has("rates"):
        return []
    rows = bank.table("rates").filter((_.kind == "ftp") & _.tenor_months.notnull())
    return sorted(rows.select("key").distinct().to_pyarrow()["key"].to_pylist())


def monthly_rates(
    bank: Bank, products: Products, curves: dict[str, Quotes], months: list[date], needed: NDArray[np.bool_]
) -> Floats:
    """Internal rates by month (rows) and product (columns), in force on the first day of the month.

    A flat rate gives way to rows `kind = ftp` of the table `rates` that are
    keyed by family and have no tenor. A curve is read at the family's
    behavioural tenor. Families without balances, and money with a term of its
    own (see `funding`), have none here. `needed` (of the same shape) marks the
    months in which a product has accounts and is asked for: only these must be
    covered.

    Raises
    ------
    SourceError
        If a curve does not cover a month or a tenor.
    """
    flat = [UNKNOWN if rule is None or isinstance(rule, CurveRule) else rule for rule in products.ftp_rules]
    rates = np.tile(np.array(flat, dtype=float), (len(months), 1))
    firsts = np.array(months, dtype="datetime64[D]")
    for place, rule in enumerate(products.ftp_rules):
        if isinstance(rule, CurveRule) and not is_own_term(rule):
            rows = np.flatnonzero(needed[:, place])
            tenors = np.full(len(rows), float(rule.tenor_months or 0))
            rates[rows, place] = priced(curves[rule.curve], firsts[rows], tenors, rule, bank, products.families[place])
    return _with_quoted(bank, products, months, rates)


def _with_quoted(bank: Bank, products: Products, months: list[date], rates: Floats) -> Floats:
    """Flat rates of families give way to what `rates` quotes for them, those of another currency's own table do not."""
    if not bank.has("rates"):
        return rates
    assert bank.spec.economics is not None
    apart = bank.spec.economics.ftp_by_currency
    flat = [
        None if isinstance(rule, CurveRule) or family in apart.get(currency, {}) else family
        for family, currency, rule in zip(products.families, products.currencies, products.ftp_rules, strict=True)
    ]
    quoted = bank.table("rates").filter((_.kind == "ftp") & _.tenor_months.isnull() & _.key.isin(FTP_FAMILIES))
    quoted = quoted.select("key", "valid_from", "posted_on", "rate").order_by("key", "valid_from").to_pandas()
    for row in quoted.itertuples():
        require_fraction("ftp", str(row.key), float(row.rate))
        known = pd.Timestamp(max(row.valid_from, row.posted_on)).date()
        since = np.array([month >= known for month in months])
        rates[np.ix_(since, np.array([family == row.key for family in flat]))] = row.rate
    return rates
