"""What a sheet is made of: its columns as people see them, and blocks of words and figures about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Cell = str | float | int | None


@dataclass(frozen=True)
class Column:
    """A column as people see it: words in both languages, how it is typed, how wide, what it means."""

    name: str
    zh: str
    en: str
    kind: Literal["count", "text", "long", "share", "money", "amount", "date", "entry"]
    width: float
    about_zh: str
    about_en: str
    is_detail: bool = False


@dataclass(frozen=True)
class Section:
    """A block of a page: a title, a header, rows, and how each column is written (`wide`: over the rest of the page)."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    kinds: tuple[str, ...]


def about_columns(columns: tuple[Column, ...]) -> Section:
    """The block that says what each column means."""
    rows = tuple(
        (f"{column.zh} {column.en}", f"{column.about_zh}。{column.about_en[:1].upper()}{column.about_en[1:]}.")
        for column in columns
    )
    return Section("列说明 Columns", ("列 Column", "含义 Meaning"), rows, ("text", "wide"))
