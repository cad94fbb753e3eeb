"""Workbooks for people: the door of XlsxWriter. Every text is written as a text: nothing becomes a formula or a link."""

from crmml.sheets.book import (
    CELL_CHARACTERS,
    CUT,
    SHEET_ROWS,
    Print,
    let_choose,
    open_book,
    shortened,
    write_about,
    write_rows,
)
from crmml.sheets.columns import Cell, Column, Section, about_columns

__all__ = [
    "CELL_CHARACTERS",
    "CUT",
    "SHEET_ROWS",
    "Cell",
    "Column",
    "Print",
    "Section",
    "about_columns",
    "let_choose",
    "open_book",
    "shortened",
    "write_about",
    "write_rows",
]
