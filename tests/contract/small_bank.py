"""A whole small bank of files: clean as it stands, trained and scored in seconds, to be spoilt one fault at a time."""

from __future__ import annotations

import calendar
import random
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

from tests.sources.raw_bank import Rows, write

MONTHS = [(2025, month) for month in range(1, 13)]

BANK = """\
bank: {name: small, zh: 小银行, en: Small Bank}
currency: CNY
sources:
  raw_customers: source/customers.csv
  raw_accounts: source/accounts.csv
  raw_products: source/products.csv
  raw_transactions: source/transactions.csv
tables:
  customers: SELECT * FROM raw_customers
  accounts: SELECT * FROM raw_accounts
  products: SELECT * FROM raw_products
  transactions: SELECT * FROM raw_transactions
observed_from: {transactions: 2025-01-01}
observed_until: {default: 2025-12-31}
static: [income]
protected: [gender]
"""

CHURN = """\
target: churn
zh: 一个月内流失
en: churn within a month
label: {kind: closed}
horizon: {months: 1}
population: {kinds: [person]}
cutoffs: {train: [2025-03, 2025-07], out_of_time: [2025-09, 2025-11], every: 2}
features: [turnover, products, tenure, profile]
tuning: {trials: 0, metric: gini, seed: 7, folds: 2, max_trees: 20}
gates: {calibration_slope: [0.1, 10], observed_over_expected: [0.1, 10]}
"""

LIST = """\
zh: 名单
en: a list
purpose: test
offers:
  - {product: loan, zh: 贷款, en: loan, channel: phone, contact_cost: 15, value_if_taken: 800}
capacities: {total: 10}
control_share: 0.1
explore_share: 0.0
seed: 7
call_by_days: 30
"""


def tables(customers: int, *, closing: float = 0.025) -> dict[str, Rows]:
    """Customers with one account each; a share closes it every month, and those earn less and spend more before."""
    chance = random.Random(11)
    people: Rows = [["customer_id", "kind", "gender", "income", "joined_on", "refuses_marketing"]]
    held: Rows = [["account_id", "customer_id", "product_id", "opened_on", "closed_on", "currency"]]
    booked: Rows = [["account_id", "valued_on", "posted_on", "amount", "balance", "kind", "transaction_id"]]
    for number in range(customers):
        closed = _closing_day(chance, closing)
        income = chance.randint(20, 60) if closed else chance.randint(40, 120)
        people.append([f"C{number:05}", "person", chance.choice("FM"), f"{income}000.00", "2020-03-01", "false"])
        held.append([f"A{number:05}", f"C{number:05}", "p1", "2020-03-01", str(closed or ""), "CNY"])
        booked += _bookings(number, closed, chance)
    return {
        "customers": people,
        "accounts": held,
        "products": [["product_id", "family", "main"], ["p1", "savings", "true"], ["p2", "loan", "false"]],
        "transactions": booked,
    }


def _closing_day(chance: random.Random, closing: float) -> date | None:
    for year, month in MONTHS:
        if chance.random() < closing:
            return date(year, month, chance.randint(2, 28))
    return None


def _bookings(number: int, closed: date | None, chance: random.Random) -> Rows:
    rows: Rows = []
    balance = 50_000 + 10 * number
    for place, (year, month) in enumerate(MONTHS):
        for _ in range(2):
            day = date(year, month, chance.randint(1, calendar.monthrange(year, month)[1]))
            if closed is not None and day >= closed:
                continue
            near = closed is not None and closed - day < timedelta(days=75)
            amount = -chance.randint(100, 600) if near and chance.random() < 0.7 else chance.randint(-400, 400)
            balance += amount
            kind = "salary" if amount > 0 else "spending"
            key = f"T{number:05}{place:02}{len(rows):02}"
            rows.append([f"A{number:05}", str(day), str(day), f"{amount}.00", f"{balance}.00", kind, key])
    return rows


def make(folder: Path, content: Mapping[str, Rows], configs: Mapping[str, str] | None = None) -> Path:
    """Write tables and configs under `folder`; the folder of the bank. Configs are `bank` and `churn` unless given."""
    source, bank = folder / "source", folder / "configs" / "small"
    source.mkdir(parents=True)
    bank.mkdir(parents=True)
    write(source, content)
    for name, text in {"bank": BANK, "churn": CHURN, **(configs or {})}.items():
        (bank / f"{name}.yaml").write_text(text, encoding="utf-8")
    return bank
