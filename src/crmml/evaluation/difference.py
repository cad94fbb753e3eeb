"""The difference of two rates over strata, with an interval that holds at small control arms.

Arrays have the strata as their last axis; leading axes are campaigns judged at
once. A stratum with an empty arm tells nothing of the difference and has no weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import norm

Array = npt.NDArray[np.float64]
LEVEL, POWER = 0.95, 0.80
_STEPS = 48


@dataclass(frozen=True)
class Counts:
    """Takers and customers of both arms by stratum."""

    taken_treated: Array
    treated: Array
    taken_control: Array
    control: Array

    @staticmethod
    def of(taken_treated: object, treated: object, taken_control: object, control: object) -> Counts:
        """Counts as arrays, a single stratum as one.

        Raises
        ------
        ValueError
            If more took than there are, or a count is negative.
        """
        given = (taken_treated, treated, taken_control, control)
        counts = Counts(*(np.atleast_1d(np.asarray(one, dtype=np.float64)) for one in given))
        for taken, rows in ((counts.taken_treated, counts.treated), (counts.taken_control, counts.control)):
            if (taken < 0).any() or (taken > rows).any():
                raise ValueError("takers must lie between 0 and the customers of their arm and stratum")
        return counts

    @property
    def weights(self) -> Array:
        """Mantel-Haenszel weights, summing to 1; nan where no stratum has both arms."""
        raw = self.treated * self.control / np.maximum(self.treated + self.control, 1)
        total = raw.sum(axis=-1, keepdims=True)
        return np.divide(raw, total, out=np.full(raw.shape, np.nan), where=total > 0)

    @property
    def differences(self) -> Array:
        """Treated less control, by stratum; 0 where an arm is empty."""
        return _share(self.taken_treated, self.treated) - _share(self.taken_control, self.control)


def difference(counts: Counts) -> Array:
    """The rate of the treated less that of the control arm, the weighted mean over strata."""
    return np.asarray((counts.weights * counts.differences).sum(axis=-1))


def difference_interval(counts: Counts, *, level: float = LEVEL) -> tuple[Array, Array]:
    """The stratified score interval: the differences that the counts do not speak against.

    Notes
    -----
    For each difference tried, the variance is that of the rates which fit it
    best in every stratum (Miettinen and Nurminen), so arms of a handful of
    customers and rates near 0 keep their coverage, which a Wald interval loses.

    References
    ----------
    .. [1] Miettinen and Nurminen, Comparative analysis of two rates, Statistics in Medicine 4, 1985.
    .. [2] Farrington and Manning, Test statistics and sample size formulae, Statistics in Medicine 9, 1990.
    """
    estimate, reach = difference(counts), float(norm.ppf(0.5 + level / 2))
    bounds = []
    for end in (-1.0, 1.0):
        inside, outside = estimate.copy(), np.full(estimate.shape, end)
        for _ in range(_STEPS):
            middle = (inside + outside) / 2
            fits = np.abs(estimate - middle) <= reach * _spread(counts, middle)
            inside, outside = np.where(fits, middle, inside), np.where(fits, outside, middle)
        bounds.append(np.where(np.isnan(estimate), np.nan, inside))
    return bounds[0], bounds[1]


def _spread(counts: Counts, delta: Array) -> Array:
    """Standard deviation of the weighted difference where the true one is `delta` in every stratum."""
    control = _fitted_control(counts, delta[..., None])
    treated = np.clip(control + delta[..., None], 0.0, 1.0)
    rows = counts.treated + counts.control
    variance = _share(treated * (1 - treated), counts.treated) + _share(control * (1 - control), counts.control)
    variance = variance * _share(rows, np.maximum(rows - 1, 1))
    return np.asarray(np.sqrt((counts.weights**2 * variance).sum(axis=-1)))


def _fitted_control(counts: Counts, delta: Array) -> Array:
    """The likeliest rate of the control arm given the difference, the root of a cubic."""
    n1, n0, x1, x0 = counts.treated, counts.control, counts.taken_treated, counts.taken_control
    n, x = np.maximum(n1 + n0, 1), x1 + x0
    c2 = ((n1 + 2 * n0) * delta - n - x) / (3 * n)
    c1 = ((n0 * delta - n - 2 * x0) * delta + x) / n
    c0 = x0 * delta * (1 - delta) / n
    q = c2**3 - c1 * c2 / 2 + c0 / 2
    p = np.where(q < 0, -1.0, 1.0) * np.sqrt(np.maximum(c2**2 - c1 / 3, 0.0))
    ratio = np.divide(q, p**3, out=np.zeros(np.broadcast(q, p).shape), where=np.abs(p) > 1e-12)
    angle = (np.pi + np.arccos(np.clip(ratio, -1.0, 1.0))) / 3
    return np.asarray(np.clip(2 * p * np.cos(angle) - c2, np.maximum(0.0, -delta), np.minimum(1.0, 1 - delta)))


def smallest_visible(treated: int, control: int, base: float, *, power: float = POWER) -> float | None:
    """The effect, in points of the rate, that so many customers show with this chance at the 95 % level.

    A smaller one would more likely than not have gone unseen. None where an arm
    is empty or no effect is large enough.

    >>> round(smallest_visible(1000, 1000, 0.10), 4)
    0.0407
    """
    if treated < 1 or control < 1:
        return None
    reach, sure = float(norm.ppf(0.5 + LEVEL / 2)), float(norm.ppf(power))

    def short(effect: float) -> float:
        other = base + effect
        mean = (treated * other + control * base) / (treated + control)
        null = sqrt(mean * (1 - mean) * (1 / treated + 1 / control))
        true = sqrt(other * (1 - other) / treated + base * (1 - base) / control)
        return effect - reach * null - sure * true

    most = 1 - base
    return None if short(most) < 0 else float(brentq(short, 0.0, most))


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.zeros(np.broadcast(part, whole).shape), where=whole > 0)
