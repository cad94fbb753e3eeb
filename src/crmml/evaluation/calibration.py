"""Whether what was promised came true: slope, intercept, observed over expected.

The slope and intercept are those of a logistic regression of the label on the
served log-odds: 1 and 0 for a calibrated score; a slope below 1 says the
scores are too sure.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_STEPS = 50
_LARGEST = 30.0


def fit_logistic(log_odds: npt.ArrayLike, label: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> Array:
    """Maximum likelihood `(intercept, slope)` of a logistic regression on one column.

    Sums are numpy's own and in row order, so the result does not depend on the
    number of threads.

    Raises
    ------
    ValueError
        If the labels or the log-odds hold one value only, or separate perfectly.
    """
    x, y = np.asarray(log_odds, float), np.asarray(label, float)
    w = np.ones(len(x)) if weight is None else np.asarray(weight, float)
    start = np.array([[0.0, 0.0]])
    result = _newton(x, y, w[None, :], start, steps=_STEPS)[0]
    if not np.isfinite(result).all():
        raise ValueError("a logistic regression needs both labels, two values of log-odds and no perfect separation")
    return result


def level_of(log_odds: npt.ArrayLike, label: npt.ArrayLike, weight: npt.ArrayLike | None = None) -> float:
    """What is added to log-odds so that as many events are expected as happened, by Newton steps.

    Null where there is none: all labels alike.

    Examples
    --------
    >>> round(level_of([0.0, 0.0, 0.0, 0.0], [1, 0, 0, 0]), 4)
    -1.0986
    """
    x, y = np.asarray(log_odds, float), np.asarray(label, float)
    w = np.ones(len(x)) if weight is None else np.asarray(weight, float)
    events, rows = float((w * y).sum()), float(w.sum())
    if not 0 < events < rows:
        return float("nan")
    level = float(np.log(events / (rows - events)) - np.average(x, weights=w))
    for _ in range(_STEPS):
        p = 1.0 / (1.0 + np.exp(-(level + x)))
        step = float(np.clip((w * (y - p)).sum() / (w * p * (1.0 - p)).sum(), -3.0, 3.0))
        level += step
        if abs(step) < 1e-12:
            break
    return level


def slopes(log_odds: npt.ArrayLike, label: npt.ArrayLike, weights: Array, *, start: Array, steps: int = 4) -> Array:
    """`(intercept, slope)` of each weighting of the rows, by Newton steps from `start`.

    Four steps from the estimate on all rows leave an error far below the width
    of any interval made from them.

    Returns
    -------
    ndarray of shape (n_weightings, 2)
        Null where a weighting has no estimate.
    """
    x, y = np.asarray(log_odds, float), np.asarray(label, float)
    starts = np.repeat(np.asarray(start, float)[None, :], len(weights), axis=0)
    return _newton(x, y, weights, starts, steps=steps)


def observed_over_expected(
    label: npt.ArrayLike, predicted: npt.ArrayLike, weights: npt.ArrayLike | None = None
) -> Array:
    """Sum of what happened over the sum of what was predicted, per weighting.

    Returns
    -------
    ndarray of shape (n_weightings,)
        Null where nothing was expected.

    Examples
    --------
    >>> observed_over_expected([1, 0, 0, 1], [0.5, 0.25, 0.25, 0.6])
    array([1.25])
    """
    y, p = np.asarray(label, float), np.asarray(predicted, float)
    weights = np.ones((1, len(y))) if weights is None else np.atleast_2d(np.asarray(weights, float))
    observed, expected = weights @ y, weights @ p
    return np.divide(observed, expected, out=np.full(len(weights), np.nan), where=expected != 0)


def linear_slope(predicted: npt.ArrayLike, actual: npt.ArrayLike) -> tuple[float, float, float]:
    """Least-squares `(intercept, slope, standard error of the slope)` of amounts on predictions.

    The standard error is that of White, which does not ask for equal variance.
    """
    x, y = np.asarray(predicted, float), np.asarray(actual, float)
    centred = x - x.mean()
    spread = float((centred**2).sum())
    if spread == 0:
        return float(y.mean() - x.mean()), 1.0, float("inf")
    slope = float((centred * (y - y.mean())).sum() / spread)
    intercept = float(y.mean() - slope * x.mean())
    residual = y - intercept - slope * x
    return intercept, slope, float(np.sqrt((centred**2 * residual**2).sum()) / spread)


def decile_table(predicted: npt.ArrayLike, actual: npt.ArrayLike, *, groups: int = 10) -> list[dict[str, float]]:
    """Mean prediction and mean outcome of equal groups in order of the prediction, lowest first.

    Examples
    --------
    >>> decile_table([0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1], groups=2)[1]
    {'group': 2, 'rows': 2, 'predicted': 0.35, 'actual': 1.0}
    """
    p, y = np.asarray(predicted, float), np.asarray(actual, float)
    parts = np.array_split(np.argsort(p, kind="stable"), min(groups, len(p)))
    return [
        {"group": index + 1, "rows": len(part), "predicted": float(p[part].mean()), "actual": float(y[part].mean())}
        for index, part in enumerate(parts)
    ]


def _newton(x: Array, y: Array, weights: Array, start: Array, *, steps: int) -> Array:
    """`(intercept, slope)` by weighting, found on `x` brought to mean 0 and spread 1.

    Margins of few small trees lie close together and far from 0: as they are, bounded steps would not reach the slope
    of thirty that they need.
    """
    middle, spread = float(x.mean()), float(x.std())
    if not spread > 0:
        return np.full_like(start, np.nan)
    # Intercept and slope of the same line, on the scale of z = (x - middle) / spread, and back.
    scaled = np.column_stack([start[:, 0] + start[:, 1] * middle, start[:, 1] * spread])
    found = _newton_scaled((x - middle) / spread, y, weights, scaled, steps=steps)
    slope = found[:, 1] / spread
    return np.column_stack([found[:, 0] - slope * middle, slope])


def _newton_scaled(x: Array, y: Array, weights: Array, start: Array, *, steps: int) -> Array:
    beta = start.copy()
    with np.errstate(all="ignore"):
        for _ in range(steps):
            step = _newton_step(x, y, weights, beta)
            beta = beta + step
            if np.nanmax(np.abs(step), initial=0.0) < 1e-12:
                break
    beta[(np.abs(beta) > _LARGEST).any(axis=1)] = np.nan
    return beta


def _newton_step(x: Array, y: Array, weights: Array, beta: Array) -> Array:
    step = np.empty_like(beta)
    for index, (intercept, slope) in enumerate(beta):
        p = 1.0 / (1.0 + np.exp(-(intercept + slope * x)))
        gap = weights[index] * (y - p)
        curve = weights[index] * p * (1.0 - p)
        g0, g1 = gap.sum(), (gap * x).sum()
        h00, h01, h11 = curve.sum(), (curve * x).sum(), (curve * x * x).sum()
        determinant = h00 * h11 - h01 * h01
        # A long first step can overshoot where events are rare; a bounded one cannot leave the basin.
        move = np.array([h11 * g0 - h01 * g1, h00 * g1 - h01 * g0]) / determinant
        step[index] = np.clip(move, -3.0, 3.0)
    return step
