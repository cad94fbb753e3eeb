"""95 % intervals by resampling the tested units (rows, or the customers they belong to), 1,000 seeded draws."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from benchmarks.results.row import Figure
from crmml.evaluation.bootstrap import Customers
from crmml.evaluation.discrimination import Ranked, RankedMoney

Array = npt.NDArray[np.float64]
#: Takes weights of shape (n_weightings, n_rows), returns one number for each weighting.
Statistic = Callable[[Array], Array]
DRAWS, SEED = 1_000, 20_261_123


def interval(statistic: Statistic, *, rows: int, units: npt.ArrayLike | None = None) -> Figure:
    """A statistic of weighted rows, with the percentiles 2.5 and 97.5 of its draws.

    Parameters
    ----------
    units : array-like of shape (n_rows,), optional
        Whom a row belongs to: a unit is drawn with all its rows. Without them each row is its own.
    """
    drawn_from = Customers(np.arange(rows) if units is None else units, resamples=DRAWS, seed=SEED)
    value, draws = drawn_from.estimate(statistic)
    if not np.isfinite(draws).all():
        raise ValueError(f"{int((~np.isfinite(draws)).sum())} of {DRAWS} draws have no value: too few events")
    low, high = np.percentile(draws, [2.5, 97.5])
    return Figure(value, float(low), float(high))


def auc_figure(y: npt.ArrayLike, p: npt.ArrayLike, *, units: npt.ArrayLike | None = None) -> Figure:
    """Area under the ROC curve, with its interval."""
    return metric_figure(y, p, "AUC", units=units)


def metric_figure(y: npt.ArrayLike, p: npt.ArrayLike, metric: str, *, units: npt.ArrayLike | None = None) -> Figure:
    """A metric of `METRICS` on outcomes and predictions, with its interval."""
    statistic = METRICS[metric](_floats(y), _floats(p))
    return interval(statistic, rows=len(_floats(y)), units=units)


def paired_difference(
    y: npt.ArrayLike,
    ours: npt.ArrayLike,
    other: npt.ArrayLike,
    metric: str = "AUC",
    *,
    units: npt.ArrayLike | None = None,
) -> Figure:
    """Our metric less the other's on the same draws."""
    first, second = (METRICS[metric](_floats(y), _floats(p)) for p in (ours, other))
    return interval(lambda weights: first(weights) - second(weights), rows=len(_floats(y)), units=units)


def mean_figure(values: npt.ArrayLike, *, units: npt.ArrayLike | None = None) -> Figure:
    """The mean of one value a row (an average precision, a profit), with its interval."""
    plain = _floats(values)
    return interval(lambda weights: weights @ plain / weights.sum(axis=1), rows=len(plain), units=units)


def mean_difference(ours: npt.ArrayLike, other: npt.ArrayLike, *, units: npt.ArrayLike | None = None) -> Figure:
    """The mean of our values less the other's, row by row."""
    return mean_figure(_floats(ours) - _floats(other), units=units)


def _floats(values: npt.ArrayLike) -> Array:
    return np.asarray(values, dtype=float)


def _rmse(y: Array, p: Array) -> Statistic:
    squared = (p - y) ** 2
    return lambda weights: np.sqrt(weights @ squared / weights.sum(axis=1))


def _mae(y: Array, p: Array) -> Statistic:
    gap = np.abs(p - y)
    return lambda weights: weights @ gap / weights.sum(axis=1)


def _log_loss(y: Array, p: Array) -> Statistic:
    kept = np.clip(p, 1e-15, 1 - 1e-15)
    loss = -(y * np.log(kept) + (1 - y) * np.log1p(-kept))
    return lambda weights: weights @ loss / weights.sum(axis=1)


def _correlation(y: Array, p: Array) -> Statistic:
    def of(weights: Array) -> Array:
        share = weights / weights.sum(axis=1, keepdims=True)
        mean_y, mean_p = share @ y, share @ p
        shared = share @ (y * p) - mean_y * mean_p
        return shared / np.sqrt((share @ y**2 - mean_y**2) * (share @ p**2 - mean_p**2))

    return of


METRICS: dict[str, Callable[[Array, Array], Statistic]] = {
    "AUC": lambda y, p: Ranked(y, p).auc,
    "normalised Gini": lambda y, p: RankedMoney(y, p).gini,
    "RMSE": _rmse,
    "MAE": _mae,
    "log loss": _log_loss,
    "correlation": _correlation,
}
