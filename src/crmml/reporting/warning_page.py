"""The early warning on one offline page: what was alerted, how right earlier alerts were, how long before, who may be won back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmml import vocabulary
from crmml.features import CONCEPTS
from crmml.reporting.bilingual import both
from crmml.reporting.fonts import BLUE, GOLD, MUTED, RED, TEAL, chart_style, to_svg
from crmml.reporting.page import render, svg
from crmml.reporting.words import Words

LEAST = 20
"""Counts of fewer customers are not told apart by cause or branch."""
WAYS: Mapping[str, Words] = {
    "capacity": Words("预警(红 + 橙)", "alerts (red + amber)"),
    "red": Words("其中:红", "of these: red"),
    "amber": Words("其中:橙", "of these: amber"),
    "watch": Words("关注(不占容量)", "watch (no capacity)"),
    "deposit_fall": Words("规则:存款降幅(金额)", "rule: largest fall of deposits, money"),
    "deposit_fall_share": Words("规则:存款降幅(比例)", "rule: largest fall of deposits, percent"),
    "random": Words("随机", "at random"),
}
REACHED: Mapping[str, Words] = {
    "all": Words("任一级别", "any level"),
    "capacity": Words("橙或红", "amber or red"),
    "red": Words("红", "red"),
}
LEVELS: Mapping[str, Words] = {name: Words(*pair) for name, pair in vocabulary.ALERT_LEVELS.items()}
KINDS: Mapping[str, Words] = {name: Words(*pair) for name, pair in vocabulary.CHURN_KINDS.items()}
BARS: Mapping[str, Words] = {
    "": Words("可以联系", "may be approached"),
    **{name: Words(*pair) for name, pair in vocabulary.BARS.items()},
    "not_known": Words("最新数据中没有", "not in the newest data"),
}
LOSS_DAYS: Mapping[str, Words] = {
    "closed": Words("离行之日,或最后一个主要产品账户的销户日", "the day of leaving, or of closing the last account of a main product"),
    "attrited": Words("标签窗口内余额首次不高于此前日均一半之日", "the first day of the label window that ends with at most half the average before"),
    "silent": Words("沉默首次超过其耐心天数之日", "the first day on which the silence exceeds the customer's patience"),
}  # fmt: skip


def warning_page(
    bank: tuple[str, str],
    tables: Mapping[str, pd.DataFrame],
    about: Mapping[str, Any],
    *,
    currency: str = "CNY",
    language: str = "both",
) -> str:
    """The page as one HTML file that needs no network; aggregates only.

    Parameters
    ----------
    bank : (str, str)
        The bank's name in Chinese and English.
    tables : mapping
        The tables of a warning by name: `alerts`, `history`, `precision`, `differences`, `lead`, `windows`, `moved` and,
        where there is a win-back, `winback` and `returns`.
    about : mapping
        What the stage says beside them, plain data.
    """
    precision = tables["precision"]
    return render(
        "warning.html",
        language=language,
        bank=Words(*bank),
        about=about,
        unit=Words("元", "yuan") if currency == "CNY" else Words(currency, currency),
        levels=_levels(tables["alerts"]),
        causes=_causes(tables["alerts"]),
        branches=_branches(tables["alerts"]),
        capacity=capacity_words(about["spec"]["capacity"]),
        ways=_ways(precision),
        best=_best(precision),
        differences=[{**row, "words": WAYS[row["against"]]} for row in _rows(tables["differences"])],
        lead=[{**row, "words": REACHED[row["level"]]} for row in _rows(tables["lead"])],
        loss_day=LOSS_DAYS.get(about["target"].get("kind", "")),
        windows=_rows(tables["windows"]),
        moved=_rows(tables["moved"]),
        chart=_chart(precision),
        winback=_winback(tables, about),
        sources=Words(*_sources(about)),
    )


def _rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dicts, NaN as None."""
    return [
        {str(name): None if not isinstance(value, str) and pd.isna(value) else value for name, value in row.items()}
        for row in frame.to_dict("records")
    ]


def capacity_words(capacity: Mapping[str, Any]) -> Words:
    """The managers' capacity in words."""
    zh, en = [], []
    for name, own, each in (("per_manager", "每位客户经理", "each manager"), ("per_branch", "每家机构", "each branch")):
        limit = capacity[name]
        if limit["default"] is not None:
            others = f"({len(limit['overrides'])} 个例外)" if limit["overrides"] else ""
            zh.append(f"{own}每月 {limit['default']} 户{others}")
            en.append(
                f"{each} {limit['default']} a month" + (f" ({len(limit['overrides'])} exceptions)" if others else "")
            )
    if capacity["total"] is not None:
        zh.append(f"全行每月 {capacity['total']:,} 户")
        en.append(f"the bank {capacity['total']:,} a month")
    return Words(",".join(zh), ", ".join(en))


def _sources(about: Mapping[str, Any]) -> tuple[str, str]:
    """Where the stake comes from."""
    model, months = about["value_model"], about.get("value_months") or 12
    words = {
        "forecast": (f"贡献模型 {model} 预测的未来 {months} 个月贡献", f"contribution of the next {months} months forecast by {model}"),
        "past": ("过去十二个月的实际贡献", "contribution of the last twelve months"),
        "unknown": ("未知(无贡献台账)", "not known (no ledger of contribution)"),
    }  # fmt: skip
    said = [(*words[name], count) for name, count in about["value_sources"].items()]
    zh = ";".join(f"{text}({count:,} 户)" for text, _, count in said)
    return zh or "无预警", "; ".join(f"{text} ({count:,})" for _, text, count in said) or "no alerts"


def _levels(alerts: pd.DataFrame) -> list[dict[str, Any]]:
    groups = alerts.groupby("level")
    counts, risk, mean = groups.size(), groups["value_at_risk"].sum(min_count=1), groups["prob_churn"].mean()
    fresh = alerts[alerts["days_alerted"] == 0].groupby("level").size()
    return [
        {
            "name": name,
            "words": words,
            "customers": int(counts.get(name, 0)),
            "at_risk": None if pd.isna(risk.get(name, np.nan)) else float(risk[name]),
            "mean": None if name not in mean else float(mean[name]),
            "fresh": int(fresh.get(name, 0)),
        }
        for name, words in LEVELS.items()
    ]


def _causes(alerts: pd.DataFrame) -> list[dict[str, Any]]:
    """Customers by cause; causes of fewer than 20 stand together."""
    counts = alerts["cause"].value_counts()
    large = counts[counts >= LEAST]
    rows = [
        {"words": _cause(str(cause)), "customers": int(count), "share": count / len(alerts)}
        for cause, count in large.items()
    ]
    rest = int(counts.sum() - large.sum())
    words = Words("其他原因合计", "other causes together")
    return [*rows, {"words": words, "customers": rest, "share": rest / max(len(alerts), 1)}] if rest else rows


def _cause(cause: str) -> Words:
    if cause == "none":
        return Words("无突出原因", "no single cause")
    concept = CONCEPTS.get(cause)
    return Words(concept.zh, concept.en) if concept else Words(cause, cause)


def _branches(alerts: pd.DataFrame) -> list[dict[str, Any]]:
    """Alerts by branch; branches with fewer than 20 stand together."""
    names = alerts["branch"].astype(object).fillna("–").astype(str)
    counts = names.value_counts()
    small = names.isin(counts[counts < LEAST].index)
    table = pd.crosstab(names.where(~small, "其他 others"), alerts["level"]) if len(alerts) else pd.DataFrame()
    table = table.reindex(columns=list(LEVELS), fill_value=0)
    return [{"branch": str(branch), **{name: int(row[name]) for name in LEVELS}} for branch, row in table.iterrows()]


def _ways(precision: pd.DataFrame) -> list[dict[str, Any]]:
    """One row per way of choosing: its mean, then its cut-offs."""
    if precision.empty:
        return []
    found = []
    for name, words in WAYS.items():
        of_way = {row["cutoff"]: row for row in _rows(precision[precision["chosen"] == name])}
        if of_way:
            found.append({"name": name, "words": words, "mean": of_way.pop("mean"), "cutoffs": list(of_way.values())})
    return found


def _best(precision: pd.DataFrame) -> dict[str, Any] | None:
    """The figures at the managers' capacity, where an alert has matured."""
    rows = {way["name"]: way["mean"] for way in _ways(precision)}
    found = rows.get("capacity")
    return found if found is not None and found["precision"] is not None else None


def _chart(precision: pd.DataFrame) -> Markup | None:
    """Precision by cut-off and way of choosing, with intervals."""
    ways = [
        way
        for way in _ways(precision)
        if way["name"] in ("capacity", "red", "deposit_fall", "deposit_fall_share", "random")
    ]
    colours = {"capacity": BLUE, "red": RED, "deposit_fall": GOLD, "deposit_fall_share": TEAL, "random": MUTED}
    if not ways or _best(precision) is None:
        return None
    with chart_style():
        figure = Figure(figsize=(9.2, 3.4), layout="constrained")
        axes = figure.subplots()
        names = [row["cutoff"] for row in ways[0]["cutoffs"]]
        for number, way in enumerate(ways):
            rows = [row for row in way["cutoffs"] if row["precision"] is not None]
            values, low, high = (
                np.array([row[key] for row in rows], dtype=float) for key in ("precision", "low", "high")
            )
            places = np.array([names.index(row["cutoff"]) for row in rows]) + 0.11 * (number - (len(ways) - 1) / 2)
            errors = np.nan_to_num(np.maximum([values - low, high - values], 0.0))
            label = both(way["words"].zh, way["words"].en)
            axes.errorbar(
                places, values, yerr=errors, fmt="o", color=colours[way["name"]], capsize=3, markersize=5, label=label
            )
        axes.set_xticks(range(len(names)), names)
        axes.set(
            ylim=(0, None), xlim=(-0.6, len(names) - 0.4), title=both("精确率,95 % 区间", "precision, 95 % interval")
        )
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(fontsize=8, ncols=2, loc="upper center", bbox_to_anchor=(0.5, -0.12))
        return svg(to_svg(figure, name="warning-precision"))


def _winback(tables: Mapping[str, pd.DataFrame], about: Mapping[str, Any]) -> dict[str, Any] | None:
    """The population to win back in numbers."""
    if "winback" not in tables:
        return None
    rows, returns = tables["winback"], tables["returns"]
    free = rows[rows["may_be_approached"].astype(bool)]
    by_kind = [
        {
            "words": KINDS[kind],
            "left": int((rows["kind"] == kind).sum()),
            "free": int((free["kind"] == kind).sum()),
            "value": None if (worth := free.loc[free["kind"] == kind, "value_lost"].sum(min_count=1)) is None or pd.isna(worth) else float(worth),
        }
        for kind in about["spec"]["winback"]["kinds"]
    ]  # fmt: skip
    barred = [
        {"words": BARS[str(name)], "customers": int(count)} for name, count in rows["barred_by"].value_counts().items()
    ]
    return {
        "kinds": by_kind,
        "barred": barred,
        "returns": [{**row, "words": KINDS[row["kind"]]} for row in _rows(returns)],
        "returned": about["winback"]["returned"],
        "fewest": about["winback"]["fewest_events"],
        "left_out": [{**each, "words": KINDS[each["kind"]]} for each in about["winback"]["left_out"]],
        "spec": about["spec"]["winback"],
        "deaths_known": about["winback"]["deaths_known"],
    }
