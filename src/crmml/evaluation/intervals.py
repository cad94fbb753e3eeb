"""The remaining figures of a test with their intervals: each per cut-off, then the mean over cut-offs.

Customers are drawn once for all cut-offs, as in `evaluation.report`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.evaluation.bootstrap import Customers, figure
from crmml.evaluation.groups import TestRows

Array = npt.NDArray[np.float64]
Statistic = Callable[[Array], Array]
RESAMPLES = 200


def figures_with_intervals(rows: TestRows, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, dict[str, Any]]:
    """Name to value, low, high; the mean over the periods that have the figure.

    A probability: `average_precision` (area under the precision-recall curve), `ks` with `ks_score` (the served
    probability at the largest gap), `brier`, `log_loss`, `ece` (expected calibration error in ten groups).
    Money: `mae`, `rmse`, `r2`, `spearman`, `captured` (share of the actual total in the top tenth by prediction;
    null where the total is not positive).
    """
    make = _money if rows.is_money else _probability
    blocks = [np.flatnonzero(rows.periods == period) for period in np.unique(rows.periods)]
    made = [make(rows.label[inside], rows.scale[inside], rows.served[inside]) for inside in blocks]
    names = list(made[0])
    drawn = Customers(rows.customers, resamples=resamples, seed=seed)

    def judge(weights: Array) -> Array:
        """(weightings, names): the mean over blocks that have the figure."""
        each = np.stack(
            [
                np.stack([block[name](weights[:, inside]) for name in names], axis=-1)
                for inside, block in zip(blocks, made, strict=True)
            ]
        )
        known = np.isfinite(each)
        count = known.sum(axis=0)
        return np.divide(
            np.where(known, each, 0.0).sum(axis=0), count, out=np.full(count.shape, np.nan), where=count > 0
        )

    values = judge(np.ones((1, len(rows.label))))[0]
    resampled = np.concatenate([judge(weights) for weights in drawn.draws()])
    told = {name: figure(float(values[k]), resampled[:, k]).as_dict() for k, name in enumerate(names)}
    if "ece" in told:  # a resample adds noise to every absolute gap: its percentiles lie above the figure itself
        told["ece"] |= {"low": None, "high": None}
    return told


def _probability(label: Array, scale: Array, served: Array) -> dict[str, Statistic]:
    order = np.argsort(-scale, kind="stable")
    ordered, ends = label[order], _ends(scale[order])
    loss = np.logaddexp(0.0, scale) - label * scale
    square = (served - label) ** 2
    group = np.empty(len(label), dtype=int)
    for index, part in enumerate(np.array_split(np.argsort(served, kind="stable"), min(10, len(label)))):
        group[part] = index
    return {
        "average_precision": lambda weights: _average_precision(weights[:, order], ordered, ends),
        "ks": lambda weights: _gaps(weights[:, order], ordered, ends).max(axis=1),
        "ks_score": lambda weights: served[order][ends][_gaps(weights[:, order], ordered, ends).argmax(axis=1)],
        "brier": lambda weights: _mean(weights, square),
        "log_loss": lambda weights: _mean(weights, loss),
        "ece": lambda weights: _calibration_error(weights, label, served, group),
    }


def _money(label: Array, scale: Array, served: Array) -> dict[str, Statistic]:
    order = np.argsort(-served, kind="stable")
    gap = served - label
    ranks = [np.argsort(np.argsort(values, kind="stable"), kind="stable").astype(float) for values in (served, label)]
    return {
        "mae": lambda weights: _mean(weights, np.abs(gap)),
        "rmse": lambda weights: np.sqrt(_mean(weights, gap**2)),
        "r2": lambda weights: _explained(weights, label, gap),
        "spearman": lambda weights: _correlation(weights, *ranks),
        "captured": lambda weights: _captured(weights[:, order], label[order]),
    }


def precision_recall(label: Array, score: Array) -> tuple[Array, Array]:
    """Recall and precision at each distinct score, the highest first.

    >>> [values.tolist() for values in precision_recall(np.array([1.0, 0, 1]), np.array([3.0, 2, 1]))]
    [[0.5, 0.5, 1.0], [1.0, 0.5, 0.6666666666666666]]
    """
    order = np.argsort(-score, kind="stable")
    ends = _ends(score[order])
    found = np.cumsum(label[order])[ends]
    return found / max(1.0, label.sum()), found / (ends + 1)


def ks_at(label: Array, score: Array) -> tuple[float, float]:
    """The largest gap between the cumulative shares of events and of others, and the score at which it lies.

    >>> ks_at(np.array([1.0, 1, 0, 0]), np.array([0.8, 0.35, 0.4, 0.1]))
    (0.5, 0.35)
    """
    order = np.argsort(-score, kind="stable")
    ends = _ends(score[order])
    gaps = _gaps(np.ones((1, len(label))), label[order], ends)[0]
    # Of equal gaps the lowest score, which takes the most customers.
    place = len(gaps) - 1 - int(np.argmax(gaps[::-1]))
    return float(gaps[place]), float(score[order][ends][place])


def _ends(ordered: Array) -> npt.NDArray[np.intp]:
    """The last place of each run of equal scores."""
    return np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))


def _gaps(weights: Array, label: Array, ends: npt.NDArray[np.intp]) -> Array:
    events, others = np.cumsum(weights * label, axis=1), np.cumsum(weights * (1 - label), axis=1)
    with np.errstate(all="ignore"):
        return np.abs(events[:, ends] / events[:, -1:] - others[:, ends] / others[:, -1:])


def _average_precision(weights: Array, label: Array, ends: npt.NDArray[np.intp]) -> Array:
    taken = np.cumsum(weights, axis=1)[:, ends]
    found = np.cumsum(weights * label, axis=1)[:, ends]
    gained = np.diff(found, prepend=0.0, axis=1)
    precision = np.divide(found, taken, out=np.zeros_like(found), where=taken > 0)
    total = found[:, -1]
    return np.divide((gained * precision).sum(axis=1), total, out=np.full(len(total), np.nan), where=total > 0)


def _calibration_error(weights: Array, label: Array, served: Array, group: npt.NDArray[np.int_]) -> Array:
    error = np.zeros(len(weights))
    for index in range(group.max() + 1):
        inside = group == index
        error += np.abs(weights[:, inside] @ (label[inside] - served[inside]))
    return np.asarray(error / weights.sum(axis=1))


def _mean(weights: Array, values: Array) -> Array:
    return np.asarray(weights @ values / weights.sum(axis=1))


def _explained(weights: Array, label: Array, gap: Array) -> Array:
    mean = _mean(weights, label)
    spread = _mean(weights, label**2) - mean**2
    left = _mean(weights, gap**2)
    return 1 - np.divide(left, spread, out=np.full(len(left), np.nan), where=spread > 0)


def _correlation(weights: Array, one: Array, other: Array) -> Array:
    mean_one, mean_other = _mean(weights, one), _mean(weights, other)
    shared = _mean(weights, one * other) - mean_one * mean_other
    spread = (_mean(weights, one**2) - mean_one**2) * (_mean(weights, other**2) - mean_other**2)
    return np.divide(shared, np.sqrt(np.maximum(spread, 0)), out=np.full(len(shared), np.nan), where=spread > 0)


def _captured(weights: Array, label: Array) -> Array:
    taken = np.cumsum(weights, axis=1)
    inside = taken <= 0.1 * taken[:, -1:] + 1e-9
    total = weights @ label
    return np.divide((weights * inside) @ label, total, out=np.full(len(total), np.nan), where=total > 0)
