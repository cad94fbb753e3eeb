"""The public data of Xiamen International Bank, when `CRMML_DATA` says where they are."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from crmml.config.bank_file import load_bank
from crmml.sources.bank import open_tables
from crmml.sources.ingest import ingest
from crmml.sources.movements import balance_basis

FOLDER = Path(__file__).parents[2] / "configs/xiamen"

pytestmark = pytest.mark.skipif(
    not (Path(os.environ.get("CRMML_DATA", "/nowhere")) / "xiamen_bank_churn").is_dir(),
    reason="CRMML_DATA does not name a folder that holds xiamen_bank_churn",
)


@pytest.fixture(scope="module")
def xiamen(tmp_path_factory):
    directory = tmp_path_factory.mktemp("xiamen") / "tables"
    report = ingest(load_bank(FOLDER), directory)
    return report, open_tables(load_bank(FOLDER), directory)


def test_nothing_is_wrong_and_no_row_is_lost(xiamen):
    report, _ = xiamen
    assert report.issues == ()
    assert {table.name: table.kept for table in report.tables} == {
        "customers": 82_899,
        "accounts": 155_532,
        "balances": 273_458,
        "activity": 3_041_939,
        "products": 8,
        "labels": 69_126 + 76_170,
    }


def test_labels_have_the_counts_of_the_data(xiamen):
    _, bank = xiamen
    counted = bank.connection.con.sql("SELECT cutoff_date, value, count(*) FROM labels GROUP BY ALL ORDER BY ALL")
    shares = {(day, value): count for day, value, count in counted.fetchall()}
    total = {date(2019, 9, 30): 69_126, date(2019, 12, 31): 76_170}
    assert [round(100 * count / total[day], 1) for (day, _), count in shares.items()] == [
        15.4,
        21.8,
        62.8,
        15.2,
        19.9,
        64.8,
    ]


def test_a_product_is_taken_when_its_money_appears_in_the_fourth_quarter(xiamen):
    _, bank = xiamen
    taken = bank.connection.con.sql(
        "SELECT product_id, count(*) FROM accounts JOIN customers USING (customer_id) "
        "WHERE joined_on IS NULL AND opened_on = DATE '2019-12-31' GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert taken == [
        ("X1", 1908),
        ("X2", 162),
        ("X3", 1426),
        ("X4", 2720),
        ("X5", 794),
        ("X6", 263),
        ("X7", 135),
        ("X8", 892),
    ]


def test_balances_are_a_quarterly_history_with_loans_as_debts(xiamen):
    _, bank = xiamen
    assert balance_basis(bank) == "sparse"
    signs = bank.connection.con.sql(
        "SELECT a.product_id = 'X7', min(b.balance) >= 0, max(b.balance) <= 0 "
        "FROM balances b JOIN accounts a USING (account_id) GROUP BY ALL ORDER BY ALL"
    ).fetchall()
    assert signs == [(False, True, False), (True, False, True)]
