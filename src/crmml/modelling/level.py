"""The level events have now, from that of each training cut-off: old ones count as far as they are like the new.

How many events there are moves from cut-off to cut-off, by chance and in
earnest. The newest alone carries its chance into every score; the mean of all
lags behind a level that moves. The level is followed as a random walk seen
through noise of known size; how far it walks is not known, so the answers of
several walks are averaged by how well each foretold the cut-offs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmml.bundle import probability_of
from crmml.evaluation.calibration import level_of

Array = npt.NDArray[np.float64]
#: Events that a stretch of cut-offs must hold to have a level of its own.
LEAST_EVENTS = 30
#: Standard deviations of a step of the walk, in log-odds; the first stands still.
WALKS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)


@dataclass(frozen=True)
class Level:
    """What is added to log-odds now.

    `influence` is what one more event in a row would add to it, its sum of
    squares over customers the variance that comes of drawing them; `moved` is
    the standard deviation that comes of the walk. `events` is the number of
    events that would say as much if they were all of now.
    """

    value: float
    influence: Array
    moved: float
    events: int


def level_now(
    log_odds: Array, label: Array, blocks: npt.NDArray[np.int64], weight: Array | None = None
) -> Level | None:
    """The level of the newest cut-off; None where all labels are alike.

    Parameters
    ----------
    log_odds, label : ndarray of shape (n_rows,)
        Scores without a level, and what happened.
    blocks : ndarray of shape (n_rows,)
        The place of each row's cut-off in time.
    weight : ndarray of shape (n_rows,), optional

    References
    ----------
    .. [1] Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, 1989 (the local level model).
    .. [2] Hoeting, Madigan, Raftery and Volinsky, Bayesian model averaging: a tutorial, Statistical Science 14, 1999.
    """
    w = np.ones(len(label)) if weight is None else weight
    stretches = _stretches(blocks, label)
    found = [level_of(log_odds[at], label[at], w[at]) for at in stretches]
    if not np.isfinite(found).all():
        return None
    gaps, curves, errors = np.zeros(len(label)), np.zeros(len(stretches)), np.zeros(len(stretches))
    for place, (at, level) in enumerate(zip(stretches, found, strict=True)):
        p = probability_of(level + log_odds[at])
        gaps[at], curves[place] = w[at] * (label[at] - p), float((w[at] * p * (1 - p)).sum())
        errors[place] = float(np.sqrt((gaps[at] ** 2).sum())) / curves[place]
    shares, moved = follow(np.array(found), errors)
    influence = np.zeros(len(label))
    for at, share, curve in zip(stretches, shares, curves, strict=True):
        influence[at] = share * gaps[at] / curve
    events = np.array([label[at].sum() for at in stretches])
    return Level(float(shares @ found), influence, moved, round(1.0 / float((shares**2 / events).sum())))


def _stretches(blocks: npt.NDArray[np.int64], label: Array) -> list[npt.NDArray[np.intp]]:
    """Rows of consecutive cut-offs, oldest first, each stretch with enough events; the oldest takes what is left over."""
    open_: list[np.int64] = []
    found: list[npt.NDArray[np.intp]] = []
    for block in np.unique(blocks)[::-1]:
        open_.append(block)
        rows = np.flatnonzero(np.isin(blocks, open_))
        if min(label[rows].sum(), (1 - label[rows]).sum()) >= LEAST_EVENTS:
            found.append(rows)
            open_ = []
    if open_:
        left = np.flatnonzero(np.isin(blocks, open_))
        found = [*found[:-1], np.sort(np.concatenate([found[-1], left]))] if found else [left]
    return found[::-1]


def follow(levels: Array, errors: Array) -> tuple[Array, float]:
    """What share each level has in that of now, and the standard deviation that comes of its having moved.

    Parameters
    ----------
    levels, errors : ndarray of shape (n_stretches,)
        Oldest first, with standard errors.

    Examples
    --------
    Two levels that agree share alike; of two far apart the new one holds:

    >>> follow(np.array([-2.0, -2.0]), np.array([0.1, 0.1]))[0].round(2).tolist()
    [0.38, 0.62]
    >>> follow(np.array([-2.0, -1.0]), np.array([0.05, 0.05]))[0].round(2).tolist()
    [0.02, 0.98]
    """
    each = [_filtered(levels, errors, walk) for walk in WALKS]
    likelihood = np.array([one[1] for one in each])
    belief = np.exp(likelihood - likelihood.max())
    belief /= belief.sum()
    shares = np.array([one[0] for one in each])
    answers, moved = shares @ levels, np.array([one[2] for one in each])
    mixed = belief @ shares
    return mixed, float(np.sqrt(belief @ (moved + (answers - mixed @ levels) ** 2)))


def _filtered(levels: Array, errors: Array, walk: float) -> tuple[Array, float, float]:
    """Of one walk: shares of the levels, log-likelihood after the first, and variance beyond that of the levels' own errors."""
    shares = np.zeros(len(levels))
    shares[0] = 1.0
    variance, likelihood = errors[0] ** 2, 0.0
    for place in range(1, len(levels)):
        ahead = variance + walk**2
        spread = ahead + errors[place] ** 2
        surprise = levels[place] - shares @ levels
        likelihood -= 0.5 * (np.log(spread) + surprise**2 / spread)
        gain = ahead / spread
        shares *= 1.0 - gain
        shares[place] = gain
        variance = (1.0 - gain) * ahead
    return shares, float(likelihood), max(0.0, float(variance - shares**2 @ errors**2))
