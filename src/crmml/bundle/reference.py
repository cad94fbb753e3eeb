"""What a score is compared with, frozen when the model is trained.

Made from the newest training cut-off: the mean contributions of each segment
of peers, the distribution of the served value, and that of every feature.
Scoring a subset therefore gives the same reasons, grades and percentiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
ALL = "all"
LEAST_ROWS = 30
QUANTILES = 1001
# Each grade doubles the chance of the one before, over the range that retail events span.
MASTER_SCALE = (0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64)


@dataclass(frozen=True)
class Peers:
    """Means of one segment: of the served scale, of each feature's contribution, of each component of money."""

    rows: int
    served: float
    contributions: tuple[float, ...]
    components: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Reference:
    """The frozen population.

    `segments` always holds `all`. `quantiles` and `grade_bounds` are on the
    scale people see: probability, or money. `baseline` maps a feature to the
    inner edges of its bins and the rows in each (the last counts nulls).
    """

    cutoff_date: str
    segments: Mapping[str, Peers]
    quantiles: tuple[float, ...]
    grade_bounds: tuple[float, ...]
    baseline: Mapping[str, Mapping[str, list[float]]] = field(default_factory=dict)

    def segment(self, name: str) -> Peers:
        """The peers of a segment, or of all customers where it was too small or not there."""
        return self.segments.get(name, self.segments[ALL])

    def peer_rows(self, segments: Sequence[str] | npt.NDArray[Any], what: str) -> Array:
        """One row for each of `segments`: their peers' `contributions`, `components`, or `served`."""
        names, codes = np.unique(np.asarray(segments, dtype=str), return_inverse=True)
        rows = [self.segment(str(name)) for name in names]
        if what == "served":
            table = np.array([row.served for row in rows])
        elif what == "components":
            table = np.array([list(row.components.values()) for row in rows])
        else:
            table = np.array([row.contributions for row in rows])
        return table[codes] if len(rows) else np.empty((0,) if what == "served" else (0, 0))

    def grade(self, values: npt.ArrayLike) -> npt.NDArray[np.str_]:
        """`1` (lowest) to `10` (highest) by the frozen bounds; a value on a bound has the higher grade."""
        return (np.searchsorted(self.grade_bounds, np.asarray(values, float), side="right") + 1).astype(str)

    def percentile(self, values: npt.ArrayLike) -> Array:
        """Share of the frozen population below each value, in percent; ties count half."""
        values, quantiles = np.asarray(values, float), np.asarray(self.quantiles)
        below = np.searchsorted(quantiles, values, side="left")
        upto = np.searchsorted(quantiles, values, side="right")
        return np.round((below + upto) * 50.0 / len(quantiles), 2)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Reference:
        segments = {
            name: Peers(
                int(peers["rows"]), float(peers["served"]), tuple(peers["contributions"]), dict(peers["components"])
            )
            for name, peers in stored["segments"].items()
        }
        return cls(
            str(stored["cutoff_date"]),
            segments,
            tuple(stored["quantiles"]),
            tuple(stored["grade_bounds"]),
            dict(stored["baseline"]),
        )


def make_peers(segments: Sequence[str] | npt.NDArray[Any], contributions: Array, base: float) -> dict[str, Peers]:
    """The means of every segment of at least 30 rows, and of all rows.

    The mean of the served scale is the base plus the mean contributions, so that
    effects add up to the distance from it without a remainder.
    """
    peers = {}
    for name, rows in _kept(segments).items():
        means = contributions[rows].mean(axis=0)
        peers[name] = Peers(int(rows.sum()), base + float(means.sum()), tuple(means.tolist()))
    return peers


def add_components(
    peers: Mapping[str, Peers], segments: Sequence[str] | npt.NDArray[Any], components: Mapping[str, Array]
) -> dict[str, Peers]:
    """The same peers with the mean components of money, which may come from more rows."""
    kept = _kept(segments)
    return {
        name: replace(entry, components={part: float(values[kept[name]].mean()) for part, values in components.items()})
        for name, entry in peers.items()
    }


def _kept(segments: Sequence[str] | npt.NDArray[Any]) -> dict[str, npt.NDArray[np.bool_]]:
    """The rows of each segment that is large enough, and of all."""
    segments = np.asarray(segments, dtype=str)
    kept = {ALL: np.ones(len(segments), dtype=bool)}
    for name in np.unique(segments):
        rows = segments == name
        if name != ALL and rows.sum() >= LEAST_ROWS:
            kept[str(name)] = rows
    return kept


def quantiles_of(values: npt.ArrayLike) -> tuple[float, ...]:
    """1,001 evenly spaced quantiles."""
    return tuple(np.quantile(np.asarray(values, float), np.linspace(0, 1, QUANTILES)).tolist())


def deciles_of(values: npt.ArrayLike) -> tuple[float, ...]:
    """The nine inner deciles, the grade bounds of money."""
    return tuple(np.quantile(np.asarray(values, float), np.linspace(0.1, 0.9, 9)).tolist())
