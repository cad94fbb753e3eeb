"""Banks with many rows a customer, drawn from a seed: habits, regular payees, maturities, relations."""

from __future__ import annotations

import random
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from tests.reference.banks import ACCOUNTS, CUSTOMERS, CUTOFFS, LEDGER_MONEY, Row

_FIRST = date(2023, 11, 1)
_KINDS = ("salary", "fee", "interest", "bill", "cash", "transfer_out", "transfer_in", "shopping", "repayment", None)
_PAYEES = (*ACCOUNTS, "X1", "X1", "X2", "X3", None)


class Draw:
    """Days, amounts and delays of one bank."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def day(self, first: date = _FIRST, last: date = CUTOFFS[-1] + timedelta(days=40)) -> date:
        return first + timedelta(days=self.random.randrange((last - first).days))

    def known(self, day: date) -> date:
        return day + timedelta(days=self.random.choice((0, 0, 0, 0, 1, 9, 45)))

    def money(self, low: int = 1, high: int = 400_000) -> Decimal:
        return Decimal(self.random.randrange(low, high)) / 100

    def later(self, day: date, *steps: int | None) -> date | None:
        step = self.random.choice(steps)
        return None if step is None else day + timedelta(days=step)


def dense_bank(seed: int) -> dict[str, list[Row]]:
    """The tables of a bank in which every feature has something to count."""
    draw = Draw(seed)
    tables = {name: [] for name in ("activity", "ledger")} | {
        "products": [{"product_id": family, "family": family} for family in sorted(set(ACCOUNTS.values()))],
        "customers": [_customer(draw, name) for name in CUSTOMERS],
        "accounts": [_account(draw, name, family) for name, family in ACCOUNTS.items()],
        "account_holders": _holders(draw),
        "transactions": _bookings(draw),
        "account_terms": _terms(draw),
        "loans": [_loan(draw, name, account) for name, account in (("L1", "A5"), ("L2", "A4"))],
        "arrears": _arrears(draw),
        "events": [_event(draw) for _ in range(40)],
        "relations": [_relation(draw) for _ in range(3)],
        "contacts": [_contact(draw) for _ in range(25)],
    }
    tables["ledger"] = [
        {"customer_id": name, "month_end": day, **{money: draw.money() for money in LEDGER_MONEY}}
        for name in CUSTOMERS
        for day in (date(2024, 3, 31), date(2025, 1, 31), date(2025, 2, 28))
    ]
    return tables


def _customer(draw: Draw, name: str) -> Row:
    joined = draw.day(date(2020, 1, 1), date(2024, 1, 1))
    words = {column: draw.random.choice((None, "a", "b")) for column in ("gender", "region", "industry", "occupation")}
    return {
        "customer_id": name,
        "kind": "person",
        "born_on": draw.random.choice((None, date(1980, 2, 29))),
        "joined_on": joined,
        "left_on": draw.random.choice((None, draw.day(date(2024, 6, 1)))),
        "income": draw.money(),
        "valid_from": None,
        **words,
    }


def _account(draw: Draw, name: str, family: str) -> Row:
    opened = draw.day(date(2021, 1, 1), date(2024, 2, 1)) if name != "A6" else draw.day(date(2024, 6, 1))
    closed = draw.random.choice((None, None, None, draw.day(date(2025, 3, 1), date(2025, 7, 1))))
    return {
        "account_id": name,
        "product_id": family,
        "opened_on": opened,
        "closed_on": closed,
        "posted_on": draw.known(opened),
    }


def _holders(draw: Draw) -> list[Row]:
    rows = []
    for place, account in enumerate(ACCOUNTS):
        owner = CUSTOMERS[0] if place % 3 else draw.random.choice(CUSTOMERS)
        for name, role in ((owner, "owner"), (CUSTOMERS[1], "joint")):
            since = draw.day(date(2021, 1, 1), date(2024, 2, 1))
            row: dict[str, Any] = {"account_id": account, "customer_id": name, "role": role, "since": since}
            if name != owner or role == "owner":
                rows.append({**row, "until": draw.later(since, None, None, None, 1300), "posted_on": draw.known(since)})
    return rows


def _bookings(draw: Draw) -> list[Row]:
    """Bookings at random, a payment in every month that once stops, and a salary that comes or not."""
    rows = [_booking(draw, draw.day()) for _ in range(160)]
    for month in range(20):
        day = _FIRST + timedelta(days=30 * month + draw.random.randrange(4))
        regular = {"account_id": "A1", "counterparty_account": "X9", "kind": "bill", "channel": "mobile"}
        if month < 17 or draw.random.random() < 0.5:
            rows.append({**regular, "valued_on": day, "amount": -draw.money(), "posted_on": draw.known(day)})
        if draw.random.random() < 0.8:
            salary = {"account_id": "A1", "counterparty_account": "X8", "kind": "salary", "channel": "system"}
            rows.append({**salary, "valued_on": day, "amount": draw.money(), "posted_on": draw.known(day)})
    return rows


def _booking(draw: Draw, day: date) -> Row:
    sign = draw.random.choice((-1, -1, 1, 1, 1))
    return {
        "account_id": draw.random.choice(list(ACCOUNTS)),
        "counterparty_account": draw.random.choice(_PAYEES),
        "kind": draw.random.choice(_KINDS),
        "channel": draw.random.choice(("mobile", "online", "counter", "atm", "system", None)),
        "valued_on": day,
        "posted_on": draw.known(day),
        "amount": sign * draw.money(),
    }


def _terms(draw: Draw) -> list[Row]:
    rows = {}
    for _ in range(22):
        account = draw.random.choice(("A3", "A3", "A4", "A4", "A2"))
        day = draw.day(date(2023, 8 if account == "A4" else 12, 1))
        matures = draw.later(day, None, 30, 60, 120, 240, 300) if account != "A4" else None
        limit = draw.money() if account == "A4" else None
        terms = {"account_id": account, "valid_from": day, "credit_limit": limit, "matures_on": matures}
        rows[account, day] = {**terms, "posted_on": draw.known(day)}
    return list(rows.values())


def _loan(draw: Draw, name: str, account: str) -> Row:
    granted = draw.day(date(2024, 2, 1), date(2025, 1, 1))
    return {
        "loan_id": name,
        "account_id": account,
        "granted_on": granted,
        "principal": draw.money(),
        "instalment": draw.money(),
        "term_months": draw.random.choice((None, 11, 14, 24, 25)),
        "closed_on": draw.later(granted, None, None, 200, 380),
        "written_off_on": draw.later(granted, None, None, 300, 380),
        "posted_on": draw.known(granted),
    }


def _arrears(draw: Draw) -> list[Row]:
    rows = {}
    for _ in range(16):
        loan, day = draw.random.choice(("L1", "L2")), draw.day(date(2024, 4, 1))
        state = {"loan_id": loan, "as_of": day, "days_past_due": draw.random.choice((0, 0, 20, 95))}
        rows[loan, day] = {
            **state,
            "overdue_amount": draw.money(),
            "outstanding": draw.money(),
            "posted_on": draw.known(day),
        }
    return list(rows.values())


def _event(draw: Draw) -> Row:
    day = draw.day()
    return {
        "customer_id": draw.random.choice(CUSTOMERS),
        "kind": draw.random.choice(("complaint", "complaint", "login", "service")),
        "happened_on": day,
        "closed_on": draw.later(day, None, 0, 3, 40),
        "posted_on": draw.known(day),
    }


def _relation(draw: Draw) -> Row:
    since = draw.day(date(2023, 1, 1), date(2025, 1, 1))
    one, other = draw.random.sample(CUSTOMERS, 2)
    return {
        "customer_id": one,
        "related_id": other,
        "relation": draw.random.choice(("spouse", "household")),
        "since": since,
        "until": draw.later(since, None, None, 400),
        "posted_on": draw.known(since),
    }


def _contact(draw: Draw) -> Row:
    day = draw.day()
    called = draw.later(day, None, 0, 3, 20)
    return {
        "customer_id": draw.random.choice(CUSTOMERS),
        "product_id": "card",
        "arm": "treated",
        "assigned_on": day,
        "contacted_on": called,
        "responded_on": None if called is None else draw.later(called, None, 0, 30, 60, 61, 90),
        "posted_on": draw.known(day),
    }
