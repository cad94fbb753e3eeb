"""What borrowers owe at a cut-off, and what would be owed and lost at default: account by account."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from ibis import _

from crmml.economics.loss import exposure_at_default
from crmml.ledger.capital import given
from crmml.ledger.close import holder_weights
from crmml.ledger.exchange import average_rate
from crmml.ledger.parameters import product_parameters, require_economics
from crmml.ledger.quotes import read_quotes
from crmml.ledger.standing import known_arrears
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts, holders, movements

Floats = npt.NDArray[np.float64]
COLUMNS = [
    "customer_id",
    "account_id",
    "product_id",
    "family",
    "currency",
    "share",
    "days_past_due",
    "drawn",
    "unused",
    "ead",
    "lgd",
    "ead_source",
]


def credit_exposures(bank: Bank, day: date) -> pd.DataFrame:
    """The loan accounts of a day with exposure at default and loss given default.

    Accounts with a loan granted by `day`, neither closed nor written off then, as known on that day. The drawn
    amount is the balance owed; where a bank has no balances, what its arrears report as outstanding
    (`ead_source`). EAD = drawn + `ccf_ead` × unused limit, LGD by family from the bank's economics; a joint account
    is shared by its holders.

    Returns
    -------
    DataFrame
        One row per customer and account: `customer_id, account_id, product_id, family, currency, share,
        days_past_due, drawn, unused, ead, lgd, ead_source`; amounts are the holder's part in
        the bank's currency, a foreign account's at the average rate of the month.

    Raises
    ------
    ConfigError
        C011 if the economics lack the LGD or a conversion factor of an account with exposure.
    SourceError
        D015 if a foreign account's currency has no rate of exchange.
    """
    if not bank.has("loans"):
        return pd.DataFrame(columns=COLUMNS)
    held = _loan_accounts(bank, day).to_pandas()
    if held.empty:
        return pd.DataFrame(columns=COLUMNS)
    held = held.sort_values(["account_id", "customer_id"], ignore_index=True)
    for table in (_drawn(bank, day), _limits(bank, day), _arrears(bank, day)):
        if table is not None:
            held = held.merge(table.to_pandas(), on="account_id", how="left")
    return _priced(bank, held.assign(**{name: np.nan for name in _OPTIONAL if name not in held}), day)


_OPTIONAL = ("owed", "credit_limit", "days_past_due", "outstanding")


def _loan_accounts(bank: Bank, day: date) -> ir.Table:
    """The accounts of running loans and who holds them: account_id, customer_id, product_id, family, currency, given."""
    loans = bank.table("loans").filter(_.granted_on <= day)
    for end in ("closed_on", "written_off_on"):
        loans = loans.filter(loans[end].isnull() | (loans[end] > day))
    theirs = holders(bank)
    theirs = theirs.filter(
        theirs.since.isnull() | (theirs.since <= day),
        theirs.until.isnull() | (theirs.until > day),
        theirs.posted_on.isnull() | (theirs.posted_on <= day),
    )
    told = accounts(bank).select("account_id", "product_id", "family", "currency")
    running = loans.select("account_id").distinct().join(told, "account_id")
    return running.join(theirs.select("account_id", "customer_id", given=theirs.share.cast("float64")), "account_id")


def _drawn(bank: Bank, day: date) -> ir.Table | None:
    """What is owed on an account at the end of the day: account_id, owed."""
    if not (bank.has("balances") or bank.has("transactions")):
        return None
    moved = movements(bank).filter(_.day <= day, _.posted_on.isnull() | (_.posted_on <= day))
    return moved.group_by("account_id").aggregate(owed=ibis.greatest(0.0, -_.amount.sum().cast("float64")))


def _limits(bank: Bank, day: date) -> ir.Table | None:
    """The newest limit known: account_id, credit_limit."""
    if not bank.has("account_terms"):
        return None
    known = bank.table("account_terms").filter(_.credit_limit.notnull(), _.valid_from <= day)
    known = known.filter(_.posted_on.isnull() | (_.posted_on <= day))
    return known.group_by("account_id").aggregate(credit_limit=_.credit_limit.argmax(_.valid_from).cast("float64"))


def _arrears(bank: Bank, day: date) -> ir.Table | None:
    """The newest report of each loan, the worst and the sum of an account's: account_id, days_past_due, outstanding."""
    if not bank.has("arrears"):
        return None
    reports = known_arrears(bank).filter(_.known_on <= day)
    owed = bank.table("arrears").select("loan_id", "as_of", "outstanding")
    newest = reports.join(owed, ["loan_id", "as_of"]).group_by(["account_id", "loan_id"])
    by_loan = newest.aggregate(days=_.days_past_due.argmax(_.as_of), owed=_.outstanding.argmax(_.as_of))
    return by_loan.group_by("account_id").aggregate(
        days_past_due=_.days.max().cast("float64"), outstanding=_.owed.sum().cast("float64")
    )


def _priced(bank: Bank, held: pd.DataFrame, day: date) -> pd.DataFrame:
    """Each holder's part of what is owed, with EAD and LGD, in the bank's currency."""
    economics = require_economics(bank, set(held["family"]))
    held = held.assign(currency=held["currency"].fillna(bank.spec.currency))
    keys = ["product_id", "currency"]
    products = product_parameters(bank, held[[*keys, "family"]].drop_duplicates(keys), economics)
    known = pd.MultiIndex.from_arrays([products.ids, products.currencies])
    place = known.get_indexer(pd.MultiIndex.from_frame(held[keys])).astype(np.int64)
    group = held.groupby("account_id", sort=True).ngroup().to_numpy().astype(np.int64)
    weight = holder_weights(held["given"].to_numpy(dtype=float), group)
    share = weight / np.bincount(group, weight)[group]
    owed = held["owed"].to_numpy(dtype=float)
    source = np.where(np.isnan(owed), "arrears", "balance")
    owed = np.where(np.isnan(owed), held["outstanding"].to_numpy(dtype=float), owed)
    source = np.where(np.isnan(owed), "none", source)
    unused = np.maximum(0.0, np.nan_to_num(held["credit_limit"].to_numpy(dtype=float) - np.nan_to_num(owed)))
    ccf = given(products.ccf_ead[place], unused, products, place, "ccf_ead")
    ead = np.where(np.isnan(owed), np.nan, exposure_at_default(np.nan_to_num(owed), unused, ccf))
    part = share * _exchange(bank, held["currency"], day)
    told = held.assign(
        share=share,
        days_past_due=held["days_past_due"].fillna(0).astype("int64"),
        drawn=np.round(owed * part, 2),
        unused=np.round(unused * part, 2),
        ead=np.round(ead * part, 2),
        lgd=given(products.lgd[place], np.nan_to_num(ead), products, place, "lgd"),
        ead_source=source,
    )
    return told[COLUMNS]


def _exchange(bank: Bank, currencies: pd.Series, day: date) -> Floats:
    """Units of the bank's currency for one of each account's, the average of the month of the cut-off."""
    foreign = sorted(set(currencies) - {bank.spec.currency})
    quotes = read_quotes(bank, "fx", foreign) if foreign else {}
    rates = {name: float(average_rate(quotes.get(name), name, day.replace(day=1), bank)) for name in foreign}
    return currencies.map({bank.spec.currency: 1.0, **rates}).to_numpy(dtype=float)
