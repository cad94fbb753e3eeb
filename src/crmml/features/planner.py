"""Stage 1: each row of a stream is aggregated once, into (unit, value bucket, known bucket).

The measures of all families that read a stream share one query. Its columns
are states in whole numbers, so they add up exactly and in any order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.features.declare import Family, Months
from crmml.features.grid import EPOCH, Grid
from crmml.features.statistics import ANY_FAMILY, Latest, Measure, State


@dataclass(frozen=True)
class Asked:
    """One feature column to compute: a measure of a family over a window (None: all history)."""

    column: str
    measure: Measure
    window: Months | None
    family: Family

    @property
    def holds(self) -> tuple[str, ...] | None:
        holds = self.measure.holds
        return self.family.holds if holds == ANY_FAMILY else holds  # type: ignore[return-value]


def columns_of(family: Family) -> Iterator[Asked]:
    """The measured columns of a family, in declared order."""
    for measure in family.measures:
        windows = (family.windows if measure.windows is None else measure.windows) if measure.is_windowed else (None,)
        for window in windows:
            yield Asked(measure.column(window), measure, window, family)


@dataclass
class StreamPlan:
    """The states of one stream that its measures need; equal states are kept once."""

    table: ir.Table
    states: dict[str, State] = field(default_factory=dict)
    roles: dict[tuple[int, str], str] = field(default_factory=dict)
    by_entity: bool = False
    _names: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def add(self, measure: Measure) -> None:
        if isinstance(measure, Latest):
            self.by_entity = True
        for role, state in measure.states().items():
            key = (state.op, self._resolved(state.of), self._resolved(state.where), state.scale)
            name = self._names.setdefault(key, f"state_{len(self._names)}")
            self.states[name] = state
            self.roles[id(measure), role] = name

    def _resolved(self, expression: Any) -> Any:
        return None if expression is None else expression.resolve(self.table).op()

    def state(self, measure: Measure, role: str) -> str:
        return self.roles[id(measure), role]


def aggregate(plan: StreamPlan, grid: Grid) -> ir.Table:
    """The states of a stream: one row per unit (and entity), value bucket and known bucket."""
    rows = grid.place(plan.table)
    keys = ["unit", "value_bucket", "known_bucket"] + (["entity_id"] if plan.by_entity else [])
    return rows.group_by(keys).aggregate(**_aggregates(plan.states))


def _aggregates(states: Mapping[str, State]) -> dict[str, Any]:
    wanted = {}
    for name, state in states.items():
        wanted[name] = _aggregate(state)
        if state.op == "newest":
            wanted[f"{name}_order"] = _order().max(where=_counts(state))
    return wanted


def _aggregate(state: State) -> Any:
    where = state.where
    if state.op == "count":
        return _.count(where=_counts(state))
    if state.op in ("first_day", "last_day"):
        return _day_number().min(where=where) if state.op == "first_day" else _day_number().max(where=where)
    value = _whole(state.of, state.scale)
    if state.op == "offset_sum":
        return (value * _.offset).sum(where=where)
    if state.op == "newest":
        # Of rows equal in day and posting the largest value wins, so that no order of rows can decide.
        return value.first(where=_counts(state), order_by=[_order().desc(), value.desc()])
    return getattr(value, state.op)(where=where)


def _counts(state: State) -> Any:
    if state.of is None:
        return state.where
    return state.of.notnull() if state.where is None else state.of.notnull() & state.where


def _whole(value: Any, scale: int) -> Any:
    return (value * scale).round().cast("int64") if scale != 1 else value.cast("int64")


def _day_number() -> Any:
    return _.day.delta(ibis.literal(EPOCH), unit="day").cast("int64")


def _order() -> Any:
    """Rank of a row among its entity's: by day, then by posting."""
    posted = _.posted_on.delta(ibis.literal(EPOCH), unit="day").cast("int64")
    return _day_number() * 10_000_000 + posted


def plan_streams(tables: Mapping[str, ir.Table], asked: Sequence[Asked]) -> dict[str, StreamPlan]:
    """One plan per stream; a measure of the newest row per entity has a plan of its own."""
    plans: dict[str, StreamPlan] = {}
    for column in asked:
        name = stream_key(column)
        plans.setdefault(name, StreamPlan(tables[column.family.table])).add(column.measure)
    return plans


def stream_key(column: Asked) -> str:
    return f"{column.family.table} by entity" if isinstance(column.measure, Latest) else column.family.table
