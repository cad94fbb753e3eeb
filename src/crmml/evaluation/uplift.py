"""Whether those the model calls more persuadable are: gains of a ranking by effect, from a randomised trial.

Every row has an outcome, whether it was treated, and the known chance of being
treated. Its *score* is an unbiased one-row estimate of the effect: outcome ×
treated / chance less outcome × untreated / (1 − chance). Sums of scores need no
model, so a figure here cannot flatter the learner that made the ranking.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmml.evaluation.bootstrap import Customers, Figure, figure

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trial:
    """One arm of a randomised trial against its control.

    Parameters
    ----------
    outcome : array-like of shape (n_rows,)
        0 or 1, or money.
    treated : array-like of shape (n_rows,)
        1 for the arm, 0 for the control, as assigned (not as reached).
    chance : float or array-like of shape (n_rows,)
        Chance of being assigned to the arm among these rows, in ]0, 1[.

    Raises
    ------
    ValueError
        If a chance is 0 or 1, the lengths differ, or an arm is empty.
    """

    outcome: Array
    treated: Array
    chance: Array

    def __init__(self, outcome: npt.ArrayLike, treated: npt.ArrayLike, chance: npt.ArrayLike) -> None:
        outcome, treated = np.asarray(outcome, float), np.asarray(treated, float)
        chance = np.broadcast_to(np.asarray(chance, float), outcome.shape).copy()
        if outcome.ndim != 1 or outcome.shape != treated.shape:
            raise ValueError(f"one outcome and one arm a row are expected, got {outcome.shape} and {treated.shape}")
        if not np.isin(treated, (0.0, 1.0)).all() or treated.min(initial=1) == treated.max(initial=0):
            raise ValueError("treated must be 0 or 1 and hold both")
        if not ((chance > 0) & (chance < 1)).all():
            raise ValueError("the chance of treatment must lie between 0 and 1 on every row: no overlap, no effect")
        object.__setattr__(self, "outcome", outcome)
        object.__setattr__(self, "treated", treated)
        object.__setattr__(self, "chance", chance)

    def __len__(self) -> int:
        return len(self.outcome)

    @cached_property
    def scores(self) -> Array:
        """An unbiased estimate of the effect from each row alone, in units of the outcome.

        References
        ----------
        .. [1] Horvitz and Thompson, A generalization of sampling without
           replacement from a finite universe, JASA 47, 1952.
        """
        treated, chance = self.treated, self.chance
        return self.outcome * (treated / chance - (1 - treated) / (1 - chance))

    def rows(self, chosen: npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Trial:
        """A part of the trial."""
        return Trial(self.outcome[chosen], self.treated[chosen], self.chance[chosen])


class RankedEffect:
    """Scores in order of a predicted effect, highest first, for many weightings of the rows."""

    def __init__(self, trial: Trial, effect: npt.ArrayLike) -> None:
        effect = np.asarray(effect, float)
        if effect.shape != trial.outcome.shape or np.isnan(effect).any():
            raise ValueError("one effect a row is expected, none of them null")
        self.order = np.argsort(-effect, kind="stable")
        ordered = effect[self.order]
        self.starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self.scores = trial.scores

    def curve(self, weight: Array | None = None) -> tuple[Array, Array]:
        """Share of customers treated and gain per customer of all, from (0, 0); ties lie on a straight line."""
        weight = np.ones(len(self.scores)) if weight is None else weight
        widths = np.add.reduceat(weight[self.order], self.starts)
        gains = np.add.reduceat((weight * self.scores)[self.order], self.starts)
        total = widths.sum()
        return np.r_[0.0, np.cumsum(widths)] / total, np.r_[0.0, np.cumsum(gains)] / total

    def auuc(self, weights: Array | None = None) -> Array:
        """Area under the gain curve of each weighting."""
        weights = np.ones((1, len(self.scores))) if weights is None else np.atleast_2d(weights)
        return np.array([float(np.trapezoid(gain, share)) for share, gain in map(self.curve, weights)])

    def qini(self, weights: Array | None = None) -> Array:
        """Area between the gain curve and that of treating at random, of each weighting."""
        weights = np.ones((1, len(self.scores))) if weights is None else np.atleast_2d(weights)
        average = weights @ self.scores / weights.sum(axis=1)
        return self.auuc(weights) - average / 2


def qini(trial: Trial, effect: npt.ArrayLike, *, customers: npt.ArrayLike | None = None, seed: int = 0) -> Figure:
    """Gain per customer of treating in order of `effect` over treating at random, averaged over all shares.

    Zero for a ranking that knows nothing, and for one effect for all. The
    interval draws customers.

    References
    ----------
    .. [1] Radcliffe, Using control groups to target on predicted lift: building
       and assessing uplift models, Direct Marketing Analytics Journal, 2007.

    Examples
    --------
    Of four customers the first two gain 1 by treatment and the others nothing:

    >>> trial = Trial([1, 0, 0, 0], [1, 0, 1, 0], 0.5)
    >>> qini(trial, [2, 2, 1, 1]).value
    0.125
    >>> qini(trial, [1, 1, 1, 1]).value
    0.0
    """
    return _resampled(trial, RankedEffect(trial, effect).qini, customers, seed)


def auuc(trial: Trial, effect: npt.ArrayLike, *, customers: npt.ArrayLike | None = None, seed: int = 0) -> Figure:
    """Gain per customer of treating in order of `effect`, averaged over all shares."""
    return _resampled(trial, RankedEffect(trial, effect).auuc, customers, seed)


def average_effect(trial: Trial, *, customers: npt.ArrayLike | None = None, seed: int = 0) -> Figure:
    """Mean outcome of the treated less that of the untreated, each weighted by the inverse of its chance.

    >>> average_effect(Trial([1, 1, 0, 0, 1, 0], [1, 1, 1, 0, 0, 0], 0.5)).value
    0.3333333333333333
    """

    def difference(weights: Array) -> Array:
        means = []
        for share in (trial.treated / trial.chance, (1 - trial.treated) / (1 - trial.chance)):
            with np.errstate(invalid="ignore"):
                means.append(weights @ (share * trial.outcome) / (weights @ share))
        return means[0] - means[1]

    return _resampled(trial, difference, customers, seed)


def policy_value(
    outcome: npt.ArrayLike,
    arm: npt.ArrayLike,
    chosen: npt.ArrayLike,
    chance: npt.ArrayLike,
    *,
    customers: npt.ArrayLike | None = None,
    seed: int = 0,
) -> Figure:
    """Mean outcome had every customer got the arm `chosen` for him, from those who by chance did.

    Parameters
    ----------
    outcome, arm, chosen, chance : array-like of shape (n_rows,)
        What happened, the arm drawn, the arm the policy wants, and the chance of the arm that was drawn.

    References
    ----------
    .. [1] Hajek, comment on an essay of Basu, in Foundations of Statistical Inference, 1971 (weights sum to one).

    Examples
    --------
    >>> policy_value([5, 1, 3, 7], ["a", "b", "a", "b"], ["a", "a", "b", "b"], [0.5, 0.5, 0.5, 0.5]).value
    6.0
    """
    outcome, share = np.asarray(outcome, float), 1.0 / np.asarray(chance, float)
    follows = np.where(np.asarray(arm) == np.asarray(chosen), share, 0.0)

    def mean(weights: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.asarray(weights @ (follows * outcome) / (weights @ follows))

    ids = np.arange(len(outcome)) if customers is None else customers
    return figure(*Customers(ids, seed=seed).estimate(mean))


def _resampled(trial: Trial, statistic, customers: npt.ArrayLike | None, seed: int) -> Figure:  # type: ignore[no-untyped-def]
    ids = np.arange(len(trial)) if customers is None else customers
    return figure(*Customers(ids, seed=seed).estimate(statistic))
