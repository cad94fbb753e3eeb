"""How many of some customers will take an offer: the sum of unlike chances, and of the error of the model behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
_Z = NormalDist().inv_cdf(0.975)
_EXACT = 2_000
"""Chances up to which the distribution is exact; of more, the normal one differs by less than a customer."""


@dataclass(frozen=True)
class Takers:
    """Expected takers, the 95 % interval by chance alone, and that with the error of the calibration (None: not known)."""

    expected: float
    low: float
    high: float
    low_with_error: float | None = None
    high_with_error: float | None = None


def expected_takers(chances: Array, models: npt.NDArray[np.str_], errors: Mapping[str, float]) -> Takers:
    """How many will take.

    Parameters
    ----------
    chances : ndarray of shape (n,)
        The probability of taking of each customer.
    models : ndarray of shape (n,)
        The model each probability comes from: its error is shared by its customers.
    errors : mapping
        By model, the standard error of its calibration as a share of what it expects, see `calibration_error`.

    Notes
    -----
    Chance alone is the Poisson-binomial distribution. The errors of the models
    are taken as independent of it and of each other; variances add.
    """
    expected = float(chances.sum())
    low, high = poisson_binomial_interval(chances)
    if any(model not in errors for model in np.unique(models)):
        return Takers(expected, low, high)
    shared = sum((errors[str(model)] * float(chances[models == model].sum())) ** 2 for model in np.unique(models))
    deviation = float(np.sqrt((chances * (1 - chances)).sum() + shared))
    return Takers(
        expected,
        low,
        high,
        max(0.0, min(expected - _Z * deviation, low)),
        min(float(len(chances)), max(expected + _Z * deviation, high)),
    )


def calibration_error(figure: Mapping[str, float | None] | None) -> float | None:
    """The standard error of observed over expected, as a share, from its 95 % interval; None where it has none.

    >>> round(calibration_error({"value": 1.0, "low": 0.8, "high": 1.25}), 3)
    0.114
    """
    if figure is None or not figure.get("low") or not figure.get("high"):
        return None
    low, high = float(figure["low"] or 0), float(figure["high"] or 0)
    return float(np.log(high / low) / (2 * _Z)) if 0 < low <= high else None


def poisson_binomial_interval(chances: Array, share: float = 0.95) -> tuple[float, float]:
    """The central interval of the number of successes of independent trials with unlike chances.

    >>> poisson_binomial_interval(np.array([1.0, 1.0, 0.0]))
    (2.0, 2.0)
    >>> poisson_binomial_interval(np.full(100, 0.5))
    (40.0, 60.0)
    """
    tail = (1 - share) / 2
    if len(chances) > _EXACT:
        mean, deviation = float(chances.sum()), float(np.sqrt((chances * (1 - chances)).sum()))
        z = NormalDist().inv_cdf(1 - tail)
        return max(0.0, round(mean - z * deviation)), min(float(len(chances)), round(mean + z * deviation))
    cumulative = np.cumsum(_distribution(np.asarray(chances, dtype=float)))
    at_most = int(np.searchsorted(cumulative, tail, side="right"))
    at_least = min(int(np.searchsorted(cumulative, 1 - tail)), len(chances))
    return float(at_most), float(at_least)


def _distribution(chances: Array) -> Array:
    """The probability of 0, 1, … n successes."""
    if len(chances) == 0:
        return np.ones(1)
    if len(chances) == 1:
        return np.array([1 - chances[0], chances[0]])
    half = len(chances) // 2
    return np.convolve(_distribution(chances[:half]), _distribution(chances[half:]))
