"""Features of snapshots: one row per snapshot, in memory or file by file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crmml.features.choose import Choice, choose
from crmml.features.compute import Columns, Computation, Streams
from crmml.features.declare import WINDOWS, CustomFamily, Family, FeatureInfo, Months
from crmml.features.exact import exact_float
from crmml.features.grid import CalendarGrid, EventGrid, Grid, Shelf
from crmml.features.terms import term_infos
from crmml.sources.bank import NUMBERS, Bank

KEY = ("customer_id", "cutoff_date", "event_id")
ORDER = [("cutoff_date", "ascending"), ("customer_id", "ascending"), ("event_id", "ascending")]
#: Feature cells held in memory at once (8 bytes each).
CELLS = 20_000_000
#: Where fewer of the (customer, cut-off) cells are asked for, each snapshot gets windows of its own.
SPARSE = 0.2


@dataclass(frozen=True)
class Slab:
    """Snapshots that are computed together, by cut-off, customer and event.

    `place` says where each lies among the cells (snapshots by units) of the grid;
    None where it is every cell in order.
    """

    grid: Grid
    units: pa.Array
    snapshots: pa.Table
    place: np.ndarray | None


def catalogue(
    bank: Bank,
    families: Sequence[Family | CustomFamily | str] | None = None,
    *,
    ledger: ir.Table | None = None,
    snapshots: ir.Table | None = None,
) -> tuple[FeatureInfo, ...]:
    """What is told about every feature that `build_features` would make of the same arguments, in its order."""
    terms = term_infos(snapshots.columns) if snapshots is not None else ()
    return (*choose(bank, families, ledger=ledger).infos, *terms)


def left_out(
    bank: Bank, families: Sequence[Family | CustomFamily | str] | None = None, *, ledger: ir.Table | None = None
) -> list[tuple[str, str]]:
    """The families the bank cannot feed, each with the table it lacks: to be said once."""
    return list(choose(bank, families, ledger=ledger).left_out)


def build_features(
    bank: Bank,
    snapshots: ir.Table,
    families: Sequence[Family | CustomFamily | str] | None = None,
    *,
    ledger: ir.Table | None = None,
) -> pa.Table:
    """One row per snapshot, sorted by cut-off, customer and event.

    Columns: `customer_id`, `cutoff_date`, `event_id`, the features in the order
    of `catalogue`, and the terms (`term_*`) an event snapshot carries. Money is
    float64 in whole cents; null as the catalogue says.

    Parameters
    ----------
    snapshots
        Any set of (customer, cut-off) rows; other columns are ignored.
    families
        Names or declarations; None means all. What the bank lacks the tables
        for is left out (see `left_out`).
    ledger
        Contribution by account and month, for the family `contribution`.
    """
    parts = list(feature_slabs(bank, snapshots, families, ledger=ledger))
    if len(parts) == 1:
        return parts[0]
    # Each part is in order, and customers do not come back in a later one.
    by_cutoff: dict[str, list[pa.Table]] = {}
    for part in parts:
        for name, rows in _by_cutoff(part):
            by_cutoff.setdefault(name, []).append(rows)
    return pa.concat_tables(rows for name in sorted(by_cutoff) for rows in by_cutoff[name]).combine_chunks()


def write_features(
    bank: Bank,
    snapshots: ir.Table,
    families: Sequence[Family | CustomFamily | str] | None,
    directory: Path,
    *,
    ledger: ir.Table | None = None,
) -> dict[str, int]:
    """Write one Parquet file per cut-off (`2025-10-31.parquet`) into a staged folder; rows by file name.

    Only one slab of customers is in memory at a time.
    """
    writers: dict[str, pq.ParquetWriter] = {}
    rows: dict[str, int] = {}
    try:
        for part in feature_slabs(bank, snapshots, families, ledger=ledger):
            for name, file_rows in _by_cutoff(part):
                if name not in writers:
                    writers[name] = pq.ParquetWriter(Path(directory) / name, part.schema, compression="zstd")
                writers[name].write_table(file_rows)
                rows[name] = rows.get(name, 0) + file_rows.num_rows
    finally:
        for writer in writers.values():
            writer.close()
    return rows


def _by_cutoff(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    days = table["cutoff_date"].to_numpy()
    bounds = [0, *(np.flatnonzero(days[1:] != days[:-1]) + 1), len(days)]
    for start, end in pairwise(bounds):
        if end > start:
            yield f"{table['cutoff_date'][start].as_py()}.parquet", table.slice(start, end - start)


def feature_slabs(
    bank: Bank,
    snapshots: ir.Table,
    families: Sequence[Family | CustomFamily | str] | None = None,
    *,
    ledger: ir.Table | None = None,
) -> Iterator[pa.Table]:
    """The features of all snapshots, a slab of customers at a time, customers in order; each slab as `ORDER` says."""
    build = Build(bank, snapshots, families, ledger=ledger)
    empty = True
    for slab in build.slabs():
        empty = False
        computation = build.computation(slab)
        yield build.table(slab, computation)
        computation.close()
    if empty:
        yield build.empty()


class Build:
    """A build that is planned: what is asked for, of which snapshots.

    The leak audit computes the same slabs again and again, while the rows of
    the bank's tables change under it.
    """

    def __init__(
        self,
        bank: Bank,
        snapshots: ir.Table,
        families: Sequence[Family | CustomFamily | str] | None = None,
        *,
        ledger: ir.Table | None = None,
    ) -> None:
        self.bank = bank
        self.choice = choose(bank, families, ledger=ledger)
        self.terms = [info.name for info in term_infos(snapshots.columns)]
        wanted = snapshots.select(*KEY, *self.terms).order_by(["customer_id", "cutoff_date", "event_id"]).to_pyarrow()
        self.wanted = pa.table({name: _plain(wanted[name]) for name in wanted.column_names})
        self.streams = Streams(bank, self.choice, ledger)

    def slabs(self) -> Iterator[Slab]:
        return _slabs(self.wanted, windows_of(self.choice), len(self.choice.infos), Ground(self.bank))

    def computation(self, slab: Slab) -> Computation:
        return Computation(self.streams, self.choice, slab.grid, slab.units)

    def table(self, slab: Slab, computation: Computation) -> pa.Table:
        return _slab_table(slab, computation.columns(), self.choice, self.bank, self.terms)

    def empty(self) -> pa.Table:
        return _schema(self.wanted, self.choice).empty_table()


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """What was asked for as a feature: numbers as float64, an empty column as text."""
    if pa.types.is_integer(column.type):
        return column.cast(pa.float64())
    return column.cast(pa.string()) if pa.types.is_null(column.type) else exact_float(column)


def windows_of(choice: Choice) -> tuple[Months, ...]:
    windows = {asked.window for asked in choice.asked if asked.window is not None}
    return tuple(sorted(windows or {WINDOWS[0]}, key=lambda window: window.months))


class Ground:
    """What grids of a bank are made with: its connection, and the numbers of customers in the prepared tables."""

    def __init__(self, bank: Bank) -> None:
        self._connection = bank.connection
        self._table = bank.prepared[NUMBERS].to_pyarrow() if NUMBERS in bank.prepared else None

    def shelf(self) -> Shelf:
        return Shelf(self._connection)

    def numbers(self, customers: pa.Array) -> pa.Array | None:
        """None for a bank that prepared nothing."""
        if self._table is None:
            return None
        place = pc.index_in(customers, self._table["customer_id"].combine_chunks())
        return self._table["customer_no"].combine_chunks().take(place)


def _slabs(wanted: pa.Table, windows: tuple[Months, ...], width: int, ground: Ground) -> Iterator[Slab]:
    """Calendar snapshots share their windows, sparse or event snapshots have their own."""
    if not wanted.num_rows:
        return
    customers, cutoffs = pc.unique(wanted["customer_id"]), sorted(pc.unique(wanted["cutoff_date"]).to_pylist())
    if wanted.num_rows < SPARSE * len(customers) * len(cutoffs):
        yield from _event_slabs(wanted, windows, max(1, CELLS // max(width, 1)), ground)
    else:
        size = max(1, CELLS // max(width, 1) // len(cutoffs))
        yield from _calendar_slabs(wanted, customers, cutoffs, windows, size, ground)


def _calendar_slabs(
    wanted: pa.Table, customers: pa.Array, cutoffs: list[date], windows: tuple[Months, ...], size: int, ground: Ground
) -> Iterator[Slab]:
    code = pc.index_in(wanted["customer_id"].combine_chunks(), customers).to_numpy()
    place = pc.index_in(wanted["cutoff_date"].combine_chunks(), pa.array(cutoffs, pa.date32())).to_numpy()
    for start in range(0, len(customers), size):
        inside = np.arange(*np.searchsorted(code, [start, start + size]))
        inside = inside[np.argsort(place[inside], kind="stable")]
        units = customers.slice(start, size)
        grid = CalendarGrid(units, tuple(cutoffs), windows, ground.shelf(), ground.numbers(units))
        cells = place[inside] * len(units) + code[inside] - start
        every = np.array_equal(cells, np.arange(len(units) * len(cutoffs)))
        yield Slab(grid, units, wanted.take(inside), None if every else cells)


def _event_slabs(wanted: pa.Table, windows: tuple[Months, ...], size: int, ground: Ground) -> Iterator[Slab]:
    for start in range(0, wanted.num_rows, size):
        rows = wanted.slice(start, size).sort_by(ORDER)
        units = rows["customer_id"].combine_chunks()
        grid = EventGrid(units, rows["cutoff_date"].to_pylist(), windows, ground.shelf(), ground.numbers(units))
        yield Slab(grid, units, rows, None)


def _slab_table(slab: Slab, columns: Columns, choice: Choice, bank: Bank, terms: list[str]) -> pa.Table:
    data: dict[str, Any] = {name: slab.snapshots[name] for name in KEY}
    custom = {name for family in choice.custom for name in (info.name for info in family.infos)}
    for info in choice.infos:
        if info.name not in custom:
            values = columns.pop(info.name).reshape(-1)
            data[info.name] = _arrow(values if slab.place is None else values[slab.place], info)
    for family in choice.custom:
        data |= _custom(family, bank, slab.snapshots)
    data |= {name: slab.snapshots[name] for name in terms}
    return pa.table(data)


def _arrow(values: np.ndarray, info: FeatureInfo) -> pa.Array:
    if info.kind == "category":
        return pa.array(values, pa.string())
    return pa.array(values, pa.float64(), from_pandas=True)


def _custom(family: CustomFamily, bank: Bank, snapshots: pa.Table) -> dict[str, pa.ChunkedArray]:
    """The columns of a custom family, joined on the key (a null event is a key like any other)."""
    built = family.build(bank, ibis.memtable(snapshots.select(list(KEY))))
    names = [info.name for info in family.infos]
    row_of = {key: row for row, key in enumerate(_keys(built))}
    take = pa.array([row_of.get(key) for key in _keys(snapshots)], pa.int64())
    return {name: built[name].take(take) for name in names}


def _keys(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    return zip(*(table[name].to_pylist() for name in KEY), strict=True)


def _schema(wanted: pa.Table, choice: Choice) -> pa.Schema:
    kinds = {"category": pa.string(), "number": pa.float64()}
    fields = [wanted.schema.field(name) for name in KEY]
    fields += [pa.field(info.name, kinds[info.kind]) for info in choice.infos]
    return pa.schema(fields + [field for field in wanted.schema if field.name.startswith("term_")])
