"""What a model must beat: a points scorecard on the same rows, or last year carried forward."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crmml.bundle import SIGNS
from crmml.modelling.preparation import Prepared
from crmml.modelling.scorecard import Scorecard, fit_scorecard
from crmml.modelling.spec import ModelSpec

Array = npt.NDArray[np.float64]
SCORECARD = "points scorecard"
CARRIED_FORWARD = "last year carried forward"
DIRECT = "one direct regression"


def fit_benchmark(prepared: Prepared, spec: ModelSpec) -> Scorecard | None:
    """The points scorecard of the training rows; None for money, which is compared with last year."""
    if spec.is_money:
        return None
    rows = prepared.train
    return fit_scorecard(
        prepared.frame.iloc[rows],
        prepared.column("label")[rows],
        prepared.infos,
        levels=prepared.encoding.levels,
        target=spec.kind,
        spec=spec.scorecard,
        weight=None if prepared.weights is None else prepared.weights[rows],
    )


def last_year(prepared: Prepared) -> Array:
    """Last year's contribution of the test rows: the signed sum of the ledger features there are."""
    total = np.zeros(len(prepared.test))
    for name, sign in SIGNS.items():
        if f"{name}_12m" in prepared.frame:
            total = total + sign * np.nan_to_num(prepared.column(f"{name}_12m")[prepared.test])
    return total
