"""Whatever is injected, and however often, the report counts exactly that (R-14)."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.sources.checks import check_sources
from tests.sources.raw_bank import Rows, clean, spoilt

#: Code, table, and the cells that make one row break that rule and no other.
KINDS: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("D007", "transactions", {"account_id": "A999"}),
    ("D008", "transactions", {"valued_on": "31/02/2025"}),
    ("D010", "transactions", {"posted_on": "2024-12-31"}),
    ("D011", "transactions", {"posted_on": "2025-12-30T08:00:00+08:00"}),
    ("D012", "transactions", {"amount": '"1,234.50"'}),
    ("D013", "transactions", {"amount": "-Infinity"}),
    ("D035", "transactions", {"amount": ""}),
    ("D006", "transactions", {"amount": "7.77"}),  # of a copy
    ("W105", "transactions", {}),  # of a copy
    ("D029", "customers", {"kind": "persons"}),
    ("D008", "customers", {"joined_on": "2025-02-30"}),
    ("D005", "customers", {}),  # of a copy
    ("D033", "accounts", {"opened_on": "2019-05-01", "closed_on": "2019-01-01"}),
    ("D007", "accounts", {"customer_id": "C999"}),
)
COPIED = {"D005", "D006", "W105"}


@st.composite
def injected(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Faults as (row of their table, kind), at most one a row."""
    faults = draw(st.lists(st.tuples(st.integers(1, 200), st.integers(0, len(KINDS) - 1)), max_size=60))
    once: dict[tuple[str, int], tuple[int, int]] = {}
    for row, kind in faults:
        table = KINDS[kind][1]
        place = row if table == "transactions" else 1 + row % 20
        once.setdefault((table, place), (place, kind))
    return list(once.values())


@settings(max_examples=25, deadline=None, derandomize=True, database=None)
@given(injected())
def test_the_report_counts_what_was_injected(faults: list[tuple[int, int]]) -> None:
    tables = clean()
    tables["accounts"] = [[*row, "closed_on" if row[0] == "account_id" else "2025-12-31"] for row in tables["accounts"]]
    for row, kind in faults:
        inject(tables, row, kind)
    with tempfile.TemporaryDirectory() as folder:
        report = check_sources(spoilt(Path(folder), tables))
    found = {(issue.code, issue.table): issue.count for issue in report.issues}
    assert found == Counter(KINDS[kind][:2] for _, kind in faults)
    for check in report.tables:
        here = [kind for _, kind in faults if KINDS[kind][1] == check.name]
        assert (check.quarantined, check.rows - check.kept) == (len(here), len(here))


def inject(tables: dict[str, Rows], row: int, kind: int) -> None:
    code, table, cells = KINDS[kind]
    names = tables[table][0]
    spoilt_row = list(tables[table][row])
    for name, value in cells.items():
        spoilt_row[names.index(name)] = value
    if code in COPIED:
        tables[table].append(spoilt_row)
    else:
        tables[table][row] = spoilt_row
