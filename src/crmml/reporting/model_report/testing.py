"""Figures of the test rows that are worked out when the page is made: before and after calibration, KS, who was tested."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from crmml.bundle import SIGNS, Bundle
from crmml.evaluation import calibration, discrimination
from crmml.evaluation.intervals import ks_at
from crmml.reporting import figures, words
from crmml.reporting.metric_words import METRICS
from crmml.reporting.words import Words


def tested(predictions: pd.DataFrame) -> dict[str, int]:
    """How many customers were tested, and how many of them had the event."""
    happened = predictions["label"] > 0
    return {
        "customers": int(predictions["customer_id"].nunique()),
        "event_customers": int(predictions.loc[happened, "customer_id"].nunique()),
    }


def ks_scores(bundle: Bundle, predictions: pd.DataFrame) -> dict[str, float]:
    """The served probability at which the KS of each period lies."""
    if bundle.is_money:
        return {}
    return {
        str(period): ks_at(rows["label"].to_numpy(dtype=float), rows["probability"].to_numpy(dtype=float))[1]
        for period, rows in predictions.groupby("period", sort=True)
        if rows["label"].nunique() > 1
    }


def raw_of(bundle: Bundle, predictions: pd.DataFrame) -> np.ndarray | None:
    """The scores before calibration: log-odds, or money; null where every fold was calibrated on its own."""
    if bundle.card["config"]["split"].get("kind") == "folds":
        return None
    if not bundle.is_money:
        part = bundle.parts[0]
        intercept, slope = part.levels.get(bundle.horizon or 0, (part.intercept, part.slope))
        return (predictions["log_odds"].to_numpy(dtype=float) - intercept) / slope if slope else None
    total = np.zeros(len(predictions))
    for part in bundle.parts:
        amount = predictions[part.name].to_numpy(dtype=float)
        total += SIGNS[part.name] * ((amount - part.intercept) / part.slope if part.slope else amount)
    return total


def before_after(bundle: Bundle, predictions: pd.DataFrame) -> list[dict[str, Any]]:
    """The same figures before and after calibration, means over the periods; empty where the first cannot be told."""
    raw = raw_of(bundle, predictions)
    if raw is None:
        return []
    scale = predictions["predicted" if bundle.is_money else "log_odds"].to_numpy(dtype=float)
    judge = _money if bundle.is_money else _probability
    rows = []
    for zh, en, values in (("校准前", "before", raw), ("校准后", "after", scale)):
        parts = [
            judge(group["label"].to_numpy(dtype=float), values[group.index.to_numpy()])
            for _, group in predictions.reset_index(drop=True).groupby("period", sort=True)
        ]
        rows.append({"zh": zh, "en": en} | {name: _mean([part[name] for part in parts]) for name in parts[0]})
    return rows


def _probability(label: np.ndarray, log_odds: np.ndarray) -> dict[str, float | None]:
    p = 1 / (1 + np.exp(-log_odds))
    try:
        slope = float(calibration.fit_logistic(log_odds, label)[1])
    except ValueError:
        slope = None
    table = calibration.decile_table(p, label)
    return {
        "predicted": float(p.mean()),
        "observed": float(label.mean()),
        "ratio": _finite(calibration.observed_over_expected(label, p)[0]),
        "slope": slope,
        "log_loss": discrimination.log_loss(label, log_odds),
        "ece": sum(abs(row["predicted"] - row["actual"]) * row["rows"] for row in table) / len(label),
    }


def _money(label: np.ndarray, amount: np.ndarray) -> dict[str, float | None]:
    return {
        "predicted": float(amount.mean()),
        "observed": float(label.mean()),
        "ratio": _finite(calibration.observed_over_expected(label, amount)[0]),
        "slope": _finite(calibration.linear_slope(amount, label)[1]),
        "rmse": float(np.sqrt(np.mean((amount - label) ** 2))),
    }


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def compared(both: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The figures of challenger and champion, side by side."""
    if not both or "reason" in both:
        return []
    rows = []
    for key, metric in METRICS.items():
        if key in both["challenger"] and key in both["champion"]:
            pair = (_as_figure(both[which][key]) for which in ("challenger", "champion"))
            rows.append(
                {
                    "words": metric.name,
                    "digits": metric.digits,
                    **dict(zip(("challenger", "champion"), pair, strict=True)),
                }
            )
    return rows


def _as_figure(found: Any) -> dict[str, float | None]:
    return dict(found) if isinstance(found, Mapping) else {"value": found, "low": None, "high": None}


def tables(bundle: Bundle, predictions: pd.DataFrame) -> dict[str, Any]:
    """The tables of the newest period that can be told: deciles of money, or ranks and bins of a probability."""
    last = str(predictions["period"].max())
    if bundle.is_money:
        rows = predictions[predictions["period"].astype(str) == last]
        table = figures.money_deciles(rows["predicted"].to_numpy(), rows["label"].to_numpy())
        return {
            "period": last,
            "deciles": table.to_dict("records"),
            "rows": len(rows),
            "mean_predicted": float(rows["predicted"].mean()),
            "mean_actual": float(rows["label"].mean()),
            "components": [
                {"words": words.COMPONENTS[name], **bundle.card["metrics"]["components"][name]}
                for name in SIGNS
                if name in bundle.card["metrics"].get("components", {})
            ],
        }
    newest = figures.newest(predictions, 1)
    if not newest:
        return {"period": last, "ranks": [], "bins": []}
    period, rows = next(iter(newest.items()))
    score, label = rows["probability"].to_numpy(), rows["label"].to_numpy()
    return {
        "period": period,
        "ranks": figures.rank_table(score, label),
        "bins": figures.calibration_bins(score, label).to_dict("records"),
        "rows": len(rows),
        "events": int(label.sum()),
        "rate": float(label.mean()),
    }


def thin_tables(found: Mapping[str, Any] | None) -> list[list[dict[str, Any]]]:
    """For each kind of thin file its own figures and those of all others, with words."""
    tables = []
    for kind in (found or {}).get("kinds", []):
        rows = [(Words(kind["zh"], kind["en"]), kind["thin"]), (Words("其他客户", "all others"), kind["others"])]
        tables.append([{**told, "words": said} for said, told in rows if told is not None])
    return tables
