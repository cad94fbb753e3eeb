"""Stage 1 in SQL: the rows of a stream put in their places once, and one wide GROUP BY over them.

Ibis puts the values and conditions of a family into SQL; the aggregates are
written here. Sums are taken in float64 over whole numbers, which is exact while
they stay below 2**51; the largest value and the rows of a group say how large
they can be, and where that is too large the sums are taken again in integers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis.util import gen_name

from crmml.features.grid import EPOCH, Grid
from crmml.features.planner import StreamPlan
from crmml.features.statistics import State
from crmml.sources.bank import Bank

KEYS = ("unit", "value_bucket", "known_bucket")
#: Whole numbers, and their products with 100 and 0.01, are exact in float64 up to here.
EXACT_SUM = 2.0**51
_BOUND = "bound"


@dataclass(frozen=True)
class Part:
    """One query of stage 1: the states to keep of the rows where `rows` holds."""

    states: tuple[str, ...]
    rows: str


class StatesOf:
    """The states of one stream on one grid, computed anew at every call of `read`."""

    def __init__(self, bank: Bank, plan: StreamPlan, grid: Grid) -> None:
        self._connection = bank.connection
        self._plan = plan
        self._placed = _Placed(plan)
        self._parts = tuple(_parts(plan, grid.first_edge))
        self._grid = grid
        self._views: dict[bool, str] = {}

    def read(self) -> list[pa.Table]:
        """One row per unit (and entity), value bucket and known bucket, in no order; a table for each part."""
        largest = self._largest()
        tables = [self._query(part, exact=False) for part in self._parts]
        if any(_may_round(table, largest) for table in tables):
            tables = [self._query(part, exact=True) for part in self._parts]
        return tables

    def close(self) -> None:
        for view in self._views.values():
            self._connection.con.execute(f'DROP VIEW "{view}"')
        self._views.clear()

    def _view(self, *, exact: bool) -> str:
        if exact not in self._views:
            rows = self._placed.rows(self._grid, exact=exact)
            self._views[exact] = self._connection.create_view(gen_name("rows"), rows).op().name
        return self._views[exact]

    def _largest(self) -> float:
        """The largest amount any row can add, looked up once where the rows lie ready; else every group tells it."""
        if not self._placed.is_prepared:
            return 0.0
        found = self._placed.largest(self._grid).to_pyarrow().to_pylist()[0].values()
        return max((value or 0.0 for value in found), default=0.0)

    def _query(self, part: Part, *, exact: bool) -> pa.Table:
        keys = [*KEYS, *(["entity_id"] if self._plan.by_entity else [])]
        wanted = [f"{sql} AS {name}" for name, sql in self._placed.aggregates(part.states, exact=exact)]
        sql = f'SELECT {", ".join(keys + wanted)} FROM "{self._view(exact=exact)}" WHERE {part.rows} GROUP BY ALL'
        return self._connection.con.sql(sql).to_arrow_table()


def _parts(plan: StreamPlan, first_edge: date | None) -> Iterator[Part]:
    """History before the first window is read for the states that need it, and for no others.

    Where a filter on days does not reach the stored rows, everything is read at once.
    """
    every = tuple(plan.states)
    history = tuple(name for name in every if name in plan.history)
    if first_edge is None or len(history) == len(every) or (history and not plan.is_by_day):
        yield Part(every, "true")
        return
    yield Part(every, f"day > DATE '{first_edge}'")
    if history:
        yield Part(history, f"day <= DATE '{first_edge}'")


def _may_round(table: pa.Table, largest: float) -> bool:
    """Whether a sum of some group may have left the numbers that float64 holds exactly."""
    rows = table["rows_of_group"].to_numpy()
    bounds = [table[name].to_numpy() for name in table.column_names if name.startswith(_BOUND)]
    return any(float(np.nanmax(rows * bound, initial=0.0)) >= EXACT_SUM for bound in [largest, *bounds])


class _Placed:
    """The columns states are made of: each value and each condition once."""

    def __init__(self, plan: StreamPlan) -> None:
        self._plan = plan
        self._columns: dict[str, ir.Value] = {}
        self._exact: dict[str, ir.Value] = {}
        self._names: dict[Any, str] = {}
        self._sure: set[str] = set()
        self._value: dict[str, str | None] = {}
        self._where: dict[str, str | None] = {}
        for name, state in plan.states.items():
            value = None if state.of is None else state.of.resolve(plan.table)
            is_added = value is not None and state.op != "count"
            self._value[name] = self._add(value, state.scale) if is_added else None
            self._where[name] = self._add(_condition(state, plan.table, value))

    def _add(self, value: ir.Value | None, scale: int | None = None) -> str | None:
        """The name of a value in whole numbers, or (without a scale) of a condition; equal ones are kept once."""
        if value is None:
            return None
        name = self._names.setdefault((value.op(), scale), f"row_{len(self._names)}")
        self._columns[name] = value if scale is None else _whole(value, scale)
        self._exact[name] = value if scale is None else _integer(value, scale)
        if value.type().is_decimal() or value.type().is_integer():
            self._sure.add(name)
        return name

    @property
    def is_prepared(self) -> bool:
        return "customer_no" in self._plan.table.columns

    def largest(self, grid: Grid) -> ir.Table:
        """One row: the largest addend of each kind among the customers of the grid."""
        states = self._plan.states
        added = {self._value[name]: states[name].op for name in states if states[name].op in ("sum", "offset_sum")}
        table = grid.among(self._plan.table)
        days = float(np.max(grid.end_offset())) if "offset_sum" in added.values() else 1.0
        values = {name: self._columns[name] for name in added if name is not None}
        rows = table.select(**{name: value.abs() * days for name, value in values.items()}) if values else table
        return rows.aggregate(**{name: rows[name].max() for name in values}, rows=rows.count().cast("float64") * 0.0)

    def rows(self, grid: Grid, *, exact: bool) -> ir.Table:
        """The placed rows: unit, buckets, offset, day, posted_on (and entity_id), values and conditions."""
        table = self._plan.table
        customer = [name for name in ("customer_no", "customer_id") if name in table.columns]
        entity = ["entity_id"] if self._plan.by_entity else []
        columns = self._exact if exact else self._columns
        placed = grid.place(table.select(*customer, *entity, "day", "posted_on", **columns))
        return placed.select(*KEYS, "offset", "day", "posted_on", *entity, *columns)

    def aggregates(self, states: tuple[str, ...], *, exact: bool) -> Iterator[tuple[str, str]]:
        """Name and SQL of every column of a query."""
        yield "rows_of_group", "count(*)"
        bounds: set[str] = set()
        for name in states:
            state, value, where = self._plan.states[name], self._value[name], self._where[name]
            yield name, _aggregate(state, value, where, exact=exact, is_sure=value in self._sure)
            if state.op == "newest":
                yield f"{name}_order", f"max({_only(where, _ORDER)})"
            if state.op in ("sum", "offset_sum") and not (exact or self.is_prepared):
                bounds.add(_addend(state, value))
        for number, addend in enumerate(sorted(bounds)):
            yield f"{_BOUND}_{number}", f"max(abs({addend}))"


_DAY = f"date_diff('day', DATE '{EPOCH}', day)"
#: Rank of a row among its entity's: by day, then by posting.
_ORDER = f"({_DAY} * 10000000 + date_diff('day', DATE '{EPOCH}', posted_on))"


def _addend(state: State, value: str | None) -> str:
    assert value is not None
    return f'{value} * "offset"' if state.op == "offset_sum" else value


def _only(where: str | None, value: str) -> str:
    return value if where is None else f"CASE WHEN {where} THEN {value} END"


def _aggregate(state: State, value: str | None, where: str | None, *, exact: bool, is_sure: bool) -> str:
    """One column. A product with the condition is faster than a choice, where no value can be nan (`is_sure`)."""
    if state.op == "count":
        return (
            "count(*)"
            if where is None
            else f"CAST(count_if({where}) AS BIGINT)"
            if exact
            else f"sum(CAST({where} AS DOUBLE))"
        )
    if state.op in ("first_day", "last_day"):
        return f"{'min' if state.op == 'first_day' else 'max'}({_only(where, _DAY)})"
    if state.op in ("sum", "offset_sum"):
        addend = _addend(state, value)
        if exact:
            return f"CAST(sum({_only(where, addend)}) AS BIGINT)"
        if where is None:
            return f"sum({addend})"
        return f"sum({addend} * CAST({where} AS DOUBLE))" if is_sure else f"sum({_only(where, addend)})"
    if state.op == "newest":
        # Of rows equal in day and posting the largest value wins, so that no order of rows can decide.
        chosen = f"first({value} ORDER BY {_ORDER} DESC, {value} DESC)"
        return chosen if where is None else f"{chosen} FILTER (WHERE {where})"
    return f"{state.op}({_only(where, str(value))})"


def _condition(state: State, table: ir.Table, value: ir.Value | None) -> ir.Value | None:
    """Which rows count; a count or the newest of a value wants it to be given."""
    where = None if state.where is None else state.where.resolve(table)
    if value is None or state.op not in ("count", "newest"):
        return where
    return value.notnull() if where is None else value.notnull() & where


def _whole(value: ir.Value, scale: int) -> ir.Value:
    """A value as a whole number of its smallest unit, in float64."""
    kind = value.type()
    if kind.is_decimal() and kind.scale is not None and 10**kind.scale > scale:
        return _integer(value, scale).cast("float64")
    number = value.cast("float64")
    return number if scale == 1 and kind.is_integer() else _nearest(number * scale, 0)


@ibis.udf.scalar.builtin(name="round")
def _nearest(number: float, digits: int) -> float:  # type: ignore[empty-body]
    """Rounded without becoming an integer, as Ibis would make it."""


def _integer(value: ir.Value, scale: int) -> ir.Value:
    return (value * scale).round().cast("int64") if scale != 1 else value.cast("int64")
