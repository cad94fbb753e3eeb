"""The data contract, checked: every fault of every table in one report."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import duckdb

from crmml.errors import mask
from crmml.sources.bank import usual_memory
from crmml.sources.casting import EMPTY, Rule, column_faults, typed_columns, usable, value_rules
from crmml.sources.consistency import date_rules, repeated_rows, rows_without_parent
from crmml.sources.contract import CONTRACT, HISTORIES, TableContract
from crmml.sources.freshness import stale_sources
from crmml.sources.mapping import map_tables, open_mapped
from crmml.sources.plausibility import table_faults
from crmml.sources.report import EXAMPLES, CheckReport, Issue, TableCheck
from crmml.sources.spec import BankSpec
from crmml.sources.sql import identifier, quoted


def check_sources(spec: BankSpec, *, memory_limit: str | None = None, threads: int | None = None) -> CheckReport:
    """Check a bank's sources against the contract without keeping anything.

    Raises
    ------
    ConfigError
        If `bank.yaml` itself is wrong. Faults in the data are in the report.
    """
    with tempfile.TemporaryDirectory(prefix="crmml-") as scratch:
        database = Path(scratch) / "crmml_scratch.duckdb"
        workers, limit = threads or os.cpu_count() or 2, memory_limit or usual_memory()
        issues = map_tables(spec, database, memory_limit=limit, threads=workers)
        with open_mapped(database, memory_limit=limit, threads=workers) as connection:
            return check(connection, spec, found=issues)


def check(connection: duckdb.DuckDBPyConnection, spec: BankSpec, *, found: Iterable[Issue] = ()) -> CheckReport:
    """Check the tables of the schema `mapped`; leaves the good rows in `kept`, the others listed in `bad`.

    `found` are issues met before, while the sources were read.
    """
    for schema in ("typed", "bad", "kept"):
        connection.execute(f"CREATE SCHEMA {schema}")
    issues, tables = list(found), []
    for name in _parents_first(_mapped(connection)):
        contract, rows = CONTRACT[name], _count(connection, f"mapped.{identifier(name)}")
        issues += _check_table(connection, contract, spec, rows)
        tables.append(_rows_of(connection, name, rows))
    issues += table_faults(connection, spec)
    issues += stale_sources(connection, spec)
    order = {name: place for place, name in enumerate(CONTRACT)}
    tables.sort(key=lambda table: order[table.name])
    issues.sort(key=lambda issue: (issue.severity, order.get(issue.table, -1)))
    return CheckReport(spec.name, tuple(tables), tuple(issues), spec.quarantine_tolerance)


def _mapped(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mapped'").fetchall()
    return [name for name in CONTRACT if (name,) in found]


def _parents_first(names: list[str]) -> list[str]:
    """Tables in an order in which the rows a table refers to are judged before it."""
    ordered: list[str] = []
    while len(ordered) < len(names):
        waiting = [name for name in names if name not in ordered]
        ready = [name for name in waiting if not set(CONTRACT[name].parents.values()) & (set(waiting) - {name})]
        ordered += ready
    return ordered


def _check_table(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, spec: BankSpec, rows: int
) -> list[Issue]:
    given = _given(connection, contract.name)
    issues = _empty_table(contract, rows) + column_faults(contract, given) + _empty_columns(contract, given, rows)
    table = identifier(contract.name)
    columns = typed_columns(contract, given)
    connection.execute(f'CREATE VIEW typed.{table} AS SELECT m.rowid AS "row id", {columns} FROM mapped.{table} m')
    connection.execute(f'CREATE TABLE bad.{table} ("row id" BIGINT, reason VARCHAR)')
    connection.execute(
        f"CREATE VIEW kept.{table} AS SELECT * FROM typed.{table} t "
        f'WHERE NOT EXISTS (SELECT 1 FROM bad.{table} b WHERE b."row id" = t."row id")'
    )
    rules = [*value_rules(contract, given), *date_rules(contract, spec, usable(contract, given))]
    issues += apply_rules(connection, contract.name, rules, rows)
    issues += repeated_rows(connection, contract, usable(contract, given), rows)
    issues += rows_without_parent(connection, contract, spec, usable(contract, given), rows)
    return issues


def _given(connection: duckdb.DuckDBPyConnection, name: str) -> dict[str, str]:
    """Column to DuckDB type as mapped; `EMPTY` for a column without a value."""
    relation = connection.sql(f"SELECT * FROM mapped.{identifier(name)}")
    types = {column: str(kind) for column, kind in zip(relation.columns, relation.types, strict=True)}
    counted = ", ".join(f"count({identifier(column)})" for column in types)
    counts = connection.execute(f"SELECT {counted} FROM mapped.{identifier(name)}").fetchone()
    assert counts is not None
    return {column: kind if n else EMPTY for (column, kind), n in zip(types.items(), counts, strict=True)}


def _empty_table(contract: TableContract, rows: int) -> list[Issue]:
    if rows:
        return []
    is_needed = contract.name in ("customers", *HISTORIES)
    told = f"{contract.name}: the table has 0 rows; expected at least one, or no mapping for it"
    if is_needed:
        return [Issue("error", "D002", contract.name, "", 0, told)]
    return [Issue("warning", "W102", contract.name, "", 0, told)]


def _empty_columns(contract: TableContract, given: Mapping[str, str], rows: int) -> list[Issue]:
    empty = [name for name, column in contract.columns.items() if given.get(name) == EMPTY and not column.required]
    if not empty or not rows:
        return []
    told = f"{contract.name}: {', '.join(empty)} has no value on any of {rows:,} rows; it feeds no feature"
    return [Issue("warning", "W116", contract.name, empty[0], rows, told)]


def apply_rules(connection: duckdb.DuckDBPyConnection, name: str, rules: list[Rule], rows: int) -> list[Issue]:
    """Count every rule in one scan, then list the rows of those that were broken."""
    if not rules:
        return []
    table = f"typed.{identifier(name)}"
    counted = ", ".join(f"count(*) FILTER (WHERE {rule.condition})" for rule in rules)
    counts = connection.execute(f"SELECT {counted} FROM {table}").fetchone()
    assert counts is not None
    issues = []
    for rule, count in zip(rules, counts, strict=True):
        if not count:
            continue
        shown = connection.execute(
            f'SELECT "row id" + 1, CAST({rule.value} AS VARCHAR) FROM {table} WHERE {rule.condition} '
            f'ORDER BY "row id" LIMIT {EXAMPLES}'
        ).fetchall()
        if rule.severity == "error":
            connection.execute(
                f'INSERT INTO bad.{identifier(name)} SELECT "row id", {quoted(f"{rule.code} {rule.column}")} '
                f"FROM {table} WHERE {rule.condition}"
            )
        issues.append(_issue_of(name, rule, count, rows, shown))
    return issues


def _issue_of(name: str, rule: Rule, count: int, rows: int, shown: list[tuple[int, str | None]]) -> Issue:
    values = [(row, mask(value) if rule.is_id and value else value) for row, value in shown]
    examples = tuple(f"row {row:,}" if value is None else f"{value!r} in row {row:,}" for row, value in values)
    fact, _, advice = rule.told.partition("; ")
    told = f"{name}: {rule.column} {fact} on {count:,} of {rows:,} rows (first: {examples[0]})."
    told += f" {advice[0].upper()}{advice[1:]}." if advice else ""
    return Issue(
        rule.severity, rule.code, name, rule.column, count, told, examples, is_quarantined=rule.severity == "error"
    )


def _rows_of(connection: duckdb.DuckDBPyConnection, name: str, rows: int) -> TableCheck:
    found = connection.execute(
        'SELECT count(DISTINCT "row id"), count(DISTINCT "row id") FILTER (WHERE reason NOT LIKE \'W%\') '
        f"FROM bad.{identifier(name)}"
    ).fetchone()
    assert found is not None
    return TableCheck(name, rows, _count(connection, f"kept.{identifier(name)}"), *found)


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = connection.execute(f"SELECT count(*) FROM {relation}").fetchone()
    assert found is not None
    return int(found[0])
