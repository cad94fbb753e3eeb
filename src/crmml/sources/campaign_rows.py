"""Rows that campaigns add to the bank's contact log: who was assigned to which arm, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import duckdb

from crmml.sources.report import Issue
from crmml.sources.spec import BankSpec, Source
from crmml.sources.sql import identifier, quoted

SOURCE = "crmml_campaigns"
"""The source under which the rows of frozen campaigns are read beside the bank's own."""
_KEY = ("customer_id", "product_id", "list_id")


def with_campaigns(spec: BankSpec, path: Path) -> BankSpec:
    """The bank with a Parquet file of contact rows as one more source; its digest counts as every source's does."""
    return replace(spec, sources={**spec.sources, SOURCE: Source(SOURCE, str(path), "parquet")})


def add_campaign_rows(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    """Add them to `mapped.contacts`, or make it of them.

    A row that the bank's own log has (customer, product and list id) stays the
    bank's. Rows of customers or products that the bank no longer has are left
    out and counted: the contract would refuse them.
    """
    if SOURCE not in spec.sources:
        return []
    tables = dict.fromkeys(name for (name,) in connection.execute(_MAPPED).fetchall())
    conditions = [
        f"EXISTS (SELECT 1 FROM mapped.{parent} p WHERE CAST(p.{key} AS VARCHAR) = o.{key})"
        for parent, key in (("customers", "customer_id"), ("products", "product_id"))
        if parent in tables and key in _columns(connection, parent)
    ]
    known = " AND ".join(conditions) or "true"
    source = identifier(SOURCE)
    total, here = connection.execute(
        f"SELECT count(*), count(*) FILTER (WHERE {known}) FROM {source} o"
    ).fetchone() or (0, 0)
    own = "" if "contacts" not in tables else "SELECT * FROM mapped.contacts UNION ALL BY NAME "
    fresh = ""
    if own and set(_KEY) <= set(_columns(connection, "contacts")):
        same = " AND ".join(f"CAST(c.{name} AS VARCHAR) = o.{name}" for name in _KEY)
        fresh = f" AND NOT EXISTS (SELECT 1 FROM mapped.contacts c WHERE {same})"
    connection.execute(f"CREATE TABLE mapped.contacts__all AS {own}SELECT o.* FROM {source} o WHERE {known}{fresh}")
    connection.execute("DROP TABLE IF EXISTS mapped.contacts")
    connection.execute("ALTER TABLE mapped.contacts__all RENAME TO contacts")
    if total == here:
        return []
    told = (
        f"contacts: {total - here:,} of {total:,} rows of frozen campaigns name a customer or product that the bank "
        "does not have; they are left out"
    )
    return [Issue("warning", "W150", "contacts", "customer_id", total - here, told)]


_MAPPED = "SELECT table_name FROM duckdb_tables() WHERE schema_name = 'mapped'"


def _columns(connection: duckdb.DuckDBPyConnection, table: str) -> list[str]:
    asked = f"SELECT column_name FROM duckdb_columns() WHERE schema_name = 'mapped' AND table_name = {quoted(table)}"
    return [name for (name,) in connection.execute(asked).fetchall()]
