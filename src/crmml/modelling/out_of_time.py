"""The test on later months: served figures and the benchmark's, row by row and summed up."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.bundle import HORIZON, SIGNS, TOTAL, Bundle
from crmml.evaluation.report import money_report, probability_report
from crmml.evaluation.rivals import against_rivals
from crmml.modelling.benchmark import CARRIED_FORWARD, DIRECT, SCORECARD, last_year
from crmml.modelling.preparation import Prepared
from crmml.modelling.scorecard import Scorecard
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import quarter_ends

Array = npt.NDArray[np.float64]
FEWEST_ROWS = 100
RESAMPLES = 300


def predict_test(
    bundle: Bundle,
    prepared: Prepared,
    *,
    holdout_buckets: int,
    scorecard: Scorecard | None,
    direct: Array | None = None,
) -> pd.DataFrame:
    """The served figures and the benchmark's on every test row; a probability has a `scorecard`.

    `never_trained_on` are customers held out by their bucket, or in the
    population at no training cut-off; `first_seen_later` the latter alone. Of a
    model of several horizons every horizon has rows, and the benchmark those of
    the headline horizon alone. `direct` is what one
    regression on the sum says of them.
    """
    rows = prepared.test
    names = [name for name in ("customer_id", "cutoff_date", "event_id", "segment", HORIZON) if name in prepared.frame]
    predictions = prepared.frame.iloc[rows][names].reset_index(drop=True)
    trained = set(prepared.customers[prepared.train].tolist())
    predictions["never_trained_on"] = [customer not in trained for customer in prepared.customers[rows]]
    is_held_out = prepared.buckets[rows] < holdout_buckets
    predictions["first_seen_later"] = predictions["never_trained_on"].to_numpy() & ~is_held_out
    X = prepared.X[rows]
    if bundle.is_money:
        money = bundle.predict_money(X)
        for name in SIGNS:
            predictions[name] = money[name].to_numpy()
            predictions[f"label_{name}"] = prepared.column(f"label_{name}")[rows]
        predictions["label"] = _contribution(predictions, "label_")
        predictions["predicted"] = money[TOTAL].to_numpy()
        predictions["benchmark"] = last_year(prepared)
        if direct is not None:
            predictions["direct"] = direct
    else:
        predictions["label"] = prepared.column("label")[rows]
        predictions["log_odds"] = bundle.log_odds(X)
        predictions["probability"] = bundle.probability(X)
        assert scorecard is not None
        predictions["benchmark"] = scorecard.predict_log_odds(prepared.frame.iloc[rows])
    predictions["period"] = periods_of(prepared).astype(str)
    if prepared.weights is not None:
        predictions["weight"] = prepared.weights[rows]
    return predictions


def measure(predictions: pd.DataFrame, spec: ModelSpec, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """The out-of-time report: later cut-offs with all customers, and beside it customers never trained on."""
    report = _report(predictions, spec, resamples=resamples)
    report |= {"tested_on": spec.split.tested_on, "tested_on_zh": spec.split.tested_on_zh, "stamp": spec.split.stamp}
    report["benchmark"] = {"name": CARRIED_FORWARD if spec.is_money else SCORECARD} | report["benchmark"]
    if spec.is_money:
        report["components"] = _component_figures(predictions)
        report["benchmark"]["rivals"] = _rivals(predictions, spec, resamples=resamples)
    for group in ("never_trained_on", "first_seen_later"):
        report[group] = _apart(predictions[predictions[group]], spec, resamples=resamples)
    return report


def _rivals(predictions: pd.DataFrame, spec: ModelSpec, *, resamples: int) -> dict[str, Any]:
    """Last year carried forward and one direct regression beside the sum of components.

    Where no year is known of anybody there is nothing to carry forward, and nothing to be better than.
    """
    names = {CARRIED_FORWARD: "benchmark", DIRECT: "direct"}
    if (predictions["benchmark"] == 0).all():
        names.pop(CARRIED_FORWARD)
    return against_rivals(
        predictions["label"].to_numpy(dtype=float),
        predictions["predicted"].to_numpy(dtype=float),
        {name: predictions[column].to_numpy(dtype=float) for name, column in names.items() if column in predictions},
        customers=predictions["customer_id"].astype(str).to_numpy(dtype=str),
        cutoffs=predictions["period"].to_numpy(dtype=str),
        resamples=resamples,
        seed=spec.tuning.seed,
    )


def _apart(rows: pd.DataFrame, spec: ModelSpec, *, resamples: int) -> dict[str, Any] | None:
    """The headline of some test rows alone, None where they cannot have one."""
    if len(rows) < FEWEST_ROWS or rows["label"].nunique() < 2:
        return None
    return {**_report(rows, spec, resamples=resamples)["headline"], "rows": len(rows)}


def periods_of(prepared: Prepared) -> npt.NDArray[Any]:
    """The cut-off of each test row; for events the last day of its quarter, early quarters merged into later ones.

    A table that is not tested by cut-offs has its parts in their place: the test, or the folds.
    """
    days = prepared.days[prepared.test]
    if np.isnat(days).any() or prepared.undated_blocks is not None:
        return prepared.frame["part"].to_numpy(dtype=str)[prepared.test]
    if not prepared.is_event:
        return days
    quarters, labels = quarter_ends(days), prepared.column("label")[prepared.test]
    merged = quarters.copy()
    ends = np.unique(quarters)
    for early, late in pairwise(ends):
        if labels[merged == early].sum() < 20:
            merged[merged == early] = late
    return merged


def _report(predictions: pd.DataFrame, spec: ModelSpec, *, resamples: int) -> dict[str, Any]:
    make = money_report if spec.is_money else probability_report
    return make(
        predictions["label"].to_numpy(dtype=float),
        predictions["predicted" if spec.is_money else "log_odds"].to_numpy(),
        benchmark=predictions["benchmark"].to_numpy(),
        customers=predictions["customer_id"].astype(str).to_numpy(dtype=str),
        cutoffs=predictions["period"].to_numpy(dtype=str),
        resamples=resamples,
        seed=spec.tuning.seed,
        **({"weight": predictions["weight"].to_numpy(dtype=float)} if "weight" in predictions else {}),
    )


def _component_figures(predictions: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean prediction and mean outcome of each component, in yuan per customer."""
    return {
        name: {
            "predicted": float(predictions[name].mean()),
            "actual": float(predictions[f"label_{name}"].mean()),
        }
        for name in SIGNS
    }


def _contribution(frame: pd.DataFrame, prefix: str) -> Array:
    total = np.zeros(len(frame))
    for name, sign in SIGNS.items():
        total = total + sign * frame[f"{prefix}{name}"].to_numpy(dtype=float)
    return total
