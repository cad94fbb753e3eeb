"""The charts and tables of the test rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from crmml.bundle import SIGNS, Bundle
from crmml.reporting import charts, figures, words
from crmml.reporting.model_report.card import data_window
from crmml.reporting.model_report.population import windows
from crmml.reporting.model_report.variables import concept_words
from crmml.reporting.page import svg


def draw(bundle: Bundle, predictions: pd.DataFrame) -> dict[str, Markup]:
    metrics = bundle.card["metrics"]
    measure = metrics["measure"]
    parts, place = ("各截止日", "cut-off") if data_window(bundle.card)["test"] else ("各检验部分", "part")
    drawn = {
        "by_cutoff": charts.by_cutoff(
            _by_cutoff(metrics),
            title=f"{parts} AUC by {place}" if measure == "auc" else f"{parts}标准化基尼 normalised Gini by {place}",
            chance=0.5 if measure == "auc" else 0.0,
        ),
        "groups": charts.bars(
            {
                f"{concept_words(name).zh} {concept_words(name).en}": share
                for name, share in bundle.card["importance"].items()
            },
            title="概念组重要性 importance of concept groups",
            xlabel="占模型变动的份额 share of the movement",
            name="groups",
        ),
    }
    if dates := windows(bundle.card):
        drawn["calendar"] = charts.calendar(dates)
    served = predictions["predicted" if bundle.is_money else "probability"].to_numpy()
    shift = figures.shift_of(np.array(bundle.reference.quantiles), served)
    drawn["shift"] = charts.shift(
        shift["train"], shift["test"], edges=_edge_words(shift["edges"], money=bundle.is_money), psi=shift["psi"]
    )
    newest = figures.newest(predictions)
    if bundle.is_money:
        last = predictions[predictions["period"] == predictions["period"].max()]
        drawn["deciles"] = charts.deciles(figures.money_deciles(last["predicted"].to_numpy(), last["label"].to_numpy()))
    elif newest:
        rankings = [
            charts.Ranking(
                period, rows["label"].to_numpy(), rows["probability"].to_numpy(), rows["benchmark"].to_numpy()
            )
            for period, rows in newest.items()
        ]
        drawn["roc"] = charts.roc_and_gains(rankings)
        drawn["calibration"] = charts.calibration({period: _bins(rows) for period, rows in newest.items()})
    return {name: svg(text) for name, text in drawn.items()}


def _bins(rows: pd.DataFrame) -> pd.DataFrame:
    return figures.calibration_bins(rows["probability"].to_numpy(), rows["label"].to_numpy())


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
    said = [f"{edge:,.0f}" if money else f"{edge * 100:.2g}%" for edge in edges]
    return [f"≤{said[0]}", *said[1:], f">{said[-1]}"] if said else [""]


def tables(bundle: Bundle, predictions: pd.DataFrame) -> dict[str, Any]:
    last = str(predictions["period"].max())
    if bundle.is_money:
        rows = predictions[predictions["period"].astype(str) == last]
        table = figures.money_deciles(rows["predicted"].to_numpy(), rows["label"].to_numpy())
        parts = [
            {"words": words.COMPONENTS[name], **bundle.card["metrics"]["components"][name]}
            for name in SIGNS
            if name in bundle.card["metrics"].get("components", {})
        ]
        return {"period": last, "deciles": table.to_dict("records"), "components": parts}
    newest = figures.newest(predictions, 1)
    if not newest:
        return {"period": last, "ranks": []}
    period, rows = next(iter(newest.items()))
    return {"period": period, "ranks": figures.rank_table(rows["probability"].to_numpy(), rows["label"].to_numpy())}
