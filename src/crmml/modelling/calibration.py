"""From raw scores to what is served: fitted on customers the booster did not see.

Out-of-fold scores of training cut-offs stand for what the served model will say
to customers it never met. How sure scores are is much the same at every cut-off,
so the slope is learned from many; how many events there are is not, so the level
is that of the newest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import probability_of
from crmml.errors import GateError
from crmml.evaluation.calibration import fit_logistic, level_of, linear_slope
from crmml.modelling.boosting import Binned
from crmml.modelling.splits import Fold, Rows, customer_folds

Array = npt.NDArray[np.float64]
ENOUGH_EVENTS = 300
ENOUGH_ROWS = 5000
# Beyond so many, more of them move the calibration by less than what the test can see, and each fold costs a fit.
MANY_EVENTS = 3000
MANY_ROWS = 20_000
FOLDS = 10
# Each row of a curve stands there once for every horizon, and each fold costs as many times the time.
CURVE_FOLDS = 3


def newest_rows(
    blocks: npt.NDArray[np.int64], counts: npt.NDArray[np.bool_], *, enough: int, months: Array | None = None
) -> Rows:
    """Rows of the last cut-offs that together hold `enough` counted rows (all rows if they never do).

    With the horizon of each row in `months`, so of every horizon: of the longest
    the newest that are known are older.
    """
    if months is not None:
        of_each = [np.flatnonzero(months == step) for step in np.unique(months)]
        return np.sort(np.concatenate([at[newest_rows(blocks[at], counts[at], enough=enough)] for at in of_each]))
    chosen = np.zeros(len(blocks), dtype=bool)
    for block in np.unique(blocks)[::-1]:
        chosen |= blocks == block
        if counts[chosen].sum() >= enough:
            break
    return np.flatnonzero(chosen)


def calibration_folds(
    buckets: npt.NDArray[np.int64], rows: Rows, counts: npt.NDArray[np.bool_], *, many: int, count: int = FOLDS
) -> tuple[Fold, ...]:
    """Folds that share no customer and judge `rows` only: as many of `count` as hold `many` counted rows, or all."""
    wanted = np.zeros(len(buckets), dtype=bool)
    wanted[rows] = True
    chosen: list[Fold] = []
    for fold in customer_folds(buckets, count=count):
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


@dataclass(frozen=True)
class Calibrated:
    """What a part was calibrated on: rows not seen by the booster that scored them, in so many folds of customers.

    Of a probability: the events among all rows and among the newest, which set
    the level, and the standard errors (customers drawn) of the slope and of the
    level, the latter as a share of the events expected. Of a curve `horizons`
    has the same for each, by its months.
    """

    rows: int
    folds: int
    events: int | None = None
    newest_events: int | None = None
    slope_error: float | None = None
    level_error: float | None = None
    horizons: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


def calibrate_log_odds(
    margins: Array,
    label: Array,
    *,
    model: str,
    newest: Rows | None = None,
    weight: Array | None = None,
) -> tuple[float, float]:
    """`(intercept, slope)` that turn margins into calibrated log-odds, by maximum likelihood.

    The slope is that of all rows, the intercept makes the `newest` rows (all
    when not given) have as many events as expected.

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
    if newest is None or len(newest) == len(margins):
        return intercept, slope
    return level_of(slope * margins[newest], label[newest], None if weight is None else weight[newest]), slope


def standard_errors(
    log_odds: Array, label: Array, customers: npt.NDArray[np.str_], *, newest: Rows, weight: Array | None = None
) -> tuple[float, float]:
    """Of the slope on all rows and of the level on the newest, customers being the units that are drawn.

    References
    ----------
    .. [1] Liang and Zeger, Longitudinal data analysis using generalized linear models, Biometrika 73, 1986.
    """
    w = np.ones(len(label)) if weight is None else weight
    p = probability_of(log_odds)
    curve, gap = w * p * (1 - p), w * (label - p)
    design = np.column_stack([np.ones(len(label)), log_odds - np.average(log_odds, weights=curve)])
    information = (design * curve[:, None]).T @ design
    slope_error = float(np.sqrt(_spread(gap * design[:, 1], customers)) / information[1, 1])
    level_error = float(np.sqrt(_spread(gap[newest], customers[newest])) / (w * p)[newest].sum())
    return slope_error, level_error


def _spread(gaps: Array, customers: npt.NDArray[np.str_]) -> float:
    """The sum over customers of their squared sum."""
    _, codes = np.unique(customers, return_inverse=True)
    return float((np.bincount(codes, weights=gaps) ** 2).sum())


def calibrate_money(predicted: Array, actual: Array) -> tuple[float, float]:
    """`(intercept, slope)` for amounts, by least squares.

    The slope stays 1 unless the data speak clearly against it (two standard
    errors), because amounts have heavy tails and one customer can tilt it; it is
    never negative. The intercept makes the means agree.
    """
    _, slope, error = linear_slope(predicted, actual)
    slope = 1.0 if abs(slope - 1.0) <= 2 * error else max(slope, 0.0)
    return float(actual.mean() - slope * predicted.mean()), slope


def calibrate_level(predicted: Array, actual: Array) -> tuple[float, float]:
    """`(intercept, slope)` on the log scale for amounts that are never negative: one factor that makes the means agree."""
    found, expected = float(actual.sum()), float(predicted.sum())
    return (float(np.log(found / expected)) if min(found, expected) > 0 else 0.0), 1.0
