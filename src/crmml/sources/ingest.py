"""Write the canonical tables of a bank as typed, sorted Parquet."""

from __future__ import annotations

import dataclasses
import os
import shutil
import tempfile
from pathlib import Path

import duckdb

from crmml.files import Staged, digest_file, digest_of, publish
from crmml.sources.bank import usual_memory
from crmml.sources.checks import check
from crmml.sources.contract import CONTRACT, TableContract
from crmml.sources.locations import files_of, names_of
from crmml.sources.mapping import map_tables, open_mapped
from crmml.sources.prepare import write_prepared
from crmml.sources.report import CheckReport
from crmml.sources.spec import BankSpec, Source
from crmml.sources.sql import identifier, quoted
from crmml.sources.sqlite_files import state_files

KIND = "tables"
_SCRATCH = ".mapping-"


def ingest(
    spec: BankSpec, directory: Path, *, memory_limit: str | None = None, threads: int | None = None
) -> CheckReport:
    """Read, check and store a bank: `<table>.parquet`, and `quarantine/<table>.parquet` for rows set aside.

    Every table has all columns of its contract, typed, with `posted_on` filled;
    transactions, balances and activity are sorted by customer, account and
    date, all others by key. Beside them lies what every build of features reads
    (`prepare.py`). Nothing is written when the bank is refused, but
    for the bad rows themselves, in `refused/` beside `directory`.

    Raises
    ------
    ConfigError
        If `bank.yaml` is wrong.
    SourceError
        With all faults at once, if rows beyond the tolerance break the contract.
    """
    directory, memory_limit = Path(directory), memory_limit or usual_memory()
    directory.parent.mkdir(parents=True, exist_ok=True)
    refused = directory.parent / "refused"
    workers = threads or os.cpu_count() or 2
    inputs = inputs_of(spec)
    _sweep(directory.parent)
    with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f"{_SCRATCH}{os.getpid()}-") as scratch:
        database = Path(scratch) / "crmml_scratch.duckdb"
        found = map_tables(spec, database, memory_limit=memory_limit, threads=workers)
        with open_mapped(database, memory_limit=memory_limit, threads=workers) as connection:
            report = check(connection, spec, found=found)
            if report.refusals:
                _refuse(connection, report, refused, inputs)
            with publish(directory, kind=KIND, inputs=inputs, about=_about(report)) as staged:
                _write_tables(connection, report, staged)
                _write_quarantine(connection, report, staged, "quarantine/")
                write_prepared(spec, staged, memory_limit=memory_limit, threads=workers)
    shutil.rmtree(refused, ignore_errors=True)
    return report


def inputs_of(spec: BankSpec) -> dict[str, str]:
    """Digests of all that the canonical tables are made from: source files, rows of servers, mapping, contract.

    Raises
    ------
    ConfigError
        If a path uses a variable that is not set.
    BackendError
        If a server cannot be reached.
    """
    digests: dict[str, str] = {}
    for source in spec.sources.values():
        digests |= _state_of(source)
    mapping = {
        "sources": {
            name: (source.format, dict(source.options), source.table, source.query)
            for name, source in spec.sources.items()
        },
        "tables": dict(spec.tables),
        "currency": spec.currency,
        "tolerance": spec.quarantine_tolerance,
        "observed_until": dict(spec.observed_until),
        "days_off": spec.days_off,
    }
    contract = {name: dataclasses.asdict(table) for name, table in CONTRACT.items()}
    return {**digests, "mapping": digest_of(mapping), "contract": digest_of(contract)}


def _state_of(source: Source) -> dict[str, str]:
    if source.format == "postgresql":
        from crmml.sources.postgresql import state_of  # its driver is an extra, slow to load

        state = state_of(source)
        return {source.name: state} if state else {}  # the reader says why it cannot be read
    files = files_of(source)
    if source.format == "sqlite":
        files = [part for path in files for part in state_files(path)]
    names = names_of(files)
    return {
        f"{source.name}/{name}" if len(files) > 1 else source.name: digest_file(path)
        for name, path in zip(names, files, strict=True)
    }


def _sweep(parent: Path) -> None:
    """Remove the copies of the sources that killed runs left behind."""
    for left in parent.glob(f"{_SCRATCH}*"):
        try:
            os.kill(int(left.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except PermissionError:
            continue  # another user's run, alive


def _about(report: CheckReport) -> dict[str, object]:
    return {
        "tables": {
            table.name: {"rows": table.rows, "kept": table.kept, "quarantined": table.quarantined}
            for table in report.tables
        },
        "issues": [str(issue) for issue in report.issues],
        "stale": [str(issue) for issue in report.stale],
    }


def _refuse(connection: duckdb.DuckDBPyConnection, report: CheckReport, refused: Path, inputs: dict[str, str]) -> None:
    if any(table.quarantined for table in report.tables):
        with publish(refused, kind="refused", inputs=inputs, about=_about(report)) as staged:
            _write_quarantine(connection, report, staged, "")
        report = dataclasses.replace(report, quarantine=str(refused))
    report.require_clean()


def _write_tables(connection: duckdb.DuckDBPyConnection, report: CheckReport, staged: Staged) -> None:
    present = {table.name for table in report.tables}
    for table in report.tables:
        contract = CONTRACT[table.name]
        path = staged.path(f"{table.name}.parquet", rows=table.kept)
        source = f"kept.{identifier(table.name)} t"
        order = _order(contract)
        if contract.clustered and "account_id" in contract.columns:
            source += f" LEFT JOIN ({_first_owners(present)}) o ON o.owned = t.account_id"
            order = "o.owner NULLS FIRST, " + order
        columns = ", ".join(f"{_stored(contract, name)} AS {identifier(name)}" for name in contract.columns)
        connection.execute(
            f"COPY (SELECT {columns} FROM {source} ORDER BY {order}) TO {quoted(str(path))} "
            "(FORMAT parquet, COMPRESSION zstd)"
        )


def _stored(contract: TableContract, name: str) -> str:
    if name != "posted_on":
        return f"t.{identifier(name)}"
    return f"coalesce({', '.join(f't.{identifier(stamp)}' for stamp in ('posted_on', *contract.posted_from))})"


def _order(contract: TableContract) -> str:
    """All columns, the key's and the date first: equal data give equal files, however they arrived."""
    first = (contract.key or tuple(contract.columns))[:1]
    names = [*first, *([contract.date] if contract.date else []), *contract.key, *contract.columns]
    return ", ".join(f"t.{identifier(name)}" for name in dict.fromkeys(names))


def _first_owners(present: set[str]) -> str:
    """One owner an account, by whom its rows are stored together."""
    if "account_holders" in present:
        return (
            "SELECT account_id AS owned, min_by(customer_id, (coalesce(role, 'owner') <> 'owner', "
            "coalesce(since, DATE '0001-01-01'), customer_id)) AS owner FROM kept.account_holders GROUP BY account_id"
        )
    if "accounts" in present:
        return "SELECT account_id AS owned, customer_id AS owner FROM kept.accounts"
    return "SELECT DISTINCT customer_id AS owned, customer_id AS owner FROM kept.customers"


def _write_quarantine(connection: duckdb.DuckDBPyConnection, report: CheckReport, staged: Staged, prefix: str) -> None:
    """The rows set aside, as text, as they came, with the reasons."""
    for table in report.tables:
        if table.quarantined:
            name = identifier(table.name)
            path = staged.path(f"{prefix}{table.name}.parquet", rows=table.quarantined)
            connection.execute(
                f"""
                COPY (SELECT m.rowid + 1 AS quarantine_row, r.quarantine_reason, CAST(COLUMNS(m.*) AS VARCHAR)
                FROM mapped.{name} m JOIN (
                    SELECT "row id", string_agg(DISTINCT reason, '; ' ORDER BY reason) AS quarantine_reason
                    FROM bad.{name} GROUP BY ALL) r ON r."row id" = m.rowid
                ORDER BY m.rowid) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)
                """
            )
