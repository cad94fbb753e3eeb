"""Whether the higher score went to the right customers: rank measures and losses.

All take plain arrays; `weight` counts a row several times (a bootstrap
resample). Ties share their rank.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


class Ranked:
    """Labels in order of a score, so that many weightings of the rows are judged at one sort.

    Parameters
    ----------
    label : array-like of shape (n_rows,)
        0 or 1.
    score : array-like of shape (n_rows,)
        Higher means more likely 1.
    """

    def __init__(self, label: npt.ArrayLike, score: npt.ArrayLike) -> None:
        self.label, score = _pair(label, score)
        if not np.isin(self.label, (0.0, 1.0)).all():
            raise ValueError("labels must be 0 or 1")
        self.order = np.argsort(score, kind="stable")
        ordered = score[self.order]
        self.starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.is_event = self.label[self.order] == 1

    def auc(self, weights: npt.ArrayLike | None = None) -> Array:
        """Area under the ROC curve of each weighting.

        Parameters
        ----------
        weights : array-like of shape (n_weightings, n_rows), optional
            How often each row counts.

        Returns
        -------
        ndarray of shape (n_weightings,)
            In [0, 1]; null where one class has no weight.
        """
        weights = np.ones((1, len(self.label))) if weights is None else np.atleast_2d(np.asarray(weights, float))
        return np.array([self._auc_of(row[self.order]) for row in weights])

    def _auc_of(self, weight: Array) -> float:
        events = np.add.reduceat(np.where(self.is_event, weight, 0.0), self.starts)
        others = np.add.reduceat(np.where(self.is_event, 0.0, weight), self.starts)
        total = events.sum() * others.sum()
        if total == 0:
            return float("nan")
        below = np.cumsum(others) - others
        return float((events * (below + others / 2)).sum() / total)


def auc(label: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Chance that a customer with the event is scored above one without, ties counting half.

    Raises
    ------
    ValueError
        If a label is not 0 or 1, or the lengths differ.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.75
    """
    return float(Ranked(label, score).auc()[0])


def gini(label: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """`2 · AUC - 1`, in [-1, 1].

    >>> gini([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    return 2 * auc(label, score) - 1


def ks(label: npt.ArrayLike, score: npt.ArrayLike) -> float:
    """Largest gap between the cumulative shares of events and of others, in [0, 1].

    >>> ks([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
    0.5
    """
    ranked = Ranked(label, score)
    events = np.cumsum(np.add.reduceat(ranked.is_event.astype(float), ranked.starts))
    others = np.cumsum(np.add.reduceat((~ranked.is_event).astype(float), ranked.starts))
    if events[-1] == 0 or others[-1] == 0:
        return float("nan")
    return float(np.abs(events / events[-1] - others / others[-1]).max())


def lift(label: npt.ArrayLike, score: npt.ArrayLike, share: float = 0.1) -> float:
    """Event rate in the top `share` of scores over the event rate of all.

    A tie at the border counts with the mean of its rows, so row order changes
    nothing.

    Examples
    --------
    >>> lift([1, 0, 0, 0, 0, 0, 0, 0, 0, 1], [9, 8, 7, 6, 5, 4, 3, 2, 1, 0], share=0.1)
    5.0
    """
    label, score = _pair(label, score)
    if not 0 < share <= 1:
        raise ValueError(f"a share lies in ]0, 1], got {share}")
    rate = label.mean()
    if rate == 0:
        return float("nan")
    top = max(1, round(share * len(label)))
    border = np.sort(score)[-top]
    above, at = score > border, score == border
    events = label[above].sum() + label[at].mean() * (top - above.sum())
    return float(events / top / rate)


def brier(label: npt.ArrayLike, probability: npt.ArrayLike) -> float:
    """Mean squared difference of probability and label."""
    label, probability = _pair(label, probability)
    return float(np.mean((probability - label) ** 2))


def log_loss(label: npt.ArrayLike, log_odds: npt.ArrayLike) -> float:
    """Mean negative log-likelihood of the labels, from log-odds (no probability rounds to 0 or 1).

    >>> round(log_loss([1, 0], [0.0, 0.0]), 6)
    0.693147
    """
    label, log_odds = _pair(label, log_odds)
    return float(np.mean(np.logaddexp(0.0, log_odds) - label * log_odds))


class RankedMoney:
    """Amounts in order of a prediction and of themselves, for the normalised Gini of many weightings."""

    def __init__(self, actual: npt.ArrayLike, predicted: npt.ArrayLike) -> None:
        self.actual, predicted = _pair(actual, predicted)
        self.by_predicted = np.argsort(-predicted, kind="stable")
        ordered = predicted[self.by_predicted]
        self.starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.by_actual = np.argsort(-self.actual, kind="stable")
        self.actual_starts = np.arange(len(self.actual))

    def gini(self, weights: npt.ArrayLike | None = None) -> Array:
        """Normalised Gini of each weighting; null where all amounts are equal."""
        weights = np.ones((1, len(self.actual))) if weights is None else np.atleast_2d(np.asarray(weights, float))
        return np.array([self._gini_of(weight) for weight in weights])

    def _gini_of(self, weight: Array) -> float:
        mean = float((weight * self.actual).sum() / weight.sum())
        moved = weight * (self.actual - mean)
        best = _area(moved[self.by_actual], weight[self.by_actual], self.actual_starts)
        if best <= 0:
            return float("nan")
        return _area(moved[self.by_predicted], weight[self.by_predicted], self.starts) / best


def normalised_gini(actual: npt.ArrayLike, predicted: npt.ArrayLike) -> float:
    """How well a prediction ranks amounts: 1 as the amounts themselves would, 0 as chance.

    The area between the curve of amounts gathered in order of the prediction
    and the straight line, over the same area in order of the amounts. Amounts
    may be negative and may sum to zero.

    Examples
    --------
    >>> normalised_gini([10, -5, 3], [7, 1, 2])
    1.0
    >>> round(normalised_gini([10, -5, 3], [1, 7, 2]), 9)
    -1.0
    """
    return float(RankedMoney(actual, predicted).gini()[0])


def _area(moved: Array, weight: Array, starts: npt.NDArray[np.intp]) -> float:
    """Area under the centred gathering curve, with tied rows on a straight line."""
    steps, widths = np.add.reduceat(moved, starts), np.add.reduceat(weight, starts)
    height = np.cumsum(steps)
    return float(((height - steps / 2) * widths).sum())


def _pair(one: npt.ArrayLike, other: npt.ArrayLike) -> tuple[Array, Array]:
    first, second = np.asarray(one, dtype=float), np.asarray(other, dtype=float)
    if first.shape != second.shape or first.ndim != 1:
        raise ValueError(f"two columns of one length are expected, got shapes {first.shape} and {second.shape}")
    if len(first) == 0:
        raise ValueError("at least one row is expected, got none")
    if np.isnan(first).any() or np.isnan(second).any():
        raise ValueError("a null cannot be judged: drop the rows and count them first")
    return first, second
