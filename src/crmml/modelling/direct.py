"""What a contribution by components must beat: one regression on the sum, from the same rows and with the same trees."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crmml.bundle.booster import Booster
from crmml.modelling.boosting import Binned
from crmml.modelling.fit import Fitted, make_growth
from crmml.modelling.preparation import Prepared
from crmml.modelling.spec import ModelSpec
from crmml.modelling.tuning import curve_of

Array = npt.NDArray[np.float64]


def direct_regression(prepared: Prepared, spec: ModelSpec, fitted: Fitted, *, threads: int = 0) -> Array:
    """The contribution of the test rows by a single LightGBM regression (squared error) on the sum of the components.

    Rows, features, folds, settings, seeds and the largest number of trees are
    those of the components; the number of trees is found on the same folds. A label learned over
    fewer months than are asked for is scaled by the months.
    """
    label = prepared.column("label")[prepared.train]
    if spec.horizon is not None:
        label = label * (spec.horizon.months / spec.horizon.learned.months)
    weight = None if prepared.weights is None else prepared.weights[prepared.train]
    growth = make_growth(prepared, spec, threads=threads)
    binned = Binned(prepared.X[prepared.train], label, prepared.encoding.categorical, growth, weight=weight)
    params = fitted.tuned.params
    curve = curve_of(binned, fitted.folds.folds, params, spec.tuning, metric="rmse", seeds=growth.seeds)
    return Booster(binned.fit(params, max(1, curve.trees))).margin(prepared.X[prepared.test])
