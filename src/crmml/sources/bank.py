"""A bank that is open: its canonical tables as relations of one connection."""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from crmml.errors import ConfigError, SourceError, did_you_mean
from crmml.files import require_manifest
from crmml.sources.contract import CONTRACT, TableContract
from crmml.sources.spec import BankSpec
from crmml.sources.sql import identifier, quoted

DEFAULT_MEMORY = "4GB"
#: What `ingest` prepares, by the name of its file.
BOOKINGS, NUMBERS = "bookings_by_customer", "customer_numbers"
PREPARED = (BOOKINGS, NUMBERS)
#: The variable that names how much memory queries may take before they use the disk, such as 2GB.
MEMORY = "CRMML_MEMORY"


@dataclass(frozen=True)
class Bank:
    """The canonical tables of one bank.

    Every table has all columns of its contract, with its types; a column that
    the bank does not hold is null throughout. `prepared` holds what `ingest`
    computed of exactly these tables (see `prepare.py`): a bank whose tables are
    replaced has none.
    """

    spec: BankSpec
    connection: Backend
    tables: Mapping[str, ir.Table] = field(repr=False)
    prepared: Mapping[str, ir.Table] = field(default_factory=dict, repr=False)

    def table(self, name: str) -> ir.Table:
        """The canonical table `name`.

        Raises
        ------
        SourceError
            If the bank has no such table.
        """
        if name not in self.tables:
            raise SourceError(
                f"{self.spec.name} has no table {name}; it has {', '.join(self.tables)}."
                f"{did_you_mean(name, self.tables)}",
                code="D001",
            )
        return self.tables[name]

    def has(self, name: str) -> bool:
        return name in self.tables

    def with_tables(self, **replaced: ir.Table) -> Bank:
        """The same bank and connection with some tables replaced or added.

        Columns are brought into canonical order and type; a contract column
        that is missing becomes null.
        """
        for name in replaced:
            if name not in CONTRACT:
                raise ValueError(f"{name!r} is not a canonical table.{did_you_mean(name, CONTRACT)}")
        changed = {name: canonical(table, CONTRACT[name]) for name, table in replaced.items()}
        return Bank(self.spec, self.connection, {**self.tables, **changed})

    def observed_until(self, table: str) -> date:
        """The last day up to which `table` is complete."""
        return self.spec.last_day(table)

    def observed_from(self, table: str) -> date:
        """The first observed day of `table`: declared, or the earliest own date in it.

        Raises
        ------
        SourceError
            If the table is absent, or empty and nothing is declared.
        """
        if table in self.spec.observed_from:
            return self.spec.observed_from[table]
        own = CONTRACT[table].date
        first = None if own is None else self.table(table)[own].min().to_pyarrow().as_py()
        if first is None:
            raise SourceError(
                f"{table} has no dated row, so its first observed day is unknown; "
                f"give observed_from: {{{table}: 2021-01-01}}",
                code="D021",
            )
        return first

    def keep(self, name: str, table: ir.Table) -> ir.Table:
        """Compute `table` once and keep it in the connection under `name`, replacing an earlier one."""
        # Ibis's own `overwrite` does not run on this DuckDB; and `table` may read the table it replaces.
        self.connection.create_table(f"{name}__new", table)
        self.connection.raw_sql(f"DROP TABLE IF EXISTS {identifier(name)}")
        self.connection.raw_sql(f"ALTER TABLE {identifier(name + '__new')} RENAME TO {identifier(name)}")
        return self.connection.table(name)

    def batches(self, table: ir.Table, *, rows: int = 100_000) -> Iterator[pa.RecordBatch]:
        """The rows of `table` in Arrow batches, without holding all of them."""
        cursor = self.connection.con.cursor()
        yield from cursor.sql(str(ibis.to_sql(table, dialect="duckdb"))).to_arrow_reader(rows)


def open_tables(
    spec: BankSpec, directory: Path, *, memory_limit: str | None = None, threads: int | None = None
) -> Bank:
    """Open the canonical Parquet files that `ingest` wrote.

    `memory_limit` (the variable CRMML_MEMORY, or 4GB, where it is not given) is
    what queries may take before they use the disk.

    Raises
    ------
    NotFoundError
        If there is no finished ingestion in `directory`.
    """
    manifest = require_manifest(Path(directory), what=f"the tables of {spec.name}", do="run `crmml run` first")
    directory = Path(directory)
    connection = connect(memory_limit=memory_limit, threads=threads, spill=directory.parent / ".spill")
    return view_tables(spec, connection, directory, manifest.files)


def view_tables(spec: BankSpec, connection: Backend, directory: Path, files: Collection[str]) -> Bank:
    """The bank whose tables are the Parquet `files` of a folder."""
    tables = _views(connection, directory, [name for name in CONTRACT if f"{name}.parquet" in files])
    prepared = _views(connection, directory, [name for name in PREPARED if f"{name}.parquet" in files])
    return Bank(spec, connection, tables, prepared)


def _views(connection: Backend, directory: Path, names: Iterable[str]) -> dict[str, ir.Table]:
    for name in names:
        path = quoted(str((directory / f"{name}.parquet").resolve()))
        connection.raw_sql(f"CREATE VIEW {identifier(name)} AS SELECT * FROM read_parquet({path})")
    return {name: connection.table(name) for name in names}


def connect(*, memory_limit: str | None = None, threads: int | None = None, spill: Path | None = None) -> Backend:
    """A DuckDB connection in memory that downloads nothing and keeps within its memory.

    What does not fit goes to the folder `spill` for as long as it is needed.
    Extensions would be fetched at run time, which fails in a closed bank.
    """
    config: dict[str, Any] = {
        "memory_limit": memory_limit or usual_memory(),
        "threads": threads or os.cpu_count() or 2,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
    }
    if spill is not None:
        config["temp_directory"] = str(spill)
    connection = duckdb.connect(":memory:", config=config)
    # In a notebook it is off, and setting it there asks for widgets.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall()[0][0]:
        connection.execute("SET enable_progress_bar = false")
    return ibis.duckdb.from_connection(connection)


def usual_memory() -> str:
    """What CRMML_MEMORY says, or 4GB.

    Raises
    ------
    ConfigError
        If it says something that is no amount of memory.
    """
    limit = os.environ.get(MEMORY) or DEFAULT_MEMORY
    if not re.fullmatch(r"\d+(\.\d+)?\s*[KMGT]i?B", limit.strip()):
        raise ConfigError(f"{MEMORY} is {limit!r}; expected an amount such as 2GB or 800MB", code="C003")
    return limit.strip()


def canonical(table: ir.Table, contract: TableContract) -> ir.Table:
    """`table` with exactly the columns of `contract`, typed, in order, `posted_on` filled.

    Raises
    ------
    ValueError
        If it has a column the contract does not know, or lacks a required one.
    """
    types = ibis_types(contract)
    for name in table.columns:
        if name not in types:
            raise ValueError(f"{contract.name} has no column {name!r}.{did_you_mean(name, types)}")
    for name in contract.required:
        if name not in table.columns:
            raise ValueError(f"{contract.name} needs a column {name!r}, got {', '.join(table.columns)}")
    given = {name: table[name].cast(kind) for name, kind in types.items() if name in table.columns}
    if "posted_on" in types:
        stamps = [given[name] for name in ("posted_on", *contract.posted_from) if name in given]
        given["posted_on"] = ibis.coalesce(*stamps) if stamps else ibis.null("date")
    return table.select(**{name: given.get(name, ibis.null(kind)) for name, kind in types.items()})


def ibis_types(contract: TableContract) -> dict[str, str]:
    """Column to Ibis type, in canonical order."""
    names = {"text": "string", "money": "decimal(18, 2)", "rate": "float64", "integer": "int64", "number": "float64"}
    return {name: names.get(column.type, column.type) for name, column in contract.columns.items()}
