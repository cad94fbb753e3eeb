"""The models on the last screen: every one out of time, beside the truth and what it must beat."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from crmml.bundle import HORIZON
from crmml.demo.words import slope_of
from crmml.demo_bank import judge
from crmml.evaluation.discrimination import normalised_gini
from crmml.stages.project import Project
from crmml.stages.summaries import read_metrics


def model_lines(project: Project) -> Iterator[str]:
    """One line per model: out of time, beside the truth and the plain benchmark."""
    yield "MODELS    tested on later months         AUC [95 %]          truth's   calibration [95 %]   against scorecard"
    money = []
    for model in project.config.models.values():
        if model.event is not None:
            continue
        metrics = read_metrics(project, model.key)
        if model.spec.steps:
            yield from curve_lines(project, model.key, metrics)
            continue
        name = f"{model.key.replace('_', ' ')}, {model.spec.horizon.months} months"
        head, slope = metrics["headline"], slope_of(metrics["headline"])
        if metrics["measure"] != "auc":
            money.append(f"          {name:<30} {_money_figures(project, model.key, metrics)}   {slope}")
            continue
        auc, difference = head["auc"], metrics["benchmark"]["difference"]
        yield (
            f"          {name:<30} {auc['value']:.2f} [{auc['low']:.2f}, {auc['high']:.2f}]   "
            f"{truth_auc(project, model.key):.2f}      {slope}    "
            f"{difference['value']:+.2f} ({metrics['benchmark']['verdict']})"
        )
    yield from money


def curve_lines(project: Project, key: str, metrics: dict[str, Any]) -> Iterator[str]:
    """One line per horizon of a curve: its own figures beside the truth of that horizon, on the same rows."""
    rows = pd.read_parquet(project.workspace.of("training", key) / "curve.parquet")
    truth = project.workspace.data / "truth"
    for months, told in metrics["horizons"].items():
        head, auc = told["headline"], told["headline"]["auc"]
        part = rows[rows[HORIZON] == int(months)]
        best = np.mean([judge.auc_of_truth(truth, f"churn_{months}m", day) for _, day in part.groupby("period")])
        name = f"{key}, {months} month{'s' if months != '1' else ''}"
        yield (
            f"          {name:<30} {auc['value']:.2f} [{auc['low']:.2f}, {auc['high']:.2f}]   {best:.2f}      {slope_of(head)}"
        )
    separate = metrics["separate"]
    yield (
        f"          one model, {metrics['crossings']} curves cross; against a model of {metrics['headline_months']} months "
        f"alone {separate['difference']['value']:+.3f} ({separate['verdict']})"
    )


def _money_figures(project: Project, key: str, metrics: dict[str, Any]) -> str:
    """The Gini of a forecast of money, of the truth, and of what it must beat."""
    best = metrics["headline"]["normalised_gini"]["value"]
    rivals = ", ".join(
        f"{name} {figures['normalised_gini']['value']:.2f} ({figures['normalised_gini']['verdict']})"
        for name, figures in metrics["benchmark"]["rivals"].items()
    )
    return f"Gini {best:.2f}, truth's {truth_gini(project, key):.2f}; {rivals}"


def truth_gini(project: Project, key: str) -> float:
    """The normalised Gini of the true expectation on the model's own test rows, the mean over cut-offs."""
    rows = pd.read_parquet(project.workspace.of("training", key) / "predictions.parquet")
    truth = project.workspace.data / "truth"
    ginis = []
    for _, part in rows.groupby("period"):
        expected = judge.true_contribution(truth, part)
        known = ~np.isnan(expected)
        ginis.append(normalised_gini(part["label"].to_numpy(dtype=float)[known], expected[known]))
    return float(np.mean(ginis))


def truth_auc(project: Project, key: str) -> float:
    """The AUC of the true chances on the model's own test rows, the mean over cut-offs as the model's is."""
    rows = pd.read_parquet(project.workspace.of("training", key) / "predictions.parquet")
    truth = project.workspace.data / "truth"
    return float(np.mean([judge.auc_of_truth(truth, key, part) for _, part in rows.groupby("period")]))
