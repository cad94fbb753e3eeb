"""Days, branches and values that a source lacks are told; weekends, holidays and small branches are not."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from crmml.errors import GateError
from crmml.sources.checks import check_sources
from crmml.sources.freshness import empty_runs, expected_slots
from crmml.stages.tables import require_whole
from tests.sources.raw_bank import Rows, spoilt

BEGIN = date(2024, 1, 1)
DAYS = [BEGIN + timedelta(days=step) for step in range(731)]
#: Public holidays of a bank that closes on them, some of them a week long.
CLOSED = [date(2024, 1, 1), *(date(2024, 2, 10) + timedelta(days=n) for n in range(8)), date(2024, 4, 4)]
CLOSED += [
    *(date(2024, 5, 1) + timedelta(days=n) for n in range(5)),
    *(date(2024, 10, 1) + timedelta(days=n) for n in range(7)),
]
CLOSED += [day.replace(year=2025) for day in CLOSED]


def gaps(counts: dict[date, int], until: date = DAYS[-1], off: tuple[date, ...] = ()) -> list[str]:
    """The spans told of a table with so many rows a day."""
    slots = expected_slots([day for day, count in counts.items() if count], until, off)
    return [run.span for run in empty_runs(slots, np.array([counts.get(day, 0) for day in slots], dtype=np.int64))]


def random_counts(chance: np.random.Generator) -> dict[date, int]:
    """A clean source: daily or on weekdays, with or without holidays, growing, bursty, large or small."""
    rate = float(chance.choice([0.05, 0.5, 2, 8, 20, 60, 400, 5000]))
    spread = float(chance.choice([1.0, 1.5, 3.0]))
    closes, weekdays = bool(chance.integers(2)), bool(chance.integers(2))
    growth, payday = float(chance.choice([0.0, 1.0])), int(chance.choice([1, 5]))
    counts = {}
    for place, day in enumerate(DAYS[: int(chance.integers(60, 731))]):
        if (weekdays and day.weekday() > 4) or (closes and day in CLOSED):
            continue
        mean = rate * (1 + growth * place / 731) * (payday if day.day == 15 else 1)
        # A gamma mixture of Poissons: a variance of `spread` times the mean.
        mean = mean if spread == 1 else chance.gamma(mean / (spread - 1), spread - 1)
        counts[day] = int(chance.poisson(mean))
    return counts


def test_clean_sources_of_every_kind_raise_no_alarm():
    chance, alarms = np.random.default_rng(5), []
    for _ in range(400):
        counts = random_counts(chance)
        if any(counts.values()):
            alarms += gaps(counts, until=max(day for day, count in counts.items() if count))
    assert alarms == []


@pytest.mark.parametrize("weekdays", [False, True])
def test_a_day_without_rows_in_the_middle_is_told(weekdays):
    counts = {day: 40 + day.day for day in DAYS if not (weekdays and day.weekday() > 4)}
    counts[date(2025, 3, 12)] = counts[date(2024, 9, 3)] = 0
    assert gaps(counts) == ["2024-09-03", "2025-03-12"]
    assert gaps(counts, off=(date(2024, 9, 3),)) == ["2025-03-12"]


def test_a_bank_that_closes_on_holidays_is_told_of_longer_outages_only():
    counts = {day: 50 for day in DAYS if day.weekday() < 5 and day not in CLOSED}
    assert gaps(counts) == []
    for day in DAYS:
        if date(2025, 6, 2) <= day <= date(2025, 6, 30):
            counts[day] = 0
    assert gaps(counts) == ["2025-06-02 to 2025-06-30"]


def test_a_source_that_ends_before_observed_until_is_told():
    counts = {day: 30 for day in DAYS if day < date(2025, 12, 20)}
    assert gaps(counts, until=date(2025, 12, 31)) == ["2025-12-20 to 2025-12-31"]
    assert gaps(counts, until=date(2025, 12, 19)) == []


def test_a_month_end_that_is_missing_is_told_and_the_days_between_are_not():
    ends = [date(2024, month + 1, 1) - timedelta(days=1) for month in range(1, 12)]
    assert gaps(dict.fromkeys(ends, 900), until=date(2024, 12, 15)) == []
    assert gaps({**dict.fromkeys(ends, 900), ends[4]: 0}, until=date(2024, 12, 15)) == ["2024-05-31"]
    assert gaps(dict.fromkeys(ends, 900), until=date(2024, 12, 31)) == ["2024-12-31"]


def bank(**changed: str) -> dict[str, Rows]:
    """Two branches of ten customers, three bookings a customer and day for sixty days."""
    people = [[f"C{n:02}", "2020-01-01"] for n in range(20)]
    held = [[f"A{n:02}", f"C{n:02}", f"B{n % 2}", "2020-01-01"] for n in range(20)]
    days = [date(2025, 1, 1) + timedelta(days=n) for n in range(60)]
    booked = [[f"A{n:02}", str(day), "5.00", "salary"] for day in days for n in range(20) for _ in range(3)]
    return {
        "customers": [["customer_id", "joined_on"], *people],
        "accounts": [["account_id", "customer_id", "branch_id", "opened_on"], *held],
        "products": [["product_id", "family"], ["p1", "savings"]],
        "transactions": [["account_id", "valued_on", "amount", "kind"], *booked],
    }


def told(tmp_path, tables: dict[str, Rows], **changed) -> list[str]:
    tables["accounts"] = [[*row, "product_id" if row[0] == "account_id" else "p1"] for row in tables["accounts"]]
    changed = {"observed_until": {"default": date(2025, 3, 1)}, **changed}
    return list(map(str, check_sources(spoilt(tmp_path, tables, **changed)).stale))


def test_a_whole_source_has_nothing_to_tell(tmp_path):
    assert told(tmp_path, bank()) == []


def test_a_lost_day_is_told_with_the_rows_expected_and_can_be_declared(tmp_path):
    tables = bank()
    tables["transactions"] = [row for row in tables["transactions"] if row[1] != "2025-02-12"]
    assert told(tmp_path, tables) == [
        "transactions: no rows on 2025-02-12 (about 60 rows expected). Load them, or list them under days_off: where the "
        "bank was closed [W140]"
    ]


def test_a_declared_day_is_not_told(tmp_path):
    tables = bank()
    tables["transactions"] = [row for row in tables["transactions"] if row[1] != "2025-02-12"]
    assert told(tmp_path, tables, days_off=(date(2025, 2, 12),)) == []


def test_a_branch_that_falls_silent_is_told_once(tmp_path):
    tables = bank()
    tables["transactions"] = [
        row
        for row in tables["transactions"]
        if not (row[0] in {f"A{n:02}" for n in range(1, 20, 2)} and row[1] > "2025-02-20")
    ]
    assert told(tmp_path, tables) == [
        "transactions: branches have no rows while others do: B1 2025-02-21 to 2025-03-01 (about 270 rows expected). "
        "Load them [W141]"
    ]


def test_a_branch_all_of_whose_accounts_are_closed_is_not_missed(tmp_path):
    tables = bank()
    names, *rows = tables["accounts"]
    tables["accounts"] = [[*names, "closed_on"], *([*row, "2025-02-20" if row[2] == "B1" else ""] for row in rows)]
    tables["transactions"] = [
        row
        for row in tables["transactions"]
        if not (row[0] in {f"A{n:02}" for n in range(1, 20, 2)} and row[1] > "2025-02-20")
    ]
    assert told(tmp_path, tables) == []


def test_a_source_that_ends_early_is_told_with_the_day_to_set(tmp_path):
    (line,) = told(tmp_path, bank(), observed_until={"default": date(2025, 3, 10)})
    assert "no rows on 2025-03-02 to 2025-03-10 (about 540 rows expected)" in line
    assert "set observed_until to 2025-03-01 [W142]" in line


def test_a_column_that_is_empty_on_one_day_is_told(tmp_path):
    tables = bank()
    for row in tables["transactions"]:
        row[3] = "" if row[1] == "2025-02-12" else row[3]
    assert told(tmp_path, tables) == [
        "transactions: kind has no value on 2025-02-12 (60 rows); on other days it has one. Load it again [W143]"
    ]


def test_strict_refuses_what_is_not_whole_with_exit_5():
    require_whole("test", [])
    with pytest.raises(
        GateError, match=r"1 sources lack rows.*\n  transactions: no rows on 2025-02-12 \[W140\]\n  \[G004\]"
    ) as caught:
        require_whole("test", ["transactions: no rows on 2025-02-12 [W140]"])
    assert caught.value.exit_code == 5
