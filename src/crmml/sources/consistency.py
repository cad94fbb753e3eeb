"""Rules between columns, rows and tables: dates in order, keys unique, parents present and known in time."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import NamedTuple

import duckdb

from crmml.errors import mask
from crmml.sources.casting import Rule
from crmml.sources.contract import CONTRACT, TableContract
from crmml.sources.report import EXAMPLES, Issue
from crmml.sources.spec import BankSpec
from crmml.sources.sql import identifier, quoted


def date_rules(contract: TableContract, spec: BankSpec, given: Collection[str]) -> Iterator[Rule]:
    """Dates that contradict each other, or the day up to which the source is complete."""
    own = contract.date
    if own is not None and own in given and not contract.announced:
        if "posted_on" in given:
            told = (
                f"is before {own}; the bank cannot know a row before it happens, "
                f"map GREATEST(posted_on, {own}) if these are value dates in the future"
            )
            yield Rule("D010", "posted_on", f"posted_on < {identifier(own)}", told, value="posted_on")
        last = spec.last_day(contract.name)
        told = f"is after {last}; observed_until says the source is complete up to that day only"
        late = f"{identifier(own)} > DATE {quoted(str(last))}"
        yield Rule("W109", own, late, told, value=identifier(own), severity="warning")
    if contract.name == "relations" and {"customer_id", "related_id"} <= set(given):
        told = "is the customer's own id; expected another customer"
        yield Rule("D030", "related_id", "customer_id = related_id", told, value="related_id", is_id=True)
    for first, then in contract.periods:
        if first in given and then in given:
            told = f"is before {first}; expected the same day or later"
            yield Rule("D033", then, f"{identifier(then)} < {identifier(first)}", told, value=identifier(then))


def repeated_rows(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, given: Collection[str], rows: int
) -> list[Issue]:
    """Rows whose key another row has; of these the one that sorts first by content stays."""
    key = [name for name in contract.key if name in given]
    if not key or not set(contract.required) & set(key) or (contract.name == "transactions" and len(key) < 2):
        return []
    _list_repeats(connection, contract, key)
    if contract.name == "transactions":
        return [
            *_repeats(connection, contract, key, rows, code="W105", where="is_copy"),
            *_repeats(connection, contract, key, rows, code="D006", where="NOT is_copy"),
        ]
    return _repeats(connection, contract, key, rows, code="D005", where="true")


def _list_repeats(connection: duckdb.DuckDBPyConnection, contract: TableContract, key: list[str]) -> None:
    table, names = f"kept.{identifier(contract.name)}", ", ".join(map(identifier, key))
    # A transaction without an id cannot be told from an equal one that really happened.
    with_id = "WHERE transaction_id <> ''" if contract.name == "transactions" else ""
    same = " AND ".join(f"t.{identifier(name)} IS NOT DISTINCT FROM r.{identifier(name)}" for name in key)
    content = "ROW(" + ", ".join(map(identifier, contract.columns)) + ")"
    shown = identifier(key[-1] if contract.name == "transactions" else key[0])
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE repeats AS
        WITH repeated AS (SELECT {names} FROM {table} {with_id} GROUP BY ALL HAVING count(*) > 1),
        members AS (SELECT t.* FROM {table} t JOIN repeated r ON {same}),
        placed AS (
            SELECT "row id", {shown} AS shown,
                row_number() OVER (PARTITION BY {names} ORDER BY {content}, "row id") AS place,
                row_number() OVER (PARTITION BY {names}, {content} ORDER BY "row id") AS copy
            FROM members)
        SELECT "row id", shown, copy > 1 AS is_copy FROM placed WHERE place > 1
        """
    )


def _repeats(
    connection: duckdb.DuckDBPyConnection, contract: TableContract, key: list[str], rows: int, *, code: str, where: str
) -> list[Issue]:
    found = connection.execute(f'SELECT shown FROM repeats WHERE {where} ORDER BY "row id"').fetchall()
    if not found:
        return []
    names = " with ".join(key)
    connection.execute(
        f'INSERT INTO bad.{identifier(contract.name)} SELECT "row id", {quoted(f"{code} {key[0]}")} '
        f"FROM repeats WHERE {where}"
    )
    examples = tuple(mask(value) for (value,) in found[:EXAMPLES])
    counted = f"on {len(found):,} of {rows:,} rows (first: {examples[0]})"
    told = {
        "D005": f"{names} repeats {counted}. {contract.grain} is expected.",
        "D006": f"{names} repeats with another content {counted}. One content per booking is expected.",
        "W105": f"{names} repeats with the same content {counted}. The copies are dropped.",
    }[code]
    severity = "warning" if code.startswith("W") else "error"
    message = f"{contract.name}: {told}"
    return [
        Issue(severity, code, contract.name, key[0], len(found), message, examples, is_quarantined=True)  # type: ignore[arg-type]
    ]


def rows_without_parent(
    connection: duckdb.DuckDBPyConnection,
    contract: TableContract,
    spec: BankSpec,
    given: Collection[str],
    rows: int,
) -> list[Issue]:
    """Rows that refer to a customer, account, loan … that is not there.

    Where rows may be set aside, those that refer to one of them follow it.
    """
    issues = []
    present = {name for (name,) in connection.execute(TABLES_PRESENT).fetchall()}
    for column, parent in contract.parents.items():
        owner, key = parent, CONTRACT[parent].key[0]
        if parent == "accounts" and "accounts" not in spec.tables:
            owner, key = "customers", "customer_id"  # then each customer has one account, of the same id
        if column in given and owner in present:
            link = _Link(contract.name, column, owner, key)
            issues += _orphans(connection, link, rows, code="D007", schema="typed")
            if owner == "accounts" and contract.date is not None and not contract.announced:
                issues += _known_too_early(connection, contract, rows)
            if spec.quarantine_tolerance > 0:
                issues += _orphans(connection, link, rows, code="D036", schema="kept")
    return issues


TABLES_PRESENT = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'kept'"


class _Link(NamedTuple):
    table: str
    column: str
    owner: str
    key: str


def _orphans(connection: duckdb.DuckDBPyConnection, link: _Link, rows: int, *, code: str, schema: str) -> list[Issue]:
    table, column = identifier(link.table), identifier(link.column)
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE orphans AS
        SELECT c."row id", c.{column} AS shown FROM kept.{table} c
        WHERE c.{column} IS NOT NULL AND NOT EXISTS (
            SELECT 1 FROM {schema}.{identifier(link.owner)} p WHERE p.{identifier(link.key)} = c.{column})
        """
    )
    count = int(connection.execute("SELECT count(*) FROM orphans").fetchall()[0][0])
    if not count:
        return []
    shown = connection.execute('SELECT shown FROM orphans ORDER BY "row id"').fetchmany(EXAMPLES)
    reason = quoted(f"{code} {link.column}")
    connection.execute(f'INSERT INTO bad.{table} SELECT "row id", {reason} FROM orphans')
    examples = tuple(mask(value) for (value,) in shown)
    on = f"on {count:,} of {rows:,} rows, {count / rows:.2%} (first: {examples[0]})"
    told = {
        "D007": f"is not in {link.owner} {on}. A row in {link.owner} is expected for each.",
        "D036": f"refers to a row of {link.owner} that was set aside {on}. Mend {link.owner} first.",
    }[code]
    message = f"{link.table}: {link.column} {told}"
    return [Issue("error", code, link.table, link.column, count, message, examples, is_quarantined=True)]


def _known_too_early(connection: duckdb.DuckDBPyConnection, contract: TableContract, rows: int) -> list[Issue]:
    """Rows that were posted before their account was known: at a cut-off between, they would hang in the air."""
    table, own = identifier(contract.name), identifier(str(contract.date))
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE early AS SELECT t."row id", t.account_id AS shown
        FROM kept.{table} t JOIN kept.accounts a ON a.account_id = t.account_id
        WHERE coalesce(t.posted_on, t.{own}) < coalesce(a.posted_on, a.opened_on)
        """
    )
    count = int(connection.execute("SELECT count(*) FROM early").fetchall()[0][0])
    if not count:
        return []
    shown = connection.execute('SELECT shown FROM early ORDER BY "row id"').fetchmany(EXAMPLES)
    connection.execute(f"INSERT INTO bad.{table} SELECT \"row id\", 'D037 posted_on' FROM early")
    examples = tuple(mask(account) for (account,) in shown)
    told = (
        f"{contract.name}: posted_on is before the account was opened on {count:,} of {rows:,} rows "
        f"(first: account {examples[0]}). Check accounts.opened_on, or give accounts.posted_on."
    )
    return [Issue("error", "D037", contract.name, "posted_on", count, told, examples, is_quarantined=True)]
