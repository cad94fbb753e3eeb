"""Intervals of a rate."""

from __future__ import annotations

import numpy as np

_Z = 1.959963984540054


def wilson(events: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % Wilson interval of a rate.

    >>> low, high = wilson(np.array([5.0]), np.array([50.0]))
    >>> low.round(4).tolist(), high.round(4).tolist()
    ([0.0435], [0.2136])
    """
    rate, square = events / rows, _Z**2
    centre = (rate + square / (2 * rows)) / (1 + square / rows)
    half = _Z / (1 + square / rows) * np.sqrt(rate * (1 - rate) / rows + square / (4 * rows**2))
    return np.maximum(0.0, centre - half), np.minimum(1.0, centre + half)
