"""Month-end balances alone, from SQLite and GBK files, go the whole way from tables to a list."""

import json

import pandas as pd
import pytest

from crmml.stages.run import run_bank
from tests.stages.month_end_bank import CUSTOMERS, MONTHS, balances, lay

pytestmark = pytest.mark.whole


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    root = tmp_path_factory.mktemp("month_end")
    lay(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMML_HOME", str(root))
        patch.chdir(root)
        said = []
        run_bank("configs/month_end", say=said.append)
        yield root, "\n".join(said)


def test_every_amount_arrives_to_the_cent_and_ids_keep_their_zeros(bank):
    root, _ = bank
    tables = root / "data/month_end/tables"
    table = pd.read_parquet(tables / "balances.parquet").sort_values(["account_id", "balance_on"])
    cents = (table["balance"] * 100).astype("int64").to_numpy().reshape(CUSTOMERS, MONTHS)
    assert (cents == balances()).all()
    assert table["account_id"].iloc[0] == "00000001"
    assert pd.read_parquet(tables / "customers.parquet")["name"].iloc[0] == "客户001"


def test_the_ledger_says_that_averages_are_of_month_ends_and_agrees(bank):
    root, _ = bank
    told = json.loads((root / "data/month_end/ledger/reconciliation.json").read_text())
    assert float(told["difference"]) == 0
    ledger = pd.read_parquet(root / "data/month_end/ledger/ledger.parquet", columns=["balance_basis"])
    assert set(ledger["balance_basis"]) == {"month_end"}


def test_what_such_a_bank_cannot_say_is_said_once(bank):
    _, said = bank
    assert said.count("no transactions: features turnover") == 1
    assert "no accounts: features products" in said


def test_who_leaves_is_foreseen_and_scored(bank):
    root, _ = bank
    found = json.loads((root / "data/month_end/training/churn/metrics.json").read_text())
    assert found["headline"]["auc"]["low"] > 0.75
    assert found["tested_on"].startswith("later cut-offs")


def test_the_list_offers_what_the_bank_s_own_label_foresees(bank):
    root, _ = bank
    rows = pd.read_parquet(root / "data/month_end/lists/calls/calls.parquet")
    contacted = rows[rows["arm"] != "control"]
    # 55 or 56 are chosen, and a tenth held out is a whole number of rows: a place may stay free, none too many is used.
    assert len(contacted) in (49, 50)
    assert set(rows["offer"]) == {"fund"}
    assert contacted["reason_1_zh"].notna().all()
    richest = pd.Series(balances()[:, -12:].max(axis=1)).rank(pct=True)
    assert richest[contacted["customer_id"].astype(int) - 1].median() > 0.8
    assert (root / "out/month_end/calls.xlsx").exists()
