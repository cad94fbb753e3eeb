"""The published models of purchase histories, by their own maximum likelihood: references for the results on CDNOW alone.

No well-kept library fits them with the versions used here. Parameters are for weeks, a history is `frequency` (repeat
purchases), `recency` (week of the last) and `age` (weeks observed), all from the first purchase.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammaln, hyp2f1

from crmml.modelling.rhythm import fit_rhythm

Array = npt.NDArray[np.float64]


def bg_nbd(learned: tuple[Array, Array, Array], asked: tuple[Array, Array, Array], weeks: float) -> Array:
    """Expected purchases of the next `weeks` by BG/NBD, fitted to the histories `learned`.

    References
    ----------
    .. [1] Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005) 275-284.
    """
    return fit_rhythm(*learned).bookings(*asked, weeks)


def pareto_nbd(
    learned: tuple[Array, Array, Array], asked: tuple[Array, Array, Array], weeks: float
) -> tuple[Array, Array, float]:
    """The same by Pareto/NBD: expected purchases, the parameters r, alpha, s, beta, and the log-likelihood.

    References
    ----------
    .. [1] Schmittlein, Morrison and Colombo, Counting your customers, Management Science 33 (1987) 1-24.
    .. [2] Fader and Hardie, A note on deriving the Pareto/NBD model, 2005.
    """
    table, count = np.unique(np.column_stack(learned), axis=0, return_counts=True)
    x, last, age = table.T

    def loss(logs: Array) -> float:
        value = -float(count @ _pareto_log_likelihood(np.exp(logs), x, last, age))
        return value if np.isfinite(value) else 1e300

    settings = {"maxiter": 3000, "xatol": 1e-6, "fatol": 1e-7}
    found = minimize(loss, np.log([0.5, 10.0, 0.6, 12.0]), method="Nelder-Mead", options=settings)
    parameters = np.exp(found.x)
    return _pareto_expected(parameters, *asked, weeks), parameters, -float(found.fun)


def _pareto_parts(parameters: Array, x: Array, last: Array, age: Array) -> tuple[Array, Array]:
    """Log of what is common to both ends of a history, and of the integral over the time of stopping."""
    r, alpha, s, beta = parameters
    first = max(alpha, beta)
    order = s + 1 if alpha >= beta else r + x

    def term(week: Array) -> Array:
        inside = hyp2f1(r + s + x, order, r + s + x + 1, abs(alpha - beta) / (first + week))
        return np.asarray(np.log(inside) - (r + s + x) * np.log(first + week))

    early, late = term(last), term(age)
    integral = early + np.log1p(-np.exp(np.minimum(late - early, -1e-15)))
    common = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + s * np.log(beta)
    return common, integral


def _pareto_log_likelihood(parameters: Array, x: Array, last: Array, age: Array) -> Array:
    r, alpha, s, beta = parameters
    common, integral = _pareto_parts(parameters, x, last, age)
    alive = -(r + x) * np.log(alpha + age) - s * np.log(beta + age)
    return np.asarray(common + np.logaddexp(alive, np.log(s / (r + s + x)) + integral))


def _pareto_expected(parameters: Array, x: Array, last: Array, age: Array, weeks: float) -> Array:
    r, alpha, s, beta = parameters
    common, _ = _pareto_parts(parameters, x, last, age)
    log_likelihood = _pareto_log_likelihood(parameters, x, last, age)
    alive = common - (r + x) * np.log(alpha + age) - s * np.log(beta + age) - log_likelihood
    while_there = (r + x) * (beta + age) / ((alpha + age) * (s - 1))
    return np.asarray(np.exp(alive) * while_there * (1 - ((beta + age) / (beta + age + weeks)) ** (s - 1)))
