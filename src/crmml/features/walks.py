"""The pass of what does not add up: the rows measures share are read once, and walked at every snapshot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from crmml.features.declare import Months
from crmml.features.grid import EPOCH, Grid
from crmml.features.planner import Asked
from crmml.features.walk import UNMARKED, Ints, Rows, Walk
from crmml.features.walked import Walked


@dataclass(frozen=True)
class WalkPlan:
    """Columns that read the same rows, and the relation these are."""

    asked: tuple[Asked, ...]
    rows: ir.Table


def plan_walks(tables: Mapping[str, ir.Table], asked: Iterable[Asked], grid: Grid) -> list[WalkPlan]:
    """One plan for each set of columns that read the same rows."""
    shared: dict[tuple[Any, ...], list[Asked]] = {}
    for column in asked:
        if isinstance(column.measure, Walked):
            shared.setdefault(_key(column, tables[column.family.table]), []).append(column)
    return [
        WalkPlan(tuple(columns), _rows(tables[columns[0].family.table], columns[0].measure, grid))  # type: ignore[arg-type]
        for columns in shared.values()
    ]


def _key(column: Asked, table: ir.Table) -> tuple[Any, ...]:
    """What tells the rows of one walk from those of another."""
    measure = column.measure
    assert isinstance(measure, Walked)
    parts = (None if part is None else part.resolve(table).op() for part in (measure.of, measure.where, measure.mark))
    return (column.family.table, measure.by, measure.needs_history, measure.scale, *parts)


def _rows(table: ir.Table, measure: Walked, grid: Grid) -> ir.Table:
    """What a walk reads: amounts by unit, entity, day and posting; rows that state something each for itself."""
    rows = grid.place(table if measure.where is None else table.filter(measure.where))
    if not measure.needs_history:
        rows = rows.filter(_.value_bucket > 0)
    keyed = rows.select(
        "unit",
        entity=ibis.literal("") if measure.by is None else rows[measure.by],
        day=_day(rows.day),
        posted=_day(rows.posted_on),
        value=ibis.literal(0, "int64") if measure.of is None else _whole(measure.of.resolve(rows), measure.scale),
        mark=ibis.null("int64") if measure.mark is None else _mark(measure.mark.resolve(rows), measure.scale),
    )
    if measure.mark is not None:
        return keyed
    return keyed.group_by(["unit", "entity", "day", "posted"]).aggregate(value=_.value.sum(), mark=ibis.null("int64"))


def _whole(value: ir.Value, scale: int) -> ir.Value:
    return ((value * scale).round() if scale != 1 else value).cast("int64").fill_null(0)


def _mark(value: ir.Value, scale: int) -> ir.Value:
    return _day(value) if value.type().is_date() else (value * scale).round().cast("int64")


def _day(day: ir.Value) -> ir.Value:
    return day.delta(ibis.literal(EPOCH), unit="day").cast("int64")


def read_rows(states: pa.Table) -> Rows:
    """The rows of a walk as arrays, by unit, entity, day and posting."""
    codes = pc.dictionary_encode(states["entity"].combine_chunks()).indices
    unit, entity = _ints(states["unit"]), _ints(codes)
    day, posted, value = (_ints(states[name]) for name in ("day", "posted", "value"))
    mark = _ints(states["mark"], null=UNMARKED)
    order = np.lexsort((mark, value, posted, day, entity, unit))
    return Rows(*(column[order] for column in (unit, entity, day, posted, value, mark)))


def _ints(column: pa.ChunkedArray | pa.Array, null: int = 0) -> Ints:
    return np.asarray(pc.fill_null(column.cast(pa.int64()), null))


def walk(plan: WalkPlan, rows: Rows, grid: Grid) -> dict[str, np.ndarray]:
    """The columns of a plan: arrays of shape (snapshots, units)."""
    shape = (grid.snapshots, grid.units)
    columns = {asked.column: np.full(shape, np.nan) for asked in plan.asked}
    cutoffs = np.broadcast_to(grid.cutoff_day(), shape)
    starts = {asked.window: _starts(grid, asked.window, shape) for asked in plan.asked}
    for snapshot, cutoff in enumerate(cutoffs):
        known = rows.where((rows.day <= cutoff[rows.unit]) & (rows.posted <= cutoff[rows.unit]))
        walks = {
            window: Walk(known, grid.units, None if start is None else start[snapshot], cutoff)
            for window, start in starts.items()
        }
        for asked in plan.asked:
            assert isinstance(asked.measure, Walked)
            columns[asked.column][snapshot] = asked.measure.walked(walks[asked.window], asked.window)
    return columns


def _starts(grid: Grid, window: Months | None, shape: tuple[int, int]) -> Ints | None:
    return None if window is None else np.broadcast_to(grid.start_day(window), shape)
