"""What is asked of each stream: its columns, and the states they need.

Each row of a stream is aggregated once, into (unit, value bucket, known bucket).
The measures of all families that read a stream share one query (`states.py`).
Its columns are states in whole numbers, so they add up exactly and in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir

from crmml.features.declare import Family, Months
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
    """The states of one stream that its measures need; equal states are kept once.

    `history` names those that need the rows before the first window too;
    `is_by_day` says that a filter on days spares reading the other rows.
    """

    table: ir.Table
    is_by_day: bool = False
    states: dict[str, State] = field(default_factory=dict)
    history: set[str] = field(default_factory=set)
    roles: dict[tuple[int, str], str] = field(default_factory=dict)
    by_entity: bool = False
    _names: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def add(self, measure: Measure, window: Months | None = None) -> None:
        if isinstance(measure, Latest):
            self.by_entity = True
        for role, state in measure.states().items():
            key = (state.op, self._resolved(state.of), self._resolved(state.where), state.scale)
            name = self._names.setdefault(key, f"state_{len(self._names)}")
            self.states[name] = state
            self.roles[id(measure), role] = name
            if window is None or measure.needs_history:
                self.history.add(name)

    def _resolved(self, expression: Any) -> Any:
        return None if expression is None else expression.resolve(self.table).op()

    def state(self, measure: Measure, role: str) -> str:
        return self.roles[id(measure), role]


def plan_streams(
    tables: Mapping[str, ir.Table], asked: Sequence[Asked], by_day: Collection[str] = ()
) -> dict[str, StreamPlan]:
    """One plan per stream; a measure of the newest row per entity has a plan of its own."""
    plans: dict[str, StreamPlan] = {}
    for column in asked:
        table = column.family.table
        plan = plans.setdefault(stream_key(column), StreamPlan(tables[table], is_by_day=table in by_day))
        plan.add(column.measure, column.window)
    return plans


def stream_key(column: Asked) -> str:
    return f"{column.family.table} by entity" if isinstance(column.measure, Latest) else column.family.table
