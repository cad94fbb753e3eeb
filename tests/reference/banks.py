"""Tiny banks drawn by hypothesis: late postings, joint and closed accounts, customers without rows."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from crmml.sources.bank import Bank, connect
from crmml.sources.contract import CONTRACT
from crmml.sources.spec import ActivityMeasure
from tests.tables import spec

Row = dict[str, Any]
CUSTOMERS = ("C1", "C2", "C3")
CUTOFFS = (date(2025, 2, 28), date(2025, 3, 31), date(2025, 5, 14))
ACCOUNTS = {"A1": "current", "A2": "savings", "A3": "time_deposit", "A4": "card", "A5": "loan", "A6": "investment"}
OBSERVED_FROM = {name: date(2024, 3, 20) for name in ("transactions", "arrears", "events", "contacts", "activity")}
ACTIVITY = (
    ActivityMeasure("logins", "flow", "count", "登录次数", "logins"),
    ActivityMeasure("points", "level", "money", "积分", "points"),
)
LEDGER_MONEY = ("margin", "fees", "expected_loss", "service_cost", "capital_charge", "contribution")

#: Days on, just before and just after the edges of windows, and some between.
_EDGES = [date(2024, 2, 29), date(2024, 3, 31), date(2024, 5, 14), date(2024, 11, 30), date(2025, 1, 31), *CUTOFFS]
_DAYS = sorted(
    {day + timedelta(days=step) for day in _EDGES for step in (-1, 0, 1)} | {date(2023, 6, 5), date(2025, 4, 20)}
)
days = st.sampled_from(_DAYS)
delays = st.sampled_from([0, 0, 0, 1, 14, 60, 400])
cents = st.integers(-500_000, 500_000).filter(bool).map(lambda n: Decimal(n) / 100)
positive = st.integers(0, 500_000).map(lambda n: Decimal(n) / 100)
customers = st.sampled_from(CUSTOMERS)
accounts = st.sampled_from(list(ACCOUNTS))


@st.composite
def _rows(draw: st.DrawFn, columns: dict[str, st.SearchStrategy[Any]], *, own: str, most: int) -> list[Row]:
    """Rows with an own date and a posting on or after it."""
    drawn = draw(st.lists(st.fixed_dictionaries({**columns, own: days, "delay": delays}), max_size=most))
    return [{"posted_on": row[own] + timedelta(days=row.pop("delay")), **row} for row in drawn]


def _later(day: date, step: int | None) -> date | None:
    return None if step is None else day + timedelta(days=step)


later = st.sampled_from([None, None, 0, 1, 31, 200, 500])


@st.composite
def banks(draw: st.DrawFn) -> dict[str, list[Row]]:
    """The tables of a bank, as lists of rows."""
    tables: dict[str, list[Row]] = {
        "customers": [_customer(draw, name) for name in CUSTOMERS if draw(st.booleans()) or name == "C1"],
        "products": [{"product_id": family, "family": family} for family in sorted(set(ACCOUNTS.values()))],
        "accounts": [_account(draw, name, family) for name, family in ACCOUNTS.items()],
    }
    tables["account_holders"] = _holders(draw)
    texts = {
        "kind": st.sampled_from(["salary", "fee", "bill", "cash", "transfer_out", "shopping", "repayment", None]),
        "channel": st.sampled_from(["mobile", "online", "counter", "atm", "system", None]),
    }
    counterparties = st.sampled_from([*ACCOUNTS, "X1", "X1", "X2", None])
    columns = {"account_id": accounts, "amount": cents, "counterparty_account": counterparties, **texts}
    tables["transactions"] = draw(_rows(columns, own="valued_on", most=24))
    tables["account_terms"] = _unique(
        draw(
            _rows(
                {"account_id": accounts, "credit_limit": st.none() | positive, "matures_on": st.none() | days},
                own="valid_from",
                most=8,
            )
        ),
        "account_id",
        "valid_from",
    )
    tables["loans"] = _loans(draw)
    columns = {
        "loan_id": st.sampled_from(["L1", "L2"]),
        "days_past_due": st.integers(0, 120),
        "overdue_amount": positive,
        "outstanding": positive,
    }
    tables["arrears"] = _unique(draw(_rows(columns, own="as_of", most=6)), "loan_id", "as_of")
    kinds = st.sampled_from(["complaint", "login"])
    events = draw(_rows({"customer_id": customers, "kind": kinds, "step": later}, own="happened_on", most=5))
    tables["events"] = [{"closed_on": _later(row["happened_on"], row.pop("step")), **row} for row in events]
    columns = {"customer_id": customers, "related_id": customers, "relation": st.sampled_from(["spouse", "household"])}
    pairs = draw(_rows(columns, own="since", most=4))
    tables["relations"] = [{**row, "until": _later(row["since"], draw(later))} for row in pairs]
    steps = {
        "customer_id": customers,
        "product_id": st.just("card"),
        "arm": st.just("treated"),
        "call": later,
        "answer": later,
    }
    contacts = draw(_rows(steps, own="assigned_on", most=5))
    tables["contacts"] = [_contact(row) for row in contacts]
    columns = {"customer_id": customers, "measure": st.sampled_from(["logins", "points"]), "value": st.integers(0, 50)}
    tables["activity"] = draw(_rows(columns, own="period_end", most=6))
    money = dict.fromkeys(LEDGER_MONEY, cents)
    months = st.sampled_from(
        [
            date(2024, 2, 29),
            date(2024, 3, 31),
            date(2025, 1, 31),
            date(2025, 2, 28),
            date(2025, 3, 31),
            date(2025, 4, 30),
        ]
    )
    tables["ledger"] = draw(
        st.lists(st.fixed_dictionaries({"customer_id": customers, "month_end": months, **money}), max_size=5)
    )
    return tables


def _customer(draw: st.DrawFn, name: str) -> Row:
    born, joined = draw(st.sampled_from([None, date(1980, 2, 29), date(2000, 3, 31)])), draw(days)
    income = draw(st.none() | positive)
    words = {
        column: draw(st.sampled_from([None, "a", "b"])) for column in ("gender", "region", "industry", "occupation")
    }
    return {
        "customer_id": name,
        "kind": "person",
        "born_on": born,
        "joined_on": joined,
        "left_on": _later(joined, draw(st.sampled_from([None, None, 40, 300]))),
        "income": income,
        "valid_from": None,
        **words,
    }


def _account(draw: st.DrawFn, name: str, family: str) -> Row:
    opened = draw(st.sampled_from([date(2020, 1, 1), date(2020, 1, 1), *_DAYS]))
    closed = _later(opened, draw(later)) if draw(st.booleans()) else None
    posted = opened + timedelta(days=draw(delays))
    return {"account_id": name, "product_id": family, "opened_on": opened, "closed_on": closed, "posted_on": posted}


def _holders(draw: st.DrawFn) -> list[Row]:
    """Each account has one or two holders; some come later, some leave."""
    rows = []
    for account in ACCOUNTS:
        for name in draw(st.lists(customers, min_size=1, max_size=2, unique=True)):
            since = draw(st.sampled_from([date(2020, 1, 1), date(2020, 1, 1), *_DAYS]))
            until = draw(st.sampled_from([None, None, None, since + timedelta(days=90)]))
            role = draw(st.sampled_from(["owner", "joint", "authorised"]))
            posted = since + timedelta(days=draw(delays))
            rows.append(
                {
                    "account_id": account,
                    "customer_id": name,
                    "role": role,
                    "since": since,
                    "until": until,
                    "posted_on": posted,
                }
            )
    return rows


def _loans(draw: st.DrawFn) -> list[Row]:
    rows = []
    for name, account in (("L1", "A5"), ("L2", "A4")):
        granted = draw(days)
        closed, written_off = (_later(granted, draw(later)) for _ in range(2))
        posted = granted + timedelta(days=draw(delays))
        money = {"principal": draw(positive), "instalment": draw(positive)}
        money["term_months"] = draw(st.none() | st.integers(0, 40))
        rows.append({"loan_id": name, "account_id": account, "granted_on": granted, "closed_on": closed,
                     "written_off_on": written_off, "posted_on": posted, **money})  # fmt: skip
    return rows


def _contact(row: Row) -> Row:
    assigned = row["assigned_on"]
    call, answer = row.pop("call"), row.pop("answer")
    return {**row, "contacted_on": _later(assigned, call), "responded_on": _later(assigned, answer)}


def _unique(rows: list[Row], *key: str) -> list[Row]:
    return list({tuple(row[name] for name in key): row for row in rows}.values())


class Bench:
    """A bank in memory whose rows are replaced, so that its features are planned once."""

    def __init__(self, *, observed_from: dict[str, date] | None = None) -> None:
        self.connection = connect(memory_limit="1GB", threads=1)
        names = [
            "customers",
            "products",
            "accounts",
            "account_holders",
            "transactions",
            "account_terms",
            "loans",
            "arrears",
            "events",
            "relations",
            "contacts",
            "activity",
        ]
        for name in names:
            types = ", ".join(f'"{column}" {kind}' for column, kind in CONTRACT[name].sql_types.items())
            self.connection.con.execute(f"CREATE TABLE {name} ({types})")
        money = ", ".join(f"{name} DECIMAL(18,2)" for name in LEDGER_MONEY)
        self.connection.con.execute(f"CREATE TABLE ledger (customer_id VARCHAR, month_end DATE, {money})")
        static = tuple(f"customers.{name}" for name in ("gender", "region", "industry", "occupation", "income"))
        bank_spec = spec(observed_from=observed_from or OBSERVED_FROM, static=static, activity=ACTIVITY)
        self.bank = Bank(bank_spec, self.connection, {name: self.connection.table(name) for name in names})
        self.ledger = self.connection.table("ledger")

    def fill(self, tables: dict[str, list[Row]]) -> None:
        for name, rows in tables.items():
            self.connection.con.execute(f"DELETE FROM {name}")
            if rows:
                self.connection.con.register("rows", _arrow(name, rows))
                self.connection.con.execute(f"INSERT INTO {name} BY NAME SELECT * FROM rows")
                self.connection.con.unregister("rows")


def _arrow(name: str, rows: list[Row]) -> pa.Table:
    columns = list(rows[0])
    return pa.table({column: pa.array([row[column] for row in rows], _type(rows, column)) for column in columns})


def _type(rows: list[Row], column: str) -> pa.DataType:
    value = next((row[column] for row in rows if row[column] is not None), None)
    if isinstance(value, Decimal):
        return pa.decimal128(18, 2)
    if isinstance(value, date):
        return pa.date32()
    return pa.int64() if isinstance(value, int) else pa.string()
