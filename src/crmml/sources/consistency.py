"""Rules between columns, rows and tables: dates in order, keys unique, parents present, shares and currencies."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

import duckdb

from crmml.errors import mask
from crmml.sources.casting import Rule
from crmml.sources.contract import CONTRACT, TableContract
from crmml.sources.report import EXAMPLES, Issue
from crmml.sources.spec import BankSpec
from crmml.sources.sql import identifier, quoted

_UNDATED = ("gender", "region", "industry", "occupation", "income", "branch_id", "manager_id")


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
    present = {name for (name,) in connection.execute(_TABLES_PRESENT).fetchall()}
    for column, parent in contract.parents.items():
        owner, key = parent, CONTRACT[parent].key[0]
        if parent == "accounts" and "accounts" not in present:
            owner, key = "customers", "customer_id"  # then each customer has one account, of the same id
        if column in given and owner in present:
            link = _Link(contract.name, column, owner, key)
            issues += _orphans(connection, link, rows, code="D007", schema="typed")
            if spec.quarantine_tolerance > 0:
                issues += _orphans(connection, link, rows, code="D036", schema="kept")
    return issues


_TABLES_PRESENT = "SELECT view_name FROM duckdb_views() WHERE schema_name = 'kept'"


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


def table_faults(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    """Faults that only show across rows or tables."""
    present = {name for (name,) in connection.execute(_TABLES_PRESENT).fetchall()}
    issues = []
    if "accounts" in present:
        issues += _currencies(connection, spec, has_rates="rates" in present)
    if "account_holders" in present:
        issues += _shares(connection)
    if {"accounts", "account_holders"} <= present:
        issues += _unheld(connection)
    if {"accounts", "products"} <= present:
        issues += [
            issue
            for history in ("balances", "transactions")
            if history in present
            for issue in _negative_savings(connection, history)
        ]
    if "customers" in present:
        issues += _undated(connection, spec)
    if "activity" in present:
        issues += _measures(connection, spec)
    return issues


def _currencies(connection: duckdb.DuckDBPyConnection, spec: BankSpec, *, has_rates: bool) -> list[Issue]:
    rated = "SELECT key FROM kept.rates WHERE kind = 'fx'" if has_rates else "SELECT ''"
    found = connection.execute(
        f"SELECT currency, count(*) FROM kept.accounts WHERE currency <> '' AND currency <> ? "
        f"AND currency NOT IN ({rated}) GROUP BY ALL ORDER BY ALL",
        [spec.currency],
    ).fetchall()
    if not found:
        return []
    listed, count = ", ".join(name for name, _ in found), sum(n for _, n in found)
    told = (
        f"accounts: {count:,} accounts are in {listed} while the bank counts in {spec.currency}; "
        "expected a row of kind fx in rates for each, or amounts in one currency"
    )
    return [Issue("error", "D015", "accounts", "currency", count, told, tuple(name for name, _ in found[:EXAMPLES]))]


def _shares(connection: duckdb.DuckDBPyConnection) -> list[Issue]:
    found = connection.execute(
        """
        SELECT account_id FROM (
            SELECT a.account_id, a.since, sum(b.share) AS total
            FROM kept.account_holders a JOIN kept.account_holders b ON a.account_id = b.account_id
                AND coalesce(b.since, DATE '0001-01-01') <= coalesce(a.since, DATE '0001-01-01')
                AND coalesce(b.until, DATE '9999-12-31') > coalesce(a.since, DATE '0001-01-01')
            WHERE coalesce(b.role, 'owner') <> 'authorised'
            GROUP BY a."row id", a.account_id, a.since)
        WHERE total > 1.000001 GROUP BY account_id ORDER BY account_id
        """
    ).fetchall()
    if not found:
        return []
    examples = tuple(mask(value) for (value,) in found[:EXAMPLES])
    told = f"account_holders: shares of {len(found):,} accounts add up to more than 1 (first: {examples[0]}). At most 1 is expected."
    return [Issue("error", "D032", "account_holders", "share", len(found), told, examples)]


def _unheld(connection: duckdb.DuckDBPyConnection) -> list[Issue]:
    found = connection.execute(
        "SELECT account_id FROM kept.accounts WHERE account_id NOT IN (SELECT account_id FROM kept.account_holders) "
        "ORDER BY account_id"
    ).fetchall()
    if not found:
        return []
    examples = tuple(mask(account) for (account,) in found[:EXAMPLES])
    told = (
        f"accounts: {len(found):,} accounts have no row in account_holders, so they belong to nobody "
        f"(first: {examples[0]}). Where that table is mapped it alone says who holds."
    )
    return [Issue("warning", "W134", "accounts", "account_id", len(found), told, examples)]


def _negative_savings(connection: duckdb.DuckDBPyConnection, history: str) -> list[Issue]:
    found = connection.execute(
        f"""
        SELECT h.account_id, count(*) FROM kept.{history} h
        JOIN kept.accounts a USING (account_id) JOIN kept.products p ON p.product_id = a.product_id
        WHERE h.balance < 0 AND p.family IN ('savings', 'time_deposit') GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    if not found:
        return []
    count, examples = sum(n for _, n in found), tuple(mask(account) for account, _ in found[:EXAMPLES])
    told = (
        f"{history}: balance is below 0 on {count:,} rows of {len(found):,} savings or time-deposit accounts "
        f"(first: {examples[0]}). Deposits are positive, debts negative: check the sign."
    )
    return [Issue("warning", "W114", history, "balance", count, told, examples)]


def _undated(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    """Say which attributes are shown but not trained on, for want of a history."""
    counted = ", ".join(f"count({name})" for name in (*_UNDATED, "valid_from"))
    *counts, dated = connection.execute(f"SELECT {counted} FROM kept.customers").fetchall()[0]
    usable = {name.split(".")[-1] for name in spec.static} | {name.split(".")[-1] for name in spec.protected}
    names = [name for name, count in zip(_UNDATED, counts, strict=True) if count and name not in usable]
    if dated or not names:
        return []
    told = (
        f"customers: {', '.join(names)} have no dates, so they are shown and not trained on; "
        "give valid_from, or list under static: what does not change"
    )
    return [Issue("warning", "W132", "customers", names[0], len(names), told)]


def _measures(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    found: Mapping[str, int] = dict(
        connection.execute("SELECT measure, count(*) FROM kept.activity GROUP BY ALL ORDER BY ALL").fetchall()
    )
    declared = {measure.name for measure in spec.activity}
    issues = []
    if unknown := [name for name in found if name not in declared]:
        count = sum(found[name] for name in unknown)
        told = f"activity: {', '.join(unknown)} is not declared under activity:, so {count:,} rows feed nothing"
        issues.append(Issue("warning", "W133", "activity", "measure", count, told))
    if absent := sorted(declared - set(found)):
        told = f"activity: {', '.join(absent)} is declared under activity: and has no row"
        issues.append(Issue("warning", "W133", "activity", "measure", 0, told))
    return issues
