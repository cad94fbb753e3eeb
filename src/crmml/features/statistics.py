"""The statistics a family can ask for: which states they need, and their value over a window.

A state is what stage 1 keeps per customer and bucket (`Add`, `Largest`,
`Smallest`, `Newest`); a `View` combines the states of the buckets of a window.
Sums are whole numbers (cents, counts), so their order does not matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
from ibis.common.deferred import Deferred

from crmml.features.declare import SCALE, Months, Unit

ANY_FAMILY = "as the family"


class View(Protocol):
    """States of one measure combined over a window; arrays are (snapshots, units)."""

    def total(self, role: str, window: Months | None) -> np.ndarray: ...
    def largest(self, role: str, window: Months | None) -> np.ndarray: ...
    def smallest(self, role: str, window: Months | None) -> np.ndarray: ...
    def newest(self, role: str) -> np.ndarray: ...
    def days(self, window: Months) -> np.ndarray: ...
    def end(self) -> np.ndarray: ...
    def cutoff_day(self) -> np.ndarray: ...


@dataclass(frozen=True)
class State:
    """One column of stage 1: `op` over `of` (None counts rows) where `where`, in whole numbers."""

    op: Literal["sum", "offset_sum", "count", "max", "min", "newest", "first_day", "last_day"]
    of: Deferred | None = None
    where: Deferred | None = None
    scale: int = 1


@dataclass(frozen=True, eq=False)
class Measure:
    """A statistic of the rows of a stream.

    `of` is the value of a row, `where` the rows that count, `holds` (if not the
    family's) the product families that must be held at the cut-off.
    """

    name: str
    _: KW_ONLY
    zh: str
    en: str
    unit: Unit = "count"
    of: Deferred | None = None
    where: Deferred | None = None
    windows: Sequence[Months] | None = None
    concept: str | None = None
    holds: tuple[str, ...] | str | None = ANY_FAMILY
    sign: Mapping[str, int] = field(default_factory=dict)

    suffix = ""
    is_windowed = True
    is_flow = False
    #: Whether rows before the window matter to its value.
    needs_history = False

    @property
    def scale(self) -> int:
        return SCALE[self.unit]

    def column(self, window: Months | None) -> str:
        return "_".join(part for part in (self.name, self.suffix, window.suffix if window else "") if part)

    def states(self) -> dict[str, State]:
        raise NotImplementedError

    def value(self, view: View, window: Months | None) -> np.ndarray:
        raise NotImplementedError


class Sum(Measure):
    """Sum of `of` over the window; 0 without rows."""

    is_flow = True

    def states(self) -> dict[str, State]:
        return {"sum": State("sum", self.of, self.where, self.scale)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.total("sum", window) / self.scale


class Count(Measure):
    """Number of rows in the window."""

    is_flow = True

    def states(self) -> dict[str, State]:
        return {"count": State("count", None, self.where)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.total("count", window)


class Mean(Measure):
    """Mean of `of` over the rows of the window; null without rows."""

    suffix = "mean"

    def states(self) -> dict[str, State]:
        return {"sum": State("sum", self.of, self.where, self.scale), "count": State("count", self.of, self.where)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        rows = view.total("count", window)
        return view.total("sum", window) / self.scale / np.where(rows > 0, rows, np.nan)


class Max(Measure):
    """Largest `of` of the rows of the window; null without rows."""

    suffix = "max"

    def states(self) -> dict[str, State]:
        return {"max": State("max", self.of, self.where, self.scale)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.largest("max", window) / self.scale


class Min(Measure):
    """Smallest `of` of the rows of the window; null without rows."""

    suffix = "min"

    def states(self) -> dict[str, State]:
        return {"min": State("min", self.of, self.where, self.scale)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.smallest("min", window) / self.scale


class DaysSince(Measure):
    """Days from the last row on or before the cut-off; null if there is none."""

    is_windowed = False

    def states(self) -> dict[str, State]:
        return {"day": State("last_day", None, self.where)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.cutoff_day() - view.largest("day", None)


class DaysSinceFirst(Measure):
    """Days from the first row to the cut-off; null if there is none."""

    is_windowed = False

    def states(self) -> dict[str, State]:
        return {"day": State("first_day", None, self.where)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.cutoff_day() - view.smallest("day", None)


class RowsKnown(Measure):
    """Number of rows on or before the cut-off, however old."""

    is_windowed = False

    def states(self) -> dict[str, State]:
        return {"count": State("count", None, self.where)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.total("count", None)


class NoRow(RowsKnown):
    """1 where there is no row on or before the cut-off, else 0."""

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return (view.total("count", None) == 0).astype(np.float64)


class Level(Measure):
    """Sum of all changes up to the cut-off, that is the level itself; null without any row."""

    suffix = "last"
    is_windowed = False

    def states(self) -> dict[str, State]:
        return {"sum": State("sum", self.of, self.where, self.scale), "count": State("count", None, self.where)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        level = view.total("sum", None) / self.scale
        return np.where(view.total("count", None) > 0, level, np.nan)


class Number(Measure):
    """Sum of all changes up to the cut-off of something counted; 0 without any row."""

    suffix = "last"
    is_windowed = False

    def states(self) -> dict[str, State]:
        return {"sum": State("sum", self.of, self.where, self.scale)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.total("sum", None) / self.scale


class DailyMean(Measure):
    """Daily average, over the window, of the level whose changes are `of`; null without any row.

    A change before the window is in force on all its days, a change on day d of
    the window on (cut-off + 1 - d) days, so the average is a sum over the rows.
    """

    suffix = "mean"
    needs_history = True

    def states(self) -> dict[str, State]:
        return {
            "sum": State("sum", self.of, self.where, self.scale),
            "moment": State("offset_sum", self.of, self.where, self.scale),
            "count": State("count", None, self.where),
        }

    def value(self, view: View, window: Months | None) -> np.ndarray:
        assert window is not None
        inside = view.total("sum", window).astype(np.int64)
        before = view.total("sum", None).astype(np.int64) - inside
        days = view.days(window).astype(np.int64)
        force = (view.end().astype(np.int64) + 1) * inside - view.total("moment", window).astype(np.int64)
        average = (before * days + force) / (days * self.scale)
        return np.where(view.total("count", None) > 0, average, np.nan)


@dataclass(frozen=True, eq=False)
class Latest(Measure):
    """The newest `of` of each entity (loan, account) on or before the cut-off, combined per customer.

    The newest row has the latest day, of equal days the latest posting; an
    entity whose newest row was set to null has no say. Null without any row.
    """

    over: Literal["sum", "max", "only"] = "sum"

    suffix = "last"
    is_windowed = False

    def states(self) -> dict[str, State]:
        return {"newest": State("newest", self.of, self.where, self.scale)}

    def value(self, view: View, window: Months | None) -> np.ndarray:
        return view.newest("newest") / self.scale


def describe(expression: Any) -> str:
    """A deferred expression as text.

    >>> from ibis import _
    >>> describe((_.amount > 0) & ~_.is_own_transfer)
    '(amount > 0) & ~is_own_transfer'
    """
    text = repr(expression).replace("_.", "")
    return text[1:-1] if text.startswith("(") and _closes_at_end(text) else text


def _closes_at_end(text: str) -> bool:
    depth = 0
    for position, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if depth == 0:
            return position == len(text) - 1
    return False
