"""Reading what people send back: workbooks and CSV files, every cell as text.

openpyxl's door. A number where text is expected keeps a mark, because an id
that became a number has lost its zeros.
"""

from __future__ import annotations

import csv
import io
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

from crmml.errors import SourceError

ENCODINGS = ("utf-8-sig", "gb18030")
_ZIP, _OLD_EXCEL, _UTF_16 = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", (b"\xff\xfe", b"\xfe\xff")


class Cell(NamedTuple):
    """A cell's text, and whether the file holds a number there."""

    text: str
    is_number: bool = False


class Sheet(NamedTuple):
    """A sheet's (or file's) name, its header, and its rows with their numbers in the file."""

    name: str
    header: list[str]
    rows: list[tuple[int, list[Cell]]]


def read_sheets(path: Path) -> list[Sheet]:
    """The sheets of a workbook, or the one table of a text file (UTF-8, GB18030, or Excel's Unicode text; comma,
    semicolon or tab). A workbook is known by its first bytes, whatever its name ends in.

    Raises
    ------
    SourceError
        D027 if the file is none of these.
    """
    data = _bytes(path)
    if data.startswith(_OLD_EXCEL):
        raise SourceError(
            f"{path.name} is a workbook of Excel 97-2003, or one with a password; open it and save it as .xlsx without one",
            code="D027",
        )
    if data.startswith(_ZIP) or path.suffix.lower() in (".xlsx", ".xlsm"):
        return list(_workbook(path, data))
    return [_table(path, data)]


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SourceError(f"{path} cannot be read ({error.strerror}); expected a file", code="D027") from error


def _workbook(path: Path, data: bytes) -> Iterator[Sheet]:
    import openpyxl  # slow to load, and only this verb reads workbooks
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with warnings.catch_warnings():
            # It says which decorations of Excel it does not know; only cells are read here.
            warnings.simplefilter("ignore", UserWarning)
            book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise SourceError(
            f"{path.name} is not a readable workbook ({error}); expected .xlsx as it was sent out", code="D027"
        ) from error
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            lines = list(sheet.iter_rows(values_only=True))
            cells = [[_cell(value) for value in line] for line in lines]
            header = [cell.text for cell in cells[0]] if cells else []
            yield Sheet(sheet.title, header, list(enumerate(cells[1:], start=2)))
    finally:
        book.close()


def _cell(value: object) -> Cell:
    if value is None:
        return Cell("")
    if isinstance(value, bool):
        return Cell("true" if value else "false")
    if isinstance(value, datetime):
        return Cell(value.date().isoformat())
    if isinstance(value, date):
        return Cell(value.isoformat())
    if isinstance(value, int | float):
        is_whole = isinstance(value, int) or value.is_integer()
        return Cell(str(int(value)) if is_whole else repr(value), True)
    return Cell(str(value).strip())


def _table(path: Path, data: bytes) -> Sheet:
    text = _decoded(path, data)
    first = text.split("\n", 1)[0]
    mark = max(",;\t", key=first.count)
    lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=mark))
    header = [name.strip() for name in lines[0]] if lines else []
    rows = [(number, [Cell(value.strip()) for value in line]) for number, line in enumerate(lines[1:], start=2)]
    return Sheet(path.name, header, rows)


def _decoded(path: Path, data: bytes) -> str:
    for encoding in ("utf-16", *ENCODINGS) if data.startswith(_UTF_16) else ENCODINGS:
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise SourceError(
        f"{path.name} is neither UTF-8 nor GBK text; save it as CSV UTF-8, or send the workbook", code="D027"
    )
