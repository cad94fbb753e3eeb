"""The internal price of money with a term: the curve of the day it was placed, for its own tenor."""

from __future__ import annotations

from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _

from crmml.economics.curves import CurveRule, months_between
from crmml.errors import ConfigError, SourceError, mask
from crmml.ledger.parameters import Products
from crmml.ledger.quotes import PPM, Days, Floats, Quotes, refuse_holes
from crmml.periods import shift_months
from crmml.sources.bank import Bank

_COLUMNS = ["account_number", "known_on", "valid_from", "matures_on", "tenor"]


def funding_steps(
    bank: Bank, held: ir.Table, products: Products, curves: dict[str, Quotes], last: date
) -> pd.DataFrame | None:
    """Changes of the internal rate of every account whose money has a term of its own; None where none is so priced.

    A term begins with a row of `account_terms` that gives another `matures_on`
    than the one before, or with a loan that gives `term_months`; its tenor is
    whole months, to the nearest. It is priced at the curve as known on the day
    it begins, and counts from that day, or from the first of the month it was
    posted in. The first term of an account counts from its beginning if it was
    known when the account was opened. Before, and without a term, the rule's
    `tenor_months` is read on the opening day. Past its maturity, money that
    stays has the shortest tenor, at the curve of each month.

    Returns
    -------
    account_number, day, ftp_step (millionths per year, as the difference to what held before)

    Raises
    ------
    ConfigError
        If an account has no term and its family no `tenor_months`.
    SourceError
        If a curve does not cover a day or a tenor.
    """
    rules = {
        place: rule for place, rule in enumerate(products.ftp_rules) if isinstance(rule, CurveRule) and rule.own_term
    }
    if not rules:
        return None
    chosen = held.filter(_.product_number.isin(list(rules)) & (_.opened_on <= ibis.literal(last)))
    accounts = chosen.select("account_number", "account_id", "product_number", "opened_on", "closed_on").to_pandas()
    accounts = _dates(accounts.sort_values("account_number", ignore_index=True), ["opened_on", "closed_on"])
    placed = _placements(bank, chosen)
    placed = placed[placed["known_on"] <= pd.Timestamp(last)]
    steps = []
    for place, rule in rules.items():
        own, family = accounts[accounts["product_number"] == place], products.families[place]
        mine = placed[placed["account_number"].isin(own["account_number"])]
        terms = _all_terms(own, mine, rule, curves[rule.curve], family, last)
        steps.append(_rates(terms, own, rule, curves[rule.curve], bank, family, last))
    return _differences(pd.concat(steps, ignore_index=True))


def is_own_term(rule: object) -> bool:
    return isinstance(rule, CurveRule) and rule.own_term


def _placements(bank: Bank, held: ir.Table) -> pd.DataFrame:
    """Terms as they became known: one row per account and beginning of a term."""
    numbers = held.select("account_id", "account_number")
    frames = []
    if bank.has("account_terms"):
        rows = bank.table("account_terms").filter(_.matures_on.notnull())
        rows = rows.select("account_id", "valid_from", "posted_on", "matures_on").join(numbers, "account_id")
        frames.append(_changes(rows.drop("account_id").to_pandas()))
    if bank.has("loans"):
        rows = bank.table("loans").filter(_.term_months.notnull())
        rows = rows.select("account_id", "posted_on", "term_months", valid_from="granted_on").join(
            numbers, "account_id"
        )
        frames.append(_of_loans(rows.drop("account_id").to_pandas()))
    if not frames:
        return pd.DataFrame(columns=_COLUMNS)
    terms = pd.concat(frames, ignore_index=True).sort_values(["account_number", "known_on", "valid_from"])
    newest = terms.groupby("account_number")["valid_from"].cummax()
    return terms[terms["valid_from"] >= newest].reset_index(drop=True)


def _changes(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of terms that begin a new one: their maturity is another than that of the row before."""
    rows = _known(_dates(rows, ["valid_from", "posted_on", "matures_on"]))
    rows = rows.sort_values(["account_number", "known_on", "valid_from"], ignore_index=True)
    before = rows.groupby("account_number")["matures_on"].shift()
    rows = rows[rows["matures_on"] != before]
    pairs = zip(rows["valid_from"].dt.date, rows["matures_on"].dt.date, strict=True)
    return rows.assign(tenor=[float(months_between(start, end)) for start, end in pairs])[_COLUMNS]


def _of_loans(rows: pd.DataFrame) -> pd.DataFrame:
    rows = _known(_dates(rows, ["valid_from", "posted_on"]))
    pairs = zip(rows["valid_from"].dt.date, rows["term_months"].astype(int), strict=True)
    ends = pd.to_datetime([shift_months(start, months) for start, months in pairs])
    return rows.assign(matures_on=ends, tenor=rows["term_months"].astype(float))[_COLUMNS]


def _known(rows: pd.DataFrame) -> pd.DataFrame:
    """A row posted late counts from the first day of the month it was posted in, for a closed month never changes."""
    posted = rows["posted_on"].dt.to_period("M").dt.start_time
    return rows.assign(known_on=np.maximum(rows["valid_from"], posted.fillna(rows["valid_from"])))


def _all_terms(
    own: pd.DataFrame, placed: pd.DataFrame, rule: CurveRule, curve: Quotes, family: str, last: date
) -> pd.DataFrame:
    """The terms of the accounts of one product, each account covered from its opening on."""
    first = placed.groupby("account_number")["known_on"].min()
    opened = own.set_index("account_number")["opened_on"]
    known = first.reindex(opened.index)
    # The terms of an account opened in the last month may still be on their way to the tables.
    is_old = own["opened_on"] < pd.Timestamp(last.replace(day=1))
    bare = own[known.isna().to_numpy() & is_old.to_numpy()]
    if len(bare) and rule.tenor_months is None:
        raise ConfigError(
            f"economics.ftp.{family} prices money at its own term, and {len(bare):,} {family} accounts have none "
            f"(first: {mask(bare['account_id'].iloc[0])}); expected account_terms.matures_on or loans.term_months "
            f"for each, or tenor_months in economics.ftp.{family} for those without",
            code="C011",
        )
    late = own[(known.isna() | (known > opened)).to_numpy()]
    tenor = curve.shortest if rule.tenor_months is None else float(rule.tenor_months)
    start = late["opened_on"]
    base = pd.DataFrame(
        {
            "account_number": late["account_number"],
            "known_on": start,
            "valid_from": start,
            "matures_on": pd.NaT,
            "tenor": tenor,
        }
    )
    terms = (
        pd.concat([base.astype({"matures_on": "datetime64[ns]"}), placed], ignore_index=True) if len(base) else placed
    )
    terms = terms.sort_values(["account_number", "known_on", "valid_from"], ignore_index=True)
    # What holds first holds from the account's beginning: money may be booked before the day an account was opened.
    is_first = ~terms.duplicated("account_number")
    return terms.assign(day=terms["known_on"].where(~is_first, pd.Timestamp("1900-01-01")))


def _rates(
    terms: pd.DataFrame, own: pd.DataFrame, rule: CurveRule, curve: Quotes, bank: Bank, family: str, last: date
) -> pd.DataFrame:
    """The internal rate of each term, and of each month after the maturity of what stays."""
    overdue = _after_maturity(terms, own, curve, last)
    rows = pd.concat([terms[["account_number", "day", "valid_from", "tenor"]], overdue], ignore_index=True)
    days = rows["valid_from"].to_numpy(dtype="datetime64[D]")
    rates = priced(curve, days, rows["tenor"].to_numpy(dtype=float), rule, bank, family)
    return rows.assign(ppm=np.round(rates * PPM).astype(np.int64))


def _after_maturity(terms: pd.DataFrame, own: pd.DataFrame, curve: Quotes, last: date) -> pd.DataFrame:
    """Month by month from maturity to the next term, or the closing: the shortest tenor."""
    following = terms.groupby("account_number")["day"].shift(-1)
    closed = terms["account_number"].map(own.set_index("account_number")["closed_on"])
    over = pd.Timestamp(last) + pd.Timedelta(days=1)
    until = pd.concat([following, closed], axis=1).min(axis=1).fillna(over)
    until = until.where(until < over, over)
    begin = terms[["matures_on", "known_on"]].max(axis=1)
    stays = terms["matures_on"].notna() & (terms["matures_on"] < until)
    spans = zip(terms["account_number"][stays], begin[stays], until[stays], strict=True)
    found = [
        (account, day, day, curve.shortest)
        for account, start, end in spans
        for day in _month_starts(pd.Timestamp(start), pd.Timestamp(end))
    ]
    frame = pd.DataFrame(found, columns=["account_number", "day", "valid_from", "tenor"])
    return frame.astype({"account_number": "int64", "tenor": "float64"}) if len(frame) else frame


def _month_starts(begin: pd.Timestamp, end: pd.Timestamp) -> list[pd.Timestamp]:
    """A day, and the first of each month after it and before an end."""
    months = np.arange(
        begin.to_datetime64().astype("datetime64[M]") + 1, end.to_datetime64().astype("datetime64[M]") + 1
    )
    firsts = [pd.Timestamp(month) for month in months]
    return [begin, *(day for day in firsts if day < end)]


def priced(curve: Quotes, days: Days, tenors: Floats, rule: CurveRule, bank: Bank, family: str) -> Floats:
    """Rates of a rule at days and tenors, spread and all.

    Raises
    ------
    SourceError
        If the curve does not cover a day or a tenor.
    """
    assert bank.spec.economics is not None
    refuse_holes(curve, days, bank.spec.economics.rate_gap_months, needed_by=family)
    is_older = curve.place(days) < 0
    if is_older.any() and rule.older is None:
        raise SourceError(
            f"rates: ftp {curve.key} begins {curve.first}, and {family} needs it from {days[is_older].min()} on; "
            f"expected quotes of all days on which money was placed. Add them, or give `older`, the rate of money "
            f"placed before, in economics.ftp.{family}",
            code="D038",
        )
    rates = curve.rates(days, tenors)
    outside = np.isnan(rates) & ~is_older
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        points = curve.points[curve.place(days[row : row + 1])[0]][0]
        raise SourceError(
            f"rates: ftp {curve.key} of {days[row]} covers {points[0]:.0f} to {points[-1]:.0f} months, and {family} needs "
            f"{tenors[row]:.0f} ({outside.sum():,} times); expected a curve as long as the terms it prices. Add the "
            f"tenor to rates, or give tenor_months without own_term in economics.ftp.{family}",
            code="D038",
        )
    return np.where(is_older, rule.older if rule.older is not None else np.nan, rates) + rule.spread


def _differences(rows: pd.DataFrame) -> pd.DataFrame:
    """Rates as steps, of several on one day the last."""
    rows = rows.sort_values(["account_number", "day"], kind="stable")
    rows = rows.drop_duplicates(["account_number", "day"], keep="last")
    before = rows.groupby("account_number")["ppm"].shift(fill_value=0)
    return rows.assign(ftp_step=rows["ppm"] - before)[["account_number", "day", "ftp_step"]]


def _dates(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    return frame.assign(**{name: pd.to_datetime(frame[name]).astype("datetime64[ns]") for name in names})
