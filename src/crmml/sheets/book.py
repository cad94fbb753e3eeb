"""Parts every workbook is made of: the book, its styles, a sheet of rows, a page about it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from crmml.files import staged_file
from crmml.sheets.columns import Column, Section

SHEET_ROWS = 1_048_575
CELL_CHARACTERS = 32_767
CUT = "…(已截断 cut)"
Styles = dict[str, Format]
_FONT = "Microsoft YaHei"
_INK, _PAPER, _LINE, _DETAIL, _ENTRY, _TOTAL = "#1F3864", "#FFFFFF", "#D9D9D9", "#7F8FA9", "#FFF8E1", "#EEF2F8"
_ABOUT_WIDTHS = (56, 28, 18, 18, 18)
_OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}


@dataclass(frozen=True)
class Print:
    """What stands at the edges of a printed sheet, and how many columns at its right are not printed."""

    title: str
    note: str
    name: str
    left_out: int = 0


@contextmanager
def open_book(
    path: Path, *, title: str, subject: str, created: datetime
) -> Iterator[tuple[xlsxwriter.Workbook, Styles]]:
    """A workbook and its styles, written whole or not at all; a full or missing disk is an OSError as for any file.

    `created` stands in the file instead of the clock: the same rows give the same bytes.
    """
    with staged_file(path) as staged:
        try:
            with xlsxwriter.Workbook(str(staged), _OPTIONS) as book:
                book.set_properties({"title": title, "subject": subject, "created": created})
                book.set_size(2400, 1500)
                yield book, _styles(book)
        except FileCreateError as error:
            raise error.args[0] from error


def _styles(book: xlsxwriter.Workbook) -> Styles:
    base: dict[str, Any] = {"font_name": _FONT, "font_size": 10, "valign": "vcenter"}
    cell = {**base, "bottom": 1, "bottom_color": _LINE}
    head = {**base, "bold": True, "font_color": _PAPER, "text_wrap": True, "align": "center", "border_color": _PAPER}
    label = {**cell, "num_format": "@", "text_wrap": True, "indent": 1, "align": "left"}
    right = {**cell, "align": "right", "indent": 1}
    total = {"bold": True, "bg_color": _TOTAL}
    styles: dict[str, dict[str, Any]] = {
        "count": {**cell, "num_format": "0", "align": "center"},
        "text": {**cell, "num_format": "@", "indent": 1, "align": "left"},
        "long": label,
        "share": {**right, "num_format": "0.0%"},
        "money": {**right, "num_format": "#,##0;[Red]-#,##0"},
        "date": {**cell, "num_format": "yyyy-mm-dd", "align": "center"},
        "entry": {**label, "bg_color": _ENTRY},
        "head": {**head, "bg_color": _INK, "right": 1},
        "head_detail": {**head, "bg_color": _DETAIL, "right": 1},
        "head_entry": {**head, "bg_color": "#B7791F", "right": 1},
        "head_left": {**head, "bg_color": _INK, "align": "left", "indent": 1},
        "head_right": {**head, "bg_color": _INK, "align": "right", "indent": 1},
        "title": {**base, "bold": True, "font_size": 16, "font_color": _INK},
        "section": {**base, "bold": True, "font_size": 12, "font_color": _INK},
        "label": label,
        "whole": {**right, "num_format": "#,##0"},
        "amount": {**right, "num_format": "#,##0.00"},
        "total_label": {**label, **total},
        "total_whole": {**right, **total, "num_format": "#,##0"},
        "done": {"font_color": "#8A8A8A"},
    }
    return {name: book.add_format(style) for name, style in styles.items()}


def write_rows(
    sheet: Worksheet,
    view: pd.DataFrame,
    columns: Sequence[Column],
    styles: Styles,
    *,
    money: str,
    printed: Print,
    frozen: int = 3,
) -> None:
    """Rows under their headers in both languages, one row per row of `view`; the first `frozen` columns stay in sight.

    `money` is the unit that stands in the header of an amount.
    """
    _lay_out(sheet, view, columns, frozen)
    _print_set_up(sheet, len(view), columns, printed)
    sheet.set_row(0, 44)
    for place, column in enumerate(columns):
        unit = f" ({money})" if column.kind in ("money", "amount") else ""
        sheet.write_string(0, place, f"{column.zh}\n{column.en}{unit}", styles[_head(column)])
    cells = [view[column.name].tolist() for column in columns]
    for row, values in enumerate(zip(*cells, strict=True), start=1):
        sheet.set_row(row, 15.0 * _lines(columns, values) + 3)
        for place, (column, value) in enumerate(zip(columns, values, strict=True)):
            _write(sheet, row, place, value, column.kind, styles[column.kind])


def let_choose(
    sheet: Worksheet, columns: Sequence[Column], name: str, choices: Sequence[str], styles: Styles, *, rows: int
) -> None:
    """A column in which people choose one of some words; a row whose choice is made turns grey."""
    place = next(place for place, column in enumerate(columns) if column.name == name)
    column, last = columns[place], max(rows, 1)
    sheet.data_validation(
        1, place, last, place,
        {
            "validate": "list",
            "source": list(choices),
            "error_title": f"{column.zh} {column.en}",
            "error_message": "请从下拉列表选择。Choose from the list.",
        },
    )  # fmt: skip
    filled = f"=LEN(${xlsxwriter.utility.xl_col_to_name(place)}2)>0"
    sheet.conditional_format(1, 0, last, place - 1, {"type": "formula", "criteria": filled, "format": styles["done"]})


def _head(column: Column) -> str:
    if column.kind == "entry":
        return "head_entry"
    return "head_detail" if column.is_detail else "head"


def _lay_out(sheet: Worksheet, view: pd.DataFrame, columns: Sequence[Column], frozen: int) -> None:
    details = [place for place, column in enumerate(columns) if column.is_detail]
    for place, column in enumerate(columns):
        options: dict[str, Any] = {"level": 1, "hidden": True} if column.is_detail else {}
        if details and place == max(details) + 1:
            options = {"collapsed": True}
        width = column.width if options.get("collapsed") else _column_width(column, view)
        sheet.set_column(place, place, width, None, options)
    sheet.freeze_panes(1, frozen)
    sheet.autofilter(0, 0, len(view), len(columns) - 1)
    sheet.hide_gridlines(2)


def _column_width(column: Column, view: pd.DataFrame) -> float:
    """Wide enough for the texts of the first rows, within reason."""
    if column.kind != "text":
        return column.width
    longest = max((_width(text) for text in view[column.name].head(500).dropna().astype("str")), default=0)
    return min(max(column.width, longest + 3), 34)


def _print_set_up(sheet: Worksheet, rows: int, columns: Sequence[Column], printed: Print) -> None:
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.print_area(0, 0, rows, len(columns) - 1 - printed.left_out)
    sheet.set_margins(left=0.4, right=0.4, top=0.7, bottom=0.6)
    title, note, name = (text.replace("&", "&&") for text in (printed.title, printed.note, printed.name))
    sheet.set_header(f"&L&B{title}&R{note}")
    sheet.set_footer(f"&L{name}&C内部资料,注意保密 Internal, confidential&R&P / &N")


def _write(sheet: Worksheet, row: int, place: int, value: object, kind: str, style: Format) -> None:
    if _is_blank(value):
        sheet.write_blank(row, place, None, style)
    elif kind == "date":
        sheet.write_datetime(row, place, pd.Timestamp(value).to_pydatetime(), style)  # type: ignore[arg-type]
    elif isinstance(value, str):
        sheet.write_string(row, place, shortened(value), style)
    else:
        sheet.write_number(row, place, value, style)  # type: ignore[arg-type]


def _is_blank(value: Any) -> bool:
    return value is None or value == "" or bool(pd.isna(value))


def shortened(text: str) -> str:
    """A text that fits a cell, cut visibly where it does not."""
    return text if len(text) <= CELL_CHARACTERS else text[: CELL_CHARACTERS - len(CUT)] + CUT


def _lines(columns: Sequence[Column], values: Sequence[object]) -> int:
    """Lines a row needs for its longest wrapped text."""
    wrapped = [
        ceil(_width(str(value)) / (column.width - 2))
        for column, value in zip(columns, values, strict=True)
        if column.kind == "long" and not column.is_detail and not _is_blank(value)
    ]
    return min(max([1, *wrapped]), 6)


def _width(text: str) -> int:
    """Columns a text takes, a Chinese character two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def write_about(sheet: Worksheet, title: str, blocks: Sequence[Section], styles: Styles) -> None:
    """A page of blocks under a title."""
    sheet.hide_gridlines(2)
    for place, width in enumerate(_ABOUT_WIDTHS):
        sheet.set_column(place, place, width)
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, title, styles["title"])
    row = 2
    for block in blocks:
        row = _write_section(sheet, row, block, styles) + 1
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.6, bottom=0.6)


def _write_section(sheet: Worksheet, row: int, block: Section, styles: Styles) -> int:
    last = len(_ABOUT_WIDTHS) - 1
    sheet.set_row(row, 24)
    sheet.write_string(row, 0, block.title, styles["section"])
    row += 1
    sheet.set_row(row, 15.0 * max(_about_lines(place, words, block) for place, words in enumerate(block.header)) + 5)
    for place, words in enumerate(block.header):
        style = styles["head_left" if block.kinds[place] in ("text", "wide") else "head_right"]
        _write_or_merge(sheet, row, place, last if block.kinds[place] == "wide" else place, words, style)
    for cells in block.rows:
        row += 1
        sheet.set_row(row, 15.0 * max(_about_lines(place, value, block) for place, value in enumerate(cells)) + 3)
        tone = "total_" if isinstance(cells[0], str) and cells[0].startswith("= ") else ""
        for place, (value, kind) in enumerate(zip(cells, block.kinds, strict=True)):
            style = styles[tone + _about_style(value, kind)]
            _write_or_merge(sheet, row, place, last if kind == "wide" else place, value, style)
    return row + 1


def _about_style(value: object, kind: str) -> str:
    if kind in ("text", "wide"):
        return "label"
    if kind == "share":
        return "share"
    return "amount" if isinstance(value, float) else "whole"


def _about_lines(place: int, value: object, block: Section) -> int:
    wide = block.kinds[place] == "wide"
    room = sum(_ABOUT_WIDTHS[place:]) if wide else _ABOUT_WIDTHS[place]
    return ceil(_width(str(value)) / (room - 3)) if isinstance(value, str) and value else 1


def _write_or_merge(sheet: Worksheet, row: int, first: int, last: int, value: object, style: Format) -> None:
    if last > first:
        sheet.merge_range(row, first, row, last, "", style)
    _write(sheet, row, first, value, "text", style)
