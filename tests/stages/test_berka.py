"""A bank of loans by configuration alone: three overlapping files of bookings, arrears made of instalments."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import REPOSITORY, lighten

DATA = os.environ.get("CRMML_DATA")
pytestmark = [
    pytest.mark.realdata,
    pytest.mark.whole,
    pytest.mark.skipif(not DATA or not (Path(DATA) / "berka").is_dir(), reason="CRMML_DATA names no folder with berka"),
]


@pytest.fixture(scope="module")
def berka(tmp_path_factory):
    root = tmp_path_factory.mktemp("berka")
    shutil.copytree(REPOSITORY / "configs" / "berka", root / "configs" / "berka")
    for name in ("behavioural", "application", "contribution"):
        lighten(root / "configs" / "berka" / f"{name}.yaml")
    path = root / "configs" / "berka" / "behavioural.yaml"
    text = path.read_text(encoding="utf-8").replace("holdout_buckets: 0", "holdout_buckets: 0\n  every: 3")
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CRMML_HOME", str(root))
        patch.chdir(root)
        for arguments in (["run", "configs/berka"], ["train", "configs/berka/application.yaml"]):
            command = [sys.executable, "-c", "from crmml.cli import main; main()", *arguments]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stderr
        yield root


def table(root, name):
    return pd.read_parquet(root / "data" / "berka" / "tables" / f"{name}.parquet")


def metrics(root, key):
    return json.loads((root / "data" / "berka" / "training" / key / "metrics.json").read_text())


def test_complete_accounts_hold_every_booking_that_others_counted(berka):
    counted = pd.read_csv(f"{DATA}/berka/derived_basetable.csv.gz", usecols=["account_id", "alltime_total_nbr_trans"])
    counted = counted.dropna().drop_duplicates().astype({"account_id": int}).astype({"account_id": str})
    expected = counted.set_index("account_id")["alltime_total_nbr_trans"].astype(int)
    loans = pd.read_csv(f"{DATA}/berka/loan.asc.gz", sep=";", dtype={"account_id": str})
    complete = loans.loc[(loans["date"] <= 940331) | (loans["date"] >= 970101), "account_id"]
    ours = table(berka, "transactions").groupby("account_id").size()
    assert len(complete) == 38 + 354
    assert ours.reindex(complete).to_dict() == expected.reindex(complete).to_dict()


def test_bookings_before_the_loan_add_up_to_the_balances_the_bank_wrote_down(berka):
    """Up to its own rounding: 354 accounts from their first booking on, where the source is exact."""
    loans = pd.read_csv(f"{DATA}/berka/loan.asc.gz", sep=";", dtype=str).set_index("account_id")
    rows = table(berka, "transactions").join(loans["date"], on="account_id", how="inner")
    granted = pd.to_datetime("19" + rows["date"], format="%Y%m%d")
    rows = rows[(rows["date"] >= "970101") & (pd.to_datetime(rows["valued_on"]) < granted)]
    rows = rows.astype({"amount": float, "balance": float})
    days = rows.groupby(["account_id", "valued_on"], sort=True)
    so_far = days["amount"].sum().groupby("account_id").cumsum()
    gap = rows.join(so_far.rename("so_far"), on=["account_id", "valued_on"])
    nearest = (gap["so_far"] - gap["balance"]).abs().groupby([gap["account_id"], gap["valued_on"]]).min()
    assert len(nearest) > 15_000
    assert nearest.max() < 1.0


def test_the_ledger_reconciles(berka):
    told = json.loads((berka / "data" / "berka" / "ledger" / "reconciliation.json").read_text())
    assert float(told["difference"]) <= 0.01
    assert {control["difference"] for control in told["controls"]} == {"0.00"}


def test_missed_instalments_tell_the_bad_loans_from_the_good(berka):
    late = set(table(berka, "arrears").query("days_past_due >= 30")["loan_id"])
    loans = table(berka, "loans").assign(late=lambda rows: rows["loan_id"].isin(late))
    counts = loans.groupby("outcome")["late"].agg(["size", "sum"])
    assert counts.loc[["B", "D"], "size"].sum() == 76
    assert counts.loc[["B", "D"], "sum"].sum() == 66
    assert counts.loc[["A", "C"], "sum"].sum() == 4


def test_arrears_of_one_loan_by_hand(berka):
    """Loan 4961, 12 instalments of 2,523 from 1996-05-12 on: the first is paid in August, the eighth and last in March."""
    rows = table(berka, "arrears").query("loan_id == '4961'").set_index("as_of")
    found = {str(day)[:10]: (row.days_past_due, row.overdue_amount) for day, row in rows.iterrows()}
    assert found["1996-05-31"] == (19, 2523)
    assert found["1996-07-31"] == (80, 3 * 2523)  # since 12 May
    assert found["1996-08-31"] == (80, 3 * 2523)  # one paid: since 12 June
    assert found["1997-04-30"] == (108, 4 * 2523)  # all twelve due, eight paid: since 12 January
    assert found["1998-12-31"] == (718, 4 * 2523)


def test_the_behavioural_model_is_tested_on_later_months(berka):
    found = metrics(berka, "behavioural")
    assert found["tested_on"].startswith("later cut-offs")
    assert found["leak_audit"] == "clean"
    assert found["headline"]["auc"]["low"] > 0.7


def test_the_contribution_is_tested_on_the_next_year_beside_its_rivals(berka):
    found = metrics(berka, "contribution")
    assert [str(one["cutoff_date"]) for one in found["per_cutoff"]] == ["1997-12-31"]
    assert set(found["benchmark"]["rivals"]) == {"last year carried forward", "one direct regression"}
    assert found["exactness"] <= 1e-9
    # Each of these customers has owed for a year, so both years are whole in the public files.
    assert found["headline"]["rows"] == 284


def test_the_application_model_says_that_it_is_of_few_events_and_not_out_of_time(berka):
    found = metrics(berka, "application")
    assert "not out of time" in found["tested_on"]
    assert "events, fewer than 50" in found["tested_on"]
    assert found["headline"]["auc"]["low"] > 0.5
    assert "fewer than 50" in (berka / "out" / "berka" / "report-application.html").read_text(encoding="utf-8")
