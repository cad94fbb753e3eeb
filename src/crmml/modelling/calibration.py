"""From raw scores to what is served: fitted on customers the booster did not see.

Out-of-fold scores of the last training cut-offs stand for what the served model
will say to customers it never met, at the level of events that is newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.errors import GateError
from crmml.evaluation.calibration import fit_logistic, linear_slope
from crmml.modelling.boosting import Binned
from crmml.modelling.splits import Fold, Rows, customer_folds

Array = npt.NDArray[np.float64]
ENOUGH_EVENTS = 300
ENOUGH_ROWS = 5000
FOLDS = 10


def newest_rows(days: npt.NDArray[np.datetime64], counts: npt.NDArray[np.bool_], *, enough: int) -> Rows:
    """Rows of the last cut-offs that together hold `enough` counted rows (all rows if they never do)."""
    chosen = np.zeros(len(days), dtype=bool)
    for day in np.unique(days)[::-1]:
        chosen |= days == day
        if counts[chosen].sum() >= enough:
            break
    return np.flatnonzero(chosen)


def out_of_fold(
    binned: Binned, buckets: npt.NDArray[np.int64], rows: Rows, params: Mapping[str, Any], trees: int
) -> Array:
    """Raw scores of `rows`, each from a booster of the same settings and seeds that saw none of its customers."""
    wanted = np.zeros(len(buckets), dtype=bool)
    wanted[rows] = True
    scores = np.full(len(buckets), np.nan)
    whole = [fold for fold in customer_folds(buckets, count=FOLDS) if wanted[fold.valid].any()]
    folds = [Fold(fold.train, fold.valid[wanted[fold.valid]]) for fold in whole]
    for fold, said in zip(folds, binned.raw_scores(folds, params, trees), strict=True):
        scores[fold.valid] = said
    return scores[rows]


def calibrate_log_odds(margins: Array, label: Array, *, model: str) -> tuple[float, float]:
    """`(intercept, slope)` that turn margins into calibrated log-odds, by maximum likelihood.

    Raises
    ------
    GateError
        If the slope is not positive: the scores do not rank customers they never saw.
    """
    try:
        intercept, slope = (float(value) for value in fit_logistic(margins, label))
    except ValueError as error:
        raise GateError(
            f"{model}: scores of {len(margins):,} customers not trained on cannot be calibrated ({error}). "
            "Add cut-offs or features",
            code="G002",
        ) from error
    if slope <= 0:
        raise GateError(
            f"{model}: the calibration slope on {len(margins):,} rows of customers not trained on is {slope:.3f}; "
            "expected a positive one. The features tell nothing about this target: check them, or drop the model",
            code="G002",
        )
    return intercept, slope


def calibrate_money(predicted: Array, actual: Array) -> tuple[float, float]:
    """`(intercept, slope)` for amounts, by least squares.

    The slope stays 1 unless the data speak clearly against it (two standard
    errors), because amounts have heavy tails and one customer can tilt it; it is
    never negative. The intercept makes the means agree.
    """
    _, slope, error = linear_slope(predicted, actual)
    slope = 1.0 if abs(slope - 1.0) <= 2 * error else max(slope, 0.0)
    return float(actual.mean() - slope * predicted.mean()), slope
