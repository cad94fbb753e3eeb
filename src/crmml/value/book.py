"""The book of customers by month: what each brought and held, as matrices a forecast can be made from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from ibis import _
from numpy.typing import NDArray

from crmml.economics import CREDIT_FAMILIES, DEPOSIT_FAMILIES
from crmml.periods import month_ends

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Book:
    """Customers (rows) by months (columns, without a gap): a flow or a level, and who was there.

    `values` are in currency, 0 where a customer has no row; `is_there` says whether it has one. `rest` is what belongs
    to nobody known, by month, so that the columns and the rest sum to the bank.
    """

    customers: NDArray[np.object_]
    months: tuple[date, ...]
    values: Floats
    is_there: NDArray[np.bool_]
    rest: Floats

    @property
    def total(self) -> Floats:
        """The bank's series, one value a month."""
        return self.values.sum(axis=0) + self.rest


def books(ledger: ir.Table, cutoff: date) -> dict[str, Book]:
    """The contribution of every customer and month up to the cut-off, and the daily average of its deposits."""
    is_deposit = ledger.family.isin(DEPOSIT_FAMILIES)
    zero = ibis.literal(0).cast("decimal(18, 2)")
    rows = ledger.filter(_.month_end <= ibis.literal(cutoff)).group_by(["customer_id", "month_end"])
    frame = rows.aggregate(
        contribution=ledger.contribution.sum().cast("float64"),
        deposits=is_deposit.ifelse(ledger.balance_average, zero).sum().cast("float64"),
    ).to_pandas()
    if frame.empty:
        return {}
    days = pd.to_datetime(frame["month_end"])
    ends = month_ends(days.min().date(), days.max().date())
    month = pd.Index(pd.to_datetime(list(ends))).get_indexer(days)
    known = frame["customer_id"].notna().to_numpy()
    code, names = pd.factorize(frame.loc[known, "customer_id"], sort=True)
    made = {}
    for name in ("contribution", "deposits"):
        values = np.zeros((len(names), len(ends)))
        values[code, month[known]] = frame.loc[known, name].to_numpy()
        is_there = np.zeros(values.shape, dtype=bool)
        is_there[code, month[known]] = True
        weights = frame.loc[~known, name].to_numpy(dtype=float)
        rest = np.bincount(month[~known], weights, minlength=len(ends)).astype(np.float64)
        made[name] = Book(np.asarray(names, dtype=object), tuple(ends), values, is_there, rest)
    return made


def per_customer(ledger: ir.Table, cutoff: date) -> pd.DataFrame:
    """Average deposits and loans per customer with any, by month of this year and the last.

    Returns
    -------
    DataFrame
        month_end, deposits, deposit_customers, credit, credit_customers (amounts per customer, in currency), for the
        months from January of the year before the cut-off's.
    """
    start = date(cutoff.year - 1, 1, 1)
    is_deposit, is_credit = ledger.family.isin(DEPOSIT_FAMILIES), ledger.family.isin(CREDIT_FAMILIES)
    rows = ledger.filter((_.month_end >= ibis.literal(start)) & (_.month_end <= ibis.literal(cutoff)))
    sums = rows.group_by("month_end").aggregate(
        deposits=rows.balance_average.sum(where=is_deposit).cast("float64"),
        deposit_customers=rows.customer_id.nunique(where=is_deposit & (rows.balance_average > 0)),
        credit=(-rows.balance_average.sum(where=is_credit)).cast("float64"),
        credit_customers=rows.customer_id.nunique(where=is_credit & (rows.balance_average < 0)),
    )
    frame: pd.DataFrame = sums.order_by("month_end").to_pandas()
    for name, count in (("deposits", "deposit_customers"), ("credit", "credit_customers")):
        frame[name] = frame[name].fillna(0.0) / frame[count].where(frame[count] > 0)
    return frame
