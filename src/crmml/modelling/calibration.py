"""From raw scores to what is served: fitted on customers the booster did not see.

Out-of-fold scores of training cut-offs stand for what the served model will say
to customers it never met. How sure scores are is much the same at every cut-off,
so the slope is that of all; how many events there are is not, so the level is
followed from cut-off to cut-off (`level`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import probability_of
from crmml.errors import GateError
from crmml.evaluation.calibration import fit_logistic, linear_slope
from crmml.modelling.boosting import Binned
from crmml.modelling.level import Level, level_now
from crmml.modelling.splits import Fold, Rows, customer_folds

Array = npt.NDArray[np.float64]
ENOUGH_ROWS = 5000
# Beyond so many, more of them move the calibration by less than what the test can see, and each fold costs a fit.
MANY_EVENTS = 3000
MANY_ROWS = 20_000
FOLDS = 10
# Each row of a curve stands there once for every horizon, and each fold costs as many times the time.
CURVE_FOLDS = 3


def newest_rows(blocks: npt.NDArray[np.int64], *, enough: int) -> Rows:
    """Rows of the last cut-offs that together are `enough` (all rows if they never are)."""
    chosen = np.zeros(len(blocks), dtype=bool)
    for block in np.unique(blocks)[::-1]:
        chosen |= blocks == block
        if chosen.sum() >= enough:
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

    Of a probability: the events among all rows, how many of the newest cut-off
    would tell its level as well, and the standard errors of the slope and of the
    level, the latter as a share of the events expected. Of a curve `horizons`
    has the same for each, by its months.
    """

    rows: int
    folds: int
    events: int | None = None
    level_events: int | None = None
    slope_error: float | None = None
    level_error: float | None = None
    horizons: Mapping[int, Mapping[str, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class LogOdds:
    """`intercept + slope x margin` are calibrated log-odds; the standard errors are those of `Calibrated`."""

    intercept: float
    slope: float
    slope_error: float
    level_error: float
    level_events: int


def calibrate_log_odds(
    margins: Array,
    label: Array,
    customers: npt.NDArray[np.str_],
    blocks: npt.NDArray[np.int64],
    *,
    model: str,
    weight: Array | None = None,
) -> LogOdds:
    """What turns margins into calibrated log-odds: the slope of all rows by maximum likelihood, the level of now.

    Errors are for customers drawn, those of the level with what it may have moved.

    Raises
    ------
    GateError
        If the slope is not positive: the scores do not rank customers they never saw.

    References
    ----------
    .. [1] Liang and Zeger, Longitudinal data analysis using generalized linear models, Biometrika 73, 1986.
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
    level = level_now(slope * margins, label, blocks, weight)
    assert level is not None, "both labels are there, or the slope could not have been found"
    log_odds = level.value + slope * margins
    return LogOdds(
        intercept=level.value,
        slope=slope,
        slope_error=slope_error(intercept + slope * margins, label, customers, weight),
        level_error=_level_error(level, log_odds, customers, weight),
        level_events=level.events,
    )


def slope_error(log_odds: Array, label: Array, customers: npt.NDArray[np.str_], weight: Array | None = None) -> float:
    """The standard error of the slope of log-odds that are calibrated on these rows, customers being what is drawn."""
    w = np.ones(len(label)) if weight is None else weight
    p = probability_of(log_odds)
    curve, gap = w * p * (1 - p), w * (label - p)
    centred = log_odds - np.average(log_odds, weights=curve)
    return float(np.sqrt(_spread(gap * centred, customers)) / (curve * centred**2).sum())


def _level_error(level: Level, log_odds: Array, customers: npt.NDArray[np.str_], weight: Array | None) -> float:
    """That of the level, in log-odds, as a share of the events expected."""
    p = probability_of(log_odds)
    w = np.ones(len(p)) if weight is None else weight
    of_a_share = float((w * p * (1 - p)).sum() / (w * p).sum())
    return float(np.sqrt(_spread(level.influence, customers) + level.moved**2)) * of_a_share


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
