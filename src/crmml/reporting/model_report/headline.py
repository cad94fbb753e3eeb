"""The figures of the first screen, as text with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmml.reporting import words
from crmml.reporting.metric_words import METRICS
from crmml.reporting.page import told
from crmml.reporting.words import Words

ORDER = (
    "auc",
    "gini",
    "normalised_gini",
    "average_precision",
    "ks",
    "ks_score",
    "lift_10pct",
    "calibration_slope",
    "observed_over_expected",
    "brier",
    "log_loss",
    "ece",
    "mae",
    "rmse",
    "r2",
    "spearman",
    "captured",
)


def headline(metrics: Mapping[str, Any], more: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The figures of a test: name, meaning, value and interval as text; `more` has those beyond the card, with intervals."""
    head = {**metrics["headline"], **(more or {})}
    return [_told(key, head[key]) for key in ORDER if key in head]


def _told(key: str, figure: Any) -> dict[str, Any]:
    metric = METRICS[key]
    return {
        "key": key,
        "zh": metric.name.zh,
        "en": metric.name.en,
        "meaning": metric.meaning,
        "arrow": metric.arrow,
        "better": metric.better,
        **figure_of(figure, metric.digits),
    }


def figure_of(figure: Mapping[str, float | None] | float | None, digits: int) -> dict[str, str]:
    value, low, high = (
        (figure["value"], figure.get("low"), figure.get("high"))
        if isinstance(figure, Mapping)
        else (figure, None, None)
    )
    interval = f"[{told(low, digits)}, {told(high, digits)}]" if low is not None and high is not None else ""
    return {"value": "不足 too few" if value is None else told(value, digits), "interval": interval}


def apart(metrics: Mapping[str, Any], group: str) -> list[dict[str, Any]]:
    """The figures of some test rows alone, such as those of customers never trained on."""
    head = metrics.get(group)
    return headline({"headline": head}) if head else []


def against_benchmark(metrics: Mapping[str, Any]) -> dict[str, Any] | None:
    bench = metrics.get("benchmark")
    if not bench or metrics["measure"] not in bench:
        return None
    return {
        "words": words.BENCHMARKS.get(bench["name"], Words(bench["name"], bench["name"])),
        "model": figure_of(metrics["headline"][metrics["measure"]], 3),
        "figure": figure_of(bench[metrics["measure"]], 3),
        "difference": figure_of(bench["difference"], 3),
        "is_real": bench["verdict"] == "real",
    }


_RIVAL_FIGURES = (
    ("normalised_gini", "标准化基尼", "normalised Gini", 3),
    ("mae", "平均绝对误差(金额)", "mean absolute error, in money", 0),
    ("rmse", "均方根误差(金额)", "root mean square error, in money", 0),
)


def against_rivals(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each other forecast of the amounts and each figure; empty for a probability."""
    found = (metrics.get("benchmark") or {}).get("rivals") or {}
    return [
        {
            "words": words.BENCHMARKS.get(name, Words(name, name)),
            **{"zh": zh, "en": en, "digits": digits},
            **{key: figures[measure][key] for key in ("ours", "value", "difference")},
            "is_real": figures[measure]["verdict"] == "real",
        }
        for name, figures in found.items()
        for measure, zh, en, digits in _RIVAL_FIGURES
    ]
