"""The figures of the first screen, as text with their intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmml.reporting import words
from crmml.reporting.words import Words


def headline(metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The figures of the first screen: name, value and interval as text."""
    head = metrics["headline"]
    rows = [
        ("auc", "AUC", "AUC", 3),
        ("gini", "基尼系数", "Gini", 3),
        ("normalised_gini", "标准化基尼", "normalised Gini", 3),
        ("calibration_slope", "校准斜率", "calibration slope", 2),
        ("observed_over_expected", "实际/预期", "observed / expected", 2),
        ("ks", "KS", "KS", 3),
        ("lift_10pct", "前10%提升度", "lift, top 10%", 2),
        ("brier", "Brier", "Brier", 4),
        ("log_loss", "对数损失", "log loss", 4),
        ("mae", "平均绝对误差(元)", "mean absolute error, yuan", 0),
        ("rmse", "均方根误差(元)", "root mean square error, yuan", 0),
    ]
    shown = []
    for key, zh, en, digits in rows:
        if key in head:
            shown.append({"key": key, "zh": zh, "en": en, **figure_of(head[key], digits)})
    return shown


def figure_of(figure: Mapping[str, float | None] | float | None, digits: int) -> dict[str, str]:
    value, low, high = (
        (figure["value"], figure.get("low"), figure.get("high"))
        if isinstance(figure, Mapping)
        else (figure, None, None)
    )
    interval = f"[{told(low, digits)}, {told(high, digits)}]" if low is not None and high is not None else ""
    return {"value": "–" if value is None else told(value, digits), "interval": interval}


def told(value: float, digits: int) -> str:
    """A number with its true minus sign, and no minus before a zero."""
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if text.strip("-0.") else text.lstrip("-")


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
