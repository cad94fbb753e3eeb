"""The page of a bank's loyalty: index by decile, curves by segment, and the label audit. Aggregates only."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmml.reporting import words
from crmml.reporting.bilingual import both
from crmml.reporting.fonts import BLUE, GOLD, MUTED, RED, TEAL, chart_style, to_svg
from crmml.reporting.page import render, svg
from crmml.vocabulary import CHURN_KINDS

_SEGMENT_WORDS = {"company": "企业", "person": "个人", "borrower": "有贷款", "depositor": "存款", "all": "全部"}
FEWEST_CUSTOMERS = 30
_COLORS = (BLUE, TEAL, GOLD, RED, MUTED)


@dataclass(frozen=True)
class LoyaltyPage:
    """What the page tells: the audit and validation as plain data, the index and scores of the newest cut-off.

    `components` are those the bank has features for; `curve` the metrics of the
    model of several horizons, and `scores` its scores, where the bank has one.
    """

    bank_zh: str
    bank_en: str
    cutoff: str
    months: int
    gap: int
    floor: float | None
    audit: Mapping[str, Any]
    validation: Mapping[str, Any]
    index: pd.DataFrame
    components: Sequence[Any]
    curve: Mapping[str, Any] | None = None
    scores: pd.DataFrame | None = None


def loyalty_page(page: LoyaltyPage, *, language: str) -> str:
    """One offline HTML file in Chinese and English."""
    newest = max((row["cutoff_date"] for row in page.audit["counts"] if row["population"]), default=None)
    validated = {kind: told for kind, told in page.validation.get("kinds", {}).items() if told is not None}
    points = [] if page.scores is None else [str(name) for name in page.scores if str(name).startswith("prob_churn_")]
    return render(
        "loyalty.html",
        language=language,
        page=page,
        kinds=CHURN_KINDS,
        newest=newest,
        counts=[row for row in page.audit["counts"] if row["cutoff_date"] == newest],
        step=words.step,
        exclusions=[row for row in page.audit["exclusions"] if row["cutoff_date"] == newest],
        overlap=[row for row in page.audit["overlap"] if row["cutoff_date"] == newest],
        regions=_circles(page.audit["regions"], newest),
        validated=validated,
        segments=_segments(page.index),
        components=_components(page),
        curve_rows=_curve_rows(page.curve),
        deciles=svg(decile_chart(validated)) if validated else None,
        rates=svg(rate_chart(page.audit["counts"])),
        curves=svg(curve_chart(page.scores, points)) if points and page.scores is not None else None,
    )


def _segments(index: pd.DataFrame) -> list[dict[str, Any]]:
    """Customers and mean index by segment, those of fewer than 30 customers left out."""
    if "index" not in index:
        return []
    rows = []
    for name, part in index.groupby("segment", sort=True):
        if len(part) >= FEWEST_CUSTOMERS:
            low, middle, high = part["index"].quantile([0.1, 0.5, 0.9]).tolist()
            zh, en = segment_words(str(name))
            rows.append({"zh": zh, "en": en, "rows": len(part), "mean": part["index"].mean(), "low": low, "middle": middle, "high": high})  # fmt: skip
    return rows


def segment_words(name: str) -> tuple[str, str]:
    """A segment in Chinese and English; words that are not known stay as they are.

    >>> segment_words("person, borrower")
    ('个人,有贷款', 'person, borrower')
    """
    parts = [part.strip() for part in name.split(",")]
    return ",".join(_SEGMENT_WORDS.get(part, part) for part in parts), ", ".join(parts)


def _components(page: LoyaltyPage) -> list[dict[str, Any]]:
    """Weight, formula and mean points of each component."""
    if "index" not in page.index:
        return []
    weight = 100 / len(page.components)
    names = [name for name in page.index.columns if name.startswith("points_")]
    of = {component.name: component for component in page.components}
    return [
        {
            "zh": of[name].zh,
            "en": of[name].en,
            "weight": weight,
            "mean": float(page.index[f"points_{name}"].mean()),
            "formula": " ; ".join(sign.formula for sign in of[name].signs),
        }
        for name in (each.removeprefix("points_") for each in names)
        if name in of
    ]


def _circles(regions: Sequence[Mapping[str, Any]], newest: str | None) -> Mapping[str, Any] | None:
    return next((row for row in regions if row["cutoff_date"] == newest), None)


def _curve_rows(curve: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The figures of each horizon as rows."""
    if curve is None:
        return []
    return [
        {"months": int(months), **told["headline"], "trained": told["trained_on"], "new": told["never_trained_on"]}
        for months, told in curve["horizons"].items()
    ]


def decile_chart(validated: Mapping[str, Mapping[str, Any]]) -> str:
    """The share that leaves later by decile of the index, one panel for each kind, with 95 % intervals."""
    with chart_style():
        figure = Figure(figsize=(9.6, 3.2), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, len(validated)))
        for axes, (kind, told) in zip(panels, validated.items(), strict=True):
            rows = pd.DataFrame(told["deciles"])
            errors = np.maximum(0.0, [rows["rate"] - rows["low"], rows["high"] - rows["rate"]])
            axes.bar(rows["decile"], rows["rate"], color=BLUE, alpha=0.75, width=0.7)
            axes.errorbar(rows["decile"], rows["rate"], yerr=errors, fmt="none", color=MUTED, capsize=3, linewidth=1)
            axes.plot(
                rows["decile"], rows["isotonic"], color=GOLD, linewidth=1.6, label=both("单调拟合", "isotonic fit")
            )
            zh, en = CHURN_KINDS[kind]
            axes.set(title=both(zh, en), xlabel=both("指数十分位,1 最低", "decile, 1 = lowest"))
            axes.set_xticks(rows["decile"])
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
            axes.grid(axis="x", visible=False)
        panels[0].set_ylabel(both("之后流失的占比", "share that leaves"))
        panels[0].legend(loc="upper right", fontsize=8.5)
        return to_svg(figure, name="deciles")


def rate_chart(counts: Sequence[Mapping[str, Any]]) -> str:
    """The share of the population that leaves, by cut-off and kind."""
    with chart_style():
        figure = Figure(figsize=(9.6, 2.9), layout="constrained")
        axes = figure.subplots()
        frame = pd.DataFrame([row for row in counts if row["population"]])
        for color, (kind, rows) in zip(_COLORS, frame.groupby("kind", sort=False) if len(frame) else [], strict=False):
            zh, en = CHURN_KINDS[str(kind)]
            axes.plot(pd.to_datetime(rows["cutoff_date"]), rows["rate"], "o-", color=color, label=both(zh, en), ms=4)
        axes.set(title=both("各截止日流失率", "rate by cut-off"))
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=1))
        if len(frame):
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=8.5)
        return to_svg(figure, name="rates")


def curve_chart(scores: pd.DataFrame, points: Sequence[str]) -> str:
    """The chance of leaving over the horizons: the mean of each segment, and the middle 80 % of its customers."""
    months = [int(name.removeprefix("prob_churn_").removesuffix("m")) for name in points]
    segments = [(name, rows) for name, rows in scores.groupby("segment") if len(rows) >= FEWEST_CUSTOMERS]
    segments = segments or [("all", scores)]
    with chart_style():
        figure = Figure(figsize=(9.6, 3.2), layout="constrained")
        panels = np.atleast_1d(figure.subplots(1, len(segments), sharey=True))
        for axes, color, (name, rows) in zip(panels, _COLORS * 3, segments, strict=False):
            values = rows[list(points)]
            low, high = values.quantile(0.1), values.quantile(0.9)
            axes.fill_between(months, low, high, color=color, alpha=0.18, label="10%–90%")
            axes.plot(months, values.mean(), "o-", color=color, label=both("平均", "mean"))
            zh, en = segment_words(str(name))
            axes.set(title=f"{both(zh, en)}\n{len(rows):,}", xlabel=both("个月", "months"))
            axes.set_xticks(months)
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        panels[0].set_ylim(bottom=0)  # after all are drawn: the panels share it
        panels[0].set_ylabel(both("流失概率", "chance of leaving"))
        panels[0].legend(loc="upper left", fontsize=8.5)
        return to_svg(figure, name="curves")
