"""What anyone would use instead: scikit-learn's HistGradientBoosting with the parameters it comes with."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

Array = npt.NDArray[np.float64]
SEED = 0
#: The most levels HistGradientBoosting takes: the most frequent in training stay, the others read as missing.
MOST_LEVELS = 255
SMALLEST_LEAF, SETS_ASIDE_ABOVE = 20, 10_000


def untuned_histgb(train: pd.DataFrame, label: npt.ArrayLike, test: pd.DataFrame) -> Array:
    """Probability of the event for each row of `test`.

    Parameters
    ----------
    train, test : DataFrame
        The columns our model reads: numbers, booleans, text (a category).
    label : array-like of shape (n_train,)
        0 or 1.
    """
    classes = np.asarray(label, dtype=float)
    if set(np.unique(classes)) != {0.0, 1.0}:
        raise ValueError("labels 0 and 1 are expected, both of them")
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", random_state=SEED)
    learned, judged = as_baseline_columns(train, test)
    return np.asarray(model.fit(learned, classes).predict_proba(judged)[:, 1], dtype=float)


def untuned_histgb_amount(train: pd.DataFrame, amount: npt.ArrayLike, test: pd.DataFrame) -> Array:
    """Amount (money, a count) for each row of `test`; as `untuned_histgb`, with squared error."""
    model = HistGradientBoostingRegressor(categorical_features="from_dtype", random_state=SEED)
    learned, judged = as_baseline_columns(train, test)
    return np.asarray(model.fit(learned, np.asarray(amount, dtype=float)).predict(judged), dtype=float)


def as_baseline_columns(train: pd.DataFrame, test: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables with numbers as floats and text as categories learned from training rows.

    HistGradientBoosting cannot bin a column without any value, and above 10,000 rows it sets a tenth of them aside first. So
    a column of fewer values than its smallest leaf holds is left out there, and an empty one always.
    """
    if list(train.columns) != list(test.columns):
        raise ValueError("training and test columns differ")
    made: dict[str, tuple[Any, Any]] = {}
    fewest = SMALLEST_LEAF if len(train) > SETS_ASIDE_ABOVE else 1
    for name in train.columns[train.notna().sum() >= fewest]:
        if _is_number(train[name]):
            made[name] = (_floats(train[name]), _floats(test[name]))
        elif pd.api.types.is_datetime64_any_dtype(train[name].dtype):
            raise ValueError(f"{name} is a date; expected numbers or text, as our model reads")
        else:
            counts = train[name].dropna().astype(str).value_counts(sort=True)
            levels = sorted(sorted(counts.index, key=lambda level: (-counts[level], level))[:MOST_LEVELS])
            made[name] = (_category(train[name], levels), _category(test[name], levels))
    learned = pd.DataFrame({name: pair[0] for name, pair in made.items()}, index=train.index)
    judged = pd.DataFrame({name: pair[1] for name, pair in made.items()}, index=test.index)
    return learned, judged


def _is_number(column: pd.Series) -> bool:
    if pd.api.types.is_bool_dtype(column.dtype) or pd.api.types.is_numeric_dtype(column.dtype):
        return True
    present = column.dropna()
    return pd.api.types.is_object_dtype(column.dtype) and not any(isinstance(one, str) for one in present)


def _floats(column: pd.Series) -> Array:
    return np.asarray(pd.to_numeric(column, errors="raise").astype("float64"))


def _category(column: pd.Series, levels: list[str]) -> pd.Categorical:
    known = set(levels)
    text = column.astype(object).where(column.notna(), None)
    return pd.Categorical([str(one) if str(one) in known else None for one in text], categories=levels)
