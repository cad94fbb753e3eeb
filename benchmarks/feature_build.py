"""Every family of a whole bank at twelve cut-offs, against a bare scan of its bookings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa

from benchmarks.measure import Row, compared, take_turns
from crmml.config import load_bank
from crmml.demo_bank import generate
from crmml.features import FeatureInfo, build_features, catalogue, family_names
from crmml.periods import month_ends
from crmml.snapshots import take_snapshots
from crmml.sources.bank import Bank, open_tables
from crmml.sources.ingest import ingest

CONFIG = Path(__file__).parents[1] / "configs" / "demo"
CUTOFFS = tuple(month_ends(date(2025, 1, 31), date(2025, 12, 31)))
LEDGER_FAMILY = "contribution"
WHOLE = "features, all families"
SCAN = "scan, one GROUP BY customer"


@dataclass(frozen=True)
class Ground:
    """The bank on which everything is measured: opened tables, snapshots, sizes."""

    bank: Bank
    snapshots: ibis.Table
    bookings: int
    rows: int

    @property
    def size(self) -> str:
        return f"{self.bookings:,} bookings, {self.rows:,} snapshots of {len(CUTOFFS)} cut-offs"

    @property
    def families(self) -> list[str]:
        return [name for name in family_names() if name != LEDGER_FAMILY]

    def built(self) -> pa.Table:
        """The features of all families."""
        return build_features(self.bank, self.snapshots, self.families)

    def infos(self) -> tuple[FeatureInfo, ...]:
        return catalogue(self.bank, self.families)


def make_ground(folder: Path, *, customers: int) -> Ground:
    """A synthetic bank, checked and set down as any bank is, and its snapshots."""
    generate(folder, customers=customers)
    spec = load_bank(CONFIG)
    sources = {
        name: replace(source, path=str(folder / "source" / Path(source.path).name))
        for name, source in spec.sources.items()
    }
    spec = replace(spec, sources=sources)
    ingest(spec, folder / "tables")
    bank = open_tables(spec, folder / "tables")
    snapshots = take_snapshots(bank, CUTOFFS)
    bookings = bank.table("transactions").count().to_pyarrow().as_py()
    return Ground(bank, snapshots, bookings, snapshots.count().to_pyarrow().as_py())


def run(ground: Ground, *, rounds: int) -> list[Row]:
    """The line of the table."""
    contestants: dict[str, Callable[[], Any]] = {
        WHOLE: ground.built,
        SCAN: lambda: _scan(ground),
    }
    made = {name: contestant() for name, contestant in contestants.items()}
    times = take_turns(contestants, rounds=rounds)
    size = f"{ground.size}, {made[WHOLE].num_columns - 3} columns"
    return [compared(times, WHOLE, SCAN, size=size)]


def _scan(ground: Ground) -> pa.Table:
    """What reading the bookings once costs at least."""
    sql = (
        "SELECT customer_id, count(*), sum(amount), max(valued_on) "
        "FROM transactions JOIN account_holders USING (account_id) GROUP BY customer_id"
    )
    return ground.bank.connection.con.cursor().sql(sql).to_arrow_table()
