"""Money priced on curves, and accounts in other currencies: by hand, day by day, and what is refused."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from crmml.economics import CurveRule
from crmml.errors import ConfigError, SourceError
from crmml.ledger import build_ledger, reconcile
from crmml.sources.bank import Bank
from tests.ledger.prices import economics
from tests.tables import bank, rows

JANUARY, MARCH, APRIL = date(2025, 1, 31), date(2025, 3, 31), date(2025, 4, 30)
OWN, BEHAVIOURAL = CurveRule("cny", own_term=True), CurveRule("cny", 24)
FLAT = {"current": 0.02, "savings": 0.02, "loan": 0.02, "mortgage": 0.02, "card": 0.02, "time_deposit": 0.02}
POINTS = {1: (0.015, 0.018, 0.024), 2: (0.016, 0.019, 0.025), 3: (0.017, 0.020, 0.026), 4: (0.018, 0.021, 0.027)}


def quotes(*months: int, tenors: tuple[int, ...] = (3, 12, 36)) -> list[str]:
    return [
        f"ftp cny {tenor} 2025-{month:02d}-01 {rate}"
        for month in months
        for tenor, rate in zip(tenors, POINTS[month], strict=False)
    ]


def priced(
    *bookings: str,
    family: str = "time_deposit",
    rule: Any = OWN,
    currency: str = "-",
    rates: list[str] | None = None,
    prices: dict[str, Any] | None = None,
    **tables: str,
) -> Bank:
    """One account, whose customer's rate is 0, and the curve of four months."""
    given = {
        "customers": "customer_id\n1",
        "accounts": f"account_id customer_id product_id opened_on currency\na 1 {family} 2025-01-10 {currency}",
        "transactions": "account_id valued_on amount kind\n"
        + "\n".join(bookings or [f"a 2025-01-10 {-36500 if family == 'loan' else 36500} x"]),
        "rates": "kind key tenor_months valid_from rate\n" + "\n".join(rates or quotes(1, 2, 3, 4)),
        **tables,
    }
    paid = {"paid_rate": {"current": 0.0, "savings": 0.0, "time_deposit": 0.0, "loan": 0.0}}
    return bank(
        **given, overrides={"economics": economics(**{"ftp": {**FLAT, family: rule}, **paid, **(prices or {})})}
    )


def internal(opened: Bank, last: date = MARCH) -> list[float]:
    return [row[1] for row in rows(build_ledger(opened, JANUARY, last), "month_end", "ftp_interest")]


def terms(*lines: str) -> dict[str, str]:
    return {"account_terms": "account_id valid_from posted_on matures_on\n" + "\n".join(lines)}


def test_a_deposit_keeps_the_curve_of_the_day_it_was_placed() -> None:
    opened = priced(**terms("a 2025-01-10 2025-01-10 2025-07-10"))
    # six months: 0.015 + 3 / 9 x 0.003 = 0.016; 36,500 bear 1.60 a day from 10 January on
    assert internal(opened) == [35.2, 44.8, 49.6]
    reconcile(build_ledger(opened, JANUARY, MARCH), opened).require_clean()


def test_a_renewal_is_priced_anew_and_a_change_of_rate_alone_is_not() -> None:
    opened = priced(**terms("a 2025-01-10 2025-01-10 2025-04-10", "a 2025-02-05 2025-02-05 2025-04-10",
                            "a 2025-03-11 2025-03-11 2026-03-11"))  # fmt: skip
    # three months of January 0.015; from 11 March on twelve months of March 0.020, 10 days before and 21 after
    assert internal(opened) == [33.0, 42.0, 10 * 1.5 + 21 * 2.0]


def test_past_maturity_money_has_the_shortest_tenor_month_by_month() -> None:
    opened = priced(rule=CurveRule("cny", own_term=True, spread=0.001), **terms("a 2025-01-10 2025-01-10 2025-02-10"),
                    rates=quotes(1, 2, 3, 4, tenors=(1, 12, 36)))  # fmt: skip
    # one month of January 0.015, from 10 February on 0.016, from 1 March on 0.017, and the spread: 22 x 1.60,
    # 9 x 1.60 + 19 x 1.70, 31 x 1.80
    assert internal(opened) == [35.2, 46.7, 55.8]


def test_a_loan_has_its_own_term_and_pays_for_its_funds() -> None:
    loans = "loan_id account_id granted_on principal interest_rate term_months\nL a 2025-01-10 36500 0.05 24"
    # twelve and thirty-six months: 0.021
    assert internal(priced(family="loan", loans=loans)) == [-46.2, -58.8, -65.1]


def test_a_term_posted_late_counts_from_the_month_it_was_posted_in() -> None:
    opened = priced(**terms("a 2025-01-10 2025-02-20 2025-07-10"))
    # until then the shortest tenor of the opening day, 0.015; from 1 February on 0.016
    assert internal(opened) == [33.0, 44.8, 49.6]


def test_money_without_maturity_follows_the_curve_of_each_month() -> None:
    # 24 months: 0.021, 0.022, 0.023
    assert internal(priced(family="savings", rule=BEHAVIOURAL)) == [46.2, 61.6, 71.3]


def test_an_account_without_a_term_has_that_of_its_family() -> None:
    assert internal(priced(rule=CurveRule("cny", 12, own_term=True))) == [39.6, 50.4, 55.8]
    with pytest.raises(
        ConfigError, match=r"1 time_deposit accounts have none \(first: \*\*\*a\); expected account_terms"
    ):
        internal(priced())


def test_money_older_than_the_curve_has_the_rate_given_for_it() -> None:
    later = {"rates": quotes(2, 3, 4)}
    placed = terms("a 2025-01-10 2025-01-10 2025-07-10")
    assert internal(priced(rule=CurveRule("cny", own_term=True, older=0.03), **later, **placed)) == [66.0, 84.0, 93.0]
    with pytest.raises(
        SourceError, match=r"ftp cny begins 2025-02-01, and time_deposit needs it from 2025-01-10.*D038"
    ):
        internal(priced(**later, **placed))


def test_a_month_without_a_quote_is_a_hole_unless_a_quote_may_stand() -> None:
    given: dict[str, Any] = {"family": "savings", "rule": BEHAVIOURAL, "rates": quotes(1, 2, 4)}
    with pytest.raises(SourceError, match=r"has a hole: no quote for 1 months \(2025-03\), needed by savings.*D038"):
        internal(priced(**given), APRIL)
    assert internal(priced(**given, prices={"rate_gap_months": 1}), APRIL) == [46.2, 61.6, 68.2, 72.0]


def test_a_tenor_beyond_the_curve_is_refused_and_not_extended() -> None:
    with pytest.raises(SourceError, match=r"covers 3 to 36 months, and time_deposit needs 60.*D038"):
        internal(priced(**terms("a 2025-01-10 2025-01-10 2030-01-10")))


def test_a_point_missing_from_one_quote_is_refused() -> None:
    rates = [line for line in quotes(1, 2, 3, 4) if line != "ftp cny 12 2025-02-01 0.019"]
    with pytest.raises(SourceError, match=r"no tenor of 12 months on 2025-02-01 \(1 of 4 quotes\).*D038"):
        internal(priced(family="savings", rule=BEHAVIOURAL, rates=rates))


def test_a_curve_that_is_not_there_and_one_in_percent_are_refused() -> None:
    with pytest.raises(SourceError, match=r"there is no curve cmy, .* Did you mean 'cny'\?.*D038"):
        internal(priced(rule=CurveRule("cmy", 12)))
    with pytest.raises(SourceError, match=r"ftp cny is 2\.4, which reads as a percentage.*D031"):
        internal(priced(rule=BEHAVIOURAL, rates=["ftp cny 12 2025-01-01 1.8", "ftp cny 36 2025-01-01 2.4"]))


def test_dollars_are_converted_at_the_mean_of_the_month() -> None:
    rates = [
        "fx USD - 2025-01-01 7.0",
        "fx USD - 2025-01-17 7.31",
        "fx USD - 2025-02-01 7.2",
        "fx USD - 2025-03-01 7.2",
    ]
    opened = priced("a 2025-01-10 1000 x", "a 2025-01-20 -5 fee", family="current", rule=0.02, currency="USD", rates=rates,
                    prices={"ftp_by_currency": {"USD": {"current": 0.0365}}})  # fmt: skip
    ledger = build_ledger(opened, JANUARY, MARCH)
    found = rows(ledger.filter(ledger.month_end == JANUARY), "balance_days", "ftp_interest", "fees", "balance_average")
    # mean (16 x 7.00 + 15 x 7.31) / 31 = 7.15; 1,000 x 10 + 995 x 12 = 21,940 days
    assert found == [(156871, 15.69, 35.75, 5060.35)]
    result = reconcile(ledger, opened)
    result.require_clean()
    assert result.controls.set_index("total")["source"]["fees"] == 35.75


def test_a_month_without_a_rate_of_exchange_is_refused() -> None:
    given: dict[str, Any] = {"family": "current", "rule": 0.02, "currency": "USD"}
    with pytest.raises(
        SourceError, match=r"USD has no rate of exchange in 2025-01, .*the first is of 2025-02-03.*D015"
    ):
        internal(priced(**given, rates=["fx USD - 2025-02-03 7.0"]))
    with pytest.raises(SourceError, match=r"USD has no rate of exchange .*none at all.*kind fx, key USD.*D015"):
        internal(priced(**given))
    with pytest.raises(SourceError, match=r"rate of exchange of USD is -7\.0; expected .* above 0"):
        internal(priced(**given, rates=["fx USD - 2025-01-01 -7"]))


def random_bank(seed: int) -> tuple[Bank, dict[str, pd.DataFrame]]:
    """Deposits and loans on a curve, some in dollars, with terms, renewals and late bookings."""
    rng = np.random.default_rng(seed)
    start, accounts, placed, moves = date(2025, 1, 1), [], [], []
    for number in range(8):
        name, family = f"A{number}", ("time_deposit", "savings", "loan", "current")[number % 4]
        opened = start + timedelta(days=int(rng.integers(0, 40)))
        accounts.append((name, "1", family, opened, "USD" if number % 3 == 0 else None))
        day = opened
        for _again in range(2):
            ends = day + timedelta(days=int(rng.integers(95, 900)))
            placed.append((name, day, ends, float(rng.integers(1, 90_000)) / 1e6))
            day += timedelta(days=int(rng.integers(10, 40)))
        sign = -1 if family == "loan" else 1
        for _move in range(4):
            valued = opened + timedelta(days=int(rng.integers(0, 60)))
            posted = valued + timedelta(days=int(rng.integers(0, 9)))
            moves.append((name, valued, posted, sign * float(rng.integers(1, 500_000)) / 100, "x"))
    frames = {
        "accounts": pd.DataFrame(
            accounts, columns=["account_id", "customer_id", "product_id", "opened_on", "currency"]
        ),
        "account_terms": pd.DataFrame(placed, columns=["account_id", "valid_from", "matures_on", "interest_rate"]),
        "transactions": pd.DataFrame(moves, columns=["account_id", "valued_on", "posted_on", "amount", "kind"]),
    }
    rates = [*quotes(1, 2, 3, 4), *(f"fx USD - 2025-{month:02d}-09 {7 + month / 8}" for month in (1, 2, 3, 4))]
    ftp = {**FLAT, "time_deposit": OWN, "savings": BEHAVIOURAL, "loan": OWN}
    opened_bank = bank(
        customers="customer_id\n1", rates="kind key tenor_months valid_from rate\n" + "\n".join(rates), **frames,
        overrides={"economics": economics(ftp=ftp)},
    )  # fmt: skip
    return opened_bank, frames


def by_day(account: Any, frames: dict[str, pd.DataFrame]) -> dict[date, float]:
    """Internal interest of an account by month, adding up one day after the other."""
    moves = frames["transactions"].query("account_id == @account.account_id")
    placed = frames["account_terms"].query("account_id == @account.account_id")
    rates = {day: 7 + day.month / 8 if day.day >= 9 else 7 + (day.month - 1) / 8 for day in _days()}
    known = {
        month: [rates[day] for day in _days() if day.month == month and day >= date(2025, 1, 9)] for month in POINTS
    }
    found: dict[date, float] = {}
    for day in _days():
        balance = sum(row.amount for row in moves.itertuples() if max(row.valued_on, row.posted_on) <= day)
        amount = -max(0.0, -balance) if account.product_id == "loan" else balance
        fx = 1.0 if account.currency != "USD" else sum(known[day.month]) / len(known[day.month])
        end = (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
        found[end] = found.get(end, 0.0) + amount * fx * _rate(account.product_id, placed, day) / 365
    return found


def _days() -> list[date]:
    return [date(2025, 1, 1) + timedelta(days=number) for number in range(120)]


def _rate(family: str, placed: pd.DataFrame, day: date) -> float:
    if family == "current":
        return 0.02
    begin, tenor = day.replace(day=1), 24.0
    if family != "savings":
        term = max((row for row in placed.itertuples() if row.valid_from <= day), key=lambda row: row.valid_from,
                   default=placed.sort_values("valid_from").iloc[0])  # fmt: skip
        begin = term.valid_from
        months = (term.matures_on.year - begin.year) * 12 + term.matures_on.month - begin.month
        over = term.matures_on.day - begin.day
        tenor = months + (over > 15) - (over < -15)
    return round(float(np.interp(tenor, (3, 12, 36), POINTS[begin.month])), 6)


@pytest.mark.parametrize("seed", [1, 2])
def test_internal_interest_is_that_of_adding_up_day_by_day(seed: int) -> None:
    opened, frames = random_bank(seed)
    ledger = build_ledger(opened, JANUARY, APRIL)
    slow = {account.account_id: by_day(account, frames) for account in frames["accounts"].itertuples()}
    for account, end, interest in rows(ledger, "account_id", "month_end", "ftp_interest"):
        assert interest == pytest.approx(slow[account][end], abs=0.0052)
    result = reconcile(ledger, opened)
    result.require_clean()
    assert result.difference == 0
