"""The columns of a choice on one grid: stage 1 per stream, stage 2 per column, then what is derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _

from crmml.features.choose import Choice
from crmml.features.declare import Breadth, Derived, Difference, Ratio, Trend
from crmml.features.grid import EPOCH, Grid
from crmml.features.kernel import Cube, CubeView
from crmml.features.planner import Asked, StreamPlan, aggregate, plan_streams, stream_key
from crmml.features.profile import read_attributes
from crmml.features.statistics import Number
from crmml.features.streams import STREAMS, account_changes, ledger_rows
from crmml.sources.bank import Bank

Columns = dict[str, np.ndarray]


class Streams:
    """The relations a choice reads and the first day each is observed, looked up once."""

    def __init__(self, bank: Bank, choice: Choice, ledger: ir.Table | None) -> None:
        self.bank = bank
        names = dict.fromkeys(asked.family.table for asked in choice.asked)
        self.tables = {name: self._table(name, ledger) for name in names}
        self.first_days = {name: self._first_day(name, ledger) for name in names}
        self.held = account_changes(bank)

    def _table(self, name: str, ledger: ir.Table | None) -> ir.Table:
        if name == "ledger":
            assert ledger is not None
            return ledger_rows(ledger)
        return STREAMS[name].build(self.bank)

    def _first_day(self, name: str, ledger: ir.Table | None) -> date | None:
        if name == "ledger":
            assert ledger is not None
            first = ledger.month_end.min().to_pyarrow().as_py()
            return None if first is None else first.replace(day=1)
        source = STREAMS[name].source(self.bank)
        declared = self.bank.spec.observed_from.get(source)
        if declared is not None or name in STATES:
            return declared
        table = self.bank.table(source)
        return self.bank.observed_from(source) if bool(table.count().to_pyarrow().as_py()) else None


#: Streams that tell of states from their beginning, however old: a first row is not a first observed day.
STATES = ("accounts", "account_terms", "loans")


def compute(streams: Streams, choice: Choice, grid: Grid, units: pa.Array) -> Columns:
    """Every column of the choice but the custom ones: arrays of shape (snapshots, units)."""
    columns: Columns = {}
    held = _held(streams, choice.asked, grid)
    plans = plan_streams(streams.tables, choice.asked)
    for key, plan in plans.items():
        cube = Cube(aggregate(plan, grid), grid)
        for asked in choice.asked:
            if stream_key(asked) == key:
                columns[asked.column] = _measured(asked, CubeView(cube, plan, asked.measure), streams, held, grid)
    months = {asked.column: asked.window.months for asked in choice.asked if asked.window and asked.measure.is_flow}
    for derived in choice.derived:
        columns[derived.name] = derive(derived, columns, months)
    if choice.attributes:
        columns |= read_attributes(streams.bank.table("customers"), choice.attributes, grid, units)
    return columns


def _measured(
    asked: Asked, view: CubeView, streams: Streams, held: Mapping[tuple[str, ...], np.ndarray], grid: Grid
) -> np.ndarray:
    values = np.broadcast_to(asked.measure.value(view, asked.window), (grid.snapshots, grid.units))
    values = values.astype(np.float64)
    if asked.holds is not None:
        values = np.where(held[asked.holds], values, np.nan)
    first = streams.first_days[asked.family.table]
    if first is not None:
        values = np.where(_is_covered(asked, grid, (first - EPOCH).days), values, np.nan)
    return values


def _is_covered(asked: Asked, grid: Grid, first_day: int) -> np.ndarray:
    """Whether all days the column speaks of were observed; for everybody alike."""
    if asked.window is None:
        return grid.cutoff_day() >= first_day
    return grid.start_day(asked.window) + 1 >= first_day


def _held(streams: Streams, asked: Iterable[Asked], grid: Grid) -> dict[tuple[str, ...], np.ndarray]:
    """Whether any account of the named product families is held, per snapshot and unit."""
    conditions = dict.fromkeys(column.holds for column in asked if column.holds is not None)
    plan = StreamPlan(streams.held)
    measures = {}
    for holds in conditions:
        where = _.family.isin(holds) if holds else None
        measures[holds] = Number("held", zh="持有", en="held", of=_.change, where=where)
        plan.add(measures[holds])
    if not measures:
        return {}
    cube = Cube(aggregate(plan, grid), grid)
    return {holds: measure.value(CubeView(cube, plan, measure), None) > 0 for holds, measure in measures.items()}


def derive(derived: Derived, columns: Mapping[str, np.ndarray], months: Mapping[str, int]) -> np.ndarray:
    """A derived column from its parts; `months` holds the window of sums and counts."""
    parts = [columns[name] for name in derived.parts]
    if isinstance(derived, Ratio):
        return _quotient(parts[0], parts[1])
    if isinstance(derived, Trend):
        recent, base = (part / months.get(name, 1) for part, name in zip(parts, derived.parts, strict=True))
        return _quotient(recent, base) - 1.0
    if isinstance(derived, Difference):
        return parts[0] - parts[1]
    assert isinstance(derived, Breadth)
    known = ~np.isnan(parts)
    above = np.where(known, parts, 0.0) > 0
    return np.where(known.any(axis=0), above.sum(axis=0), np.nan)


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return numerator / np.where(denominator > 0, denominator, np.nan)
