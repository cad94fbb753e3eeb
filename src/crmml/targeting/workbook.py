"""The list as a workbook that a customer manager works with and sends back."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Literal

from crmml.sheets import SHEET_ROWS, Print, let_choose, open_book, write_about, write_rows
from crmml.targeting.about import sections
from crmml.targeting.build import TargetList
from crmml.targeting.columns import PEOPLE, STATUSES, people_view

# The two codes at the right are for the way back; on paper they only make the rest smaller.
_CODES = 2


def write_workbook(
    targets: TargetList,
    path: Path,
    *,
    language: Literal["zh", "en"] = "zh",
    currency: str = "CNY",
    sheet_rows: int = SHEET_ROWS,
) -> int:
    """Write the rows to contact and the page about them, whole or not at all; the number of rows.

    More rows than a sheet holds are split into numbered sheets. Headers and the
    page are in both languages, reasons in `language`.
    """
    view = people_view(targets.table, language=language)
    money = "元 yuan" if currency == "CNY" else currency
    spec, by = targets.spec, targets.about["call_by"]
    title = f"{spec.zh} {spec.en}"
    printed = Print(title, f"请于 {by} 前联系 Call by {by}", targets.list_id, _CODES)
    created = datetime.fromisoformat(targets.about["suppress_as_of"])
    with open_book(path, title=title, subject=targets.list_id, created=created) as (book, styles):
        parts = [view.iloc[start : start + sheet_rows] for start in range(0, max(len(view), 1), sheet_rows)]
        for number, part in enumerate(parts, start=1):
            sheet = book.add_worksheet("名单 Targets" + (f" {number}" if len(parts) > 1 else ""))
            write_rows(sheet, part, PEOPLE, styles, money=money, printed=printed)
            let_choose(sheet, PEOPLE, "status", list(STATUSES.values()), styles, rows=len(part))
        write_about(book.add_worksheet("说明 About"), title, sections(targets, money=money), styles)
    return len(view)
