"""Faults that only show across rows or tables: currencies, shares, signs, what is declared and not there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import duckdb

from crmml.errors import mask
from crmml.sources.circles import branches_in_circles, owners_in_circles
from crmml.sources.consistency import TABLES_PRESENT
from crmml.sources.rate_series import rate_faults
from crmml.sources.report import EXAMPLES, Issue
from crmml.sources.spec import BankSpec

_UNDATED = ("gender", "region", "industry", "occupation", "income", "branch_id", "manager_id")


def table_faults(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    """Faults that only show across rows or tables."""
    present = {name for (name,) in connection.execute(TABLES_PRESENT).fetchall()}
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
        issues += _never_seen(connection, present)
    if "branches" in present:
        issues += branches_in_circles(connection)
    if "relations" in present:
        issues += owners_in_circles(connection)
    if "rates" in present:
        issues += rate_faults(connection, spec)
    if "activity" in present:
        issues += _measures(connection, spec)
    return issues


def _currencies(connection: duckdb.DuckDBPyConnection, spec: BankSpec, *, has_rates: bool) -> list[Issue]:
    """Foreign accounts: refused without a rate of exchange; with one, told that features do not use it."""
    rated = "SELECT key FROM kept.rates WHERE kind = 'fx'" if has_rates else "SELECT ''"
    found = connection.execute(
        f"SELECT currency, count(*), currency IN ({rated}) FROM kept.accounts WHERE currency <> '' AND currency <> ? "
        "GROUP BY ALL ORDER BY ALL",
        [spec.currency],
    ).fetchall()
    issues = []
    if unrated := [(name, count) for name, count, is_rated in found if not is_rated]:
        told = (
            f"accounts: {_counted(unrated)} while the bank counts in {spec.currency}; "
            "expected a row of kind fx in rates for each, or amounts in one currency"
        )
        issues.append(_currency_issue("error", "D015", unrated, told))
    if rated_ones := [(name, count) for name, count, is_rated in found if is_rated]:
        told = (
            f"accounts: {_counted(rated_ones)}; the ledger converts them by rates, features add their amounts as they "
            f"stand. Where features should mean {spec.currency}, convert amounts in the mapping of the histories"
        )
        issues.append(_currency_issue("warning", "W144", rated_ones, told))
    return issues


def _counted(found: list[tuple[str, int]]) -> str:
    return f"{sum(count for _, count in found):,} accounts are in {', '.join(name for name, _ in found)}"


def _currency_issue(level: Literal["error", "warning"], code: str, found: list[tuple[str, int]], told: str) -> Issue:
    count, examples = sum(count for _, count in found), tuple(name for name, _ in found[:EXAMPLES])
    return Issue(level, code, "accounts", "currency", count, told, examples)


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


def _never_seen(connection: duckdb.DuckDBPyConnection, present: set[str]) -> list[Issue]:
    """Customers of whom nothing says since when they are customers: no cut-off can observe them."""
    known = {
        "accounts": "SELECT customer_id FROM kept.accounts",
        "account_holders": "SELECT customer_id FROM kept.account_holders",
        "activity": "SELECT customer_id FROM kept.activity",
    }
    known |= {
        name: f"SELECT account_id FROM kept.{name}"
        for name in ("transactions", "balances")
        if "accounts" not in present  # then each customer has one account, of the same id
    }
    seen = " UNION ".join(query for name, query in known.items() if name in present) or "SELECT NULL WHERE false"
    found = connection.execute(
        "SELECT customer_id FROM kept.customers GROUP BY ALL HAVING count(joined_on) = 0 "
        f"AND customer_id NOT IN (SELECT * FROM ({seen}) s(id) WHERE id IS NOT NULL) ORDER BY ALL"
    ).fetchall()
    if not found:
        return []
    examples = tuple(mask(customer) for (customer,) in found[:EXAMPLES])
    told = (
        f"customers: {len(found):,} customers have neither joined_on nor an account or row of history, so no cut-off "
        f"observes them and none is scored (first: {examples[0]}). Map joined_on"
    )
    return [Issue("warning", "W138", "customers", "joined_on", len(found), told, examples)]


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
