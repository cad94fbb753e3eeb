"""Outcome files as they come back: which column is which, whoever named it, and the filled rows as text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml.campaigns.statuses import plain
from crmml.errors import SourceError
from crmml.sheets.reading import Cell, Sheet, read_sheets
from crmml.targeting.columns import PEOPLE

FIELDS = ("customer_id", "offer", "list_id", "status", "contacted_on", "taken", "taken_on", "channel", "note")
"""What an outcome row may hold; the first three say whose it is, the next four what happened."""
TOLD = ("status", "contacted_on", "taken", "taken_on")
_OTHERS = {
    "contacted_on": ("联系日期", "contacted on", "contact date"),
    "taken": ("是否办理", "taken", "took the offer"),
    "taken_on": ("办理日期", "taken on"),
}


def _headers() -> dict[str, str]:
    """Header, as it is compared, to field."""
    found = {name: name for name in FIELDS}
    fields = {
        "customer_id": "customer_id",
        "product": "offer",
        "list_id": "list_id",
        "status": "status",
        "note": "note",
    }
    fields |= {"contacted_on": "contacted_on"}
    for column in PEOPLE:
        if column.name in fields:
            for word in (column.name, column.zh, column.en, f"{column.zh} {column.en}"):
                found[plain(word)] = fields[column.name]
    for field, words in _OTHERS.items():
        found |= {plain(word): field for word in (*words, f"{words[0]} {words[1]}")}
    found["product_id"] = "offer"
    return found


HEADERS = _headers()


def read_returned(path: Path) -> pd.DataFrame:
    """The rows of one file on which something was entered.

    Returns
    -------
    DataFrame
        The columns of `FIELDS` as text (empty where nothing stands), `is_number`
        (the file holds the id as a number) and `row` (where it stands in the file).

    Raises
    ------
    SourceError
        D041 if a column is missing, naming every one; D027 if the file cannot be read.
    """
    sheets = [_parquet(path)] if path.suffix.lower() == ".parquet" else read_sheets(path)
    tables = [sheet for sheet in sheets if _fields(sheet.header)]
    _require_columns(path, sheets, tables)
    parts = [_rows(sheet, several=len(tables) > 1) for sheet in tables]
    frame = pd.concat(parts, ignore_index=True)
    is_told = (frame[list(TOLD)] != "").any(axis=1)
    return frame[is_told].reset_index(drop=True)


def _require_columns(path: Path, sheets: Sequence[Sheet], tables: Sequence[Sheet]) -> None:
    wanted = {"customer_id": "客户号 Customer", "offer": "产品代码 Offer code", "list_id": "名单编号 List id"}
    faults = [] if tables else [_no_table(sheets)]
    for sheet in tables:
        present = _fields(sheet.header)
        lacking = [words for field, words in wanted.items() if field not in present]
        if not {"status", "taken", "taken_on"} & set(present):
            lacking.append("联系结果 Status (or taken, taken_on)")
        where = f" of sheet {sheet.name}" if len(tables) > 1 else ""
        faults += [f"the column {words}{where} is missing" for words in lacking]
        twice = sorted({field for field in present if present.count(field) > 1})
        faults += [f"the column {field}{where} is there twice" for field in twice]
    if faults:
        raise SourceError(
            f"{path.name}: {'; '.join(faults)}. Nothing of this file was taken in; put the columns back as they were sent "
            "out (copy the entries into the original workbook) and run again",
            code="D041",
        )


def _no_table(sheets: Sequence[Sheet]) -> str:
    """What stands in the first row of each sheet instead of the list's headers."""
    found = "; ".join(f"{sheet.name} begins with {_first(sheet)}" for sheet in sheets[:4])
    return f"no sheet has the list's headers (客户号 Customer, 产品代码 Offer code, 名单编号 List id) in its first row: {found}"


def _first(sheet: Sheet) -> str:
    return ", ".join(" ".join(name.split()) for name in sheet.header if name)[:60] or "nothing"


def _fields(header: Sequence[str]) -> list[str]:
    """The fields of a header, in its order; a sheet that names none of the keys is about something else."""
    found = [field for name in header if (field := _field(name))]
    return found if {"customer_id", "list_id", "offer"} & set(found) else []


def _field(name: str) -> str | None:
    # 金额 columns carry their unit in brackets; none of the fields does, but an edited header may.
    return HEADERS.get(plain(re.sub(r"[(（].*[)）]", "", name.lstrip("\ufeff"))))


def _rows(sheet: Sheet, *, several: bool) -> pd.DataFrame:
    places = {field: place for place, name in enumerate(sheet.header) if (field := _field(name))}
    prefix = f"{sheet.name} " if several else ""
    blank = Cell("")
    records = []
    for number, cells in sheet.rows:
        held = {field: cells[place] if place < len(cells) else blank for field, place in places.items()}
        record: dict[str, object] = {field: _text(held.get(field, blank).text) for field in FIELDS}
        record["is_number"] = held.get("customer_id", blank).is_number
        records.append({**record, "row": f"{prefix}{number}"})
    columns = [*FIELDS, "is_number", "row"]
    return pd.DataFrame(records, columns=columns).astype(dict.fromkeys((*FIELDS, "row"), "str"))


def _text(text: str) -> str:
    # A CSV for people writes a quote before what a spreadsheet would run, and a tab after an id of digits.
    return text.strip().removeprefix("'").strip()


def _parquet(path: Path) -> Sheet:
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise SourceError(f"{path.name} is not a readable Parquet file ({error}); expected one", code="D027") from error
    numeric = [pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in table.schema]
    columns = [column.to_pylist() for column in table.columns]
    rows = [
        (number, [_cell(value, is_number) for value, is_number in zip(values, numeric, strict=True)])
        for number, values in enumerate(zip(*columns, strict=True), start=1)
    ]
    return Sheet(path.name, table.column_names, rows)


def _cell(value: object, is_number: bool) -> Cell:
    if value is None or value != value:
        return Cell("")
    if isinstance(value, bool):
        return Cell("true" if value else "false")
    if isinstance(value, float) and value.is_integer():
        return Cell(str(int(value)), True)
    return Cell(str(value)[:10] if hasattr(value, "isoformat") else str(value).strip(), is_number)
