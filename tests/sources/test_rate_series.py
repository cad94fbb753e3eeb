"""Holes of curves and impossible rates are told at the door."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import duckdb
import pytest

from crmml.economics import CurveRule, Economics
from crmml.sources.plausibility import _currencies
from crmml.sources.rate_series import rate_faults
from tests.tables import spec


def faults(rows: list[tuple[Any, ...]], **prices: Any) -> list[str]:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA kept")
    connection.execute(
        "CREATE TABLE kept.rates (kind VARCHAR, key VARCHAR, tenor_months BIGINT, valid_from DATE, rate DOUBLE)"
    )
    connection.executemany("INSERT INTO kept.rates VALUES (?, ?, ?, ?, ?)", rows)
    economics = Economics(ftp={"savings": CurveRule("cny", 12)}, hurdle=0.1, capital_ratio=0.1, **prices)
    return [str(issue) for issue in rate_faults(connection, spec(economics=economics))]


def curve(*months: int, tenors: tuple[int, ...] = (3, 12)) -> list[tuple[Any, ...]]:
    return [("ftp", "cny", tenor, date(2025, month, 1), 0.02) for month in months for tenor in tenors]


def test_a_whole_curve_is_fine() -> None:
    assert faults(curve(1, 2, 3, 4)) == []


def test_a_month_without_a_quote_is_named() -> None:
    (told,) = faults(curve(1, 2, 3, 5, 6, 8))
    assert "ftp cny has a hole: no quote for 2 months (2025-04, 2025-07); expected one every 1 month(s)" in told
    assert told.endswith("[D038]")
    assert faults(curve(1, 2, 3, 5, 6, 8), rate_gap_months=1) == []


def test_quotes_without_a_rhythm_stand_until_the_next() -> None:
    assert faults(curve(1, 4, 6, 12)) == []


def test_a_missing_tenor_is_named_with_its_day() -> None:
    rows = curve(1, 2, 3) + curve(1, 3, tenors=(36,)) + curve(3, tenors=(60,))
    (told,) = faults(rows)
    assert "has no tenor of 36 months on 2025-02-01" in told


def test_a_curve_that_is_not_there_is_named() -> None:
    (told,) = faults([("ftp", "usd", 3, date(2025, 1, 1), 0.02)])
    assert "there is no curve cny, which economics.ftp names" in told


@pytest.mark.parametrize(
    ("row", "told", "code"),
    [
        (("ftp", "current", None, date(2025, 1, 1), 2.35), "reads as a percentage; .* 2.35", "D031"),
        (("fx", "USD", None, date(2025, 1, 1), 0.0), "is no rate of exchange; expected a number above 0", "D015"),
    ],
)
def test_impossible_rates_are_shown(row: tuple[Any, ...], told: str, code: str) -> None:
    found = faults([*curve(1, 2, 3), row])
    assert len(found) == 1
    assert re.search(told, found[0])
    assert found[0].endswith(f"[{code}]")


@pytest.mark.parametrize(
    ("currencies", "codes"),
    [
        (["CNY", "", "CNY"], []),
        (["CNY", "USD", "USD"], ["W144"]),
        (["EUR", "USD", "CNY"], ["D015", "W144"]),
        (["EUR", "EUR", "EUR"], ["D015"]),
    ],
)
def test_foreign_accounts_are_refused_without_a_rate_and_named_with_one(
    currencies: list[str], codes: list[str]
) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA kept")
    connection.execute("CREATE TABLE kept.rates AS SELECT 'fx' AS kind, 'USD' AS key")
    connection.execute("CREATE TABLE kept.accounts (currency VARCHAR)")
    connection.executemany("INSERT INTO kept.accounts VALUES (?)", [(name,) for name in currencies])
    found = _currencies(connection, spec(), has_rates=True)
    assert [issue.code for issue in found] == codes
    for issue in found:
        assert issue.count == currencies.count("USD" if issue.code == "W144" else "EUR")
        assert ("features add their amounts as they stand" in str(issue)) == (issue.code == "W144")
