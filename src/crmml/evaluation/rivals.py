"""A forecast of amounts against others of the same rows, with paired intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.evaluation.bootstrap import Customers, figure, verdict
from crmml.evaluation.discrimination import RankedMoney

Array = npt.NDArray[np.float64]
Statistic = Callable[[Array], Array]


def against_rivals(
    actual: Array,
    predicted: Array,
    rivals: Mapping[str, Array],
    *,
    customers: npt.NDArray[Any],
    cutoffs: npt.NDArray[Any],
    resamples: int = 300,
    seed: int = 0,
) -> dict[str, dict[str, Any]]:
    """Per rival: its figures, and ours less its, as the mean over cut-offs; customers are drawn once for all.

    Returns
    -------
    dict
        Rival to `normalised_gini`, `mae` and `rmse`, each with `value`, `ours`,
        `difference` (value, low, high) and `verdict` (`real` or `inside noise`).
        Of errors a difference below 0 is a gain.
    """
    blocks = [np.flatnonzero(cutoffs == cutoff) for cutoff in np.unique(cutoffs)]
    measures = {"normalised_gini": _gini, "mae": _mae, "rmse": _rmse}
    drawn_from = Customers(customers, resamples=resamples, seed=seed)
    found: dict[str, dict[str, Any]] = {name: {} for name in rivals}
    for measure, make in measures.items():
        every = [predicted, *rivals.values()]
        made = [[make(actual[rows], one[rows]) for one in every] for rows in blocks]

        def judge(weights: Array, made: list[list[Statistic]] = made) -> Array:
            each = [np.stack([one(weights[:, rows]) for one in ones]) for rows, ones in zip(blocks, made, strict=True)]
            return np.asarray(_mean(np.stack(each)))

        values = judge(np.ones((1, len(actual))))[:, 0]
        drawn = np.concatenate([judge(weights) for weights in drawn_from.draws()], axis=1)
        for place, name in enumerate(rivals, start=1):
            gap = figure(float(values[0] - values[place]), drawn[0] - drawn[place])
            told = {"value": _known(values[place]), "ours": _known(values[0]), "difference": gap.as_dict()}
            found[name][measure] = told | {"verdict": verdict(gap)}
    return found


def _mean(values: Array) -> Array:
    """The mean over blocks (the first axis), those without a value left out."""
    known = np.isfinite(values)
    total, count = np.where(known, values, 0.0).sum(axis=0), known.sum(axis=0)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _gini(y: Array, p: Array) -> Statistic:
    return RankedMoney(y, p).gini


def _mae(y: Array, p: Array) -> Statistic:
    gap = np.abs(y - p)
    return lambda weights: _weighted(weights, gap)


def _rmse(y: Array, p: Array) -> Statistic:
    gap = (y - p) ** 2
    return lambda weights: np.sqrt(_weighted(weights, gap))


def _weighted(weights: Array, values: Array) -> Array:
    total = weights.sum(axis=1)
    return np.divide(weights @ values, total, out=np.full(len(total), np.nan), where=total > 0)
