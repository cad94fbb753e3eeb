"""The ledger against a slow day-by-day reference, on banks drawn at random."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest

from crmml.ledger import build_ledger, reconcile
from crmml.periods import month_end
from crmml.sources.bank import Bank
from tests.ledger.prices import economics
from tests.tables import bank, rows

FIRST, LAST = date(2025, 1, 31), date(2025, 4, 30)
FAMILIES = ("current", "time_deposit", "loan", "card", "insurance")
START = date(2025, 1, 1)


def random_tables(seed: int) -> dict[str, pd.DataFrame]:
    """A small bank: late postings, changing terms, one to three holders, closed accounts."""
    rng = np.random.default_rng(seed)

    def day(low: int, high: int) -> date:
        return START + timedelta(days=int(rng.integers(low, high)))

    accounts, holders, terms, bookings = [], [], [], []
    for number in range(12):
        name, family = f"A{number:02d}", FAMILIES[number % len(FAMILIES)]
        opened = day(0, 60)
        closed = day(70, 110) if rng.random() < 0.3 else None
        accounts.append((name, family, opened, closed, f"B{number % 3}"))
        for place in range(int(rng.integers(1, 4))):
            share = [None, 0.5, 0.3333][int(rng.integers(3))]
            holders.append((name, f"{(number + place) % 7}", "joint" if place else "owner", share, opened))
        rate = float(rng.integers(1, 90_000)) / 1e6
        limit = float(rng.integers(1, 9_999)) if family == "card" else None
        terms.append((name, opened, opened, rate, limit))
        changed = opened + timedelta(days=int(rng.integers(1, 50)))
        terms.append((name, changed, changed + timedelta(days=int(rng.integers(0, 20))), rate / 2, limit and limit * 2))
        for _ in range(int(rng.integers(1, 15))):
            valued = day(0, 118)
            posted = valued + timedelta(days=int(rng.integers(0, 9)))
            kind = ("transfer", "fee", "interest")[int(rng.integers(3))]
            bookings.append((name, valued, posted, float(rng.integers(-500_000, 500_000)) / 100, kind, "mobile"))
    return {
        "customers": pd.DataFrame({"customer_id": [str(number) for number in range(7)]}),
        "branches": pd.DataFrame({"branch_id": ["B0", "B1", "B2"]}),
        "accounts": pd.DataFrame(accounts, columns=["account_id", "product_id", "opened_on", "closed_on", "branch_id"]),
        "account_holders": pd.DataFrame(holders, columns=["account_id", "customer_id", "role", "share", "since"]),
        "account_terms": pd.DataFrame(
            terms, columns=["account_id", "valid_from", "posted_on", "interest_rate", "credit_limit"]
        ),
        "transactions": pd.DataFrame(
            bookings, columns=["account_id", "valued_on", "posted_on", "amount", "kind", "channel"]
        ),
    }


def random_bank(seed: int) -> Bank:
    return bank(**random_tables(seed), overrides={"economics": economics()})


def margins_by_day(tables: dict[str, pd.DataFrame]) -> dict[tuple[str, date], tuple[float, float]]:
    """Margin and balance-days of account-months, adding up one day after the other."""
    prices, found = economics(), defaultdict(lambda: [0.0, 0.0])
    for account in tables["accounts"].itertuples():
        family = account.product_id
        terms = tables["account_terms"].query("account_id == @account.account_id")
        moves = tables["transactions"].query("account_id == @account.account_id")
        today = START
        while today <= LAST:
            balance = round(
                moves[
                    [max(v, p) <= today for v, p in zip(moves.valued_on, moves.posted_on, strict=False)]
                ].amount.sum(),
                2,
            )
            known = terms[
                [max(v, p.replace(day=1)) <= today for v, p in zip(terms.valid_from, terms.posted_on, strict=False)]
            ]
            rate = (
                round(known.sort_values("valid_from").interest_rate.iloc[-1], 6)
                if len(known)
                else prices.paid_rate.get(family, 0.0)
            )
            drawn = max(0.0, -balance)
            margin = 0.0
            if family in ("current", "time_deposit"):
                margin = (prices.ftp[family] - rate) * balance / 365
            elif family != "insurance":
                margin = (rate - prices.ftp[family]) * drawn / 365
            cell = found[(account.account_id, month_end(today))]
            cell[0] += margin
            cell[1] += balance
            today += timedelta(days=1)
    return {key: (margin, days) for key, (margin, days) in found.items()}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_margins_are_those_of_adding_up_day_by_day(seed: int) -> None:
    tables = random_tables(seed)
    ledger = build_ledger(random_bank(seed), FIRST, LAST)
    sums = ledger.group_by(["account_id", "month_end"]).aggregate(
        margin=ledger.margin.sum(), balance_days=ledger.balance_days.sum()
    )
    expected = margins_by_day(tables)
    for account, end, margin, days in rows(sums, "account_id", "month_end", "margin", "balance_days"):
        slow_margin, slow_days = expected.pop((account, end))
        assert margin == pytest.approx(slow_margin, abs=0.00501)
        assert days == pytest.approx(slow_days, abs=1e-6)
    assert all(abs(days) < 1e-6 for _margin, days in expected.values())


@pytest.mark.parametrize("seed", range(10, 16))
def test_random_banks_reconcile_to_the_cent(seed: int) -> None:
    opened = random_bank(seed)
    result = reconcile(build_ledger(opened, FIRST, LAST), opened)
    result.require_clean()
    assert result.difference == 0


def test_a_closed_month_never_changes() -> None:
    tables = random_tables(20)
    cutoff = date(2025, 2, 28)
    later = tables["transactions"]["posted_on"] > cutoff
    known = {**tables, "transactions": tables["transactions"][~later]}
    terms = tables["account_terms"]
    known["account_terms"] = terms[terms["posted_on"] <= cutoff]
    accounts = tables["accounts"].copy()
    accounts["closed_on"] = [None if day is not None and day > cutoff else day for day in accounts["closed_on"]]
    known["accounts"] = accounts[accounts["opened_on"] <= cutoff]
    assert 0 < later.sum() < len(later)
    full = build_ledger(random_bank(20), FIRST, LAST)
    then = build_ledger(bank(**known, overrides={"economics": economics()}), FIRST, cutoff)
    columns = ["account_id", "customer_id", "month_end", "margin", "fees", "contribution", "balance_days"]
    assert rows(full.filter(full.month_end <= cutoff), *columns) == rows(then, *columns)


def test_the_order_of_rows_changes_nothing() -> None:
    tables = random_tables(30)
    shuffled = {name: frame.sample(frac=1, random_state=1) for name, frame in tables.items()}
    plain = build_ledger(random_bank(30), FIRST, LAST)
    mixed = build_ledger(bank(**shuffled, overrides={"economics": economics()}), FIRST, LAST)
    assert rows(plain) == rows(mixed)


def test_an_earlier_start_changes_nothing_in_the_months_asked_for() -> None:
    opened = random_bank(31)
    long = build_ledger(opened, FIRST, LAST)
    short = build_ledger(opened, date(2025, 4, 1), LAST)
    assert rows(long.filter(long.month_end == LAST)) == rows(short)


def test_closing_some_accounts_at_a_time_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = random_bank(32)
    at_once = rows(build_ledger(opened, FIRST, LAST))
    monkeypatch.setattr("crmml.ledger.build.ACCOUNTS_AT_ONCE", 5)
    assert rows(build_ledger(opened, FIRST, LAST)) == at_once
