"""Sharing out cents so that the parts add up to the whole."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Cents = NDArray[np.int64]


def to_cents(amount: ArrayLike) -> Cents:
    """Amounts in currency as whole cents, halves away from zero.

    >>> to_cents([1.005, -0.125, 2.0]).tolist()
    [101, -13, 200]
    """
    scaled = np.asarray(amount, dtype=float) * 100
    # a product such as 1.005 * 100 = 100.49999999999999 is a half that binary fractions cannot hold
    return (np.sign(scaled) * np.floor(np.abs(scaled) + 0.5 + 1e-7)).astype(np.int64)


def largest_remainder(total: int, weights: ArrayLike) -> list[int]:
    """A whole number of cents split by weights; the parts sum to it exactly.

    Each part is rounded towards zero, and the cents left over go one each to the
    largest remainders; among equals, to the first.

    Parameters
    ----------
    total : int
        Cents to split; may be negative.
    weights : array-like of shape (n_parts,)
        Not negative, with a positive sum.

    Returns
    -------
    list of int
        Cents of each part.

    Raises
    ------
    ValueError
        If a weight is negative or all are zero.

    References
    ----------
    .. [1] Balinski and Young, Fair Representation, 2nd edition, Brookings 2001, chapter 3 (Hamilton's method).

    Examples
    --------
    >>> largest_remainder(100, [1, 1, 1])
    [34, 33, 33]
    >>> largest_remainder(-100, [0.5, 0.25, 0.25])
    [-50, -25, -25]
    """
    weights = np.asarray(weights, dtype=float)
    if (weights < 0).any() or not weights.sum() > 0:
        raise ValueError(f"weights are not negative and have a positive sum, got {weights.tolist()}")
    group = np.zeros(len(weights), dtype=np.int64)
    return [int(part) for part in split_cents(np.array([total]), group, weights)]


def split_cents(totals: Cents, group: NDArray[np.int64], weights: NDArray[np.float64]) -> Cents:
    """`largest_remainder` for many groups at once.

    Parameters
    ----------
    totals : ndarray of shape (n_groups,)
        Cents of each group.
    group : ndarray of shape (n_parts,)
        The group of each part, ascending; every group has a part.
    weights : ndarray of shape (n_parts,)
        Not negative, with a positive sum in every group.

    Returns
    -------
    ndarray of shape (n_parts,)
        Cents of each part; they sum to `totals` in every group.

    Examples
    --------
    >>> split_cents(np.array([100, -5]), np.array([0, 0, 0, 1, 1]), np.ones(5)).tolist()
    [34, 33, 33, -3, -2]
    """
    if len(totals) == len(group):
        return np.asarray(totals, dtype=np.int64).copy()
    amount = np.abs(totals)[group]
    share = weights / np.bincount(group, weights, minlength=len(totals))[group]
    exact = amount * share
    parts = np.floor(exact).astype(np.int64)
    left = np.abs(totals) - np.bincount(group, parts, minlength=len(totals)).astype(np.int64)
    order = np.lexsort((np.arange(len(group)), parts - exact, group))
    rank = np.empty(len(group), dtype=np.int64)
    rank[order] = np.arange(len(group)) - np.searchsorted(group, group, side="left")[order]
    parts += rank < left[group]
    return parts * np.sign(totals)[group]
