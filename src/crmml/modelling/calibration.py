"""From raw scores to what is served: fitted on customers the booster did not see.

Out-of-fold scores of the last training cut-offs stand for what the served model
will say to customers it never met, at the level of events that is newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
# Beyond so many, more of them move the calibration by less than what the test can see, and each fold costs a fit.
MANY_EVENTS = 3000
MANY_ROWS = 20_000
FOLDS = 10


def newest_rows(blocks: npt.NDArray[np.int64], counts: npt.NDArray[np.bool_], *, enough: int) -> Rows:
    """Rows of the last cut-offs that together hold `enough` counted rows (all rows if they never do)."""
    chosen = np.zeros(len(blocks), dtype=bool)
    for block in np.unique(blocks)[::-1]:
        chosen |= blocks == block
        if counts[chosen].sum() >= enough:
            break
    return np.flatnonzero(chosen)


def calibration_folds(
    buckets: npt.NDArray[np.int64], rows: Rows, counts: npt.NDArray[np.bool_], *, many: int
) -> tuple[Fold, ...]:
    """Folds that share no customer and judge `rows` only: as many of ten as hold `many` counted rows, or all."""
    wanted = np.zeros(len(buckets), dtype=bool)
    wanted[rows] = True
    chosen: list[Fold] = []
    for fold in customer_folds(buckets, count=FOLDS):
        valid = fold.valid[wanted[fold.valid]]
        if len(valid):
            chosen.append(Fold(fold.train, valid))
        if sum(int(counts[one.valid].sum()) for one in chosen) >= many:
            break
    return tuple(chosen)


def out_of_fold(binned: Binned, folds: Sequence[Fold], params: Mapping[str, Any], trees: int) -> tuple[Rows, Array]:
    """The judged rows in order, and their raw scores, each from boosters like the served ones that saw no such customer."""
    rows = np.concatenate([fold.valid for fold in folds])
    scores = np.concatenate(binned.raw_scores(folds, params, trees))
    order = np.argsort(rows)
    return rows[order], scores[order]


def calibrate_log_odds(margins: Array, label: Array, *, model: str, weight: Array | None = None) -> tuple[float, float]:
    """`(intercept, slope)` that turn margins into calibrated log-odds, by maximum likelihood.

    Raises
    ------
    GateError
        If the slope is not positive: the scores do not rank customers they never saw.
    """
    try:
        intercept, slope = (float(value) for value in fit_logistic(margins, label, weight))
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
