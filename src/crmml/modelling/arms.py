"""Which of several contacts a customer gets, from what each of them changes."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from crmml.modelling.uplift import Uplift

Array = npt.NDArray[np.float64]


def choose_arms(effects: Mapping[str, Uplift], X: Array) -> npt.NDArray[np.str_]:
    """The arm of each row: the one that does most on average, unless another is better for this customer beyond doubt.

    Another arm is chosen where the lower end of its effect on the customer lies
    above the upper end of the best one's. Differences that could as well be noise
    therefore move nobody away from what is known to work, and a policy of several
    arms is no worse than the best arm for all, beyond chance.

    Raises
    ------
    ValueError
        If no arm is given.
    """
    if not effects:
        raise ValueError("an arm is chosen among at least one, got none")
    best = max(effects, key=lambda arm: (effects[arm].average.value or 0.0, arm))
    chosen = np.full(len(X), best, dtype=object)
    margin = np.zeros(len(X))
    ceiling = bounds(effects[best], X)[1]
    for arm in sorted(effects):
        if arm == best:
            continue
        ahead = bounds(effects[arm], X)[0] - ceiling
        better = ahead > margin
        chosen[better], margin = arm, np.maximum(margin, ahead)
    return chosen.astype(str)


def bounds(learned: Uplift, X: Array) -> tuple[Array, Array]:
    """The lower and upper end of the effect on each row.

    The average is as uncertain as its interval, and a customer's distance from
    it as the share of the differences that is real.
    """
    mean, share = learned.average, learned.share_real
    middle = float(mean.value or 0.0)
    low, high = (middle if end is None else float(end) for end in (mean.low, mean.high))
    effect = learned.effect(X)
    if not learned.slope or share.low is None or share.high is None:
        return effect + (low - middle), effect + (high - middle)
    distance = (effect - middle) / learned.slope
    ends = distance * min(share.low, learned.slope), distance * max(share.high, learned.slope)
    return low + np.minimum(*ends), high + np.maximum(*ends)
