"""The binning tables of a scorecard as plain rows, for people and for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from crmml.modelling.scorecard.bins import Bin, Binned, divergences

if TYPE_CHECKING:
    from crmml.features.declare import FeatureInfo
    from crmml.modelling.scorecard.fit import Scorecard

_PERCENT = {"share", "rate", "change"}
_WORDS = {"missing": ("缺失", "Missing"), "special": ("特殊值", "Special"), "unseen": ("未见过的类别", "Unseen level")}
_SHOWN_LEVELS = 6


def scorecard_tables(card: Scorecard) -> dict[str, Any]:
    """A scorecard as plain data: its scale, its features with the rows of their bins, and what was left out."""
    return {
        "direction": card.direction,
        "base_points": card.base_points,
        "base_score": card.spec.base_score,
        "base_odds": card.spec.base_odds,
        "points_to_double": card.spec.points_to_double,
        "special": list(card.spec.special),
        "intercept": card.intercept,
        "rows": card.rows,
        "events": card.events,
        "features": [
            feature_table(info, binned, card.coefficients[position], card.points(position).tolist())
            for position, (info, binned) in enumerate(zip(card.infos, card.binned, strict=True))
        ],
        "left_out": [{"name": name, **why} for name, why in card.left_out.items()],
    }


def feature_table(info: FeatureInfo, binned: Binned, coefficient: float, points: list[float]) -> dict[str, Any]:
    """One feature: its figures, and a row for each bin and the total."""
    values, shannon = divergences(binned.bins)
    total = sum(one.rows for one in binned.bins)
    rows = []
    for one, iv, js, worth in zip(binned.bins, values, shannon, points, strict=True):
        zh, en = label_of(one, info.unit)
        rows.append(
            {
                "bin_zh": zh,
                "bin_en": en,
                "kind": one.kind,
                "low": _finite(one.low) if one.kind == "range" else None,
                "high": _finite(one.high) if one.kind == "range" else None,
                "levels": list(one.levels),
                "rows": one.rows,
                "share": one.rows / total,
                "events": one.events,
                "event_rate": one.rate,
                "woe": one.woe,
                "iv": iv,
                "js": js,
                "points": worth,
            }
        )
    events = sum(one.events for one in binned.bins)
    rows.append(
        {
            "bin_zh": "合计",
            "bin_en": "Total",
            "kind": "total",
            "low": None,
            "high": None,
            "levels": [],
            "rows": total,
            "share": 1.0,
            "events": events,
            "event_rate": events / total,
            "woe": None,
            "iv": sum(values),
            "js": sum(shannon),
            "points": None,
        }
    )
    return {
        "name": info.name,
        "zh": info.zh,
        "en": info.en,
        "unit": info.unit,
        **trend_words(binned),
        "coefficient": coefficient,
        "iv": sum(values),
        "js": sum(shannon),
        "rows": rows,
    }


def trend_words(binned: Binned) -> dict[str, str]:
    """How event rates go from bin to bin, in both languages."""
    if binned.trend == "levels":
        return {"trend_zh": "按类别归并", "trend_en": "levels grouped by rate"}
    rates = [one.rate for one in binned.bins if one.kind == "range" and one.rate is not None]
    rises = rates[-1] >= rates[0] if rates else True
    zh, en = ("事件率递增", "rate rises") if rises else ("事件率递减", "rate falls")
    if binned.trend == "expected":
        return {"trend_zh": zh + "(按目录预期)", "trend_en": en + ", as the catalogue expects"}
    return {"trend_zh": zh, "trend_en": en}


def label_of(one: Bin, unit: str) -> tuple[str, str]:
    """What a bin is called, in Chinese and in English.

    >>> label_of(Bin("range", low=1200.0, high=34567.5), "money")
    ('[1,200, 34,567.5)', '[1,200, 34,567.5)')
    >>> label_of(Bin("range", high=0.125), "share"), label_of(Bin("missing"), "money")
    (('< 12.5%', '< 12.5%'), ('缺失', 'Missing'))
    >>> label_of(Bin("levels", levels=tuple("ABCDEFGH")), "category")
    ('A, B, C, D, E, F 等 8 类', 'A, B, C, D, E, F and 2 more')
    """
    if one.kind in _WORDS:
        return _WORDS[one.kind]
    if one.kind == "levels":
        shown, more = ", ".join(one.levels[:_SHOWN_LEVELS]), len(one.levels) - _SHOWN_LEVELS
        return (f"{shown} 等 {len(one.levels)} 类", f"{shown} and {more} more") if more > 0 else (shown, shown)
    low, high = _edge(one.low, unit), _edge(one.high, unit)
    if np.isinf(one.low) and np.isinf(one.high):
        return "全部", "all"
    text = f"< {high}" if np.isinf(one.low) else f"≥ {low}" if np.isinf(one.high) else f"[{low}, {high})"
    return text, text


def _edge(value: float, unit: str) -> str:
    """An edge with six digits that count."""
    if np.isinf(value):
        return ""
    number = value * 100 if unit in _PERCENT else value
    digits = 0 if number == 0 else max(0, 5 - int(np.floor(np.log10(abs(number)))))
    text = f"{number:,.{digits}f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text + ("%" if unit in _PERCENT else "")


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
