"""The frozen set of 102 columns at 1, 10 and 100 million bookings: against others, against a bare scan, within memory."""

from __future__ import annotations

import multiprocessing
import re
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks import frozen_others as others
from benchmarks.frozen_bank import generate, open_raw, spec_of
from benchmarks.frozen_set import CUTOFFS, FROZEN, MANY_CUTOFFS
from benchmarks.measure import Row, compared, take_turns
from crmml.features import FeatureInfo, build_features, catalogue, write_features
from crmml.files import Staged
from crmml.snapshots import take_snapshots
from crmml.sources.bank import BOOKINGS, Bank, connect, open_tables, view_tables
from crmml.sources.ingest import ingest
from crmml.sources.prepare import write_prepared

OURS = "features, frozen set"
RAW = "features, frozen set, tables as they arrive"
MANY = "features, frozen set, 36 cut-offs"
SCAN, SCAN_RAW = "scan, one GROUP BY customer", "scan of unsorted files, one GROUP BY customer"
DUCKDB, PANDAS, POLARS = (
    "DuckDB join, filtered aggregates",
    "pandas loop over windows",
    "Polars plan, filtered expressions",
)
LIMIT, RESIDENT = "2GB", 2.5


@dataclass(frozen=True)
class Ground:
    """The bank of one size: its files, its tables set down, what that cost once, and snapshots of 12 cut-offs."""

    folder: Path
    bookings: int
    bank: Bank
    snapshots: ir.Table
    once: str

    @property
    def size(self) -> str:
        return f"{self.bookings:,} bookings, {self.snapshots.count().to_pyarrow().as_py():,} snapshots, 102 columns"

    def built(self, cutoffs: Sequence[date] = CUTOFFS) -> Callable[[], pa.Table]:
        snapshots = self.snapshots if cutoffs == CUTOFFS else take_snapshots(self.bank, cutoffs)
        return lambda: build_features(self.bank, snapshots, [FROZEN])

    def infos(self) -> tuple[FeatureInfo, ...]:
        return catalogue(self.bank, [FROZEN])


def make_ground(folder: Path, *, bookings: int) -> Ground:
    """Draw the bank and set its tables down, as any bank's."""
    folder.mkdir()
    generate(folder, bookings=bookings)
    began = time.perf_counter()
    ingest(spec_of(folder), folder / "tables")
    whole = time.perf_counter() - began
    bank = open_tables(spec_of(folder), folder / "tables")
    once = f"tables checked, clustered and prepared once: {whole:.0f} s"
    return Ground(folder, bookings, bank, take_snapshots(bank, CUTOFFS), once)


def against_others(ground: Ground, *, rounds: int) -> list[Row]:
    """Values equal in every cell, nulls included, then times side by side."""
    path = ground.folder / "tables" / f"{BOOKINGS}.parquet"
    keys = ground.snapshots.select("cutoff_date", "customer_id").to_pyarrow()
    contestants: dict[str, Callable[[], Any]] = {
        OURS: ground.built(),
        DUCKDB: lambda: others.duckdb_join(path, keys),
        PANDAS: lambda: others.pandas_loop(path, keys),
        POLARS: lambda: others.polars_plan(path, keys),
    }
    ours = _ordered(contestants[OURS]())
    agreed = {name: _agreement(ours, _ordered(contestants[name]())) for name in (DUCKDB, PANDAS, POLARS)}
    times = take_turns(contestants, rounds=rounds)
    bars = {DUCKDB: 0.2, PANDAS: 0.2, POLARS: 1.0}
    return [
        compared(times, OURS, name, size=ground.size, at_most=bar, checked=agreed[name]) for name, bar in bars.items()
    ]


def against_scan(ground: Ground, *, rounds: int) -> list[Row]:
    """Clustered and prepared, as set down; as the files arrive; and three times the cut-offs."""
    raw = open_raw(ground.folder)
    raw_snapshots = take_snapshots(raw, CUTOFFS)
    contestants: dict[str, Callable[[], Any]] = {
        OURS: ground.built(),
        MANY: ground.built(MANY_CUTOFFS),
        SCAN: lambda: _scan(ground.bank),
        RAW: lambda: build_features(raw, raw_snapshots, [FROZEN]),
        SCAN_RAW: lambda: _scan(raw),
    }
    made = {name: contestant() for name, contestant in contestants.items()}
    if not made[OURS].equals(made[RAW]):
        raise AssertionError("the features of prepared and of arriving tables differ")
    times = take_turns(contestants, rounds=rounds)
    same = "equal to the last bit, prepared or not"
    return [
        compared(times, OURS, SCAN, size=ground.size, at_most=8, checked=ground.once),
        compared(times, RAW, SCAN_RAW, size=ground.size, at_most=12, checked=same),
        compared(times, MANY, OURS, size=f"{ground.bookings:,} bookings, 36 against 12 cut-offs", at_most=3),
    ]


def within_memory(folder: Path, *, bookings: int) -> list[Row]:
    """Prepared and built in processes of their own, under an engine limit; the most they held at once."""
    folder.mkdir()
    generate(folder, bookings=bookings)
    prepared, held = in_own_process(_prepare, folder)
    built, most = in_own_process(_build, folder)
    shutil.rmtree(folder)
    size = f"{bookings:,} bookings, 12 cut-offs, 102 columns, file by file"
    checked = f"prepared once in {prepared:.0f} s with {held:.2f} GB"
    goal = f"≤ {RESIDENT:g} GB under a limit of {LIMIT}"
    return [Row(OURS, "resident memory", size, f"{built:.0f} s", f"{most:.2f} GB", "", goal, most <= RESIDENT, checked)]


def in_own_process(work: Callable[..., Any], *arguments: Any) -> tuple[float, float]:
    """Seconds a piece of work took in a fresh process, and the most memory that process held, in GB."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measured, (work, arguments))


def _measured(work: Callable[..., Any], arguments: tuple[Any, ...]) -> tuple[float, float]:
    began = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - began, _most_resident()


def _most_resident() -> float:
    """The most memory this process held, in GB; what getrusage tells begins with the memory of its parent."""
    told = re.search(r"^VmHWM:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert told is not None
    return int(told[1]) / 1024**2


def _prepare(folder: Path) -> None:
    """The tables under their canonical names, then what `ingest` prepares of them."""
    tables = folder / "tables"
    tables.mkdir()
    raw = open_raw(folder, memory_limit=LIMIT)
    raw.connection.raw_sql("SET preserve_insertion_order = false")
    for name, table in raw.tables.items():
        raw.connection.to_parquet(table, tables / f"{name}.parquet", compression="zstd")
    raw.connection.disconnect()
    write_prepared(spec_of(folder), Staged(tables), memory_limit=LIMIT, threads=2)


def _build(folder: Path) -> None:
    tables, out = folder / "tables", folder / "features"
    out.mkdir()
    connection = connect(memory_limit=LIMIT, spill=folder / ".spill")
    bank = view_tables(spec_of(folder), connection, tables, [path.name for path in tables.glob("*.parquet")])
    write_features(bank, take_snapshots(bank, CUTOFFS), [FROZEN], out)


def _scan(bank: Bank) -> pa.Table:
    """What reading the bookings once costs at least: it makes no feature."""
    names = {
        name: bank.table(name).get_name() if bank.prepared else f"raw_{name}"
        for name in ("transactions", "account_holders")
    }
    sql = "SELECT customer_id, count(*), sum(amount), max(valued_on) FROM {transactions} JOIN {account_holders} USING (account_id) GROUP BY customer_id"
    return bank.connection.con.cursor().sql(sql.format(**names)).to_arrow_table()


def _ordered(made: Any) -> pd.DataFrame:
    frame = made if isinstance(made, pd.DataFrame) else made.to_pandas()
    days = pd.to_datetime(frame["cutoff_date"]).astype("datetime64[s]")
    frame = frame.drop(columns="event_id", errors="ignore").assign(
        cutoff_date=days, customer_id=frame["customer_id"].astype("str")
    )
    return frame.sort_values(others.KEYS, ignore_index=True)


def _agreement(ours: pd.DataFrame, made: pd.DataFrame) -> str:
    """Every cell against the other's, relative above 1, nulls in the same places; a failed check ends the run."""
    theirs = others.completed(made)
    names = [name for name in ours.columns if name not in others.KEYS]
    if not ours[others.KEYS].equals(theirs[others.KEYS]):
        raise AssertionError("the rows that are compared are not the same")
    found, expected = ours[names].to_numpy(float), theirs[names].to_numpy(float)
    if not np.array_equal(np.isnan(found), np.isnan(expected)):
        raise AssertionError("nulls are not in the same places")
    worst = float(np.nanmax(np.abs(found - expected) / np.maximum(1.0, np.abs(expected))))
    if worst > 1e-9:
        raise AssertionError(f"values differ by {worst:.2g}")
    return f"{found.size:,} values, the same nulls, largest difference {worst:.1g}"
