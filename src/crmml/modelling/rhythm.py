"""The rhythm of bookings fitted to training rows: maximum likelihood, from what was known at their cut-offs alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import betaln, gammaln

from crmml.bundle import Rhythm
from crmml.bundle.rhythm import BOOKINGS, has_rhythm, history

__all__ = ["amount_rhythm", "fit_rhythm", "has_rhythm"]

Array = npt.NDArray[np.float64]
#: More customers than these move the four numbers by less than their own error.
_MOST_ROWS = 30_000
_WEIGHTS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_POWER = 1.5


def amount_rhythm(
    X: Array,
    names: Sequence[str],
    days: npt.NDArray[np.datetime64],
    actual: Array,
    amount: str | None,
    *,
    months: float,
) -> Rhythm:
    """The rhythm of the newest cut-off's customers, and how far a customer's own mean amount a booking is believed."""
    newest = days == days.max()
    rhythm = fit_rhythm(*(values[newest] for values in history(X, names)))
    if amount is None:
        return rhythm
    known, total = (np.nan_to_num(X[:, names.index(name)]) for name in (BOOKINGS, amount))
    mean = float(total.clip(min=0).sum() / max(known.sum(), 1.0))
    tried = [Rhythm(rhythm.shape, rhythm.days, rhythm.stops, rhythm.stays, amount, mean, weight) for weight in _WEIGHTS]
    return min(tried, key=lambda one: _deviance(actual, one.expected(X, names, months)))


def _deviance(actual: Array, expected: Array) -> float:
    """Mean Tweedie deviance of amounts, once their sums agree."""
    level = expected * actual.sum() / max(float(expected.sum()), 1e-12) + 1e-6 * max(float(actual.mean()), 1e-6)
    return float(np.mean(actual * level ** (1 - _POWER) / (_POWER - 1) + level ** (2 - _POWER) / (2 - _POWER)))


def fit_rhythm(frequency: Array, recency: Array, age: Array) -> Rhythm:
    """The BG/NBD model of most likelihood for some customers' repeated bookings.

    Parameters
    ----------
    frequency, recency, age : ndarray of shape (n_customers,)
        Repeated bookings, the day of the last and the days observed, both from the beginning.

    Raises
    ------
    ValueError
        If nobody was observed for a day.
    """
    observed = age > 0
    if not observed.any():
        raise ValueError("a rhythm is fitted to customers observed for at least a day, got none")
    rows = np.column_stack([frequency, recency, age])[observed][:_MOST_ROWS]
    table, weight = np.unique(rows, axis=0, return_counts=True)
    unit = float(table[:, 2].mean())
    x, last, until = table[:, 0], table[:, 1] / unit, table[:, 2] / unit

    def loss(logs: Array) -> float:
        if np.abs(logs).max() > 20:
            return 1e300
        return -float(weight @ log_likelihood(np.exp(logs), x, last, until))

    found = minimize(loss, np.zeros(4), method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-5, "fatol": 1e-6})
    r, alpha, a, b = (float(value) for value in np.exp(found.x))
    return Rhythm(r, alpha * unit, a + (1e-9 if a == 1 else 0.0), b)


def log_likelihood(parameters: Array, frequency: Array, recency: Array, age: Array) -> Array:
    """Of each customer's history, equation 6 of Fader, Hardie and Lee (2005).

    `parameters` are r, alpha (in the unit of `age`), a and b.
    """
    r, alpha, a, b = parameters
    again = np.maximum(frequency, 1.0)
    common = gammaln(r + frequency) - gammaln(r) + r * np.log(alpha) + betaln(a, b + frequency) - betaln(a, b)
    stays = -(r + frequency) * np.log(alpha + age)
    stopped = np.log(a) - np.log(b + again - 1) - (r + frequency) * np.log(alpha + recency)
    return np.asarray(common + np.logaddexp(stays, np.where(frequency > 0, stopped, -np.inf)))
