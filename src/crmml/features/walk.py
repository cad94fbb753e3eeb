"""The rows one snapshot knew, in order: the ground of medians, lows and distinct counterparties."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmml.periods import shift_months

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
#: The mark of a row that has none.
UNMARKED = np.iinfo(np.int64).min
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class Rows:
    """Rows by unit, entity and day; amounts in whole numbers, days since 1970, entities as codes."""

    unit: Ints
    entity: Ints
    day: Ints
    posted: Ints
    value: Ints
    mark: Ints

    def where(self, chosen: Flags) -> Rows:
        return Rows(*(getattr(self, column.name)[chosen] for column in fields(self)))

    @cached_property
    def by_entity(self) -> Groups:
        return Groups(np.stack([self.unit, self.entity]))


class Groups:
    """Runs of equal columns of `keys`: where each begins, and its length."""

    def __init__(self, keys: npt.NDArray[np.int64]) -> None:
        new = np.ones(keys.shape[1], dtype=bool)
        new[1:] = (keys[:, 1:] != keys[:, :-1]).any(axis=0)
        self.begin = np.flatnonzero(new)
        self.code = np.cumsum(new) - 1
        self.size = np.diff(np.append(self.begin, keys.shape[1]))

    @property
    def last(self) -> Ints:
        return self.begin + self.size - 1

    def total(self, values: npt.NDArray[np.int64]) -> Ints:
        return np.add.reduceat(values, self.begin) if len(self.begin) else values[:0]


@dataclass(frozen=True)
class Path:
    """The level of each unit over a window: stretches of days of one level, every unit has at least one."""

    unit: Ints
    level: Ints
    begin: Ints
    days: Ints
    first: Ints

    def on(self, unit: Ints, day: Ints) -> Ints:
        """The level of each unit at the end of a day of the window."""
        place = np.searchsorted(_key(self.unit, self.begin), _key(unit, day), side="right") - 1
        return self.level[place]


@dataclass(frozen=True)
class Walk:
    """The rows known at one snapshot, and the window `]start, cut-off]` of each unit (start None: all history)."""

    rows: Rows
    units: int
    start: Ints | None
    cutoff: Ints

    @cached_property
    def inside(self) -> Rows:
        """The rows of the window."""
        return self.rows if self.start is None else self.rows.where(self.rows.day > self.start[self.rows.unit])

    @cached_property
    def known(self) -> Flags:
        """Which units have a row up to the cut-off."""
        return self.count(self.rows.unit) > 0

    @cached_property
    def length(self) -> Ints:
        """Days of the window."""
        assert self.start is not None
        return self.cutoff - self.start

    def count(self, unit: Ints) -> Ints:
        return np.bincount(unit, minlength=self.units)

    def months_back(self, months: int) -> Ints:
        """The day that many months before each unit's cut-off (after it, where negative)."""
        days, place = np.unique(self.cutoff, return_inverse=True)
        shifted = [(shift_months(_EPOCH + timedelta(days=int(day)), -months) - _EPOCH).days for day in days]
        return np.array(shifted, dtype=np.int64)[place]

    def month_of(self, rows: Rows, months: int) -> Ints:
        """In which month before the cut-off each row lies: 0 is the last, `months` - 1 the first of the window."""
        month = np.zeros(len(rows.day), dtype=np.int64)
        for back in range(1, months):
            month += rows.day <= self.months_back(back)[rows.unit]
        return month

    @cached_property
    def path(self) -> Path:
        """The level whose changes are the values, day by day."""
        assert self.start is not None
        rows = self.rows
        before = rows.day <= self.start[rows.unit]
        held = np.zeros(self.units, dtype=np.int64)
        np.add.at(held, rows.unit[before], rows.value[before])
        # Each unit begins the window with what it brought along; a change on that very day joins it.
        unit = np.concatenate([np.arange(self.units), rows.unit[~before]])
        day = np.concatenate([self.start + 1, rows.day[~before]])
        order = np.argsort(_key(unit, day), kind="stable")
        unit, day = unit[order], day[order]
        running = np.cumsum(np.concatenate([held, rows.value[~before]])[order])
        last = Groups(np.stack([unit, day])).last
        first = np.searchsorted(unit[last], np.arange(self.units))
        of_others = np.concatenate([[0], running])[np.searchsorted(unit, np.arange(self.units))]
        end = np.append(day[last][1:], 0)
        end[np.append(first[1:], len(last)) - 1] = self.cutoff + 1
        return Path(unit[last], running[last] - of_others[unit[last]], day[last], end - day[last], first)

    @cached_property
    def gaps(self) -> tuple[Ints, Ints]:
        """Days between successive days with rows of the window: units and gaps, smallest first in each unit."""
        rows = self.inside
        days = Groups(np.stack([rows.unit, rows.day])).begin
        unit, day = rows.unit[days], rows.day[days]
        same = unit[1:] == unit[:-1]
        unit, gap = unit[1:][same], np.diff(day)[same]
        order = np.lexsort((gap, unit))
        return unit[order], gap[order]


def _key(unit: Ints, day: Ints) -> Ints:
    return unit * 2**22 + day
