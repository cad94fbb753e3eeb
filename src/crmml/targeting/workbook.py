"""The list as a workbook that a customer manager works with and sends back.

Sheets: the rows to contact, the reserve, what changed since the last list, and
the page about it. More rows than a workbook should hold go to several.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

import pandas as pd

from crmml.sheets import SHEET_ROWS, Column, Print, Section, let_choose, open_book, write_about, write_rows
from crmml.targeting.about import sections
from crmml.targeting.build import TargetList
from crmml.targeting.columns import PEOPLE, STATUSES, people_view
from crmml.targeting.extra_sheets import CHANGED, IN_RESERVE, changes_view, reserve_view
from crmml.targeting.parts import part_paths, remove_later_parts, split

# The two codes at the right are for the way back; on paper they only make the rest smaller.
_CODES = 2
TARGETS, RESERVE, CHANGES, ABOUT = "名单 Targets", "候补 Reserve", "变化 What changed", "说明 About"


@dataclass(frozen=True)
class Page:
    """A sheet of rows: its name, its columns, how many of those at its right are not printed, and what it says below."""

    name: str
    view: pd.DataFrame
    columns: tuple[Column, ...]
    not_printed: int = 0


def write_workbook(
    targets: TargetList,
    path: Path,
    *,
    language: Literal["zh", "en"] = "zh",
    currency: str = "CNY",
    sheet_rows: int = SHEET_ROWS,
) -> int:
    """Write the rows to contact and the pages about them into one workbook, whole or not at all; the number of rows.

    More rows than a sheet holds are split into numbered sheets. Headers and the
    page are in both languages, reasons in `language`.
    """
    view = people_view(targets.table, language=language)
    write_pages(path, targets, list(_pages(targets, view, language)), currency=currency, sheet_rows=sheet_rows)
    return len(view)


def write_workbooks(
    targets: TargetList,
    path: Path,
    *,
    language: Literal["zh", "en"] = "zh",
    currency: str = "CNY",
    book_rows: int = SHEET_ROWS,
) -> list[Path]:
    """As `write_workbook`, more than `book_rows` rows in workbooks numbered from 2; the workbooks written.

    Every workbook holds the page about the list, the first one the reserve and
    the changes. Workbooks of an earlier, longer list are removed.
    """
    view = people_view(targets.table, language=language)
    parts = split(view, book_rows)
    written = part_paths(path, len(parts))
    for number, (part, place) in enumerate(zip(parts, written, strict=True)):
        pages = list(_pages(targets, part, language)) if number == 0 else [Page(TARGETS, part, PEOPLE, _CODES)]
        write_pages(place, targets, pages, currency=currency, sheet_rows=min(book_rows, SHEET_ROWS))
    remove_later_parts(path, len(parts))
    return written


def write_pages(
    path: Path,
    targets: TargetList,
    pages: Sequence[Page],
    *,
    currency: str,
    about: tuple[Section, ...] | None = None,
    sheet_rows: int = SHEET_ROWS,
    desk: str = "",
) -> None:
    """Write sheets of rows and the page about the list, `about` instead of its own where given, whole or not at all.

    `desk` is whose workbook it is; it stands in the title.
    """
    money = "元 yuan" if currency == "CNY" else currency
    spec, by = targets.spec, targets.about["call_by"]
    title = f"{spec.zh} {spec.en}" + (f" · {desk}" if desk else "")
    created = datetime.fromisoformat(targets.about["suppress_as_of"])
    with open_book(path, title=title, subject=targets.list_id, created=created) as (book, styles):
        for page in pages:
            printed = Print(title, f"请于 {by} 前联系 Call by {by}", targets.list_id, page.not_printed)
            parts = split(page.view, sheet_rows)
            for number, part in enumerate(parts, start=1):
                sheet = book.add_worksheet(page.name + (f" {number}" if len(parts) > 1 else ""))
                write_rows(sheet, part, page.columns, styles, money=money, printed=printed)
                if any(column.name == "status" for column in page.columns):
                    let_choose(sheet, page.columns, "status", list(STATUSES.values()), styles, rows=len(part))
        blocks = sections(targets, money=money) if about is None else about
        write_about(book.add_worksheet(ABOUT), title, blocks, styles)


def _pages(targets: TargetList, view: pd.DataFrame, language: Literal["zh", "en"]) -> Iterator[Page]:
    yield Page(TARGETS, view, PEOPLE, _CODES)
    yield from other_pages(targets.reserve, targets.changes, language)


def other_pages(reserve: pd.DataFrame, changes: pd.DataFrame, language: Literal["zh", "en"]) -> Iterator[Page]:
    """The sheets of the reserve and of what changed, where there is something to show."""
    if len(reserve):
        yield Page(RESERVE, reserve_view(reserve, language=language), IN_RESERVE)
    if len(changes):
        yield Page(CHANGES, changes_view(changes, language=language), CHANGED)
