"""A purchase history by configuration alone: who comes back, how many orders, what sales."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.conftest import REPOSITORY, lighten

DATA = os.environ.get("CRMML_DATA")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.whole,
    pytest.mark.skipif(not DATA or not (Path(DATA) / "cdnow").is_dir(), reason="CRMML_DATA names no folder with cdnow"),
]


@pytest.fixture(scope="module")
def cdnow(tmp_path_factory):
    root = tmp_path_factory.mktemp("cdnow")
    shutil.copytree(REPOSITORY / "configs" / "cdnow", root / "configs" / "cdnow")
    for name in ("buys_again", "orders"):
        lighten(root / "configs" / "cdnow" / f"{name}.yaml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMML_HOME", str(root))
        patch.chdir(root)
        command = [sys.executable, "-c", "from crmml.cli import main; main()", "run", "configs/cdnow"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        yield root


def read(root, *names):
    return pd.read_parquet(root.joinpath("data", "cdnow", *names))


def metrics(root, key):
    return json.loads((root / "data" / "cdnow" / "training" / key / "metrics.json").read_text())


def test_the_purchases_are_those_of_the_published_sample(cdnow):
    """6,696 days with purchases, 1,882 of them in the 39 weeks held out, as in the published work."""
    sample = pd.read_csv(f"{DATA}/cdnow/CDNOW_sample.txt.gz", sep=r"\s+", header=None, dtype=str)
    bookings = read(cdnow, "tables", "transactions.parquet")
    assert len(bookings) == 67_591
    kept = bookings[bookings["account_id"].isin(set(sample[0]))]
    assert (len(kept), kept["account_id"].nunique()) == (6_696, 2_357)
    assert (pd.to_datetime(kept["valued_on"]) > "1997-09-30").sum() == 1_882


def test_the_history_of_the_cohort_is_whole_at_the_cut_off(cdnow):
    """The 12 months before 1997-09-30 hold a customer's whole life: frequency and age are those of the published summary."""
    published = pd.read_csv(f"{DATA}/cdnow/cdnow_customers_summary.csv.gz")
    sample = pd.read_csv(f"{DATA}/cdnow/CDNOW_sample.txt.gz", sep=r"\s+", header=None, dtype=str)
    number = sample.drop_duplicates(1).astype({1: int}).set_index(1)[0]
    features = read(cdnow, "features", "features", "1997-09-30.parquet").set_index("customer_id")
    ours = features.loc[published["ID"].map(number)]
    np.testing.assert_array_equal(ours["transactions_12m"].astype(int) - 1, published["frequency"])
    np.testing.assert_allclose(ours["days_since_last_opening"].astype(float) / 7, published["T"], atol=0.01)


def test_a_contribution_is_sales_less_one_dollar_an_order(cdnow):
    ledger = read(cdnow, "ledger", "ledger.parquet")
    bookings = read(cdnow, "tables", "transactions.parquet")
    assert float(ledger["service_cost"].sum()) == len(bookings)
    assert float(ledger["fees"].sum()) == pytest.approx(-float(bookings["amount"].sum()))
    told = json.loads((cdnow / "data" / "cdnow" / "ledger" / "reconciliation.json").read_text())
    assert float(told["difference"]) <= 0.01


def test_who_buys_again_is_foreseen_on_later_months(cdnow):
    found = metrics(cdnow, "buys_again")
    assert found["tested_on"] == "later cut-offs, all customers"
    assert found["headline"]["auc"]["low"] > 0.75


def test_orders_of_nine_months_are_foreseen_from_labels_of_three(cdnow):
    assert metrics(cdnow, "orders")["tested_on"] == "later cut-offs, all customers"
    found = read(cdnow, "training", "orders", "predictions.parquet")
    assert np.corrcoef(found["label_service_cost"], found["service_cost"])[0, 1] > 0.5
