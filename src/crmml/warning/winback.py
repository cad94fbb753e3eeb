"""Who left and may be approached, ranked by what was lost; how many came back by themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmml.evaluation.rates import wilson
from crmml.vocabulary import BARS
from crmml.warning.spec import WinbackSpec

TABLE = (
    *("rank", "customer_id", "cutoff_date", "kind", "kinds", "lost_on", "days_gone", "value_lost", "months_known"),
    *("save_rate", "expected_value", "expected_source", "may_be_approached", "barred_by"),
    *("name", "branch_id", "branch", "manager_id", "manager", "last_contacted_on"),
)
"""Columns of the file of customers to win back, in order."""
KINDS = ("closed", "silent", "attrited")
"""Kinds of churn, the most final first."""
ASSUMED = "save rate assumed by the bank"


@dataclass(frozen=True)
class ReturnCount:
    """Of those who had left by a cut-off by one kind, how many came back within the horizon."""

    kind: str
    cutoff: str
    left: int
    returned: int


def rank_gone(
    gone: pd.DataFrame, people: pd.DataFrame, barred: pd.DataFrame, spec: WinbackSpec, *, cutoff: date, as_of: date
) -> pd.DataFrame:
    """Everybody who left, those who may be approached first, by value lost: one row per customer.

    Who left in several ways is told by the most final (`kind`), with all of them in `kinds`.

    Parameters
    ----------
    gone : DataFrame
        `customer_id, kind, lost_on, value_lost` (contribution of the twelve months up to the loss; null if not known).
    people : DataFrame
        `customer_id, name` (masked), `branch_id, branch, manager_id, manager`.
    barred : DataFrame
        `customer_id`, the flags of `BARS` but the last, `last_contacted_on`. Who has no row is barred as not known.
    """
    place = {kind: number for number, kind in enumerate(KINDS)}
    ordered = gone.assign(place=gone["kind"].map(place)).sort_values(["customer_id", "place"])
    kinds = ordered.groupby("customer_id")["kind"].agg("+".join)
    once = ordered.drop_duplicates("customer_id").drop(columns="place")
    named = people[["customer_id", "name", "branch_id", "branch", "manager_id", "manager"]]
    rows = once.assign(kinds=once["customer_id"].map(kinds)).merge(named, on="customer_id", how="left")
    rows = rows.merge(barred, on="customer_id", how="left", indicator="known")
    lately = pd.to_datetime(rows["last_contacted_on"]) > pd.Timestamp(as_of) - pd.Timedelta(
        days=spec.contacted_within_days
    )
    rows = rows.assign(contacted_lately=lately.fillna(False) & (spec.contacted_within_days > 0))
    bar = pd.Series("", index=rows.index, dtype=object).where(rows["known"] == "both", "not_known")
    for name in BARS:
        bar = bar.where((bar != "") | ~rows[name].astype("boolean").fillna(False).astype(bool), name)
    value = rows["value_lost"].astype(float)
    rate = np.nan if spec.save_rate is None else spec.save_rate
    rows = rows.assign(
        cutoff_date=pd.Timestamp(cutoff).as_unit("s"),
        days_gone=(pd.Timestamp(cutoff) - pd.to_datetime(rows["lost_on"])).dt.days,
        save_rate=rate,
        expected_value=value * rate,
        expected_source=ASSUMED if spec.save_rate is not None else "",
        barred_by=bar,
        may_be_approached=bar == "",
    )
    order = rows.assign(minus=-value.fillna(-np.inf), last=~rows["may_be_approached"])
    rows = order.sort_values(["last", "minus", "customer_id"]).reset_index(drop=True)
    return rows.assign(rank=np.arange(1, len(rows) + 1))[list(TABLE)]


def return_rates(counts: Sequence[ReturnCount]) -> pd.DataFrame:
    """Returns with their 95 % Wilson interval: kind, cutoff, left, returned, rate, low, high."""
    columns = ["kind", "cutoff", "left", "returned"]
    rows = pd.DataFrame([vars(count) for count in counts], columns=columns)
    left, returned = (rows[name].to_numpy(dtype=float) for name in ("left", "returned"))
    rate = np.divide(returned, left, out=np.full(len(rows), np.nan), where=left > 0)
    low, high = wilson(returned, np.where(left > 0, left, np.nan))
    return rows.assign(rate=rate, low=low, high=high)
