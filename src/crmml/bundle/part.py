"""One booster of what is served, and what turns its raw score into a probability's log-odds or an amount."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from crmml.bundle.booster import Booster
from crmml.bundle.rhythm import Rhythm

Array = npt.NDArray[np.float64]
#: The column of a model of several horizons that says which one a row is asked about.
HORIZON = "horizon_months"
Link = Literal["identity", "size", "log"]


@dataclass(frozen=True)
class Part:
    """One booster and what turns its raw score into what is served.

    `link` says how, with `known` the offset feature (null counts as 0), or what
    the `rhythm` expects of the next `months`:

    - identity: `intercept + slope × (offset_slope × known + raw)`
    - size: `intercept + slope × (offset_slope × known + (|known| + floor) × raw)`
    - log: `exp(intercept + slope × (log(offset_slope × max(known, 0) + floor) + raw))`

    A probability has one part, identity and without offset, named `log_odds`. That of a
    model of several horizons begins at `start`, the log-odds that training rows
    of each horizon have on the whole, which never fall: the booster learns what
    sets a customer apart. Each of its horizons has an intercept and a slope of
    its own in `levels`, which `along` turns into a curve that never falls.
    """

    name: str
    text: str
    intercept: float = 0.0
    slope: float = 1.0
    offset: str | None = None
    offset_slope: float = 1.0
    start: Mapping[int, float] = field(default_factory=dict)
    levels: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    link: Link = "identity"
    floor: float = 0.0
    rhythm: Rhythm | None = None
    months: float = 0.0

    @cached_property
    def booster(self) -> Booster:
        return Booster(self.text)

    def begins_at(self, months: Array) -> Array:
        """The log-odds that rows of these horizons begin at."""
        return _by_step(self.start, months)

    def along(self, X: Array, names: Sequence[str]) -> tuple[Array, Array]:
        """Calibrated log-odds of rows of several horizons, and the horizon each is taken from.

        A chance is the highest of those within its own horizon and every shorter
        one: who leaves within three months has left within six. So curves cannot
        fall, whatever slopes their horizons have.
        """
        place = names.index(HORIZON)
        asked = X[:, place]
        best, taken = np.full(len(X), -np.inf), asked.copy()
        for step in sorted(self.start):
            rows = np.flatnonzero(asked >= step)
            ahead = X[rows]
            ahead[:, place] = step
            intercept, slope = self.levels.get(step, (self.intercept, self.slope))
            found = intercept + slope * (self.start[step] + self.booster.margin(ahead))
            higher = found >= best[rows]
            best[rows[higher]], taken[rows[higher]] = found[higher], step
        return best, taken

    def known(self, X: Array, names: Sequence[str]) -> Array:
        """What is known of the amount beforehand; 0 where nothing is."""
        if self.rhythm is not None:
            return self.rhythm.expected(X, names, self.months)
        return np.zeros(len(X)) if self.offset is None else np.nan_to_num(X[:, names.index(self.offset)])

    def amount(self, known: Array, raw: Array) -> Array:
        """The served amount, or the log-odds."""
        if self.link == "log":
            return np.exp(self.intercept + self.slope * (self.log_base(known) + raw))
        size = np.abs(known) + self.floor if self.link == "size" else 1.0
        return self.intercept + self.slope * (self.offset_slope * known + size * raw)

    def log_base(self, known: Array) -> Array:
        return np.asarray(np.log(self.offset_slope * np.maximum(known, 0.0) + self.floor))

    def contributions(self, X: Array, names: Sequence[str]) -> tuple[Array, float]:
        """What each feature adds to the amount (n_rows, n_features), and the base to which they add.

        What is known beforehand is the work of the feature it is read from. On the
        log scale the addends are parted in proportion to their logarithms, by the
        logarithmic mean [1]_, which leaves no rest.

        References
        ----------
        .. [1] Ang, The LMDI approach to decomposition analysis, Energy Policy 33 (2005) 867-871.
        """
        if self.start:
            return self._on_curve(X, names)
        raw, start = self.booster.contributions(X)
        if self.link == "identity" and self.offset is None:
            return self.slope * raw, self.intercept + self.slope * start
        known, shown = self.known(X, names), names.index(self.shown or names[0])
        if self.link == "log":
            return self._on_log(raw, start, known, shown)
        size = np.abs(known) + self.floor if self.link == "size" else np.ones(len(X))
        least = self.floor if self.link == "size" else 1.0
        added = raw * size[:, None]
        added[:, shown] += self.offset_slope * known + (size - least) * start
        return self.slope * added, self.intercept + self.slope * least * start

    def _on_curve(self, X: Array, names: Sequence[str]) -> tuple[Array, float]:
        """Contributions at the horizon each chance is taken from; what horizons differ by is the work of the horizon."""
        place = names.index(HORIZON)
        taken = self.along(X, names)[1]
        ahead = X.copy()
        ahead[:, place] = taken
        raw, start = self.booster.contributions(ahead)
        levels = {step: self.levels.get(step, (self.intercept, self.slope)) for step in self.start}
        intercepts = _by_step({step: level[0] for step, level in levels.items()}, taken)
        slopes = _by_step({step: level[1] for step, level in levels.items()}, taken)
        added = raw * slopes[:, None]
        moved = intercepts - self.intercept + (slopes - self.slope) * start
        added[:, place] += slopes * self.begins_at(taken) + moved
        return added, self.intercept + self.slope * start

    @property
    def shown(self) -> str | None:
        """The feature in whose name what is known beforehand speaks."""
        return self.offset if self.rhythm is None else self.rhythm.amount or self.offset

    def _on_log(self, raw: Array, start: float, known: Array, shown: int) -> tuple[Array, float]:
        logs = raw.copy()
        logs[:, shown] += self.log_base(known) - np.log(self.floor)
        logs *= self.slope
        base = float(np.exp(self.intercept + self.slope * (np.log(self.floor) + start)))
        moved = logs.sum(axis=1)
        mean = base * np.divide(np.expm1(moved), moved, out=np.ones(len(moved)), where=moved != 0)
        return logs * mean[:, None], base


def _by_step(values: Mapping[int, float], months: Array) -> Array:
    """The value of each row's horizon."""
    steps = np.array(sorted(values))
    return np.array([values[step] for step in steps.tolist()])[np.searchsorted(steps, months)]
