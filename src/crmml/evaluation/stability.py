"""How far a distribution moved: PSI of scores, CSI of features."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def psi(expected: npt.ArrayLike, actual: npt.ArrayLike) -> float:
    """Population stability index of two distributions over the same bins.

    Parameters
    ----------
    expected, actual : array-like of shape (n_bins,)
        Counts of rows. A half is added to every bin, so that an empty one gives
        a large and not an infinite shift.

    Examples
    --------
    >>> round(psi([500, 500], [600, 400]), 3)
    0.04
    """
    one, other = np.asarray(expected, float) + 0.5, np.asarray(actual, float) + 0.5
    if one.shape != other.shape:
        raise ValueError(f"the same bins are expected on both sides, got {one.shape} and {other.shape}")
    one, other = one / one.sum(), other / other.sum()
    return float(((other - one) * np.log(other / one)).sum())


def edges_of(values: npt.ArrayLike, *, bins: int = 10) -> Array:
    """Inner edges of bins that hold about the same number of rows each; fewer where values repeat."""
    values = np.asarray(values, float)
    present = values[~np.isnan(values)]
    if len(present) == 0:
        return np.empty(0)
    return np.unique(np.quantile(present, np.linspace(0, 1, bins + 1)[1:-1]))


def bin_counts(values: npt.ArrayLike, edges: npt.ArrayLike) -> Array:
    """Rows in each bin `]edge, next edge]`, and last the nulls.

    >>> bin_counts([1.0, 2.0, 3.0, float("nan")], [1.5]).tolist()
    [1.0, 2.0, 1.0]
    """
    values, edges = np.asarray(values, float), np.asarray(edges, float)
    missing = np.isnan(values)
    counts = np.bincount(np.searchsorted(edges, values[~missing], side="left"), minlength=len(edges) + 1)
    return np.append(counts, missing.sum()).astype(float)
