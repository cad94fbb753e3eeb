"""The months the bank is observed, and what is special about some of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from crmml.periods import ONE_DAY, month_ends, shift_months

FIRST_DAY = date(2021, 1, 1)
FIRST_CAMPAIGN = date(2023, 1, 1)
SPRING_FESTIVALS = (
    date(2021, 2, 12),
    date(2022, 2, 1),
    date(2023, 1, 22),
    date(2024, 2, 10),
    date(2025, 1, 29),
    date(2026, 2, 17),
)
EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01, as Arrow's date32 counts them."""
    return (day - EPOCH).days


@dataclass(frozen=True)
class Months:
    """Consecutive calendar months from `FIRST_DAY` on, addressed 0, 1, 2 …

    `starts` and `ends` are day numbers of each month's first and last day.
    """

    count: int
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    last_days: tuple[date, ...]

    @property
    def days(self) -> NDArray[np.int64]:
        return self.ends - self.starts + 1

    def festival(self, month: int) -> bool:
        end = self.last_days[month]
        return any((day.year, day.month) == (end.year, end.month) for day in SPRING_FESTIVALS)

    def closes_quarter(self, month: int) -> bool:
        return self.last_days[month].month % 3 == 0

    def has_campaign(self, month: int) -> bool:
        return self.last_days[month] >= FIRST_CAMPAIGN


def months_from_start(count: int) -> Months:
    """The first `count` months of the bank."""
    if count < 1:
        raise ValueError(f"the bank has at least 1 month, got {count}")
    ends = month_ends(FIRST_DAY, shift_months(FIRST_DAY - ONE_DAY, count))
    starts = [end.replace(day=1) for end in ends]
    numbers = [np.array([day_number(day) for day in days], dtype=np.int64) for days in (starts, ends)]
    return Months(count, numbers[0], numbers[1], tuple(ends))
