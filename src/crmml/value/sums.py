"""The ledger summed over a year by any level, exact to the cent: what a waterfall is drawn from."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from crmml.economics import CREDIT_FAMILIES, DEPOSIT_FAMILIES
from crmml.ledger.close import COMPONENTS
from crmml.periods import shift_months

LEVELS: dict[str, str | None] = {
    "bank": None, "family": "family", "product": "product_id", "branch": "branch_id", "customer": "customer_id"
}  # fmt: skip
GAINS, COSTS = COMPONENTS[:2], COMPONENTS[2:]
MONTHS = 12


def year_to(ledger: ir.Table, cutoff: date, *, months: int = MONTHS) -> ir.Table:
    """The ledger's rows of the months up to the cut-off."""
    start = shift_months(cutoff, -months)
    return ledger.filter((_.month_end > ibis.literal(start)) & (_.month_end <= ibis.literal(cutoff)))


def sum_by(year: ir.Table, level: str) -> pd.DataFrame:
    """Components and contribution by a level, as decimals: exact.

    Returns
    -------
    DataFrame
        One row per id, the largest contribution first: `id` (null for what
        belongs to none), `customers`, the five components (costs positive) and
        `contribution` = margin + fees - expected_loss - service_cost - capital_charge.
    """
    sums = {name: year[name].sum() for name in (*COMPONENTS, "contribution")}
    sums["customers"] = year.customer_id.nunique()
    key = LEVELS[level]
    table = year.aggregate(**sums) if key is None else year.group_by(id=year[key]).aggregate(**sums)
    rows = table.to_pyarrow().to_pylist()
    for row in rows:
        row.setdefault("id", None)
        for name in (*COMPONENTS, "contribution"):
            row[name] = row[name] if row[name] is not None else Decimal("0.00")
    rows.sort(key=lambda row: (-row["contribution"], str(row["id"])))
    return pd.DataFrame(rows, columns=["id", "customers", *COMPONENTS, "contribution"])


def adds_up(row: dict[str, Any] | pd.Series) -> bool:
    """Whether the components of a row are its contribution, to the cent."""
    total = sum(row[name] for name in GAINS) - sum(row[name] for name in COSTS)
    return bool(total == row["contribution"])


def sum_by_customer(year: ir.Table) -> pd.DataFrame:
    """One row per customer with a row in the year; what nobody is known to hold is left out.

    Returns
    -------
    DataFrame
        customer_id (in order), the five components and `contribution`, `deposit_margin` and `credit_margin` (they sum
        to `margin`), `deposits` and `credit` (daily averages over the year, credit as what is owed), all floats.
    """
    is_deposit = year.family.isin(DEPOSIT_FAMILIES)
    is_credit = year.family.isin(CREDIT_FAMILIES)
    zero = ibis.literal(0).cast("decimal(18, 2)")
    sums = {name: year[name].sum().cast("float64") for name in (*COMPONENTS, "contribution")}
    sums |= {
        "deposit_margin": is_deposit.ifelse(year.margin, zero).sum().cast("float64"),
        "credit_margin": is_credit.ifelse(year.margin, zero).sum().cast("float64"),
        "deposits": is_deposit.ifelse(year.balance_days, zero).sum().cast("float64"),
        "credit": is_credit.ifelse(-year.balance_days, zero).sum().cast("float64"),
    }
    frame: pd.DataFrame = year.filter(_.customer_id.notnull()).group_by("customer_id").aggregate(**sums).to_pandas()
    days = days_of(year)
    frame[["deposits", "credit"]] /= max(days, 1)
    return frame.sort_values("customer_id", ignore_index=True)


def days_of(year: ir.Table) -> int:
    """Days of the months that the rows cover, from the first month to the last."""
    span = year.aggregate(first=_.month_end.min(), last=_.month_end.max()).to_pyarrow().to_pylist()[0]
    return 0 if span["last"] is None else (span["last"] - span["first"].replace(day=1)).days + 1


def first_day(year: ir.Table) -> date | None:
    """The first day of the first month with a row; None without any."""
    found: date | None = year.aggregate(first=_.month_end.min()).to_pyarrow()["first"][0].as_py()
    return None if found is None else found.replace(day=1)
