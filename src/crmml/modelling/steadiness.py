"""How far the score and every feature moved away from the frozen population, cut-off by cut-off."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import Bundle
from crmml.evaluation.drift import LEAST_ROWS
from crmml.evaluation.stability import bin_counts, psi
from crmml.modelling.variables import feature_psi

Array = npt.NDArray[np.float64]
#: What is added to each bin before shares are taken, so that an empty one gives a large and not an infinite shift.
EPSILON = 0.5


def steadiness(bundle: Bundle, X: Array, served: Array, periods: npt.NDArray[np.str_]) -> dict[str, Any]:
    """PSI of the score and of each feature, for each period of the test.

    Returns
    -------
    dict
        `against` (cut-off of the frozen population, empty without one), `epsilon`, `periods`, `rows`, `score`
        (one figure a period) and `features` (name to one figure a period); null where a period has fewer than
        100 rows, of which a PSI is mostly chance.
    """
    names = [str(name) for name in np.unique(periods)]
    blocks = [periods == name for name in names]
    enough = [int(inside.sum()) >= LEAST_ROWS for inside in blocks]
    return {
        "against": bundle.reference.cutoff_date[:10],
        "epsilon": EPSILON,
        "least_rows": LEAST_ROWS,
        "periods": names,
        "rows": [int(inside.sum()) for inside in blocks],
        "score": [
            score_psi(bundle, served[inside]) if is_enough else None
            for inside, is_enough in zip(blocks, enough, strict=True)
        ],
        "features": {
            name: [
                feature_psi(bundle, name, X[inside, position]) if is_enough else None
                for inside, is_enough in zip(blocks, enough, strict=True)
            ]
            for position, name in enumerate(bundle.names)
        },
    }


def score_psi(bundle: Bundle, served: Array) -> float:
    """The shift of the score over the deciles of the frozen population, at the size of the smaller one."""
    quantiles = np.asarray(bundle.reference.quantiles)
    inner = np.unique(np.quantile(quantiles, np.linspace(0.1, 0.9, 9)))
    one, other = bin_counts(quantiles, inner)[:-1], bin_counts(served, inner)[:-1]
    size = min(one.sum(), other.sum())
    return psi(one * size / one.sum(), other * size / other.sum())
