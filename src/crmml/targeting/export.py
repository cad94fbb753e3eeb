"""A finished list as files: Parquet and CSV for machines, CSV for people.

A file for people opens in a spreadsheet by double-click: UTF-8 with a byte-order
mark, CRLF, ids that keep their digits, and no cell that a spreadsheet could run.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml.files import staged_file, write_atomic
from crmml.sheets import SHEET_ROWS
from crmml.targeting.build import TargetList
from crmml.targeting.columns import PEOPLE, people_view
from crmml.targeting.parts import part_paths, remove_later_parts, split

DATES = ("last_contacted_on", "cutoff_date", "suppress_as_of", "call_by")
MARK = "\ufeff"
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def to_arrow(table: pd.DataFrame) -> pa.Table:
    """The list as an Arrow table: ids and words as text, dates as date32, money and shares as double."""
    arrow = pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(None)
    fields = [_field(field) for field in arrow.schema]
    return arrow.cast(pa.schema(fields))


def write_parquet(targets: TargetList, path: Path) -> int:
    """Write every row, control rows too, whole or not at all; the number of rows."""
    with staged_file(path) as staged:
        pq.write_table(to_arrow(targets.table), staged)
    return len(targets.table)


def write_csv(targets: TargetList, path: Path) -> int:
    """Write every row for machines (UTF-8, LF, ISO dates, texts as they are); the number of rows."""
    write_atomic(path, targets.table.to_csv(index=False, lineterminator="\n", date_format="%Y-%m-%d"))
    return len(targets.table)


def write_people_csv(targets: TargetList, path: Path, *, language: Literal["zh", "en"] = "zh") -> int:
    """Write the rows to contact for people; the number of rows."""
    write_atomic(path, people_csv(people_view(targets.table, language=language)))
    return targets.rows


def write_people_csvs(
    targets: TargetList, path: Path, *, language: Literal["zh", "en"] = "zh", book_rows: int = SHEET_ROWS
) -> list[Path]:
    """As `write_people_csv`, more rows than a spreadsheet opens in files numbered from 2; the files written."""
    view = people_view(targets.table, language=language)
    parts = split(view, book_rows)
    for part, place in zip(parts, part_paths(path, len(parts)), strict=True):
        write_atomic(place, people_csv(part))
    remove_later_parts(path, len(parts))
    return part_paths(path, len(parts))


def people_csv(view: pd.DataFrame) -> str:
    """The text of a CSV for people, of the columns of `columns.PEOPLE`."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([f"{column.zh} {column.en}" for column in PEOPLE])
    printed = [_printed(view[column.name], column.kind) for column in PEOPLE]
    writer.writerows(zip(*printed, strict=True))
    return MARK + text.getvalue()


def escaped(text: str) -> str:
    """A text that no spreadsheet takes for a formula: a quote before a dangerous first character.

    >>> escaped("=1+1"), escaped("陈*")
    ("'=1+1", '陈*')
    """
    return "'" + text if text.startswith(_DANGEROUS) else text


def _printed(values: pd.Series, kind: str) -> list[str]:
    if kind == "date":
        return ["" if pd.isna(value) else f"{value:%Y-%m-%d}" for value in values]
    if kind == "share":
        return ["" if pd.isna(value) else f"{value:.4f}" for value in values]
    if kind in ("money", "amount"):
        return ["" if pd.isna(value) else f"{value:.2f}" for value in values]
    if kind == "count":
        return [str(value) for value in values]
    return ["" if pd.isna(value) else _text(str(value)) for value in values]


def _text(value: str) -> str:
    # A spreadsheet reads an id of digits as a number and loses zeros and the 16th digit on; a tab after it keeps it text.
    return value + "\t" if value.isdecimal() else escaped(value)


def _field(field: pa.Field) -> pa.Field:
    if field.name in DATES:
        return pa.field(field.name, pa.date32())
    return pa.field(field.name, pa.string()) if pa.types.is_large_string(field.type) else field
