"""Small tables for tests, written as text."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import ibis
import pandas as pd
import pyarrow as pa

from crmml.sources.bank import Bank, canonical, connect
from crmml.sources.contract import CONTRACT, Column
from crmml.sources.spec import BankSpec

_NULL = {"-", "null"}
_BY_NAME: dict[str, Column] = {
    name: column for contract in reversed(CONTRACT.values()) for name, column in contract.columns.items()
}


def table(text: str) -> pd.DataFrame:
    """A frame from blank-separated lines: names first; `-` is null.

    Columns ending in `_on`, `_date`, `_end` or `_from` and columns that the
    contract knows as dates become dates, numbers become numbers, ids and all
    other text stay text.
    """
    names, *rows = (line.split() for line in text.strip().splitlines() if line.strip())
    columns = zip(*rows, strict=True) if rows else [()] * len(names)
    return pd.DataFrame({name: _column(name, list(cells)) for name, cells in zip(names, columns, strict=True)})


def _column(name: str, cells: list[str]) -> pd.Series:
    known = [None if cell in _NULL else cell for cell in cells]
    kind = _BY_NAME[name].type if name in _BY_NAME else None
    if kind == "date" or name.endswith(("_on", "_date", "_end")):
        return pd.Series([cell and date.fromisoformat(cell) for cell in known], dtype=object)
    if kind == "boolean":
        return pd.Series([cell and cell.lower() in ("true", "1", "yes") for cell in known], dtype=object)
    if kind == "text" or name.endswith("_id"):
        return pd.Series(known, dtype="str")
    try:
        return pd.Series([None if cell is None else float(cell) for cell in known], dtype="float64")
    except ValueError:
        return pd.Series(known, dtype="str")


def spec(**changed: Any) -> BankSpec:
    """A bank's spec for tests; any field can be given."""
    given: dict[str, Any] = {
        "name": "test",
        "title_zh": "测试银行",
        "title_en": "Test Bank",
        "folder": Path("configs/test"),
        "sources": {},
        "tables": {},
        "observed_until": {"default": date(2025, 12, 31)},
    }
    return BankSpec(**{**given, **changed})


def bank(*, overrides: dict[str, Any] | None = None, **tables: pd.DataFrame | pa.Table | str) -> Bank:
    """A bank in memory from text, frames or Arrow tables by canonical name.

    `overrides` are fields of its spec. A contract column left out is null;
    `posted_on` is the row's own date where it is not given.
    """
    connection = connect(memory_limit="1GB", threads=1)
    views = {}
    for name, content in tables.items():
        arrow = _arrow(table(content) if isinstance(content, str) else content)
        connection.con.register(f"given_{name}", arrow)
        connection.raw_sql(f"CREATE TABLE {name} AS SELECT * FROM given_{name}")
        connection.con.unregister(f"given_{name}")
        connection.create_table(f"{name}_typed", canonical(connection.table(name), CONTRACT[name]))
        views[name] = connection.table(f"{name}_typed")
    return Bank(spec(**(overrides or {})), connection, views)


def rows(relation: ibis.Table | pa.Table, *columns: str) -> list[tuple[Any, ...]]:
    """The rows as sorted tuples of plain values: decimals and whole floats as numbers, nulls last."""
    arrow = relation if isinstance(relation, pa.Table) else relation.to_pyarrow()
    if columns:
        arrow = arrow.select(list(columns))
    plain = [tuple(_plain(value) for value in row.values()) for row in arrow.to_pylist()]
    return sorted(plain, key=lambda row: [(value is None, str(type(value)), value or 0) for value in row])


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        value = float(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _arrow(content: pd.DataFrame | pa.Table) -> pa.Table:
    if isinstance(content, pa.Table):
        return content
    arrow = pa.Table.from_pandas(content, preserve_index=False)
    # A column of nulls alone has no type; text casts to every type of the contract.
    fields = [field.with_type(pa.string()) if pa.types.is_null(field.type) else field for field in arrow.schema]
    return arrow.cast(pa.schema(fields))
