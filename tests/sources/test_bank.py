"""An open bank: canonical columns whatever was given."""

from __future__ import annotations

from datetime import date

import ibis
import pytest

from crmml.errors import ConfigError, SourceError
from crmml.sources.contract import CONTRACT
from tests.tables import bank, rows

CUSTOMERS = """
    customer_id  joined_on
    1            2020-01-01"""
TRANSACTIONS = """
    account_id  valued_on   amount
    1           2025-01-02    1.10
    1           2025-01-05   -3"""


def test_the_tables_are_those_of_the_design():
    assert list(CONTRACT) == [
        "customers",
        "accounts",
        "account_terms",
        "account_holders",
        "transactions",
        "balances",
        "activity",
        "loans",
        "arrears",
        "products",
        "events",
        "relations",
        "contacts",
        "labels",
        "rates",
        "branches",
        "managers",
    ]
    assert CONTRACT["loans"].required == ("loan_id", "account_id", "granted_on", "principal")
    assert CONTRACT["contacts"].required == ("customer_id", "product_id", "assigned_on", "arm")


def test_columns_that_were_not_given_are_null_and_typed():
    small = bank(customers=CUSTOMERS)
    table = small.table("customers")
    assert list(table.columns) == list(CONTRACT["customers"].columns)
    assert table.schema()["income"].is_decimal()
    assert rows(table, "customer_id", "income", "posted_on") == [("1", None, None)]


def test_a_table_the_bank_does_not_have_is_named():
    small = bank(customers=CUSTOMERS)
    assert not small.has("loans")
    with pytest.raises(SourceError, match=r"test has no table customer; it has customers. Did you mean 'customers'\?"):
        small.table("customer")


def test_replaced_tables_are_seen_and_the_first_bank_stays_as_it_was():
    small = bank(customers=CUSTOMERS, transactions=TRANSACTIONS)
    bookings = small.table("transactions")
    fewer = small.with_tables(transactions=bookings.filter(bookings.amount > 0))
    assert rows(fewer.table("transactions"), "amount") == [(1.1,)]
    assert len(rows(small.table("transactions"))) == 2


def test_a_replacing_table_may_lack_optional_columns_only():
    small = bank(customers=CUSTOMERS, transactions=TRANSACTIONS)
    bookings = small.table("transactions")
    narrow = small.with_tables(transactions=bookings.select("account_id", "valued_on", "amount"))
    assert rows(narrow.table("transactions"), "posted_on") == [(date(2025, 1, 2),), (date(2025, 1, 5),)]
    with pytest.raises(ValueError, match="transactions needs a column 'amount'"):
        small.with_tables(transactions=bookings.select("account_id", "valued_on"))
    with pytest.raises(ValueError, match=r"transactions has no column 'amont'. Did you mean 'amount'\?"):
        small.with_tables(transactions=bookings.mutate(amont=bookings.amount))
    with pytest.raises(ValueError, match=r"'transaction' is not a canonical table. Did you mean 'transactions'\?"):
        small.with_tables(transaction=bookings)


def test_the_observed_span_is_declared_or_starts_with_the_first_row():
    small = bank(
        customers=CUSTOMERS,
        transactions=TRANSACTIONS,
        overrides={"observed_until": {"default": date(2025, 6, 30), "loans": date(2025, 3, 31)}},
    )
    assert small.observed_until("loans") == date(2025, 3, 31)
    assert small.observed_until("transactions") == date(2025, 6, 30)
    assert small.observed_from("transactions") == date(2025, 1, 2)
    with pytest.raises(ConfigError, match=r"observed_until says nothing of loans.*\[C010\]"):
        bank(customers=CUSTOMERS, overrides={"observed_until": {}}).observed_until("loans")
    with pytest.raises(SourceError, match=r"customers has no dated row.*\[D021\]"):
        small.observed_from("customers")
    declared = bank(customers=CUSTOMERS, overrides={"observed_from": {"transactions": date(2021, 1, 1)}})
    assert declared.observed_from("transactions") == date(2021, 1, 1)


def test_what_is_kept_is_computed_once_and_replaces_its_earlier_self():
    small = bank(customers=CUSTOMERS, transactions=TRANSACTIONS)
    total = small.table("transactions").amount.sum().cast("float64").name("total").as_table()
    small.keep("total", total)
    kept = small.keep("total", total.mutate(total=ibis._.total * 2))
    assert rows(kept) == [(-3.8,)]


def test_batches_stream_the_rows_without_holding_all():
    small = bank(customers=CUSTOMERS, transactions=TRANSACTIONS)
    batches = list(small.batches(small.table("transactions"), rows=1))
    assert sum(batch.num_rows for batch in batches) == 2
