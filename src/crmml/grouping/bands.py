"""Scores in bands with fixed boundaries, and bands that do not flap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmml.grouping.spec import Axis

Array = np.ndarray
NONE = -1
"""The band of a customer without this score."""


@dataclass(frozen=True)
class Boundaries:
    """Where bands part, fixed on one cut-off.

    `cuts` are on the score; a band begins with its cut. `values` and `positions` map a score to its place among the customers
    of the reference (0 to 1), on which margins are measured, so that they mean the same on money and on probabilities.
    """

    cuts: Array
    values: Array
    positions: Array

    @property
    def bands(self) -> int:
        return len(self.cuts) + 1

    def place(self, scores: Array) -> Array:
        """The share of the reference customers below each score, equal ones half; NaN stays NaN."""
        found = np.interp(scores, self.values, self.positions)
        return np.where(np.isnan(scores), np.nan, found)

    def band(self, scores: Array) -> Array:
        """The band each score falls in, 0 the lowest; `NONE` without a score."""
        found = np.searchsorted(self.cuts, scores, side="right")
        return np.where(np.isnan(scores), NONE, found).astype(np.int64)


def fix_boundaries(axis: Axis, reference: Array) -> Boundaries:
    """The boundaries of an axis on the scores of the reference cut-off (NaN: not scored).

    Quantiles that fall on one value (many customers with the same score) part once there.
    """
    known = np.sort(reference[~np.isnan(reference)])
    if not len(known):
        return Boundaries(np.asarray(axis.cuts, dtype=float), np.zeros(1), np.full(1, 0.5))
    cuts = np.unique(np.quantile(known, axis.quantiles)) if axis.quantiles else np.asarray(axis.cuts, dtype=float)
    values, counts = np.unique(known, return_counts=True)
    positions = (np.cumsum(counts) - counts / 2) / len(known)
    return Boundaries(cuts, values, positions)


def hold_bands(scores: Array, boundaries: Boundaries, *, margin: float, steady: float) -> Array:
    """The band of each customer at each cut-off, changed only when the change is real.

    A customer keeps the band of the cut-off before unless the score lies more
    than `margin` beyond its boundary, or has lain more than `steady` beyond it,
    on the same side, at this and the last cut-off. Scores that stay within
    `steady` of a boundary therefore never change band, whatever their noise. A
    customer without a score before gets the band of the score.

    Parameters
    ----------
    scores : ndarray of shape (n_customers, n_cutoffs)
        Oldest cut-off first, NaN where not scored.
    boundaries : Boundaries
        Fixed on the reference cut-off.
    margin, steady : float
        Shares of the reference customers.

    Returns
    -------
    ndarray of int of shape (n_customers, n_cutoffs)
    """
    raw, place = boundaries.band(scores), boundaries.place(scores)
    edges = boundaries.place(boundaries.cuts)
    held = raw.copy()
    before = np.zeros(len(scores), dtype=np.int64)  # the side on which the last score lay steadily beyond
    for column in range(1, scores.shape[1]):
        last, now = held[:, column - 1], raw[:, column]
        beyond = _beyond(last, now, place[:, column], edges)
        side = np.where(beyond > steady, np.sign(now - last), 0)
        moves = (beyond > margin) | ((side != 0) & (side == before))
        stays = (last != NONE) & (now != NONE) & ~moves
        held[:, column] = np.where(stays, last, now)
        before = np.where(stays, side, 0)
    return held


def _beyond(last: Array, now: Array, place: Array, edges: Array) -> Array:
    """How far each score lies beyond the boundary of its last band, as a share of customers; 0 inside it."""
    if not len(edges):
        return np.zeros(len(last))
    above = edges[np.clip(last, 0, len(edges) - 1)]
    below = edges[np.clip(last - 1, 0, len(edges) - 1)]
    distance = np.where(now > last, place - above, below - place)
    return np.where((last == NONE) | (now == NONE) | (now == last), 0.0, np.maximum(distance, 0.0))


def flapping(bands: Array) -> tuple[int, int]:
    """Changes of band that were taken back at the next cut-off, and the chances there were for it.

    A chance is a customer scored at three cut-offs running.

    >>> flapping(np.array([[0, 1, 0, 0], [1, 1, 2, 2], [0, -1, 0, 0]]))
    (1, 4)
    """
    if bands.shape[1] < 3:
        return 0, 0
    first, middle, last = bands[:, :-2], bands[:, 1:-1], bands[:, 2:]
    scored = (first != NONE) & (middle != NONE) & (last != NONE)
    back = scored & (first == last) & (first != middle)
    return int(back.sum()), int(scored.sum())
