"""Where the days of a stream fall: time cut at every window edge of all cut-offs.

Bucket 0 holds all history before the first edge; a window is a run of buckets
after its start, up to its end. A row also gets the index of the first cut-off
at which the bank knew it, so a late posting enters the later cut-offs only.

`CalendarGrid` shares one set of edges between all customers (month ends).
`EventGrid` gives each snapshot its own edges (a day per loan or contact).
Both give the same numbers; a test holds them against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Protocol

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _

from crmml.features.declare import Months
from crmml.periods import ONE_DAY, shift_months

EPOCH = date(1970, 1, 1)


class Grid(Protocol):
    """Units (customers or single snapshots) against snapshots; arrays are (snapshots, units)."""

    @property
    def snapshots(self) -> int: ...
    @property
    def units(self) -> int: ...

    def place(self, stream: ir.Table) -> ir.Table: ...
    def mask(self, window: Months | None, value_bucket: np.ndarray, known_bucket: np.ndarray) -> np.ndarray: ...
    def cutoff_day(self) -> np.ndarray: ...
    def start_day(self, window: Months) -> np.ndarray: ...
    def end_offset(self) -> np.ndarray: ...


@dataclass(frozen=True)
class CalendarGrid:
    """All `customers` (sorted ids) at all `cutoffs` (sorted days)."""

    customers: pa.Array
    cutoffs: tuple[date, ...]
    windows: tuple[Months, ...]

    @property
    def snapshots(self) -> int:
        return len(self.cutoffs)

    @property
    def units(self) -> int:
        return len(self.customers)

    @cached_property
    def edges(self) -> list[date]:
        starts = {shift_months(cutoff, -window.months) for cutoff in self.cutoffs for window in self.windows}
        return sorted(starts | set(self.cutoffs))

    def place(self, stream: ir.Table) -> ir.Table:
        """The stream's rows known by the last cut-off, with unit, buckets and day offset."""
        last = ibis.literal(self.cutoffs[-1])
        values, known = self._value_days, self._known_days
        rows = stream.filter(_.day <= last, _.posted_on <= last).inner_join(self._units, "customer_id")
        rows = rows.left_join(values, rows.day == values.value_day)
        rows = rows.left_join(known, rows.posted_on == known.known_day)
        return rows.mutate(
            value_bucket=_.value_bucket.fill_null(0),
            known_bucket=_.known_bucket.fill_null(0),
            offset=_.offset.fill_null(0),
        )

    @cached_property
    def _units(self) -> ir.Table:
        return ibis.memtable(pa.table({"customer_id": self.customers, "unit": pa.array(range(self.units), pa.int32())}))

    @cached_property
    def _value_days(self) -> ir.Table:
        edges = self.edges
        days = _days_after(edges[0], self.cutoffs[-1])
        return _day_table("value", days, edges, offset=np.arange(1, len(days) + 1))

    @cached_property
    def _known_days(self) -> ir.Table:
        # A posting up to the first cut-off is known at index 0; one day later at index 1.
        return _day_table("known", _days_after(self.cutoffs[0], self.cutoffs[-1]), list(self.cutoffs))

    def mask(self, window: Months | None, value_bucket: np.ndarray, known_bucket: np.ndarray) -> np.ndarray:
        position = {day: index for index, day in enumerate(self.edges)}
        end = np.array([position[cutoff] for cutoff in self.cutoffs])[:, None]
        inside = value_bucket[None, :] <= end
        if window is not None:
            start = np.array([position[shift_months(cutoff, -window.months)] for cutoff in self.cutoffs])[:, None]
            inside = inside & (value_bucket[None, :] > start)
        return inside & (known_bucket[None, :] <= np.arange(self.snapshots)[:, None])

    def cutoff_day(self) -> np.ndarray:
        return np.array([(cutoff - EPOCH).days for cutoff in self.cutoffs], dtype=np.int64)[:, None]

    def start_day(self, window: Months) -> np.ndarray:
        starts = [(shift_months(cutoff, -window.months) - EPOCH).days for cutoff in self.cutoffs]
        return np.array(starts, dtype=np.int64)[:, None]

    def end_offset(self) -> np.ndarray:
        return self.cutoff_day() - (self.edges[0] - EPOCH).days


@dataclass(frozen=True)
class EventGrid:
    """Single snapshots: `customers[i]` observed at `cutoffs[i]`."""

    customers: pa.Array
    cutoffs: Sequence[date]
    windows: tuple[Months, ...]

    snapshots = 1

    @property
    def units(self) -> int:
        return len(self.customers)

    @property
    def longest_first(self) -> list[Months]:
        return sorted(self.windows, key=lambda window: -window.months)

    def place(self, stream: ir.Table) -> ir.Table:
        """The stream's rows known at each snapshot, once per snapshot, with unit, bucket and day offset."""
        rows = stream.inner_join(self._units, "customer_id")
        rows = rows.filter(_.day <= _.cutoff_day, _.posted_on <= _.cutoff_day)
        bucket = ibis.literal(0)
        for window in self.longest_first:
            bucket = bucket + (rows.day > rows[_start(window)]).cast("int32")
        first = rows[_start(self.longest_first[0])]
        return rows.mutate(
            value_bucket=bucket, known_bucket=ibis.literal(0), offset=rows.day.delta(first, unit="day").cast("int64")
        )

    @cached_property
    def _units(self) -> ir.Table:
        columns = {
            "customer_id": self.customers,
            "unit": pa.array(range(self.units), pa.int32()),
            "cutoff_day": pa.array(self.cutoffs, pa.date32()),
        }
        starts = {_start(window): pa.array(self._starts(window), pa.date32()) for window in self.windows}
        return ibis.memtable(pa.table(columns | starts))

    def _starts(self, window: Months) -> list[date]:
        shifted = {cutoff: shift_months(cutoff, -window.months) for cutoff in set(self.cutoffs)}
        return [shifted[cutoff] for cutoff in self.cutoffs]

    def mask(self, window: Months | None, value_bucket: np.ndarray, known_bucket: np.ndarray) -> np.ndarray:
        first = 0 if window is None else self.longest_first.index(window) + 1
        return (value_bucket >= first)[None, :]

    def cutoff_day(self) -> np.ndarray:
        return np.array(self.cutoffs, dtype="datetime64[D]").astype(np.int64)[None, :]

    def start_day(self, window: Months) -> np.ndarray:
        return np.array(self._starts(window), dtype="datetime64[D]").astype(np.int64)[None, :]

    def end_offset(self) -> np.ndarray:
        return self.cutoff_day() - self.start_day(self.longest_first[0])


def _start(window: Months) -> str:
    return f"start_{window.suffix}"


def _days_after(first: date, last: date) -> list[date]:
    return [first + ONE_DAY * step for step in range(1, (last - first).days + 1)]


def _day_table(prefix: str, days: list[date], edges: list[date], **more: np.ndarray) -> ir.Table:
    """One row per day: the number of edges before it."""
    numbers = np.array([(day - EPOCH).days for day in days], dtype=np.int64)
    bounds = np.array([(edge - EPOCH).days for edge in edges], dtype=np.int64)
    columns = {
        f"{prefix}_day": pa.array(days, pa.date32()),
        f"{prefix}_bucket": pa.array(np.searchsorted(bounds, numbers, side="left"), pa.int32()),
        **{name: pa.array(values, pa.int64()) for name, values in more.items()},
    }
    return ibis.memtable(pa.table(columns))
