"""Sums stay exact where float64 would round them."""

from __future__ import annotations

from datetime import date

import ibis
import pyarrow as pa

from crmml.features import build_features
from tests.tables import bank

CUSTOMERS = """
customer_id kind   joined_on
1           person 2020-01-01"""
ACCOUNTS = """
account_id customer_id product_id opened_on
a          1           current    2020-01-01"""
#: In cents 2**53 + 1, which float64 does not hold, and one cent less, back.
HUGE = pa.table(
    {
        "account_id": ["a", "a"],
        "valued_on": pa.array([date(2025, 6, 10), date(2025, 6, 11)], pa.date32()),
        "amount": pa.array(["90071992547409.93", "-90071992547409.92"]).cast(pa.decimal128(18, 2)),
    }
)


def test_sums_beyond_float64_are_taken_in_whole_numbers() -> None:
    made = bank(
        overrides={"observed_from": {"transactions": date(2020, 1, 1)}},
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        transactions=HUGE,
    )
    day = pa.array([date(2025, 6, 30)], pa.date32())
    keys = pa.table({"customer_id": ["1"], "cutoff_date": day, "event_id": pa.array([None], pa.string())})
    row = build_features(made, ibis.memtable(keys), ["turnover", "balances"]).to_pylist()[0]
    assert (row["deposits_last"], row["transactions_3m"]) == (0.01, 2)
