"""Features of twelve cut-offs: the project's build against a bare scan, a plain SQL join and a pandas loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import product
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
from ibis import _

from benchmarks.measure import Row, compared, take_turns
from crmml.config import load_bank
from crmml.demo_bank import generate
from crmml.features import FeatureInfo, build_features, catalogue, family_names
from crmml.features.declare import Family
from crmml.features.families.cash_flow import TURNOVER
from crmml.features.statistics import Count, Sum
from crmml.periods import month_ends, shift_months
from crmml.snapshots import take_snapshots
from crmml.sources.bank import Bank, open_tables
from crmml.sources.contract import DEPOSIT_FAMILIES
from crmml.sources.ingest import ingest
from crmml.sources.movements import customer_transactions

CONFIG = Path(__file__).parents[1] / "configs" / "demo"
CUTOFFS = tuple(month_ends(date(2025, 1, 31), date(2025, 12, 31)))
LEDGER_FAMILY = "contribution"
WHOLE = "features, all families"
SUBSET = "features, sums and counts"
WIDE = "features, sums and counts by kind"
SCAN = "scan, one GROUP BY customer"
MARKED = "scan, own transfers marked, one GROUP BY"
JOIN = "DuckDB join, filtered aggregates"
JOIN_WIDE = "DuckDB join, filtered aggregates by kind"
LOOP = "pandas loop over windows"

WINDOWS = (1, 3, 6, 12)

#: The subset: the family's sums and counts as it declares them.
SUMS_AND_COUNTS = replace(
    TURNOVER, measures=[one for one in TURNOVER.measures if isinstance(one, Sum | Count)], derived=()
)
_DEPOSIT = ", ".join(f"'{family}'" for family in DEPOSIT_FAMILIES)
_OUTSIDE = f"family IN ({_DEPOSIT}) AND NOT is_own_transfer"
#: Column: aggregate, rows in SQL, months. The same columns in plain words of SQL.
PLAIN = {
    "turnover_in": ("sum(amount)", f"{_OUTSIDE} AND amount > 0", WINDOWS),
    "turnover_out": ("sum(-amount)", f"{_OUTSIDE} AND amount < 0", WINDOWS),
    "transactions": ("count(*)", _OUTSIDE, WINDOWS),
    "inflows": ("count(*)", f"{_OUTSIDE} AND amount > 0", (3, 12)),
    "fees_paid": ("sum(-amount)", "kind = 'fee'", (3, 12)),
}
KINDS = (
    *("bill", "card_payment", "cash", "fee", "interest", "own_transfer"),
    *("repayment", "salary", "shopping", "supplier", "transfer_in", "transfer_out"),
)
#: As many columns as a model may read of one table: twelve kinds of booking, sum and number, four windows.
BY_KIND = Family(
    name="by_kind",
    table="transactions",
    concept="cash_flow",
    zh="各类交易",
    en="bookings by kind",
    needs=("transactions",),
    measures=[
        make(f"{word}_{kind}", where=_.kind == kind, zh=kind, en=kind, **more)
        for kind in KINDS
        for word, make, more in (("number", Count, {}), ("sum", Sum, {"of": _.amount, "unit": "money"}))
    ],
)
PLAIN_BY_KIND = {
    f"{word}_{kind}": (aggregate, f"kind = '{kind}'", WINDOWS)
    for kind in KINDS
    for word, aggregate in (("number", "count(*)"), ("sum", "sum(amount)"))
}
Plain = Mapping[str, tuple[str, str, tuple[int, ...]]]
KEYS = ["cutoff_date", "customer_id"]


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
    _add_windows(bank)
    bookings = bank.table("transactions").count().to_pyarrow().as_py()
    return Ground(bank, snapshots, bookings, snapshots.count().to_pyarrow().as_py())


def run(ground: Ground, *, rounds: int) -> tuple[list[Row], pa.Table]:
    """The lines of the table, and the features of all families for what is measured next."""
    contestants: dict[str, Callable[[], Any]] = {
        WHOLE: lambda: build_features(ground.bank, ground.snapshots, ground.families),
        SUBSET: lambda: build_features(ground.bank, ground.snapshots, [SUMS_AND_COUNTS]),
        WIDE: lambda: build_features(ground.bank, ground.snapshots, [BY_KIND]),
        SCAN: lambda: _scan(ground),
        MARKED: lambda: _scan_marked(ground),
        JOIN: lambda: _join(ground, PLAIN),
        JOIN_WIDE: lambda: _join(ground, PLAIN_BY_KIND),
        LOOP: lambda: _loop(ground),
    }
    made = {name: contestant() for name, contestant in contestants.items()}
    agreed = {
        (ours, other): _agreement(_frame(made[ours]), _frame(made[other]))
        for ours, other in ((SUBSET, JOIN), (SUBSET, LOOP), (WIDE, JOIN_WIDE))
    }
    times = take_turns(contestants, rounds=rounds)

    def line(ours: str, other: str, at_most: float | None = None) -> Row:
        size = f"{ground.size}, {made[ours].num_columns - 3} columns"
        goal = f"≤ {at_most:g}{', set at 10 million' if other == SCAN else ''}" if at_most else ""
        checked = agreed.get((ours, other), "")
        return compared(times, ours, other, size=size, at_most=at_most, goal=goal, checked=checked)

    rows = [
        line(WHOLE, SCAN, 8),
        line(WIDE, SCAN, 8),
        line(WIDE, MARKED),
        line(WIDE, JOIN_WIDE, 0.2),
        line(SUBSET, JOIN, 0.2),
        line(SUBSET, LOOP, 0.2),
    ]
    return rows, made[WHOLE]


def _scan(ground: Ground) -> pa.Table:
    """What reading the bookings once costs at least."""
    return _grouped(ground, "transactions JOIN account_holders USING (account_id)")


def _scan_marked(ground: Ground) -> pa.Table:
    """The same over the bookings that all features are counted on."""
    return _grouped(ground, f"({_booked(ground.bank)})")


def _grouped(ground: Ground, rows: str) -> pa.Table:
    return _query(ground, f"SELECT customer_id, count(*), sum(amount), max(valued_on) FROM {rows} GROUP BY customer_id")


def _join(ground: Ground, plain: Plain) -> pa.Table:
    """Each snapshot joined to the bookings of its year, one filtered aggregate a column."""
    wanted = ", ".join(
        f"coalesce({what} FILTER (WHERE {where} AND valued_on > start_{months}m), 0)::DOUBLE AS {name}_{months}m"
        for name, (what, where, every) in plain.items()
        for months in every
    )
    return _query(
        ground,
        f"WITH booked AS ({_booked(ground.bank)}), wanted AS ("
        f"SELECT customer_id, w.* FROM {ground.snapshots.get_name()} JOIN bench_windows w USING (cutoff_date)) "
        f"SELECT cutoff_date, w.customer_id, {wanted} FROM wanted w LEFT JOIN booked b "
        "ON b.customer_id = w.customer_id AND valued_on <= cutoff_date AND valued_on > start_12m "
        "AND posted_on <= cutoff_date GROUP BY cutoff_date, w.customer_id",
    )


def _loop(ground: Ground) -> pa.Table:
    """The bookings in memory, filtered and grouped for every cut-off, window and kind of column."""
    sql = f"SELECT customer_id, family, kind, amount::DOUBLE AS amount, is_own_transfer, valued_on, posted_on FROM ({_booked(ground.bank)})"
    rows = ground.bank.connection.con.cursor().sql(sql).df()
    outside = rows["family"].isin(DEPOSIT_FAMILIES) & ~rows["is_own_transfer"]
    kinds = {
        "turnover_in": ("sum", 1, rows[outside & (rows["amount"] > 0)]),
        "turnover_out": ("sum", -1, rows[outside & (rows["amount"] < 0)]),
        "transactions": ("count", 1, rows[outside]),
        "inflows": ("count", 1, rows[outside & (rows["amount"] > 0)]),
        "fees_paid": ("sum", -1, rows[rows["kind"] == "fee"]),
    }
    parts = []
    for cutoff, (name, (how, sign, of_kind)) in product(CUTOFFS, kinds.items()):
        last = pd.Timestamp(cutoff)
        known = of_kind[(of_kind["valued_on"] <= last) & (of_kind["posted_on"] <= last)]
        for months in PLAIN[name][2]:
            inside = known[known["valued_on"] > pd.Timestamp(shift_months(cutoff, -months))]
            values = sign * inside.groupby("customer_id")["amount"].agg(how)
            parts.append((last, f"{name}_{months}m", values))
    days = []
    for cutoff in CUTOFFS:
        last = pd.Timestamp(cutoff)
        columns = pd.DataFrame({name: values for day, name, values in parts if day == last})
        days.append(columns.rename_axis("customer_id").reset_index().assign(cutoff_date=last))
    return pa.Table.from_pandas(_on_snapshots(pd.concat(days, ignore_index=True), ground), preserve_index=False)


def _booked(bank: Bank) -> str:
    """Bookings by customer, transfers between own accounts marked: the same for all that are compared."""
    return str(ibis.to_sql(customer_transactions(bank), dialect="duckdb"))


def _add_windows(bank: Bank) -> None:
    """The first day outside each window of each cut-off, as a table of the connection."""
    starts = ", ".join(f"DATE '{{}}' AS start_{months}m" for months in WINDOWS)
    days = [(cutoff, *(shift_months(cutoff, -months) for months in WINDOWS)) for cutoff in CUTOFFS]
    rows = " UNION ALL ".join(
        f"SELECT DATE '{cutoff}' AS cutoff_date, {starts.format(*first)}" for cutoff, *first in days
    )
    bank.connection.raw_sql(f"CREATE TABLE bench_windows AS {rows}")


def _query(ground: Ground, sql: str) -> pa.Table:
    return ground.bank.connection.con.cursor().sql(sql).to_arrow_table()


def _frame(table: pa.Table) -> pd.DataFrame:
    frame = table.drop_columns([name for name in ("event_id",) if name in table.column_names]).to_pandas()
    return frame.assign(cutoff_date=pd.to_datetime(frame["cutoff_date"]).astype("datetime64[s]"))


def _on_snapshots(values: pd.DataFrame, ground: Ground) -> pd.DataFrame:
    """One row per snapshot; who booked nothing has 0."""
    keys = _frame(ground.snapshots.select(*KEYS).to_pyarrow())
    values = values.assign(cutoff_date=values["cutoff_date"].astype("datetime64[s]"))
    return keys.merge(values, on=KEYS, how="left").fillna(0.0).sort_values(KEYS, ignore_index=True)


def _agreement(built: pd.DataFrame, other: pd.DataFrame) -> str:
    """Every cell of the build against the other's, relative above 1; a failed check ends the run."""
    ours, other = (frame.sort_values(KEYS, ignore_index=True) for frame in (built, other))
    names = [name for name in ours.columns if name not in KEYS]
    if not ours[KEYS].equals(other[KEYS].astype(ours[KEYS].dtypes)) or set(names) != set(other.columns) - set(KEYS):
        raise AssertionError("the rows or columns that are compared are not the same")
    found, expected = ours[names].to_numpy(float), other[names].to_numpy(float)
    held = ~np.isnan(found)
    worst = float((np.abs(found - expected)[held] / np.maximum(1.0, np.abs(expected[held]))).max())
    if worst > 1e-9:
        raise AssertionError(f"values differ by {worst:.2g}")
    return f"{held.sum():,} values, largest difference {worst:.1g}; {1 - held.mean():.1%} null by the features' rules"
