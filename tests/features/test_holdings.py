"""Holdings product by product: what is held, opened, closed, and for how long."""

from __future__ import annotations

from datetime import date

import ibis
import pyarrow as pa
import pytest

from crmml.errors import ConfigError
from crmml.features import build_features, catalogue, family_names
from crmml.sources.bank import Bank
from tests.tables import bank

PRODUCTS = """
product_id family  name
payroll    service payroll
TD-1       savings 存单"""
ACCOUNTS = """
account_id customer_id product_id opened_on  closed_on
a          1           payroll    2024-12-31 2025-02-28
b          1           payroll    2025-04-30 2025-06-30
c          1           TD-1       2025-06-30 -
d          2           TD-1       2025-07-31 -"""


def made(accounts: str = ACCOUNTS, products: str = PRODUCTS) -> Bank:
    customers = "customer_id kind joined_on\n1 person 2020-01-01\n2 person 2020-01-01"
    return bank(customers=customers, accounts=accounts, products=products)


def row_of(customer: str, day: str, of: Bank) -> dict[str, float]:
    keys = pa.table(
        {
            "customer_id": [customer],
            "cutoff_date": pa.array([date.fromisoformat(day)], pa.date32()),
            "event_id": pa.array([None], pa.string()),
        }
    )
    return build_features(of, ibis.memtable(keys), ["holdings"]).to_pylist()[0]


def test_held_before_closed_came_back_and_closed_again() -> None:
    row = row_of("1", "2025-06-30", made())
    assert row["held_payroll_last"] == 0
    assert (row["opened_payroll_1m"], row["opened_payroll_3m"], row["opened_payroll_12m"]) == (0, 1, 2)
    assert (row["closed_payroll_1m"], row["closed_payroll_3m"], row["closed_payroll_12m"]) == (1, 1, 2)
    assert (row["days_since_opening_payroll"], row["days_since_closing_payroll"]) == (61, 0)
    assert (row["held_td_1_last"], row["opened_td_1_1m"], row["days_since_closing_td_1"]) == (1, 1, None)


def test_a_closing_after_the_cutoff_is_not_known() -> None:
    row = row_of("1", "2025-05-31", made())
    assert row["held_payroll_last"] == 1
    assert (row["closed_payroll_12m"], row["days_since_closing_payroll"]) == (1, 92)
    assert (row["held_td_1_last"], row["opened_td_1_12m"]) == (0, 0)


def test_a_product_that_nobody_holds_has_columns_all_the_same() -> None:
    nobody = made(accounts="account_id customer_id product_id opened_on closed_on\na 1 payroll 2025-01-31 -")
    assert row_of("1", "2025-06-30", nobody)["held_td_1_last"] == 0


def test_titles_name_the_product_in_both_languages() -> None:
    titles = {info.name: (info.zh, info.en) for info in catalogue(made(), ["holdings"])}
    assert titles["opened_td_1_3m"] == ("近3个月新开存单户数", "accounts opened: TD-1, last 3 months")
    assert titles["held_payroll_last"] == ("持有payroll户数", "accounts held: payroll")


def test_the_family_is_made_only_when_asked_for() -> None:
    assert "holdings" not in family_names()
    assert not [info for info in catalogue(made()) if info.family == "holdings"]


def test_a_catalogue_too_long_for_columns_of_its_own_is_refused() -> None:
    many = "product_id family name\n" + "\n".join(f"p{number} card -" for number in range(101))
    with pytest.raises(ConfigError, match=r"products lists 101; expected at most 100.*C015"):
        catalogue(
            made(accounts="account_id customer_id product_id opened_on\na 1 p1 2025-01-31", products=many), ["holdings"]
        )


def test_an_unknown_family_is_told_the_nearest_asked_for_by_name_too() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'holdings'"):
        catalogue(made(), ["holding"])
