"""The calibration of a curve: every horizon its own slope and level, as far as its events tell it from the others.

How sure raw scores may be differs by horizon: one booster serves all, and what
sets a customer apart next month fades over a year. Slopes that few events stand
behind are drawn towards what all horizons have in common.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmml.evaluation.calibration import fit_logistic
from crmml.modelling.calibration import slope_error
from crmml.modelling.level import level_now

Array = npt.NDArray[np.float64]


@dataclass(frozen=True)
class HorizonLevel:
    """Intercept and slope of one horizon, and what they stand on.

    `found` is the slope on the horizon's own rows with its standard error, that of all rows without one where those
    tell none; `slope` is it drawn towards the others.
    """

    intercept: float
    slope: float
    found: float
    slope_error: float | None
    events: int


def calibrate_horizons(
    margins: Array,
    label: Array,
    months: Array,
    customers: npt.NDArray[np.str_],
    blocks: npt.NDArray[np.int64],
    *,
    pooled: tuple[float, float],
) -> Mapping[int, HorizonLevel]:
    """What turns the margins of each horizon into calibrated log-odds.

    Parameters
    ----------
    margins, label, months, customers, blocks : ndarray of shape (n_rows,)
        Scores of customers the booster did not see, the label of the row's horizon, that horizon, whose row it is,
        its place in time.
    pooled : (float, float)
        Intercept and slope of all rows, for a horizon whose own rows tell none.
    """
    steps = np.unique(months)
    rows = {int(step): np.flatnonzero(months == step) for step in steps}
    found = {step: _slope(margins[at], label[at], customers[at], pooled[1]) for step, at in rows.items()}
    slopes = shrink(np.array([one[0] for one in found.values()]), np.array([one[1] for one in found.values()]))
    levels = {}
    for (step, at), slope in zip(rows.items(), slopes, strict=True):
        level = level_now(slope * margins[at], label[at], blocks[at])
        levels[step] = HorizonLevel(
            intercept=pooled[0] if level is None else level.value,
            slope=float(slope),
            found=found[step][0],
            slope_error=found[step][1] if np.isfinite(found[step][1]) else None,
            events=int(label[at].sum()),
        )
    return levels


def _slope(margins: Array, label: Array, customers: npt.NDArray[np.str_], pooled: float) -> tuple[float, float]:
    """The slope on the rows of one horizon and its standard error; that of all, wholly unsure, where there is none."""
    try:
        intercept, slope = (float(value) for value in fit_logistic(margins, label))
    except ValueError:
        return pooled, float("inf")
    if slope <= 0:
        return pooled, float("inf")
    return slope, slope * slope_error(intercept + slope * margins, label, customers)


def shrink(found: Array, errors: Array) -> Array:
    """Estimates drawn towards their mean, the more the less sure they are and the less they differ beyond that.

    Random effects by the method of moments [1]_.

    References
    ----------
    .. [1] DerSimonian and Laird, Meta-analysis in clinical trials, Controlled Clinical Trials 7 (1986) 177-188.

    Examples
    --------
    >>> shrink(np.array([1.0, 1.1]), np.array([0.2, 0.2])).round(3).tolist()
    [1.05, 1.05]
    >>> shrink(np.array([1.2, 0.8]), np.array([0.01, 0.01])).round(3).tolist()
    [1.2, 0.8]
    """
    weights = np.where(np.isfinite(errors), 1.0 / np.maximum(errors, 1e-9) ** 2, 0.0)
    if not weights.sum() > 0:
        return found
    mean = float((weights * found).sum() / weights.sum())
    known = int((weights > 0).sum())
    spread = float((weights * (found - mean) ** 2).sum()) - (known - 1)
    scale = float(weights.sum() - (weights**2).sum() / weights.sum())
    between = max(0.0, spread / scale) if scale > 0 else 0.0
    own = between * weights / (1.0 + between * weights)
    return np.asarray(mean + own * (found - mean))
