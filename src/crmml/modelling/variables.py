"""Why each feature is in a model: what it carries alone, what the trees make of it, how known and how steady it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import Bundle
from crmml.evaluation.stability import bin_counts, edges_of, psi
from crmml.modelling.preparation import Prepared

Array = npt.NDArray[np.float64]
BINS = 10
#: A direction is told where values and contributions rise or fall together this clearly.
CLEAR = 0.3


def variables(bundle: Bundle, prepared: Prepared, X: Array, contributions: Array) -> list[dict[str, Any]]:
    """One entry for each feature of the model, the one that moves the score most first.

    Parameters
    ----------
    X, contributions : ndarray of shape (n_rows, n_features)
        Some test rows, encoded, with what each feature adds to the served scale.

    Returns
    -------
    list of dict
        `name`; `gain` and `moved`: its shares of the trees' gain and of the movement of the score;
        `coverage` of training and `coverage_test` of test rows (share with a value); `iv` (information value in
        ten bins and the nulls, training rows) or, for money, `rank` (Spearman with the label); `psi` of the
        test rows against the frozen population; `sign` seen in the contributions (1, -1, 0 unclear, null for a
        category), `expected` sign of the catalogue (null: none); `is_used` (a tree splits on it).
    """
    gains = np.sum([part.booster.importance() for part in bundle.parts], axis=0, dtype=float)
    moved = np.abs(contributions - contributions.mean(axis=0)).mean(axis=0)
    train, test = prepared.X[prepared.train], prepared.X[prepared.test]
    label = prepared.column("label")[prepared.train]
    told = []
    for position, info in enumerate(bundle.features):
        is_number = info.kind == "number"
        values = train[:, position]
        told.append(
            {
                "name": info.name,
                "gain": _of_all(gains, position),
                "moved": _of_all(moved, position),
                "coverage": float(1 - np.isnan(values).mean()),
                "coverage_test": float(1 - np.isnan(test[:, position]).mean()),
                "iv": None if bundle.is_money else information_value(values, label, is_number=is_number),
                "rank": _spearman(values, label) if bundle.is_money and is_number else None,
                "psi": feature_psi(bundle, info.name, test[:, position]),
                "sign": direction(X[:, position], contributions[:, position]) if is_number else None,
                "expected": info.sign.get(bundle.target) if is_number else None,
                "is_used": bool(gains[position] > 0) or bool(moved[position] > 0),
            }
        )
    return sorted(told, key=lambda each: (-each["moved"], -each["gain"], each["name"]))


def information_value(values: Array, label: Array, *, is_number: bool = True) -> float:
    """Sum over bins of (share of others - share of events) x weight of evidence, half a row added to each.

    Examples
    --------
    >>> information_value(np.array([1.0, 1, 2, 2]), np.array([0.0, 0, 1, 1]), is_number=False) > 1
    True
    """
    levels = np.unique(values[~np.isnan(values)])
    edges = edges_of(values, bins=BINS) if is_number and len(levels) > BINS else levels[:-1]
    return psi(bin_counts(values[label == 0], edges), bin_counts(values[label == 1], edges))


def feature_psi(bundle: Bundle, name: str, values: Array) -> float | None:
    """The shift of a feature against the population frozen in the bundle, at the size of the smaller one."""
    base = bundle.reference.baseline.get(name, {})
    if "edges" not in base or not len(values):
        return None
    one, other = np.asarray(base["counts"], dtype=float), bin_counts(values, base["edges"])
    size = min(one.sum(), other.sum())
    return psi(one * size / one.sum(), other * size / other.sum()) if size else None


def _of_all(values: Array, position: int) -> float:
    total = float(values.sum())
    return float(values[position]) / total if total > 0 else 0.0


def direction(values: Array, contributions: Array) -> int:
    """Whether contributions clearly rise (1) or fall (-1) with the values; 0 where neither."""
    found = _spearman(values, contributions)
    return 0 if found is None or abs(found) < CLEAR else int(np.sign(found))


def _spearman(one: Array, other: Array) -> float | None:
    """Rank correlation over the rows where both are known; null where one of them does not vary."""
    known = ~(np.isnan(one) | np.isnan(other))
    if known.sum() < 3:
        return None
    first, second = _ranks(one[known]), _ranks(other[known])
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _ranks(values: Array) -> Array:
    """Ranks from 0, ties with their mean."""
    _, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return (ends - (counts + 1) / 2)[codes]
