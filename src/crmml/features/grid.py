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
import pyarrow.compute as pc
from ibis import _
from ibis.backends.duckdb import Backend
from ibis.util import gen_name

from crmml.features.declare import Months
from crmml.periods import ONE_DAY, shift_months

EPOCH = date(1970, 1, 1)


class Grid(Protocol):
    """Units (customers or single snapshots) against snapshots; arrays are (snapshots, units)."""

    @property
    def snapshots(self) -> int: ...
    @property
    def units(self) -> int: ...

    @property
    def windows(self) -> tuple[Months, ...]: ...
    @property
    def first_edge(self) -> date | None: ...

    def place(self, stream: ir.Table) -> ir.Table: ...
    def among(self, stream: ir.Table) -> ir.Table: ...
    def close(self) -> None: ...
    def mask(self, window: Months | None, value_bucket: np.ndarray, known_bucket: np.ndarray) -> np.ndarray: ...
    def cutoff_day(self) -> np.ndarray: ...
    def start_day(self, window: Months) -> np.ndarray: ...
    def end_offset(self) -> np.ndarray: ...


class Shelf:
    """Small tables of a grid, kept in the connection until it is cleared.

    Stored, since the engine knows the size and range of what it stored, and
    joins it the faster.
    """

    def __init__(self, connection: Backend) -> None:
        self._connection = connection
        self._names: list[str] = []

    def put(self, rows: pa.Table) -> ir.Table:
        name = gen_name("grid")
        self._connection.con.register(f"{name}_rows", rows)
        self._connection.con.execute(f'CREATE TABLE "{name}" AS SELECT * FROM "{name}_rows"')
        self._connection.con.unregister(f"{name}_rows")
        self._names.append(name)
        return self._connection.table(name)

    def clear(self) -> None:
        for name in self._names:
            self._connection.con.execute(f'DROP TABLE "{name}"')
        self._names.clear()


@dataclass(frozen=True)
class CalendarGrid:
    """All `customers` (sorted ids) at all `cutoffs` (sorted days).

    `numbers` are the customers' numbers in the prepared tables, null for who is in none.
    """

    customers: pa.Array
    cutoffs: tuple[date, ...]
    windows: tuple[Months, ...]
    shelf: Shelf
    numbers: pa.Array | None = None

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

    @cached_property
    def first_edge(self) -> date:
        """The day up to which all rows lie in bucket 0."""
        return self.edges[0]

    def place(self, stream: ir.Table) -> ir.Table:
        """The stream's rows known by the last cut-off, with unit, buckets and day offset."""
        last = ibis.literal(self.cutoffs[-1])
        values, known = self._value_days, self._known_days
        rows = _of_units(stream.filter(_.day <= last, _.posted_on <= last), self._units, self.numbers)
        rows = rows.left_join(values, rows.day == values.value_day)
        rows = rows.left_join(known, rows.posted_on == known.known_day)
        offset = rows.day.delta(ibis.literal(self.edges[0]), unit="day").cast("int64")
        return rows.mutate(
            value_bucket=_.value_bucket.fill_null(0),
            known_bucket=_.known_bucket.fill_null(0),
            offset=ibis.greatest(offset, 0),
        )

    def among(self, stream: ir.Table) -> ir.Table:
        """The rows of a prepared stream from the first to the last customer."""
        return _among(stream, self.numbers)

    def close(self) -> None:
        """Put away what `place` keeps in the connection."""
        self.shelf.clear()

    @cached_property
    def _units(self) -> ir.Table:
        return self.shelf.put(_unit_table(self.customers, self.numbers))

    @cached_property
    def _value_days(self) -> ir.Table:
        edges = self.edges
        days = _days_after(edges[0], self.cutoffs[-1])
        return self.shelf.put(_day_table("value", days, edges))

    @cached_property
    def _known_days(self) -> ir.Table:
        # A posting up to the first cut-off is known at index 0; one day later at index 1.
        return self.shelf.put(_day_table("known", _days_after(self.cutoffs[0], self.cutoffs[-1]), list(self.cutoffs)))

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
    shelf: Shelf
    numbers: pa.Array | None = None

    snapshots = 1
    first_edge = None

    @property
    def units(self) -> int:
        return len(self.customers)

    @property
    def longest_first(self) -> list[Months]:
        return sorted(self.windows, key=lambda window: -window.months)

    def place(self, stream: ir.Table) -> ir.Table:
        """The stream's rows known at each snapshot, once per snapshot, with unit, bucket and day offset."""
        rows = _of_units(stream, self._units, self.numbers)
        rows = rows.filter(_.day <= _.cutoff_day, _.posted_on <= _.cutoff_day)
        bucket = ibis.literal(0)
        for window in self.longest_first:
            bucket = bucket + (rows.day > rows[_start(window)]).cast("int32")
        first = rows[_start(self.longest_first[0])]
        return rows.mutate(
            value_bucket=bucket, known_bucket=ibis.literal(0), offset=rows.day.delta(first, unit="day").cast("int64")
        )

    def among(self, stream: ir.Table) -> ir.Table:
        """The rows of a prepared stream from the first to the last customer."""
        return _among(stream, self.numbers)

    def close(self) -> None:
        """Put away what `place` keeps in the connection."""
        self.shelf.clear()

    @cached_property
    def _units(self) -> ir.Table:
        starts = {_start(window): pa.array(self._starts(window), pa.date32()) for window in self.windows}
        cutoffs = pa.array(self.cutoffs, pa.date32())
        return self.shelf.put(_unit_table(self.customers, self.numbers, cutoff_day=cutoffs, **starts))

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


def _unit_table(customers: pa.Array, numbers: pa.Array | None, **more: pa.Array) -> pa.Table:
    columns = {"customer_id": customers, "unit": pa.array(np.arange(len(customers)), pa.int32()), **more}
    return pa.table(columns if numbers is None else {"customer_no": numbers, **columns})


def _of_units(stream: ir.Table, units: ir.Table, numbers: pa.Array | None) -> ir.Table:
    """The stream's rows of the units; a prepared stream is read from the first to the last of them only."""
    if numbers is None or "customer_no" not in stream.columns:
        others = units.drop("customer_no") if "customer_no" in units.columns else units
        return stream.inner_join(others, "customer_id")
    return _among(stream, numbers).inner_join(units.drop("customer_id"), "customer_no")


def _among(stream: ir.Table, numbers: pa.Array | None) -> ir.Table:
    ends = {"min": None} if numbers is None else pc.min_max(numbers).as_py()
    first, last = (0, -1) if ends["min"] is None else (ends["min"], ends["max"])
    return stream.filter(_.customer_no >= first, _.customer_no <= last)


def _start(window: Months) -> str:
    return f"start_{window.suffix}"


def _days_after(first: date, last: date) -> list[date]:
    return [first + ONE_DAY * step for step in range(1, (last - first).days + 1)]


def _day_table(prefix: str, days: list[date], edges: list[date]) -> pa.Table:
    """One row per day: the number of edges before it."""
    numbers = np.array([(day - EPOCH).days for day in days], dtype=np.int64)
    bounds = np.array([(edge - EPOCH).days for edge in edges], dtype=np.int64)
    columns = {
        f"{prefix}_day": pa.array(days, pa.date32()),
        f"{prefix}_bucket": pa.array(np.searchsorted(bounds, numbers, side="left"), pa.int32()),
    }
    return pa.table(columns)
