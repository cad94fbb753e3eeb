"""Where intervals begin and end. No other module does calendar arithmetic.

An interval is `]start, end]`: its first day is the day after `start`, its last
day is `end`. Months are counted from the first day after the cut-off, so that
30 June less three months is 31 March and every whole-month window of a
month-end cut-off is made of whole calendar months.
"""

from __future__ import annotations

import calendar
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

ONE_DAY = timedelta(days=1)
LONGEST_HORIZON = 120
# What lies outside was never a date of a living bank: a typing error, or a placeholder such as 9999-12-31.
FIRST_YEAR, LAST_YEAR = 1900, 2199


@dataclass(frozen=True)
class Interval:
    """The days after `start` up to and with `end`."""

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"an interval must end after it starts, got ]{self.start}, {self.end}]")

    def __contains__(self, day: date) -> bool:
        return self.start < day <= self.end

    def __str__(self) -> str:
        return f"]{self.start}, {self.end}]"

    @property
    def days(self) -> int:
        return (self.end - self.start).days


@dataclass(frozen=True)
class Horizon:
    """The label window: `months` long, beginning `gap` months after the cut-off.

    Where so long a window was not yet over at any earlier cut-off, training
    rows are labelled over `learned_months` instead.
    """

    months: int
    gap: int = 0
    learned_months: int | None = field(default=None, kw_only=True)

    @property
    def learned(self) -> Horizon:
        """The label window of training rows."""
        return Horizon(self.learned_months or self.months, self.gap)

    def __post_init__(self) -> None:
        if self.learned_months is not None and not 1 <= self.learned_months <= self.months:
            raise ValueError(
                f"learned_months is {self.learned_months}; expected 1 to the {self.months} months asked for"
            )
        if not 1 <= self.months <= LONGEST_HORIZON:
            raise ValueError(f"months is {self.months}; a horizon has at least 1 month and at most {LONGEST_HORIZON}")
        if not 0 <= self.gap <= LONGEST_HORIZON:
            raise ValueError(f"gap is {self.gap}; a gap has at least 0 months and at most {LONGEST_HORIZON}")


@dataclass(frozen=True)
class Horizons(Horizon):
    """Label windows of several lengths after one gap, for a model that draws a curve over them.

    `steps` are the lengths in months, rising; `months` is the one among them
    that reasons, grades and headline figures speak of.
    """

    steps: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        told = ", ".join(map(str, self.steps))
        if len(self.steps) < 2 or any(later <= early for early, later in pairwise(self.steps)):
            raise ValueError(
                f"horizons are [{told}]; expected two or more numbers of months, each above the one before"
            )
        if self.months not in self.steps:
            raise ValueError(f"headline is {self.months}; expected one of the horizons {told}")
        for months in (self.steps[0], self.steps[-1]):
            Horizon(months, self.gap)

    @property
    def each(self) -> tuple[Horizon, ...]:
        """One horizon for each length, the shortest first."""
        return tuple(Horizon(months, self.gap) for months in self.steps)


def horizons_of(horizon: Horizon) -> tuple[Horizon, ...]:
    """The horizons a model is asked about: one, or those of a curve, the shortest first."""
    return horizon.each if isinstance(horizon, Horizons) else (horizon,)


def shift_months(day: date, months: int) -> date:
    """The day `months` whole months from `day`, counted from the day after it.

    >>> shift_months(date(2025, 6, 30), -3)
    datetime.date(2025, 3, 31)
    >>> shift_months(date(2025, 2, 28), 1)
    datetime.date(2025, 3, 31)
    >>> shift_months(date(2025, 3, 14), -1)
    datetime.date(2025, 2, 14)
    """
    following = day + ONE_DAY
    index = following.year * 12 + following.month - 1 + months
    year, month = divmod(index, 12)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(following.day, last)) - ONE_DAY


def look_back(cutoff: date, months: int) -> Interval:
    """The window of `months` whole months that ends with `cutoff`."""
    return Interval(shift_months(cutoff, -months), cutoff)


def label_window(cutoff: date, horizon: Horizon) -> Interval:
    """`]cut-off + gap, cut-off + gap + months]`."""
    start = shift_months(cutoff, horizon.gap)
    return Interval(start, shift_months(cutoff, horizon.gap + horizon.months))


def month_end(day: date) -> date:
    """The last day of the month of `day`."""
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def month_ends(first: date, last: date, every: int = 1) -> list[date]:
    """Month ends from the month of `first` to that of `last`, every `every` months.

    >>> month_ends(date(2025, 1, 31), date(2025, 6, 30), every=3)
    [datetime.date(2025, 1, 31), datetime.date(2025, 4, 30)]
    """
    if every < 1:
        raise ValueError(f"a step has at least 1 month, got {every}")
    ends, current = [], month_end(first)
    while current <= month_end(last):
        ends.append(current)
        current = shift_months(current, every)
    return ends


def parse_day(text: object, *, end_of_month: bool = True) -> date:
    """A date from `2025-10-31`, or from `2025-10` as the last (or first) day of that month.

    Raises
    ------
    ValueError
        If the text is neither form or no such day exists.
    """
    if isinstance(text, date):
        return text
    match = re.fullmatch(r"(\d{4})-(\d{2})(?:-(\d{2}))?", str(text).strip())
    if match is None:
        raise ValueError(f"{text!r} is not a date such as 2025-10-31 or a month such as 2025-10")
    year, month, day = match.groups()
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise ValueError(f"{text!r} is outside the years {FIRST_YEAR} to {LAST_YEAR}")
    try:
        if day is not None:
            return date(int(year), int(month), int(day))
        first = date(int(year), int(month), 1)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a day of the calendar") from error
    return month_end(first) if end_of_month else first
