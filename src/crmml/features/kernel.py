"""Stage 2: windows from buckets, in numpy, in fixed order.

A window of a snapshot is a 0/1 row over the (value bucket, known bucket) cells,
so sums over windows are one matrix product of whole numbers held in float64:
exact below 2**53. A state beyond that takes the slower product of integers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from crmml.features.declare import Months
from crmml.features.grid import Grid
from crmml.features.planner import StreamPlan
from crmml.features.statistics import Latest, Measure

EXACT = 2**53


class Cube:
    """The states of one stream by cell and unit."""

    def __init__(self, states: pa.Table, grid: Grid) -> None:
        self.grid = grid
        value = states["value_bucket"].to_numpy().astype(np.int64)
        known = states["known_bucket"].to_numpy().astype(np.int64)
        pairs, self.cell = np.unique(value * (grid.snapshots + 1) + known, return_inverse=True)
        self.value_bucket, self.known_bucket = np.divmod(pairs, grid.snapshots + 1)
        self.unit = states["unit"].to_numpy().astype(np.int64)
        self.states = states
        self._place = self.cell * grid.units + self.unit
        self._masks: dict[Months | None, np.ndarray] = {}
        self._recent: dict[str, tuple[np.ndarray, bool]] = {}

    def mask(self, window: Months | None) -> np.ndarray:
        """0/1 of shape (snapshots, cells)."""
        if window not in self._masks:
            self._masks[window] = self.grid.mask(window, self.value_bucket, self.known_bucket)
        return self._masks[window]

    def dense(self, state: str, missing: float) -> np.ndarray:
        """A state of shape (cells, units)."""
        column = self.states[state].combine_chunks()
        cube = np.full(len(self.value_bucket) * self.grid.units, missing)
        if column.null_count:
            given = ~column.is_null().to_numpy(zero_copy_only=False)
            cube[self._place[given]] = column.drop_null().to_numpy(zero_copy_only=False)
        else:
            cube[self._place] = column.to_numpy(zero_copy_only=False)
        return cube.reshape(len(self.value_bucket), self.grid.units)

    def total(self, state: str, window: Months | None) -> np.ndarray:
        cube, is_exact = self._addends(state)
        mask = self.mask(window)
        if is_exact:
            return mask.astype(np.float64) @ cube
        return (mask.astype(np.int64) @ self._whole(state)).astype(np.float64)

    def _addends(self, state: str) -> tuple[np.ndarray, bool]:
        """A state to add up, and whether float64 holds all its sums; the windows of a measure ask one after another."""
        if state not in self._recent:
            while len(self._recent) > 3:
                del self._recent[next(iter(self._recent))]
            cube = self.dense(state, 0.0)
            self._recent[state] = cube, bool(np.abs(cube).sum(axis=0).max(initial=0.0) < EXACT)
        return self._recent[state]

    def _whole(self, state: str) -> np.ndarray:
        cube = np.zeros((len(self.value_bucket), self.grid.units), dtype=np.int64)
        cube[self.cell, self.unit] = self.states[state].fill_null(0).to_numpy()
        return cube

    def extreme(self, state: str, window: Months | None, *, sign: int) -> np.ndarray:
        """The largest (sign 1) or smallest (sign -1) of the window's cells; nan where there are none."""
        cube = sign * self.dense(state, -sign * np.inf)
        best = np.full((self.grid.snapshots, self.grid.units), -np.inf)
        for snapshot, inside in enumerate(self.mask(window)):
            if inside.any():
                best[snapshot] = cube[inside].max(axis=0)
        return np.where(np.isfinite(best), sign * best, np.nan)


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
    order = cube.states[f"{state}_order"].combine_chunks()
    given = ~order.is_null().to_numpy(zero_copy_only=False)
    if not given.any():
        return result
    rank = order.fill_null(0).to_numpy(zero_copy_only=False)[given]
    value = cube.states[state].combine_chunks().fill_null(0).to_numpy(zero_copy_only=False)[given].astype(np.float64)
    names = cube.states["entity_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)[given]
    unit, cell = cube.unit[given], cube.cell[given]
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
