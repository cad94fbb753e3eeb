"""The columns of a choice on one grid: stage 1 per stream, stage 2 per column, then what is derived."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import cached_property

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
from ibis import _
from ibis.util import gen_name

from crmml.features.choose import Choice
from crmml.features.declare import Breadth, Derived, Difference, Ratio, Trend
from crmml.features.grid import EPOCH, Grid
from crmml.features.kernel import Cube, CubeView
from crmml.features.planner import Asked, StreamPlan, plan_streams, stream_key
from crmml.features.profile import read_attributes
from crmml.features.states import StatesOf
from crmml.features.statistics import Number
from crmml.features.streams import STREAMS, Holdings, account_changes, ledger_rows
from crmml.features.walked import Walked
from crmml.features.walks import plan_walks, read_rows, walk
from crmml.sources.bank import Bank

Columns = dict[str, np.ndarray]


class Streams:
    """The relations a choice reads and the first day each is observed, looked up once."""

    def __init__(self, bank: Bank, choice: Choice, ledger: ir.Table | None) -> None:
        self.bank = bank
        self._holdings = holdings = Holdings(bank)
        names = dict.fromkeys(asked.family.table for asked in choice.asked)
        self.tables = {name: _relation(name, holdings, ledger) for name in names}
        self.first_days = {name: _first_day(name, bank, ledger) for name in names}

    @cached_property
    def held(self) -> ir.Table:
        """Accounts taken and given up, the condition of many features."""
        return account_changes(self._holdings)


def _relation(name: str, holdings: Holdings, ledger: ir.Table | None) -> ir.Table:
    if name != "ledger":
        return STREAMS[name].build(holdings)
    assert ledger is not None
    return ledger_rows(ledger)


def _first_day(name: str, bank: Bank, ledger: ir.Table | None) -> date | None:
    """The first day a stream is observed; None where that limits no window."""
    if name == "ledger":
        assert ledger is not None
        first = ledger.month_end.min().to_pyarrow().as_py()
        return None if first is None else first.replace(day=1)
    source = STREAMS[name].source(bank)
    declared = bank.spec.observed_from.get(source)
    if declared is not None or name in STATES:
        return declared
    return bank.observed_from(source) if bank.table(source).limit(1).to_pyarrow().num_rows else None


#: Streams whose rows each come from one stored row of the same day.
BY_DAY = ("transactions",)
#: Streams that tell of states from their beginning, however old: a first row is not a first observed day.
STATES = ("accounts", "account_terms", "loans", "maturities", "relations")


class Computation:
    """The columns of a choice on one grid, that can be computed again when the rows of the tables have changed.

    What stage 1 reads is put into words once and kept as views until `close`.
    """

    def __init__(self, streams: Streams, choice: Choice, grid: Grid, units: pa.Array) -> None:
        self.streams, self.choice, self.grid, self.units = streams, choice, grid, units
        self._added = [asked for asked in choice.asked if not isinstance(asked.measure, Walked)]
        self._plans = plan_streams(streams.tables, self._added, BY_DAY)
        self._walks = plan_walks(streams.tables, choice.asked, grid)
        self._holding, self._held_measures = _plan_holding(streams, choice.asked)
        plans = {**self._plans, **({"held": self._holding} if self._holding is not None else {})}
        self._states = {key: StatesOf(streams.bank, plan, grid) for key, plan in plans.items()}
        connection = streams.bank.connection
        self._walk_views = [connection.create_view(gen_name("rows"), plan.rows) for plan in self._walks]

    def columns(self) -> Columns:
        """Every column of the choice but the custom ones: arrays of shape (snapshots, units)."""
        columns: Columns = {}
        held = self._held()
        for key, plan in self._plans.items():
            cube = self._cube(key)
            for asked in self._added:
                if stream_key(asked) == key:
                    value = asked.measure.value(CubeView(cube, plan, asked.measure), asked.window)
                    columns[asked.column] = _shown(asked, value, self.streams, held, self.grid)
        for walked, view in zip(self._walks, self._walk_views, strict=True):
            values = walk(walked, read_rows(view.to_pyarrow()), self.grid)
            for asked in walked.asked:
                columns[asked.column] = _shown(asked, values[asked.column], self.streams, held, self.grid)
        months = {one.column: one.window.months for one in self.choice.asked if one.window and one.measure.is_flow}
        for derived in self.choice.derived:
            columns[derived.name] = derive(derived, columns, months)
        if self.choice.attributes:
            customers = self.streams.bank.table("customers")
            columns |= read_attributes(customers, self.choice.attributes, self.grid, self.units)
        return columns

    def close(self) -> None:
        for states in self._states.values():
            states.close()
        for view in self._walk_views:
            self.streams.bank.connection.con.execute(f'DROP VIEW "{view.op().name}"')
        self.grid.close()

    def _cube(self, key: str) -> Cube:
        return Cube(self._states[key].read(), self.grid)

    def _held(self) -> dict[tuple[str, ...], np.ndarray]:
        """Whether any account of the named product families is held, per snapshot and unit."""
        if self._holding is None:
            return {}
        cube, plan = self._cube("held"), self._holding
        views = {holds: CubeView(cube, plan, measure) for holds, measure in self._held_measures.items()}
        return {holds: self._held_measures[holds].value(view, None) > 0 for holds, view in views.items()}


def _plan_holding(streams: Streams, asked: Iterable[Asked]) -> tuple[StreamPlan | None, dict[tuple[str, ...], Number]]:
    """How many accounts are held, for every set of product families that is a condition."""
    conditions = dict.fromkeys(column.holds for column in asked if column.holds is not None)
    if not conditions:
        return None, {}
    plan = StreamPlan(streams.held)
    measures = {}
    for holds in conditions:
        where = _.family.isin(holds) if holds else None
        measures[holds] = Number("held", zh="持有", en="held", of=_.change, where=where)
        plan.add(measures[holds])
    return plan, measures


def _shown(
    asked: Asked, values: np.ndarray, streams: Streams, held: Mapping[tuple[str, ...], np.ndarray], grid: Grid
) -> np.ndarray:
    """The values of a column where it has a meaning, null elsewhere."""
    values = np.broadcast_to(values, (grid.snapshots, grid.units)).astype(np.float64)
    if asked.holds is not None:
        values[~held[asked.holds]] = np.nan
    first = streams.first_days[asked.family.table]
    if first is not None:
        covered = np.broadcast_to(_is_covered(asked, grid, (first - EPOCH).days), values.shape)
        if not covered.all():
            values[~covered] = np.nan
    return values


def _is_covered(asked: Asked, grid: Grid, first_day: int) -> np.ndarray:
    """Whether all days the column speaks of were observed; for everybody alike."""
    if asked.window is None:
        return grid.cutoff_day() >= first_day
    return grid.start_day(asked.window) + 1 >= first_day


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
