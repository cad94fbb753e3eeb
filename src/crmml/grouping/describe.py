"""Each group in one line: how many, what they bring, how they are, what is typical of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from crmml.features import FeatureInfo
from crmml.vocabulary import band_words

LEAST = 20
"""Of smaller groups only the size is told."""
TYPICAL = 3
CLEAR = 0.15
"""A feature is typical where a customer of the group ranks this much above (or below) the middle of all on average."""
SAMPLE = 20_000
UNITS = ("money", "count", "years", "months", "share", "days")


def describe_groups(
    rows: pd.DataFrame,
    features: pd.DataFrame,
    infos: Sequence[FeatureInfo],
    axes: Sequence[str],
    bands: Mapping[str, int],
) -> pd.DataFrame:
    """One row per group of one cut-off, largest first.

    Parameters
    ----------
    rows : DataFrame
        The customers of one cut-off: `customer_id`, `group`, the bands of the axes, and where known `contribution`,
        `prob_churn`, `prob_default`.
    features : DataFrame
        `customer_id` and the features of the cut-off.
    bands : mapping
        How many bands each axis has.

    Returns
    -------
    DataFrame
        `group`, `title_zh`, `title_en`, `customers`, `share`, `contribution`, `contribution_share`, `prob_churn`,
        `prob_default`, `typical_zh`, `typical_en`, `line_zh`, `line_en`.
    """
    total = rows["contribution"].sum() if "contribution" in rows else np.nan
    ranks = _ranks(rows, features, infos)
    found = []
    for group, part in rows.groupby("group", sort=True):
        row: dict[str, Any] = {"group": group, "customers": len(part), "share": len(part) / len(rows)}
        titles = [band_words(axis, int(part[f"{axis}_band"].iloc[0]), bands[axis]) for axis in axes]
        row["title_zh"], row["title_en"] = "·".join(zh for zh, _ in titles), " · ".join(en for _, en in titles)
        large = len(part) >= LEAST
        for name in ("prob_churn", "prob_default"):
            row[name] = float(part[name].mean()) if large and name in part else np.nan
        known = large and "contribution" in part
        row["contribution"] = float(part["contribution"].sum()) if known else np.nan
        row["contribution_share"] = row["contribution"] / total if known and total > 0 else np.nan
        row["typical_zh"], row["typical_en"] = _typical(ranks, part["customer_id"], infos) if large else ("", "")
        found.append(row | _lines(row))
    table = pd.DataFrame(found)
    return table.sort_values(["customers", "group"], ascending=[False, True], ignore_index=True)


def _ranks(rows: pd.DataFrame, features: pd.DataFrame, infos: Sequence[FeatureInfo]) -> pd.DataFrame:
    """The place of each customer among all (0 to 1) by every feature that people can picture; of a fixed sample of many."""
    names = [info.name for info in infos if info.kind == "number" and info.unit in UNITS and info.name in features]
    table = (
        features[features["customer_id"].isin(rows["customer_id"])].sort_values("customer_id").set_index("customer_id")
    )
    step = -(-len(table) // SAMPLE) if len(table) else 1
    table = table.iloc[::step][names].apply(pd.to_numeric)
    known = [name for name in names if table[name].notna().mean() >= 0.5]
    return table[known].rank(pct=True) if known else table[[]]


def _typical(ranks: pd.DataFrame, ids: pd.Series, infos: Sequence[FeatureInfo]) -> tuple[str, str]:
    """The features that set a group apart most, one for each concept, in words; empty where none does."""
    mine = ranks[ranks.index.isin(ids)]
    if len(mine) < LEAST or not len(ranks.columns):
        return "", ""
    by_name = {info.name: info for info in infos}
    away = (mine.mean() - ranks.mean()).dropna()
    order = away.reindex(away.abs().sort_values(ascending=False, kind="stable").index)
    chosen: dict[str, tuple[FeatureInfo, float]] = {}
    for name, distance in order.items():
        info = by_name[str(name)]
        if abs(distance) < CLEAR or len(chosen) == TYPICAL:
            break
        chosen.setdefault(info.concept, (info, float(distance)))
    zh = "、".join(f"{info.zh}{'高' if distance > 0 else '低'}" for info, distance in chosen.values())
    en = " / ".join(f"{'high' if distance > 0 else 'low'} {info.en}" for info, distance in chosen.values())
    return zh, en


def _lines(row: Mapping[str, Any]) -> dict[str, str]:
    """The description in one line of each language."""
    if row["customers"] < LEAST:
        return {
            "line_zh": f"{row['title_zh']}:不足 {LEAST} 户",
            "line_en": f"{row['title_en']}: fewer than {LEAST} customers",
        }
    zh, en = [f"{row['customers']:,} 户({row['share']:.1%})"], [f"{row['customers']:,} customers ({row['share']:.1%})"]
    for name, words_zh, words_en in (
        ("contribution_share", "占贡献", "of contribution"),
        ("prob_churn", "平均流失概率", "leave on average"),
        ("prob_default", "平均违约概率", "default on average"),
    ):
        if not np.isnan(row[name]):
            zh.append(f"{words_zh} {row[name]:.1%}")
            en.append(f"{row[name]:.1%} {words_en}")
    if row["typical_zh"]:
        zh.append(f"特征:{row['typical_zh']}")
        en.append(f"typical: {row['typical_en']}")
    return {"line_zh": f"{row['title_zh']}:{','.join(zh)}", "line_en": f"{row['title_en']}: {'; '.join(en)}"}
