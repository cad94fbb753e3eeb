"""What drives the model: SHAP's plots of the served contributions of a sample."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmml.bundle import Bundle
from crmml.explain import amount
from crmml.explain.wording import Language, currency_words, is_missing, unit_words
from crmml.features.declare import FeatureInfo
from crmml.modelling.variables import direction
from crmml.reporting import group_charts, shap_plots
from crmml.reporting.bilingual import both, stacked
from crmml.reporting.page import svg

_TOP_FEATURES = 15
_MOST_ROWS = 1_000  # more dots cost seconds and show nothing else
_DEPENDENCE = 6
_LANGUAGES: tuple[Language, Language] = ("zh", "en")
_TYPICAL_HIGH = 95.0  # percentile of the sampled row whose score is taken apart


def explanations(bundle: Bundle, sample: pd.DataFrame, currency: str) -> dict[str, Any]:
    """SHAP's plots and the strongest features, from the served contributions of a sample."""
    if len(sample) > _MOST_ROWS:
        sample = sample.sample(_MOST_ROWS, random_state=7)
    sample = sample.reset_index(drop=True).assign(**bundle.encoding.fixed)
    X = bundle.encode(sample)
    values, base = bundle.contributions(X)
    titles = [stacked(info.zh, info.en) for info in bundle.features]
    scale = currency_words(currency) if bundle.is_money else ("对数赔率", "log-odds")
    units = [unit_words(info.unit, currency) for info in bundle.features]
    explained = shap_plots.Explained(values, base, X, titles, scale, units)
    row = _typical_high(bundle.scale(X))
    shown = [
        _cell(info, value, currency)
        for info, value in zip(bundle.features, sample.loc[row, list(bundle.names)], strict=True)
    ]
    strongest = explained.strongest(_TOP_FEATURES)
    numbers = [index for index in strongest if bundle.features[index].kind == "number" and explained.varies(index)]
    moved = np.abs(values - values.mean(axis=0)).mean(axis=0)
    return {
        "rows": len(sample),
        "importance": svg(group_charts.directions(_directions(bundle, X, values, moved), xlabel=both(f"平均绝对贡献({scale[0]})", f"mean |contribution|, {scale[1]}"))),
        "beeswarm": svg(shap_plots.beeswarm(explained)),
        "waterfall": svg(shap_plots.waterfall(explained, row, shown=shown)),
        "dependence": svg(shap_plots.dependence(explained, numbers[:_DEPENDENCE])) if numbers else None,
    }  # fmt: skip


def _directions(
    bundle: Bundle, X: np.ndarray, values: np.ndarray, moved: np.ndarray
) -> list[tuple[str, float, int | None]]:
    """The strongest features with their movement and the direction of the score as their value rises."""
    rows = []
    for index in np.argsort(-moved, kind="stable")[:_TOP_FEATURES]:
        info = bundle.features[index]
        sign = direction(X[:, index], values[:, index]) if info.kind == "number" else None
        rows.append((stacked(info.zh, info.en), float(moved[index]), sign))
    return rows


def _typical_high(scale: np.ndarray) -> int:
    """The row whose score is nearest to a high percentile."""
    return int(np.argmin(np.abs(scale - np.percentile(scale, _TYPICAL_HIGH))))


def _cell(info: FeatureInfo, value: Any, currency: str) -> str:
    """A feature with its value, in words."""
    if is_missing(value):
        zh, en = "未知", "not known"
    elif info.kind == "category":
        zh = en = str(value)
    else:
        zh, en = (amount(float(value), info.unit, language, currency=currency) for language in _LANGUAGES)
    return stacked(f"{info.zh} = {zh}", f"{info.en} = {en}", width=52)
