"""What is prepared once changes no number."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmml.errors import ConfigError
from crmml.features import build_features
from crmml.files import Staged
from crmml.sources.bank import BOOKINGS, NUMBERS, Bank, connect, usual_memory, view_tables
from crmml.sources.movements import customer_transactions
from crmml.sources.prepare import write_prepared
from tests.tables import bank

CUSTOMERS = """
customer_id kind   joined_on
2           person 2020-01-01
1           person 2020-01-01"""
ACCOUNTS = """
account_id product_id opened_on
a          current    2020-01-01
b          savings    2020-01-01"""
# Account a changes hands in May; that was known in June.
HOLDERS = """
account_id customer_id role  since      until      posted_on
a          1           owner 2020-01-01 2025-05-01 2020-01-01
a          2           owner 2025-05-01 -          2025-06-02
b          1           owner 2020-01-01 -          2020-01-01"""
TRANSACTIONS = """
account_id valued_on  posted_on  amount kind   counterparty_account
a          2025-04-10 2025-04-10 100    salary -
a          2025-05-20 2025-05-20 -7     fee    -
b          2025-04-11 2025-07-03 40     bill   -
b          2025-04-12 2025-04-12 -30    cash   a"""
FAMILIES = ["turnover", "salary", "balances"]


def prepared(made: Bank, folder: Path) -> Bank:
    for name in made.tables:
        pq.write_table(made.table(name).to_pyarrow(), folder / f"{name}.parquet")
    write_prepared(made.spec, Staged(folder), memory_limit="1GB", threads=1)
    files = [path.name for path in folder.glob("*.parquet")]
    return view_tables(made.spec, connect(memory_limit="1GB", threads=1), folder, files)


def given() -> Bank:
    start = {"observed_from": {"transactions": date(2020, 1, 1)}}
    return bank(
        overrides=start, customers=CUSTOMERS, accounts=ACCOUNTS, account_holders=HOLDERS, transactions=TRANSACTIONS
    )


def snapshots() -> ibis.Table:
    days = [date(2025, 4, 30), date(2025, 5, 31), date(2025, 6, 30), date(2025, 7, 31)]
    keys = [(customer, day) for day in days for customer in ("1", "2", "3")]
    return ibis.memtable(
        pa.table(
            {
                "customer_id": [customer for customer, _ in keys],
                "cutoff_date": pa.array([day for _, day in keys], pa.date32()),
                "event_id": pa.array([None] * len(keys), pa.string()),
            }
        )
    )


def test_prepared_bookings_are_those_of_the_tables(tmp_path: Path) -> None:
    made, ready = given(), prepared(given(), tmp_path)
    rows = customer_transactions(ready).to_pyarrow()
    assert rows["customer_no"].to_pylist() == [0, 0, 0, 1]
    columns = customer_transactions(made).columns
    order = [(name, "ascending") for name in ("customer_id", "valued_on")]
    expected = customer_transactions(made).to_pyarrow().sort_by(order)
    assert rows.select(columns).sort_by(order).to_pylist() == expected.to_pylist()


def test_features_of_a_prepared_bank_are_those_of_its_tables(tmp_path: Path) -> None:
    made, ready = given(), prepared(given(), tmp_path)
    built = build_features(ready, snapshots(), FAMILIES)
    assert built.equals(build_features(made, snapshots(), FAMILIES))
    # The fee of 20 May belongs to customer 2, and is known with the holding of June.
    assert built["fees_paid_3m"].to_pylist() == [0, None, None, 0, None, None, 0, 7, None, 0, 7, None]


def test_a_bank_whose_tables_are_replaced_has_nothing_prepared(tmp_path: Path) -> None:
    ready = prepared(given(), tmp_path)
    assert set(ready.prepared) == {BOOKINGS, NUMBERS}
    changed = ready.with_tables(account_holders=ready.table("account_holders").filter(lambda t: t.account_id == "b"))
    assert not changed.prepared
    assert set(customer_transactions(changed).to_pyarrow()["account_id"].to_pylist()) == {"b"}


def test_memory_is_what_the_variable_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRMML_MEMORY", "1GB")
    assert usual_memory() == "1GB"
    monkeypatch.setenv("CRMML_MEMORY", "plenty")
    with pytest.raises(ConfigError, match=r"CRMML_MEMORY is 'plenty'; expected an amount such as 2GB"):
        usual_memory()
