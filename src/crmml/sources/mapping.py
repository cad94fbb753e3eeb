"""The mapping of a bank's sources onto the canonical tables, run where only those sources can be read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from crmml.errors import ConfigError, did_you_mean
from crmml.sources.campaign_rows import add_campaign_rows
from crmml.sources.contract import CONTRACT, HISTORIES
from crmml.sources.faults import unreadable
from crmml.sources.locations import files_of
from crmml.sources.readers import attach
from crmml.sources.report import Issue
from crmml.sources.spec import BankSpec
from crmml.sources.sql import identifier

_SAFE: Mapping[str, bool] = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    # Without this a name in the SQL could read a variable of the Python program.
    "python_enable_replacements": False,
}


def map_tables(spec: BankSpec, database: Path, *, memory_limit: str, threads: int) -> list[Issue]:
    """Run every mapping of `spec` into the schema `mapped` of a new DuckDB file.

    The mapping's rows are stored as they come, so that a check can name a row.
    Returns what is wrong with the sources and the mappings.

    Raises
    ------
    ConfigError
        If a table is not canonical, a mapping is not one SELECT, or a path
        uses a variable that is not set.
    """
    for name in spec.tables:
        _require_canonical(name)
    with open_mapped(database, memory_limit=memory_limit, threads=threads) as connection:
        connection.execute("CREATE SCHEMA mapped")
        issues = _missing_tables(spec) + attach(connection, spec.sources, database.parent)
        broken = {issue.table for issue in issues}
        for name, sql in spec.tables.items():
            issues += _foresight(name, sql)
            issues += _run(connection, spec, name, sql, broken=broken)
        issues += add_campaign_rows(connection, spec)
        _drop_sources(connection)
    # Two tables that read one broken file tell the same.
    return list(dict.fromkeys(issues))


def _drop_sources(connection: duckdb.DuckDBPyConnection) -> None:
    """Free the disk of the rows that came from databases, once they are mapped."""
    for (name,) in connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'main'").fetchall():
        connection.execute(f"DROP TABLE {identifier(name)}")


def open_mapped(database: Path, *, memory_limit: str, threads: int) -> duckdb.DuckDBPyConnection:
    """The DuckDB file of the mapped tables; what does not fit into memory goes beside it."""
    config: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads, "temp_directory": str(database.parent)}
    return duckdb.connect(str(database), config={**_SAFE, **config})


def _require_canonical(name: str) -> None:
    if name not in CONTRACT:
        raise ConfigError(
            f"tables.{name} is not a canonical table; expected one of {', '.join(CONTRACT)}."
            f"{did_you_mean(name, CONTRACT)}",
            code="C002",
        )


def _missing_tables(spec: BankSpec) -> list[Issue]:
    issues = []
    if "customers" not in spec.tables:
        issues.append(_fault("D001", "customers", "no mapping; expected one under tables.customers"))
    if not any(name in spec.tables for name in HISTORIES):
        told = f"no history is mapped; expected at least one of {', '.join(HISTORIES)} under tables"
        issues.append(_fault("D001", HISTORIES[0], told))
    return issues


def _fault(code: str, table: str, told: str) -> Issue:
    return Issue("error", code, table, "", 0, f"{table}: {told}")


def _foresight(name: str, sql: str) -> list[Issue]:
    """Warn where a mapping does more than rename, cast, unpivot and filter."""
    try:
        statements = sqlglot.parse(sql, read="duckdb")
    except sqlglot.ParseError:
        told = f"{name}: its mapping could not be inspected; check that it only renames, casts, unpivots and filters"
        return [Issue("warning", "W130", name, "", 0, told)]
    # DuckDB's `UNPIVOT t ON ...` stands by itself.
    if len(statements) != 1 or not isinstance(statements[0], (exp.Query, exp.Pivot)):
        raise ConfigError(f"tables.{name} is not one SELECT; expected one, as a mapping only reads", code="C003")
    query, issues = statements[0], []
    if found := query.find(exp.AggFunc, exp.Window, exp.Group):
        told = (
            f"{name}: its mapping computes over several rows ({found.key}), so a value may know the future; "
            "rename, cast, unpivot and filter only"
        )
        issues.append(Issue("warning", "W130", name, "", 0, told))
    if query.find(exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime):
        told = f"{name}: its mapping reads the clock, so its rows differ from day to day; write the date"
        issues.append(Issue("warning", "W131", name, "", 0, told))
    return issues


def _run(
    connection: duckdb.DuckDBPyConnection, spec: BankSpec, name: str, sql: str, *, broken: set[str]
) -> list[Issue]:
    try:
        connection.execute(f"CREATE TABLE mapped.{identifier(name)} AS {sql.strip().rstrip(';')}")
    except duckdb.PermissionException:
        told = "its mapping reads what is not one of the sources; expected names under sources: only"
        return [_fault("C007", name, told)]
    except duckdb.ConversionException as error:
        return [_failed_cast(name, error) or _of_source(spec, error, name)]
    except (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException) as error:
        # A source that could not be opened has been told already; its tables follow from it.
        return [] if any(source in sql for source in broken) else [_unknown_name(spec, name, error)]
    except duckdb.Error as error:
        return [_of_source(spec, error, name)]
    return []


def _unknown_name(spec: BankSpec, name: str, error: duckdb.Error) -> Issue:
    text = str(error).split("\n\nLINE")[0]
    if isinstance(error, duckdb.ParserException):
        return _fault(
            "D003", name, f"its mapping is not SQL ({text.removeprefix('Parser Error: ')}); expected one SELECT"
        )
    table = re.search(r"Table with name (\S+) does not exist", text)
    if table:
        told = f"its mapping reads {table.group(1)}, which is no source; expected one of {', '.join(spec.sources)}."
        return _fault("D003", name, told + did_you_mean(table.group(1), spec.sources))
    return _fault("D003", name, f"its mapping fails: {' '.join(text.split())}; expected columns of the sources")


def _failed_cast(name: str, error: duckdb.Error) -> Issue | None:
    text = str(error)
    if "CSV Error" in text:
        return None
    code = "D008" if "date" in text.lower() else "D012"
    told = f"a cast in its mapping fails ({text.splitlines()[0].removeprefix('Conversion Error: ')}); "
    return _fault(code, name, told + "leave the column as it is: the contract casts it and sets bad rows aside")


def _of_source(spec: BankSpec, error: duckdb.Error, name: str) -> Issue:
    """The issue of the source whose file the error names."""
    for source in spec.sources.values():
        files = files_of(source)
        if any(path.name in str(error) or path.name.removesuffix(".gz") in str(error) for path in files):
            return unreadable(source, files, error)
    return _fault("D027", name, f"its mapping fails: {str(error).splitlines()[0]}")
