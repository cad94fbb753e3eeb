"""The bins of one feature: where they begin and end, who is in them, and what they weigh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
#: Missing and Special bins are judged as if so many events of the average customer stood in them as well.
ADDED_EVENTS = 5.0
_DIGITS = 9


@dataclass(frozen=True)
class Bin:
    """One row of a binning table.

    A `range` holds numbers from `low` (inclusive) up to `high` (exclusive), `levels` the categories named;
    `missing` holds nulls, `special` the codes of the config, `unseen` categories that training rows did not have.
    `rows` and `events` are summed weights where rows are weighted.
    """

    kind: str
    rows: float = 0.0
    events: float = 0.0
    woe: float = 0.0
    low: float = -np.inf
    high: float = np.inf
    levels: tuple[str, ...] = ()

    @property
    def rate(self) -> float | None:
        """Events per row; None where there are no rows."""
        return self.events / self.rows if self.rows else None


@dataclass(frozen=True)
class Binned:
    """A feature cut into bins; the last are Missing and Special (and Unseen, for a category).

    `trend` says why rates go up or down from bin to bin: `expected` by the catalogue, `found`, or `levels`.
    """

    name: str
    bins: tuple[Bin, ...]
    trend: str

    @property
    def is_category(self) -> bool:
        return any(one.kind == "unseen" for one in self.bins)

    @property
    def edges(self) -> Array:
        """Where one range ends and the next begins."""
        return np.array([one.low for one in self.bins if one.kind == "range"][1:], dtype=float)

    @property
    def woe(self) -> Array:
        return np.array([one.woe for one in self.bins])

    @property
    def is_useful(self) -> bool:
        """Whether two bins weigh differently."""
        return len({one.woe for one in self.bins if one.rows}) > 1

    def place(self, kind: str) -> int:
        """The position of the bin of a kind."""
        return next(index for index, one in enumerate(self.bins) if one.kind == kind)

    def information_value(self) -> float:
        return float(sum(divergences(self.bins)[0]))


def divergences(bins: Sequence[Bin]) -> tuple[list[float], list[float]]:
    """The parts of information value and of Jensen-Shannon divergence that each bin brings.

    IV is the sum over bins of (share of others - share of events) × WoE; Jensen-Shannon is the mean of the two
    relative entropies against their middle.

    References
    ----------
    .. [1] Siddiqi, Intelligent Credit Scoring, 2017, chapter 10 (WoE, IV).
    .. [2] Lin, Divergence measures based on the Shannon entropy, IEEE Transactions on Information Theory 37, 1991.
    """
    events = sum(one.events for one in bins)
    others = sum(one.rows - one.events for one in bins)
    values, shannon = [], []
    for one in bins:
        bad, good = one.events / events, (one.rows - one.events) / others
        values.append((good - bad) * one.woe)
        middle = (bad + good) / 2
        parts = [share / 2 * np.log(share / middle) for share in (bad, good) if share > 0]
        shannon.append(float(sum(parts)))
    return values, shannon


def weigh(bins: Sequence[Bin]) -> tuple[Bin, ...]:
    """The bins with their weight of evidence, ln(share of others / share of events): higher is safer.

    Missing and Special are drawn towards the average by five average events, so that a bin of a few rows says
    little and one without events is not infinite.
    """
    events = sum(one.events for one in bins)
    others = sum(one.rows - one.events for one in bins)
    odds = others / events
    weighed = []
    for one in bins:
        bad, good = one.events, one.rows - one.events
        if one.kind in ("missing", "special") or bad <= 0 or good <= 0:
            bad, good = bad + ADDED_EVENTS, good + ADDED_EVENTS * odds
        woe = float(np.log(good / bad / odds)) if one.rows else 0.0
        weighed.append(replace(one, woe=round(woe, _DIGITS) + 0.0))
    return tuple(weighed)


def count(places: npt.NDArray[np.intp], label: Array, weight: Array, bins: Sequence[Bin]) -> tuple[Bin, ...]:
    """The bins with the rows and events that fell into each."""
    rows = np.bincount(places, weights=weight, minlength=len(bins))
    events = np.bincount(places, weights=weight * label, minlength=len(bins))
    return tuple(replace(one, rows=float(rows[index]), events=float(events[index])) for index, one in enumerate(bins))
