"""Random numbers that depend on who, when and what for, and on nothing else.

Each number is a hash of (seed, customer, purpose, month, index): the same
customer lives the same life however customers are cut into chunks.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mix(bits: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The finaliser of SplitMix64 (Steele, Lea and Flood, 2014)."""
    bits = (bits ^ (bits >> np.uint64(30))) * _MIX_1
    bits = (bits ^ (bits >> np.uint64(27))) * _MIX_2
    return bits ^ (bits >> np.uint64(31))


class Draws:
    """Random numbers of the customers `numbers`, addressed by purpose, month and index."""

    def __init__(self, seed: int, numbers: Ints) -> None:
        start = _mix(np.array([seed + 1], dtype=np.uint64) * _GOLDEN)
        self._bits = _mix(start ^ (np.asarray(numbers).astype(np.uint64) + np.uint64(1)) * _GOLDEN)

    def uniform(self, purpose: str, month: int = 0, *, rows: Ints | None = None, index: int | Ints = 0) -> Floats:
        """Numbers in ]0, 1[, one per customer or one per entry of `rows` (customers' positions)."""
        bits = self._bits if rows is None else self._bits[rows]
        address = np.uint64(zlib.crc32(purpose.encode())) << np.uint64(32) | np.uint64(month)
        salted = _mix(bits + _mix(np.array([address], dtype=np.uint64)))
        if isinstance(index, np.ndarray) or index:
            salted = _mix(salted + np.asarray(index).astype(np.uint64) * _GOLDEN)
        return ((salted >> np.uint64(11)).astype(np.float64) + 0.5) * 2.0**-53

    def normal(self, purpose: str, month: int = 0, *, rows: Ints | None = None, index: int | Ints = 0) -> Floats:
        """Standard normal numbers (Box and Muller, 1958)."""
        radius = np.sqrt(-2.0 * np.log(self.uniform(purpose, month, rows=rows, index=index)))
        return radius * np.cos(2.0 * np.pi * self.uniform(purpose + "'", month, rows=rows, index=index))

    def happens(self, purpose: str, month: int, chance: Floats | float) -> NDArray[np.bool_]:
        """True with the given chance, one per customer."""
        return self.uniform(purpose, month) < chance

    def count(self, purpose: str, month: int, mean: Floats) -> Ints:
        """Poisson counts, one per customer."""
        return poisson(self.uniform(purpose, month), mean)

    def day(self, purpose: str, month: int, first: int, last: int, *, rows: Ints, index: int | Ints = 0) -> Ints:
        """Days of the month from `first` to `last`, one per entry of `rows`."""
        return first + (self.uniform(purpose, month, rows=rows, index=index) * (last - first + 1)).astype(np.int64)


def poisson(uniform: Floats, mean: Floats) -> Ints:
    """Poisson counts by inversion, at most 60.

    >>> poisson(np.array([0.1, 0.5, 0.99]), np.array([2.0, 2.0, 2.0]))
    array([0, 2, 6])
    """
    probability = np.exp(-mean)
    cumulated = probability.copy()
    counts = np.zeros(len(uniform), dtype=np.int64)
    for step in range(1, 61):
        above = uniform > cumulated
        if not above.any():
            break
        counts += above
        probability = probability * mean / step
        cumulated += probability
    return counts
