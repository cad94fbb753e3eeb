"""Stage 2: windows from buckets, in numpy, in fixed order.

A window of a snapshot is a 0/1 row over the (value bucket, known bucket) cells;
its sum adds the cells of one, whole numbers held in float64: exact below 2**53.
A state beyond that is added up in integers, which is slower.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from crmml.features.declare import Months
from crmml.features.grid import Grid
from crmml.features.planner import StreamPlan
from crmml.features.statistics import Latest, Measure

EXACT = 2**53


class Rows:
    """One table of states: where each row lies, in cells and units, and its columns."""

    def __init__(self, table: pa.Table, cell: np.ndarray) -> None:
        self.table = table
        self.cell = cell
        self.unit = _integers(table["unit"])

    def values(self, state: str) -> tuple[np.ndarray, np.ndarray | None]:
        """The values of a state, and which are given (None: all)."""
        column = self.table[state].combine_chunks()
        if not column.null_count:
            return column.to_numpy(), None
        given = ~column.is_null().to_numpy(zero_copy_only=False)
        return column.to_numpy(zero_copy_only=False), given


class Cube:
    """The states of one stream by cell and unit."""

    def __init__(self, tables: Sequence[pa.Table], grid: Grid) -> None:
        self.grid = grid
        codes = [
            _integers(table["value_bucket"]) * (grid.snapshots + 1) + _integers(table["known_bucket"])
            for table in tables
        ]
        pairs, cell = np.unique(np.concatenate(codes), return_inverse=True)
        self.value_bucket, self.known_bucket = np.divmod(pairs, grid.snapshots + 1)
        cells = np.split(cell, np.cumsum([len(code) for code in codes])[:-1])
        self.rows = [Rows(table, own) for table, own in zip(tables, cells, strict=True)]
        self._masks: dict[Months | None, np.ndarray] = {}
        self._sums: dict[str, dict[Months | None, np.ndarray]] = {}
        self._filled: dict[tuple[str, float], np.ndarray] = {}

    def mask(self, window: Months | None) -> np.ndarray:
        """0/1 of shape (snapshots, cells)."""
        if window not in self._masks:
            self._masks[window] = self.grid.mask(window, self.value_bucket, self.known_bucket)
        return self._masks[window]

    def dense(self, state: str, missing: float) -> np.ndarray:
        """A state of shape (cells, units)."""
        cube = np.full((len(self.value_bucket), self.grid.units), missing)
        for rows in self._rows_with(state):
            values, given = rows.values(state)
            if given is None:
                cube[rows.cell, rows.unit] = values
            else:
                cube[rows.cell[given], rows.unit[given]] = values[given]
        return cube

    def _rows_with(self, state: str) -> list[Rows]:
        return [rows for rows in self.rows if state in rows.table.column_names]

    def total(self, state: str, window: Months | None) -> np.ndarray:
        """The sum of a state over a window; the windows of a measure ask one after another."""
        sums = self._recent(self._sums, state, 4, dict)
        if window not in sums:
            sums |= self._totals(state, (None,) if window is None else self.grid.windows)
        return sums[window]

    def _totals(self, state: str, windows: Sequence[Months | None]) -> dict[Months | None, np.ndarray]:
        """Sums over windows, shortest first: each adds to the one before what it sees beyond it."""
        cube = self._recent(self._filled, (state, 0.0), 3, lambda: self.dense(state, 0.0))
        if np.abs(cube).sum(axis=0).max(initial=0.0) >= EXACT:
            cube = self._whole(state)
        totals: dict[Months | None, np.ndarray] = {}
        running = np.zeros((self.grid.snapshots, self.grid.units), dtype=cube.dtype)
        before = np.zeros((self.grid.snapshots, len(cube)), dtype=bool)
        for window in sorted(windows, key=lambda window: window.months if window else np.inf):
            mask = self.mask(window)
            for snapshot, more in enumerate(mask & ~before):
                for cell in np.flatnonzero(more):
                    running[snapshot] += cube[cell]
            totals[window] = running.astype(np.float64)
            before = mask
        return totals

    @staticmethod
    def _recent(kept: dict[Any, Any], key: Any, most: int, make: Callable[[], Any]) -> Any:
        """What was made under a key, or is made now; only the newest few are kept."""
        if key not in kept:
            while len(kept) >= most:
                del kept[next(iter(kept))]
            kept[key] = make()
        return kept[key]

    def _whole(self, state: str) -> np.ndarray:
        cube = np.zeros((len(self.value_bucket), self.grid.units), dtype=np.int64)
        for rows in self._rows_with(state):
            cube[rows.cell, rows.unit] = rows.table[state].cast(pa.int64()).fill_null(0).to_numpy()
        return cube

    def extreme(self, state: str, window: Months | None, *, sign: int) -> np.ndarray:
        """The largest (sign 1) or smallest (sign -1) of the window's cells; nan where there are none."""
        missing = -sign * np.inf
        cube = self._recent(self._filled, (state, missing), 3, lambda: self.dense(state, missing))
        best = np.full((self.grid.snapshots, self.grid.units), missing)
        better = np.maximum if sign > 0 else np.minimum
        for snapshot, inside in enumerate(self.mask(window)):
            for cell in np.flatnonzero(inside):
                better(best[snapshot], cube[cell], out=best[snapshot])
        best[np.isinf(best)] = np.nan
        return best


@dataclass(frozen=True)
class CubeView:
    """A `Cube` as one measure sees it."""

    cube: Cube
    plan: StreamPlan
    measure: Measure

    def total(self, role: str, window: Months | None) -> np.ndarray:
        return self.cube.total(self.plan.state(self.measure, role), window)

    def largest(self, role: str, window: Months | None) -> np.ndarray:
        return self.cube.extreme(self.plan.state(self.measure, role), window, sign=1)

    def smallest(self, role: str, window: Months | None) -> np.ndarray:
        return self.cube.extreme(self.plan.state(self.measure, role), window, sign=-1)

    def newest(self, role: str) -> np.ndarray:
        assert isinstance(self.measure, Latest)
        return newest_by_entity(self.cube, self.plan.state(self.measure, role), over=self.measure.over)

    def days(self, window: Months) -> np.ndarray:
        return self.cube.grid.cutoff_day() - self.cube.grid.start_day(window)

    def end(self) -> np.ndarray:
        return self.cube.grid.end_offset()

    def cutoff_day(self) -> np.ndarray:
        return self.cube.grid.cutoff_day()


def newest_by_entity(cube: Cube, state: str, *, over: str) -> np.ndarray:
    """The newest value of each entity at each snapshot, summed or maximised over the entities of a unit."""
    grid = cube.grid
    result = np.full((grid.snapshots, grid.units), np.nan)
    (rows,) = cube.rows
    order = rows.table[f"{state}_order"].combine_chunks()
    given = ~order.is_null().to_numpy(zero_copy_only=False)
    if not given.any():
        return result
    rank = order.fill_null(0).to_numpy(zero_copy_only=False)[given]
    value = rows.table[state].combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)[given].astype(np.float64)
    names = rows.table["entity_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)[given]
    unit, cell = rows.unit[given], rows.cell[given]
    sort = np.lexsort((rank, names, unit))
    unit, names, cell, value = unit[sort], names[sort], cell[sort], value[sort]
    for snapshot, inside in enumerate(cube.mask(None)):
        keep = inside[cell]
        last_unit, last_value = _last_of_each(unit[keep], names[keep], value[keep])
        _combine(result[snapshot], last_unit, last_value, over=over)
    return result


def _last_of_each(unit: np.ndarray, entity: np.ndarray, value: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    ends = np.ones(len(unit), dtype=bool)
    ends[:-1] = (unit[1:] != unit[:-1]) | (entity[1:] != entity[:-1])
    return unit[ends], value[ends]


def _combine(row: np.ndarray, unit: np.ndarray, value: np.ndarray, *, over: str) -> None:
    row[unit] = 0.0 if over == "sum" else -np.inf
    if over == "sum":
        np.add.at(row, unit, value)
    else:
        np.maximum.at(row, unit, value)


def _integers(column: pa.ChunkedArray) -> np.ndarray:
    return column.to_numpy().astype(np.int64)
