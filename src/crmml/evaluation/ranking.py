"""Whether the products a customer takes stand at the top of the order they were ranked in.

All take one row per customer and one column per product: `is_taken` (0 or 1)
and `score` (higher is ranked first; null is not offered and stands nowhere).
Equal scores keep the order of the columns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.evaluation.bootstrap import Customers, figure

Array = npt.NDArray[np.float64]


def average_precision_at(is_taken: npt.ArrayLike, score: npt.ArrayLike, k: int) -> Array:
    """Average precision of each customer's first `k` products.

    The mean, over the products taken, of the precision at the place of each:
    `sum over places j <= k of (taken among the first j / j) * (j-th is taken)`,
    divided by the smaller of `k` and the number taken [1]_.

    Returns
    -------
    ndarray of shape (n_customers,)
        In [0, 1]; null for a customer who took nothing.

    References
    ----------
    .. [1] C. Manning, P. Raghavan, H. Schütze, Introduction to Information
       Retrieval, 2008, section 8.4; cut at `k`, divided by min(k, taken), as in
       the Santander Product Recommendation competition, 2016.

    Examples
    --------
    Two of three taken, at the places 1 and 3: (1/1 + 2/3) / 2.

    >>> average_precision_at([[1, 0, 1]], [[0.9, 0.5, 0.1]], k=7).round(4)
    array([0.8333])
    """
    taken, count = _in_order(is_taken, score, k)
    places = np.arange(1, taken.shape[1] + 1)
    gained = (np.cumsum(taken, axis=1) / places * taken).sum(axis=1)
    return gained / np.where(count > 0, np.minimum(count, k), np.nan)


def map_at(is_taken: npt.ArrayLike, score: npt.ArrayLike, k: int) -> float:
    """Mean of `average_precision_at` over the customers who took something; null if none did.

    >>> map_at([[1, 0], [0, 1], [0, 0]], [[2, 1], [2, 1], [2, 1]], k=2)
    0.75
    """
    return _mean(average_precision_at(is_taken, score, k))


def precision_at(is_taken: npt.ArrayLike, score: npt.ArrayLike, k: int) -> float:
    """Share of the first `k` products of all customers that are taken.

    A customer who is offered fewer than `k` still counts `k`: an offer that could not be made was not taken.

    >>> precision_at([[1, 0, 1], [0, 0, 0]], [[3, 2, 1], [3, 2, 1]], k=2)
    0.25
    """
    taken, _ = _in_order(is_taken, score, k)
    return float(taken.sum() / (len(taken) * k))


def recall_at(is_taken: npt.ArrayLike, score: npt.ArrayLike, k: int) -> float:
    """Share of the products taken that stand among the first `k`, mean over the customers who took something.

    >>> recall_at([[1, 0, 1], [0, 1, 0]], [[3, 2, 1], [3, 2, 1]], k=2)
    0.75
    """
    taken, count = _in_order(is_taken, score, k)
    return _mean(taken.sum(axis=1) / np.where(count > 0, count, np.nan))


def at_capacity(
    is_taken: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    *,
    customers: npt.ArrayLike,
    cutoffs: npt.ArrayLike,
    calls: int,
    seed: int = 0,
) -> dict[str, Any]:
    """What so many calls at each cut-off find: the best product of each customer, the customers in order of it.

    `precision` is the share of those calls whose product is taken, `lift` that
    over the rate of all offers; both are means over cut-offs, resampling customers.

    Examples
    --------
    Two calls: the first customer's first product is taken, the second's not.

    >>> found = at_capacity(
    ...     np.array([[1.0, 0], [0, 1], [0, 0]]),
    ...     np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.1]]),
    ...     customers=["a", "b", "c"],
    ...     cutoffs=["d", "d", "d"],
    ...     calls=2,
    ... )
    >>> found["precision"]["value"], round(found["lift"]["value"], 6)
    (0.5, 1.5)
    """
    is_offered, days = ~np.isnan(score), np.asarray(cutoffs)
    best = np.argmax(np.where(is_offered, score, -np.inf), axis=1)
    rows = np.arange(len(score))
    top = np.where(is_offered.any(axis=1), np.where(is_offered, score, -np.inf).max(axis=1), -np.inf)
    called = np.zeros(len(score), dtype=bool)
    for day in np.unique(days):
        inside = np.flatnonzero(days == day)
        called[inside[np.argsort(-top[inside], kind="stable")[:calls]]] = True
    called &= np.isfinite(top)
    hit = is_taken[rows, best] * called
    taken, offered = np.where(is_offered, is_taken, 0.0).sum(axis=1), is_offered.sum(axis=1).astype(float)

    def mean_of(weights: Array, *, over_rate: bool) -> Array:
        means = []
        for day in np.unique(days):
            own = weights[:, days == day]
            with np.errstate(invalid="ignore", divide="ignore"):
                share = own @ hit[days == day] / (own @ called[days == day].astype(float))
                rate = own @ taken[days == day] / (own @ offered[days == day])
                means.append(share / rate if over_rate else share)
        return np.asarray(np.mean(means, axis=0), dtype=float)

    drawn = Customers(customers, seed=seed)
    return {
        "calls": calls,
        "precision": figure(*drawn.estimate(lambda weights: mean_of(weights, over_rate=False))).as_dict(),
        "lift": figure(*drawn.estimate(lambda weights: mean_of(weights, over_rate=True))).as_dict(),
    }


def _in_order(is_taken: npt.ArrayLike, score: npt.ArrayLike, k: int) -> tuple[Array, Array]:
    """Whether the product at each of the first `k` places is taken, and how many each customer took."""
    taken, scores = np.asarray(is_taken, dtype=float), np.asarray(score, dtype=float)
    if taken.shape != scores.shape or taken.ndim != 2 or not taken.size:
        raise ValueError(
            f"two tables of one shape (customers, products) are expected, got {taken.shape}, {scores.shape}"
        )
    if not np.isin(taken, (0.0, 1.0)).all():
        raise ValueError("a product is taken (1) or not (0)")
    if k < 1:
        raise ValueError(f"at least one place is looked at, got k = {k}")
    order = np.argsort(np.where(np.isnan(scores), np.inf, -scores), axis=1, kind="stable")[:, :k]
    is_offered = ~np.isnan(np.take_along_axis(scores, order, axis=1))
    return np.take_along_axis(taken, order, axis=1) * is_offered, taken.sum(axis=1)


def _mean(values: Array) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def ranking_report(
    is_taken: npt.NDArray[np.float64],
    score: npt.NDArray[np.float64],
    *,
    customers: npt.ArrayLike,
    cutoffs: npt.ArrayLike,
    k: int,
    seed: int = 0,
) -> dict[str, Any]:
    """How well products are ranked on test rows, beside the order of how often each is taken.

    Parameters
    ----------
    is_taken, score : ndarray of shape (n_rows, n_products)
        A null score: not offered, since it is held.
    customers, cutoffs : array-like of shape (n_rows,)
        Cut-offs are judged apart and their figures averaged; customers are resampled.

    Returns
    -------
    dict
        `map`, `popularity` (which knows the rates of the tested rows) and their
        `difference` as value, low, high; `precision_at_1` over all rows and its
        `lift_at_1` over the rate of all offers; `rows`, `takers`, `products`, `k`.
    """
    is_offered, days = ~np.isnan(score), np.asarray(cutoffs)
    popular = np.empty_like(score)
    for day in np.unique(days):
        rows = days == day
        popular[rows] = is_taken[rows].sum(axis=0) / np.maximum(is_offered[rows].sum(axis=0), 1)
    values = [average_precision_at(is_taken, order, k) for order in (score, np.where(is_offered, popular, np.nan))]
    drawn_from = Customers(customers, seed=seed)

    def mean_of(value: Array) -> Callable[[Array], Array]:
        return lambda weights: _mean_over_cutoffs(value, days, weights)

    figures = {
        name: figure(*drawn_from.estimate(mean_of(value))).as_dict()
        for name, value in (("map", values[0]), ("popularity", values[1]), ("difference", values[0] - values[1]))
    }
    first = precision_at(is_taken, score, 1)
    rate = float(is_taken[is_offered].sum() / is_offered.sum())
    return {
        **figures,
        "precision_at_1": first,
        "lift_at_1": first / rate if rate else None,
        "rows": len(score),
        "takers": int((~np.isnan(values[0])).sum()),
        "products": score.shape[1],
        "k": k,
    }


def _mean_over_cutoffs(value: Array, days: npt.NDArray[Any], weights: Array) -> Array:
    """The mean of the known values of each cut-off, averaged over cut-offs, for each weighting."""
    means = []
    for day in np.unique(days):
        rows = (days == day) & ~np.isnan(value)
        total = weights[:, rows].sum(axis=1)
        means.append(weights[:, rows] @ value[rows] / np.where(total > 0, total, np.nan))
    return np.asarray(np.mean(means, axis=0), dtype=float)
