"""The test of a model of several horizons: every horizon's figures, whether curves cross, and a model of one alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.bundle import HORIZON, Bundle
from crmml.bundle.booster import Booster
from crmml.evaluation.report import probability_report
from crmml.modelling.boosting import Binned
from crmml.modelling.fit import Fitted, make_growth
from crmml.modelling.horizons import of_horizon, without_horizon
from crmml.modelling.preparation import Prepared
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import make_folds
from crmml.modelling.tuning import curve_of
from crmml.periods import Horizon

Array = npt.NDArray[np.float64]
SEPARATE = "a model of the headline horizon alone"


def measure_horizons(curve: pd.DataFrame, prepared: Prepared, spec: ModelSpec, *, resamples: int) -> dict[str, Any]:
    """Figures with intervals of every horizon on the test cut-offs whose label of that horizon is known.

    Parameters
    ----------
    curve : DataFrame
        One row per test row and horizon, from `predict_test` on all rows.

    Returns
    -------
    dict
        Horizon in months, as text, to the parts of `probability_report`, with
        `trained_on` (rows, events, last_cutoff) and `never_trained_on`.
    """
    told = {}
    for months in spec.steps:
        rows = curve[curve[HORIZON] == months]
        learned = prepared.train[prepared.column(HORIZON)[prepared.train] == months]
        report = _report(rows, spec, resamples=resamples)
        new = rows[rows["never_trained_on"].to_numpy()]
        enough = len(new) >= 100 and new["label"].nunique() == 2
        told[str(months)] = {
            "headline": report["headline"],
            "per_cutoff": report["per_cutoff"],
            "never_trained_on": _report(new, spec, resamples=resamples)["headline"] if enough else None,
            "trained_on": {
                "rows": len(learned),
                "events": int(prepared.column("label")[learned].sum()),
                "last_cutoff": str(prepared.days[learned].max()),
            },
        }
    return told


def _report(rows: pd.DataFrame, spec: ModelSpec, *, resamples: int) -> dict[str, Any]:
    return probability_report(
        rows["label"].to_numpy(dtype=float),
        rows["log_odds"].to_numpy(),
        benchmark=rows["separate"].to_numpy() if "separate" in rows else None,
        customers=rows["customer_id"].astype(str).to_numpy(dtype=str),
        cutoffs=rows["period"].to_numpy(dtype=str),
        resamples=resamples,
        seed=spec.tuning.seed,
    )


def crossings(bundle: Bundle, X: Array) -> int:
    """How many rows have a chance that falls from one horizon to a later one; none, by construction."""
    chances = np.column_stack(list(bundle.probabilities(X).values()))
    return int((np.diff(chances, axis=1) < 0).any(axis=1).sum())


def exactness_of(bundle: Bundle, X: Array) -> float:
    """The largest gap between contributions and log-odds over all horizons of some rows."""
    worst = 0.0
    for months in bundle.curve:
        ahead = bundle.ahead(X, months)
        contributions, base = bundle.contributions(ahead)
        worst = max(worst, float(np.abs(base + contributions.sum(axis=1) - bundle.log_odds(ahead)).max()))
    return worst


def against_separate(
    curve: pd.DataFrame, prepared: Prepared, spec: ModelSpec, fitted: Fitted, *, resamples: int
) -> dict[str, Any]:
    """The curve at its headline horizon beside a model that learned from the rows of that horizon alone.

    Both take the same parameters, and each the number of trees that is best on
    folds of the same kind; both are judged on the same test rows.

    Returns
    -------
    dict
        `name`, `trees`, `auc` (of the separate model), `difference` (curve less separate, paired), `verdict`.
    """
    assert spec.horizon is not None
    headline = spec.horizon.months
    alone = without_horizon(of_horizon(prepared, headline))
    one = replace(spec, horizon=Horizon(headline, spec.horizon.gap))
    X, label = alone.X[alone.train], alone.column("label")[alone.train]
    binned = Binned(X, label, alone.encoding.categorical, make_growth(alone, one))
    folds = make_folds(
        alone.days[alone.train], alone.buckets[alone.train], label == 1, one.horizon, at_most=spec.tuning.folds
    )
    trees = max(1, curve_of(binned, folds.folds, fitted.tuned.params, spec.tuning).trees)
    margin = Booster(binned.fit(fitted.tuned.params, trees)).margin(alone.X[alone.test])
    rows = curve[curve[HORIZON] == headline].assign(separate=margin)
    return {"name": SEPARATE, "trees": trees, **_report(rows, spec, resamples=resamples)["benchmark"]}
