"""The charts and tables of the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from crmml.bundle import Bundle
from crmml.reporting import charts, figures, group_charts
from crmml.reporting.bilingual import both, stacked
from crmml.reporting.evidence import Evidence
from crmml.reporting.metric_words import attribute, group
from crmml.reporting.model_report.card import data_window
from crmml.reporting.model_report.population import windows
from crmml.reporting.model_report.testing import raw_of
from crmml.reporting.model_report.variables import concept_words
from crmml.reporting.page import svg, told
from crmml.reporting.ranking_charts import Ranking, gains_and_lift, roc_and_recall


def draw(
    bundle: Bundle,
    predictions: pd.DataFrame,
    evidence: Evidence,
    found: Mapping[str, Any],
    *,
    currency: tuple[str, str],
) -> dict[str, Markup]:
    """The charts of the page by name; a chart without its figures is left out, and the page says why.

    Parameters
    ----------
    found : mapping
        What the page worked out already: `waterfall` and `psi`.
    """
    drawn = {
        "by_cutoff": _figure_by_cutoff(bundle),
        "groups": charts.bars(
            {both(*concept_words(name)): share for name, share in bundle.card["importance"].items()},
            title=both("概念组重要性", "importance of concept groups"),
            xlabel=both("占模型变动的份额", "share of the movement"),
            name="groups",
        ),
        **_of_rows(bundle, predictions, currency),
        **_of_evidence(evidence, found),
    }
    if dates := windows(bundle.card):
        drawn["calendar"] = charts.calendar(dates)
    if (steps := found["waterfall"]) is not None:
        drawn["population"] = group_charts.population(
            [both(*step) for step in steps["steps"]], steps["total"]["counts"]
        )
    return {name: svg(text) for name, text in drawn.items()}


def _figure_by_cutoff(bundle: Bundle) -> str:
    is_auc = bundle.card["metrics"]["measure"] == "auc"
    parts, place = ("各截止日", "cut-off") if data_window(bundle.card)["test"] else ("各检验部分", "part")
    zh, en = ("AUC", "AUC") if is_auc else ("标准化基尼", "normalised Gini")
    title = both(f"{parts}{zh}", f"{en} by {place}")
    return charts.by_cutoff(_by_cutoff(bundle.card["metrics"]), title=title, chance=0.5 if is_auc else 0.0)


def _of_rows(bundle: Bundle, predictions: pd.DataFrame, currency: tuple[str, str]) -> dict[str, str]:
    """The charts that are drawn from the test rows."""
    served = predictions["predicted" if bundle.is_money else "probability"].to_numpy()
    shift = figures.shift_of(np.array(bundle.reference.quantiles), served)
    edges = _edge_words(shift["edges"], money=bundle.is_money)
    drawn = {"shift": charts.shift(shift["train"], shift["test"], edges=edges, psi=shift["psi"])}
    if bundle.is_money:
        last = predictions[predictions["period"] == predictions["period"].max()]
        label, predicted, carried = (last[name].to_numpy(dtype=float) for name in ("label", "predicted", "benchmark"))
        drawn["deciles"] = charts.deciles(figures.money_deciles(predicted, label), currency=currency)
        if label.sum() > 0:
            ranking = Ranking(str(last["period"].iloc[0]), label, predicted, carried)
            drawn["gains"] = gains_and_lift([ranking], money=True)
        return drawn
    raw = raw_of(bundle, predictions)
    newest = figures.newest(predictions.assign(raw=np.nan if raw is None else raw))
    if newest:
        rankings = [
            Ranking(period, *(rows[name].to_numpy(dtype=float) for name in ("label", "probability", "benchmark")))
            for period, rows in newest.items()
        ]
        drawn["roc"] = roc_and_recall(rankings)
        drawn["gains"] = gains_and_lift(rankings)
        drawn["calibration"] = charts.calibration({period: _bins(rows) for period, rows in newest.items()})
    return drawn


def _of_evidence(evidence: Evidence, found: Mapping[str, Any]) -> dict[str, str]:
    """The charts of what was found out beside the training."""
    drawn = {}
    told = [
        (_of_division(division["zh"], division["en"], row["group"]), row["observed_over_expected"])
        for division in (evidence.segments or {}).get("divisions", [])
        for row in division["groups"]
        if row["observed_over_expected"]
    ]
    if told:
        title = both("各组实际/预期,95% 区间", "observed / expected by group, 95% interval")
        drawn["segments"] = group_charts.intervals(told, title=title, name="segments")
    ratios = [
        (_of_division(*attribute(each["name"]), row["group"]), row["selected_ratio"])
        for each in (evidence.fairness or {}).get("attributes", [])
        for row in each["groups"]
        if row["selected_ratio"] and row["group"] not in ("few", "not known")
    ]
    if ratios:
        title = both("选取率与最大组之比,95% 区间", "selection, ratio to the largest group, 95% interval")
        drawn["fairness"] = group_charts.intervals(ratios, title=title, band=(0.8, 1.25), name="fairness")
    if worst := found["psi"]["worst"]:
        values = np.array([[np.nan if each is None else each for each in row["figures"]] for row in worst], dtype=float)
        periods = evidence.stability["periods"] if evidence.stability else []
        if values.shape[1] <= _MOST_PERIODS:
            drawn["heat"] = group_charts.heat([stacked(row["zh"], row["en"]) for row in worst], periods, values)
    return drawn


_MOST_PERIODS = 12


def _of_division(zh: str, en: str, name: str) -> str:
    """A group of a division, such as a deposit tier."""
    said = group(name)
    return both(f"{zh} · {said.zh}", f"{en} · {said.en}")


def _bins(rows: pd.DataFrame) -> pd.DataFrame:
    label = rows["label"].to_numpy()
    bins = figures.calibration_bins(rows["probability"].to_numpy(), label)
    if rows["raw"].isna().any():
        return bins
    raw = figures.calibration_bins(1 / (1 + np.exp(-rows["raw"].to_numpy())), label)
    return bins.assign(raw_predicted=raw["predicted"], raw_observed=raw["observed"])


def _by_cutoff(metrics: Mapping[str, Any]) -> pd.DataFrame:
    measure = metrics["measure"]
    rows = []
    for part in metrics["per_cutoff"]:
        figure, bench = part[measure], part.get("benchmark") or {}
        rows.append((part["cutoff_date"], figure["value"], figure["low"], figure["high"], bench.get("value")))
    table = pd.DataFrame(rows, columns=["cutoff", "value", "low", "high", "benchmark"])
    numbers = ["value", "low", "high", "benchmark"]
    return table.assign(**{name: pd.to_numeric(table[name]) for name in numbers})


def _edge_words(edges: np.ndarray, *, money: bool) -> list[str]:
    said = [told(edge, 0) if money else f"{edge * 100:.2g}%" for edge in edges]
    return [f"≤ {said[0]}", *said[1:], f"> {said[-1]}"] if said else [""]
