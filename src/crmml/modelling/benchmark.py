"""What a model must beat: a plain logistic scorecard, or last year carried forward."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from crmml.modelling.preparation import Prepared

Array = npt.NDArray[np.float64]
SCORECARD = "logistic regression"
CARRIED_FORWARD = "last year carried forward"


def scorecard_log_odds(prepared: Prepared, label: Array) -> Array:
    """Log-odds on the test rows of a logistic regression fitted on the same training rows.

    Nulls become the median with an indicator beside, amounts are compressed by
    a signed logarithm and scaled, categories become columns of 0 and 1.
    """
    width = prepared.X.shape[1]
    categories = prepared.encoding.categorical
    numbers = [position for position in range(width) if position not in categories]
    pipeline = make_pipeline(
        ColumnTransformer(
            [
                (
                    "numbers",
                    make_pipeline(
                        SimpleImputer(strategy="median", add_indicator=True),
                        FunctionTransformer(_compress),
                        StandardScaler(),
                    ),
                    numbers,
                ),
                (
                    "categories",
                    make_pipeline(
                        SimpleImputer(strategy="constant", fill_value=-1.0), OneHotEncoder(handle_unknown="ignore")
                    ),
                    categories,
                ),
            ],
            sparse_threshold=0.0,
        ),
        LogisticRegression(solver="newton-cholesky", C=0.1, max_iter=50, tol=1e-3),
    )
    pipeline.fit(prepared.X[prepared.train], label[prepared.train])
    return np.asarray(pipeline.decision_function(prepared.X[prepared.test]), dtype=float)


def _compress(values: Array) -> Array:
    return np.sign(values) * np.log1p(np.abs(values))
