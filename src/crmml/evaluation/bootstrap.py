"""Intervals from resampling customers.

A customer stands in several cut-offs, and their rows are not independent: a
resample draws customers, and takes all rows of each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
RESAMPLES = 300
_CELLS = 8_000_000


@dataclass(frozen=True)
class Figure:
    """An estimate and the ends of its 95 % interval (null without one)."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def as_dict(self) -> dict[str, float | None]:
        return {"value": self.value, "low": self.low, "high": self.high}

    def covers(self, value: float) -> bool:
        """Whether the interval holds `value`."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high


class Customers:
    """The customers of some rows, and how often each is drawn in each resample.

    Parameters
    ----------
    ids : array-like of shape (n_rows,)
        Customer of each row. The draws depend on the sorted ids and the seed
        only, not on row order.
    """

    def __init__(self, ids: npt.ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> None:
        unique, self.codes = np.unique(np.asarray(ids, dtype=str), return_inverse=True)
        self.count = len(unique)
        self.resamples = resamples
        self.seed = seed

    def estimate(self, statistic: Callable[[Array], Array]) -> tuple[float, Array]:
        """A statistic on all rows, and on each resample.

        `statistic` takes weights of shape (n_weightings, n_rows) and returns one
        number for each weighting.
        """
        value = float(statistic(np.ones((1, len(self.codes))))[0])
        return value, np.concatenate([statistic(weights) for weights in self.draws()])

    def draws(self) -> Iterator[Array]:
        block = max(1, _CELLS // max(1, len(self.codes)))
        rng = np.random.default_rng(self.seed)
        for start in range(0, self.resamples, block):
            size = min(block, self.resamples - start)
            counts = np.stack(
                [np.bincount(rng.integers(0, self.count, self.count), minlength=self.count) for _ in range(size)]
            )
            yield counts[:, self.codes].astype(float)


def figure(value: float, resampled: Array) -> Figure:
    """The estimate with the 2.5 and 97.5 percentiles of its resamples.

    Resamples without the statistic (one class only) are left out; with fewer
    than half left there is no interval.
    """
    if not np.isfinite(value):
        return Figure(None)
    finite = resampled[np.isfinite(resampled)]
    if len(finite) * 2 < len(resampled) or len(finite) == 0:
        return Figure(float(value))
    low, high = np.percentile(finite, [2.5, 97.5])
    return Figure(float(value), float(low), float(high))


def verdict(difference: Figure) -> str:
    """`real` where the interval of a difference leaves out 0, else `inside noise`.

    >>> verdict(Figure(0.02, 0.01, 0.03)), verdict(Figure(0.01, -0.01, 0.03))
    ('real', 'inside noise')
    """
    if difference.low is None or difference.high is None:
        return "inside noise"
    return "real" if difference.low > 0 or difference.high < 0 else "inside noise"
