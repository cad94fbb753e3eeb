"""Whether the features stand in for an attribute the model must not know: a test, never a model that is served."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_predict

from crmml.evaluation.bootstrap import Customers, figure
from crmml.evaluation.discrimination import Ranked

Array = npt.NDArray[np.float64]
FOLDS = 3
MOST_ROWS = 1_500
#: A group with fewer rows cannot be foreseen and judged.
LEAST_ROWS = 50
RESAMPLES = 100
#: By custom, features that tell an attribute this well are looked into.
TELLING = 0.7


def proxy_test(X: Array, values: npt.NDArray[np.str_], score: Array, *, seed: int = 7) -> dict[str, Any] | None:
    """How well features, and the score alone, tell the groups of an attribute apart.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        The encoded features, one row per customer.
    values : ndarray of shape (n_rows,)
        The group of each row.
    score : ndarray of shape (n_rows,)

    Returns
    -------
    dict or None
        `rows, folds` and `groups`: for each of at least 50 rows, `features` (AUC of telling it from all
        others by a random forest of three folds, each row foreseen by a forest that has not seen it) and
        `score` (AUC of the score alone), as value, low, high. None where fewer than two groups are large enough.
    """
    if len(values) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(values), MOST_ROWS, replace=False))
        X, values, score = X[rows], values[rows], score[rows]
    names, counts = np.unique(values, return_counts=True)
    large = names[counts >= LEAST_ROWS]
    if len(large) < 2:
        return None
    kept = np.isin(values, large)
    X, values, score = X[kept], values[kept], score[kept]
    forest = RandomForestClassifier(n_estimators=30, max_depth=8, min_samples_leaf=10, n_jobs=1, random_state=seed)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    told = cross_val_predict(forest, np.nan_to_num(X, nan=-1e12), values, cv=folds, method="predict_proba")
    drawn = Customers(np.arange(len(values)), resamples=RESAMPLES, seed=seed)
    groups = []
    for position, name in enumerate(large):
        inside = (values == name).astype(float)
        groups.append(
            {
                "group": str(name),
                "rows": int(inside.sum()),
                "features": _auc(inside, told[:, position], drawn),
                "score": _auc(inside, score, drawn),
            }
        )
    return {"rows": len(values), "folds": FOLDS, "groups": sorted(groups, key=lambda each: -each["rows"])}


def _auc(inside: Array, score: Array, drawn: Customers) -> dict[str, float | None]:
    value, resampled = drawn.estimate(Ranked(inside, score).auc)
    return figure(value, resampled).as_dict()
