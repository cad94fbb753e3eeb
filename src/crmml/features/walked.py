"""Statistics of the rows themselves: levels day by day, gaps, and the entities rows belong to.

They do not add up over buckets, so each is computed on the walk of a snapshot
(`walk.py`), never from the states of stage 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from ibis.common.deferred import Deferred

from crmml.features.declare import Months
from crmml.features.statistics import Measure, State
from crmml.features.walk import UNMARKED, Floats, Ints, Walk

FEWEST_GAPS = 3
_NO_ROW_YET = ("截止日前无记录", "no row up to the cut-off")
_NO_ROW = ("窗口内无记录", "no row in the window")


@dataclass(frozen=True, eq=False)
class Walked(Measure):
    """A statistic of a walk. `by` names the column of the entity a row belongs to, `mark` a day or amount it states."""

    by: str | None = None
    mark: Deferred | None = None

    verb: ClassVar[str] = ""
    null: ClassVar[tuple[str, str] | None] = None

    def states(self) -> dict[str, State]:
        return {}

    @property
    def told(self) -> str:
        """What is computed, for the catalogue; `{of}` stands for the value of a row."""
        return self.verb

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        """One value for each unit."""
        raise NotImplementedError


# --- levels ------------------------------------------------------------------


class _OnPath(Walked):
    needs_history = True
    null = _NO_ROW_YET

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        return np.where(walk.known, self.on_path(walk), np.nan)

    def on_path(self, walk: Walk) -> Floats:
        raise NotImplementedError


class Lowest(_OnPath):
    """Lowest end-of-day level of the window; null without any row."""

    suffix = "min"
    verb = "lowest end-of-day level whose changes are {of}"

    def on_path(self, walk: Walk) -> Floats:
        return np.minimum.reduceat(walk.path.level, walk.path.first) / self.scale


class Highest(_OnPath):
    """Highest end-of-day level of the window; null without any row."""

    suffix = "max"
    verb = "highest end-of-day level whose changes are {of}"

    def on_path(self, walk: Walk) -> Floats:
        return np.maximum.reduceat(walk.path.level, walk.path.first) / self.scale


class Volatility(_OnPath):
    """Standard deviation of the end-of-day level over the days of the window; null without any row."""

    suffix = "std"
    verb = "standard deviation over days of the level whose changes are {of}"

    def on_path(self, walk: Walk) -> Floats:
        path = walk.path
        level = path.level / self.scale
        mean = _per_unit(walk, level * path.days) / walk.length
        return np.sqrt(_per_unit(walk, (level - mean[path.unit]) ** 2 * path.days) / walk.length)


class Slope(_OnPath):
    """Least-squares slope of the end-of-day level over the window, per 30 days; null without any row."""

    suffix = "slope"
    verb = "least-squares slope, per 30 days, of the level whose changes are {of}"

    def on_path(self, walk: Walk) -> Floats:
        path = walk.path
        assert walk.start is not None
        middle = path.begin - walk.start[path.unit] + (path.days - 1) / 2 - (walk.length[path.unit] + 1) / 2
        spread = walk.length * (walk.length**2 - 1) / 12
        moment = _per_unit(walk, path.level / self.scale * path.days * middle)
        return 30 * moment / np.where(spread > 0, spread, np.nan)


class AtMonthEnds(_OnPath):
    """Mean level at the ends of the calendar months of the window; null without any row or month end."""

    suffix = "month_end_mean"
    verb = "mean, over the month ends of the window, of the level whose changes are {of}"

    def on_path(self, walk: Walk) -> Floats:
        assert walk.start is not None
        month = (walk.start + 1).astype("datetime64[D]").astype("datetime64[M]")
        total, ends = np.zeros(walk.units), np.zeros(walk.units)
        for later in range(1, int(walk.length.max(initial=0)) // 28 + 2):
            end = (month + later).astype("datetime64[D]").astype(np.int64) - 1
            unit = np.flatnonzero(end <= walk.cutoff)
            total[unit] += walk.path.on(unit, end[unit])
            ends[unit] += 1
        return total / self.scale / np.where(ends > 0, ends, np.nan)


def _per_unit(walk: Walk, values: Floats) -> Floats:
    return np.add.reduceat(values, walk.path.first)


# --- gaps --------------------------------------------------------------------


class MedianGap(Walked):
    """Median of the days between successive days with rows; null with fewer than three gaps."""

    suffix = "median"
    verb = "median of the days between successive days with rows"
    null = ("窗口内间隔不足3个", "fewer than three gaps in the window")

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        unit, gap = walk.gaps
        count = walk.count(unit)
        begin = np.cumsum(count) - count
        enough = np.flatnonzero(count >= FEWEST_GAPS)
        median = np.full(walk.units, np.nan)
        low, high = begin[enough] + (count[enough] - 1) // 2, begin[enough] + count[enough] // 2
        median[enough] = (gap[low] + gap[high]) / 2
        return median


class LongestGap(Walked):
    """Longest stretch of days without a row, from the start of the window to the cut-off."""

    suffix = "max"
    verb = "longest stretch of days without a row, the ends of the window counted as rows"

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        assert walk.start is not None
        every = np.arange(walk.units)
        unit = np.concatenate([every, walk.inside.unit, every])
        day = np.concatenate([walk.start, walk.inside.day, walk.cutoff])
        order = np.lexsort((day, unit))
        unit, day = unit[order], day[order]
        gap = np.where(unit[1:] == unit[:-1], np.diff(day), 0)
        return np.maximum.reduceat(gap, np.searchsorted(unit, every)).astype(np.float64)


class MonthsWith(Walked):
    """How many of the months of the window have a row."""

    verb = "months of the window with a row"

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        assert window is not None
        rows = walk.inside
        month = walk.month_of(rows, window.months)
        return walk.count(np.unique(rows.unit * window.months + month) // window.months).astype(np.float64)


# --- entities ----------------------------------------------------------------


class Distinct(Walked):
    """How many entities have a row in the window."""

    verb = "number of different {by} in the window"

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        rows = walk.inside
        return walk.count(rows.unit[rows.by_entity.begin]).astype(np.float64)


class _Shares(Walked):
    null = _NO_ROW

    @property
    def scale(self) -> int:
        return 100

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        unit, amount = _amounts(walk)
        total = np.bincount(unit, weights=amount, minlength=walk.units)
        return self.of_shares(walk, unit, amount / np.where(total > 0, total, np.nan)[unit])

    def of_shares(self, walk: Walk, unit: Ints, share: Floats) -> Floats:
        raise NotImplementedError


class TopShare(_Shares):
    """Share of the largest entity in the sum of all; null without rows."""

    suffix = "top_share"
    verb = "share of the largest {by} in the sum of {of}"

    def of_shares(self, walk: Walk, unit: Ints, share: Floats) -> Floats:
        largest = np.full(walk.units, np.nan)
        largest[unit] = share  # by unit and amount: the last one written is the largest
        return largest


class Concentration(_Shares):
    """Sum of the squared shares of entities (Herfindahl): 1 is a single one; null without rows."""

    suffix = "concentration"
    verb = "sum of the squared shares of each {by} in the sum of {of}"

    def of_shares(self, walk: Walk, unit: Ints, share: Floats) -> Floats:
        squares = np.bincount(unit, weights=share**2, minlength=walk.units)
        return np.where(walk.count(unit) > 0, squares, np.nan)


def _amounts(walk: Walk) -> tuple[Ints, Floats]:
    """The sum of each entity in the window, in order of unit and amount, so that codes decide nothing."""
    groups = walk.inside.by_entity
    unit, amount = walk.inside.unit[groups.begin], groups.total(walk.inside.value)
    order = np.lexsort((amount, unit))
    return unit[order], amount[order].astype(np.float64)


@dataclass(frozen=True, eq=False)
class New(Walked):
    """Entities of the last `recent` months that had no row in the months of the window before."""

    recent: int = 3

    verb = "number of different {by} of the last months, without a row in the months of the window before"

    @property
    def told(self) -> str:
        return self.verb.replace("last months", f"last {self.recent} months")

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        rows = walk.inside
        first = rows.by_entity.begin
        unit = rows.unit[first]
        return walk.count(unit[rows.day[first] > walk.months_back(self.recent)[unit]]).astype(np.float64)


@dataclass(frozen=True, eq=False)
class Regular(Walked):
    """Entities with a row in at least `at_least` months of the window.

    `stopped` counts those that had so many before the last month and none in it.
    """

    at_least: int = 4
    stopped: bool = False

    @property
    def told(self) -> str:
        before = " before the last, and none in the last," if self.stopped else ""
        return f"number of different {{by}} with rows in at least {self.at_least} months{before} of the window"

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        assert window is not None
        rows = walk.inside
        month = walk.month_of(rows, window.months)
        groups = rows.by_entity
        # Rows of an entity lie in order of days, so a month begins where it changes.
        begins = np.ones(len(month), dtype=np.int64)
        begins[1:] = (month[1:] != month[:-1]) | (groups.code[1:] != groups.code[:-1])
        months, last = groups.total(begins), month[groups.last]
        regular = months >= self.at_least
        if self.stopped:
            regular &= last > 0
        return walk.count(rows.unit[groups.begin][regular]).astype(np.float64)


class Standing(Walked):
    """How many entities stand at the cut-off: their changes sum to more than 0."""

    suffix = "last"
    is_windowed = False
    needs_history = True
    verb = "number of different {by} whose {of} sum to more than 0"

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        groups = walk.rows.by_entity
        stands = groups.total(walk.rows.value) > 0
        return walk.count(walk.rows.unit[groups.begin][stands]).astype(np.float64)


class Change(Walked):
    """Newest `mark` of each entity at the cut-off less that at the window's start, summed; null without one then."""

    suffix = "change"
    needs_history = True
    verb = "newest {mark} at the cut-off less the newest at the window's start, summed over each {by}"
    null = ("窗口开始时无记录", "no row up to the start of the window")

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        assert walk.start is not None
        rows = walk.rows
        early = rows.where(rows.day <= walk.start[rows.unit])
        then, now = early.by_entity.last, rows.by_entity.last
        had = np.isin(_pairs(rows.unit[now], rows.entity[now]), _pairs(early.unit[then], early.entity[then]))
        change = np.bincount(rows.unit[now][had], weights=rows.mark[now][had], minlength=walk.units)
        change -= np.bincount(early.unit[then], weights=early.mark[then], minlength=walk.units)
        return np.where(walk.count(early.unit) > 0, change / self.scale, np.nan)


def _pairs(unit: Ints, entity: Ints) -> Ints:
    return unit * 2**31 + entity


@dataclass(frozen=True, eq=False)
class Due(Walked):
    """Days from the cut-off to the nearest or farthest day that a standing entity states; null without one to come.

    An entity stands while its values sum to more than 0; of the days it states
    (`mark`) the newest counts.
    """

    over: Literal["nearest", "farthest"] = "nearest"

    is_windowed = False
    needs_history = True
    null = ("无未来到期", "nothing falls due after the cut-off")

    @property
    def told(self) -> str:
        return f"days from the cut-off to the {self.over} {{mark}} of each {{by}} whose {{of}} sum to more than 0"

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        unit, value, day = _stated(walk)
        coming = (value > 0) & (day > walk.cutoff[unit])
        left = np.full(walk.units, np.nan)
        pick = np.fmin if self.over == "nearest" else np.fmax
        pick.at(left, unit[coming], (day - walk.cutoff[unit])[coming].astype(np.float64))
        return left


@dataclass(frozen=True, eq=False)
class Maturing(Walked):
    """Sum of the values of entities whose stated day lies within the `ahead` months after the cut-off.

    Null where no standing entity states a day: then nothing is known of what falls due.
    """

    ahead: int = 3

    is_windowed = False
    needs_history = True
    null = ("到期日不详", "no day of maturity is stated")

    def column(self, window: Months | None) -> str:
        return f"{self.name}_{self.ahead}m"

    @property
    def told(self) -> str:
        return f"sum of {{of}} of each {{by}} whose {{mark}} lies within {self.ahead} months after the cut-off"

    def walked(self, walk: Walk, window: Months | None) -> Floats:
        unit, value, day = _stated(walk)
        due = (value > 0) & (day > walk.cutoff[unit]) & (day <= walk.months_back(-self.ahead)[unit])
        total = np.bincount(unit[due], weights=value[due], minlength=walk.units) / self.scale
        return np.where(walk.count(unit[value > 0]) > 0, total, np.nan)


def _stated(walk: Walk) -> tuple[Ints, Ints, Ints]:
    """Unit, sum of values and newest stated day of each entity that states one."""
    groups = walk.rows.by_entity
    total = groups.total(walk.rows.value)
    marked = np.flatnonzero(walk.rows.mark != UNMARKED)
    newest = np.full(len(groups.begin), UNMARKED)
    newest[groups.code[marked]] = walk.rows.mark[marked]
    stated = newest != UNMARKED
    return walk.rows.unit[groups.begin][stated], total[stated], newest[stated]
