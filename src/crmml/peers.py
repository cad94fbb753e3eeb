"""Averages of a snapshot: with whom a customer is compared.

Peers are made over the whole population of a cut-off before anything is
scored, so that scoring a subset gives the same words.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml.features.declare import FeatureInfo
from crmml.features.families.people import STANDING

QUANTILES = (0.25, 0.5, 0.75)
ALL = "all"
#: A segment with fewer customers would tell about single ones; it reads the averages of all.
LEAST_CUSTOMERS = 30
_CREDIT = ("accounts_loan_last", "accounts_mortgage_last", "accounts_card_last")
_DEPOSITS = ("deposits_mean_3m", "deposits_last")
#: The columns that `segment_of` and `deposit_tier_of` read.
STANDING_COLUMNS = ("kind", "segment", *_CREDIT, *_DEPOSITS)
_TIERS = (0.01, 10_000.0, 50_000.0, 200_000.0, 500_000.0, 1_000_000.0)
#: The features by which customers are ranked among their peers.
STANDINGS: Mapping[str, tuple[str, str]] = {
    "deposits_mean_3m": ("近3个月日均存款", "daily average deposits of 3 months"),
    "assets_mean_3m": ("近3个月日均资产", "daily average assets of 3 months"),
    "turnover_in_3m": ("近3个月资金流入", "money in of 3 months"),
    "transactions_3m": ("近3个月交易笔数", "transactions of 3 months"),
    "salary_in_12m": ("近12个月代发工资", "salary of 12 months"),
    "contribution_12m": ("近12个月综合贡献", "contribution of 12 months"),
}
_KEYS = ("customer_id", "cutoff_date", "event_id")


def segment_of(frame: pd.DataFrame) -> pd.Series:
    """The peers of each row: its kind of customer, and whether it owes the bank.

    One of `person, borrower`, `person, depositor`, `company, borrower`,
    `company, depositor`; a customer of unknown kind counts as a person.
    """
    kind = frame["kind"].fillna("person") if "kind" in frame else pd.Series("person", index=frame.index)
    owes = pd.Series(False, index=frame.index)
    for name in _CREDIT:
        if name in frame:
            owes |= frame[name].fillna(0) > 0
    return kind.astype(str) + np.where(owes, ", borrower", ", depositor")


def deposit_tier_of(frame: pd.DataFrame) -> pd.Series:
    """How much each row's customer deposits, in seven tiers from `none` and `below 10k` to `1M and more`."""
    known = [name for name in _DEPOSITS if name in frame]
    deposits = frame[known[0]].fillna(0.0) if known else pd.Series(0.0, index=frame.index)
    tiers = np.array(["none", "below 10k", "10k to 50k", "50k to 200k", "200k to 500k", "500k to 1M", "1M and more"])
    return pd.Series(tiers[np.searchsorted(_TIERS, deposits.to_numpy(float), side="right")], index=frame.index)


def build_peers(frame: pd.DataFrame) -> pa.Table:
    """Averages and quartiles of every numeric feature, by cut-off and segment (and `all`).

    Returns
    -------
    pa.Table
        One row per cut-off, segment and feature: cutoff_date, segment, feature,
        rows (not null), mean, q25, q50, q75. Segments of fewer than 30
        customers are left out.
    """
    names = [name for name in frame.select_dtypes("number").columns if name not in (*_KEYS, "hash_bucket")]
    parts = []
    for cutoff, rows in frame.groupby("cutoff_date", sort=True):
        segments = segment_of(rows)
        for segment in [ALL, *sorted(segments.unique())]:
            inside = rows if segment == ALL else rows[segments == segment]
            if segment == ALL or len(inside) >= LEAST_CUSTOMERS:
                parts.append(_averages(inside[names], cutoff, segment))
    return pa.Table.from_pandas(pd.concat(parts, ignore_index=True), preserve_index=False)


def _averages(rows: pd.DataFrame, cutoff: Any, segment: str) -> pd.DataFrame:
    quantiles = rows.quantile(list(QUANTILES)).T
    return pd.DataFrame(
        {
            "cutoff_date": pd.Timestamp(cutoff).date(),
            "segment": segment,
            "feature": rows.columns,
            "rows": rows.notna().sum().to_numpy(),
            "mean": rows.mean().to_numpy(),
            **{f"q{int(share * 100)}": quantiles[share].to_numpy() for share in QUANTILES},
        }
    )


def stand(frame: pd.DataFrame) -> pd.DataFrame:
    """Where each customer stands among its segment, by what it deposits, moves, earns and contributes.

    Parameters
    ----------
    frame : DataFrame
        The features of the whole population at one cut-off, with `kind`.

    Returns
    -------
    DataFrame
        One column `<feature>_percentile` for each feature of `STANDINGS` that is
        there: the share of the segment's customers with a smaller value, equal
        ones counting half, in [0, 1]; null where the feature is null, or the
        segment has fewer than 30 customers with a value.
    """
    segments = segment_of(frame)
    placed = {}
    for name in STANDINGS:
        if name in frame:
            by_segment = frame[name].groupby(segments)
            rank, count = by_segment.rank(method="average"), by_segment.transform("count")
            placed[f"{name}_percentile"] = ((rank - 0.5) / count).where(count >= LEAST_CUSTOMERS)
    return pd.DataFrame(placed, index=frame.index)


def standing_infos(columns: Iterable[str]) -> tuple[FeatureInfo, ...]:
    """What is told about the standings that can be computed of features named `columns`."""
    known = set(columns)
    return tuple(
        FeatureInfo(
            name=f"{name}_percentile",
            family=STANDING.name,
            concept=STANDING.concept,
            zh=f"{zh}在同类客户中的位次",
            en=f"{en}, rank among peers",
            unit="share",
            formula=f"share of the customers of the same segment and cut-off with a smaller {name}, equal ones half",
            window="",
            source="features of the cut-off",
            null_meaning=f"{name} is null, or fewer than {LEAST_CUSTOMERS} peers have it",
            null_meaning_zh=f"{name} 为空,或同类有值客户不足{LEAST_CUSTOMERS}人",
        )
        for name, (zh, en) in STANDINGS.items()
        if name in known
    )


def peers_by_segment(peers: pa.Table) -> dict[str, Mapping[str, float]]:
    """Segment -> feature -> mean, as sentences read it."""
    frame = peers.to_pandas()
    return {
        str(segment): dict(zip(rows["feature"], rows["mean"], strict=True))
        for segment, rows in frame.groupby("segment")
    }


def read_peers(path: Path) -> dict[str, Mapping[str, float]]:
    """The averages that lie beside the features of a cut-off."""
    return peers_by_segment(pq.read_table(path))
