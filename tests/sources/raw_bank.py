"""A bank of raw CSV files for tests: clean as it stands, to be spoilt one fault at a time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from crmml.sources.spec import BankSpec, Source
from tests.tables import spec

Rows = list[list[str]]


def clean() -> dict[str, Rows]:
    """Twenty customers, an account each, ten bookings an account; the first line of each table names columns."""
    people = [[f"C{n:03}", "person", "2020-01-01"] for n in range(20)]
    held = [[f"A{n:03}", f"C{n:03}", "p1", "2020-02-01", "CNY"] for n in range(20)]
    booked = [
        [f"A{n:03}", f"2025-{month:02}-15", f"2025-{month:02}-16", f"{100 * n + month}.50", f"T{n:03}{month:02}"]
        for n in range(20)
        for month in range(1, 11)
    ]
    return {
        "customers": [["customer_id", "kind", "joined_on"], *people],
        "accounts": [["account_id", "customer_id", "product_id", "opened_on", "currency"], *held],
        "products": [["product_id", "family"], ["p1", "savings"]],
        "transactions": [["account_id", "valued_on", "posted_on", "amount", "transaction_id"], *booked],
    }


def write(folder: Path, tables: Mapping[str, Rows]) -> None:
    for name, rows in tables.items():
        text = "".join(",".join(row) + "\n" for row in rows)
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")


def raw_spec(folder: Path, names: list[str], **changed: Any) -> BankSpec:
    """A spec that takes each table as its file gives it."""
    given: dict[str, Any] = {
        "sources": {f"raw_{name}": Source(f"raw_{name}", str(folder / f"{name}.csv"), "csv") for name in names},
        "tables": {name: f"SELECT * FROM raw_{name}" for name in names},
        "observed_until": {"default": date(2025, 12, 31)},
    }
    return spec(**{**given, **changed})


def spoilt(folder: Path, tables: Mapping[str, Rows], **changed: Any) -> BankSpec:
    write(folder, tables)
    return raw_spec(folder, list(tables), **changed)
