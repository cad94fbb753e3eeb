"""Who may be won back."""

from datetime import date

import pandas as pd
import pytest

from crmml.vocabulary import BARS
from crmml.warning import WinbackSpec
from crmml.warning.winback import ReturnCount, rank_gone, return_rates

DAY = date(2025, 12, 31)


def ranked(**changed):
    gone = pd.DataFrame(
        {
            "customer_id": ["001", "002", "003", "004", "001", "005"],
            "kind": ["attrited", "closed", "closed", "closed", "closed", "silent"],
            "lost_on": pd.to_datetime(["2025-11-01", *["2025-12-01"] * 5]),
            "value_lost": [10.0, 500.0, 900.0, None, 300.0, 50.0],
            "months_known": 12,
        }
    )
    people = pd.DataFrame({"customer_id": ["001", "002", "003", "004", "005"], "name": "陈*"})
    people = people.assign(branch_id="B", branch="B", manager_id="M", manager="M")
    barred = pd.DataFrame({"customer_id": ["001", "002", "003", "004"], **dict.fromkeys(list(BARS)[:-1], False)})
    barred = barred.assign(last_contacted_on=[None, None, date(2025, 12, 20), None])
    barred.loc[1, "refuses_marketing"] = True
    spec = WinbackSpec(**{"contacted_within_days": 30, **changed})
    return rank_gone(gone, people, barred, spec, cutoff=DAY, as_of=DAY)


def test_each_customer_stands_once_those_who_may_be_approached_first():
    found = ranked().set_index("customer_id")
    assert found.index.tolist() == ["001", "004", "003", "002", "005"]
    assert found["barred_by"].to_dict() == {
        "001": "", "002": "refuses_marketing", "003": "contacted_lately", "004": "", "005": "not_known",
    }  # fmt: skip
    assert (found.loc["001", "kind"], found.loc["001", "kinds"], found.loc["001", "value_lost"]) == (
        "closed",
        "closed+attrited",
        300,
    )
    assert found.loc["001", "days_gone"] == 30


def test_nothing_is_expected_without_a_save_rate_and_the_rate_is_stamped_as_assumed():
    assert ranked()["expected_value"].isna().all()
    found = ranked(save_rate=0.1).set_index("customer_id").loc["001"]
    assert (found["expected_value"], found["expected_source"]) == (30, "save rate assumed by the bank")


def test_returns_have_wilson_intervals():
    found = return_rates([ReturnCount("closed", "2025-06-30", 10, 1), ReturnCount("silent", "2025-06-30", 0, 0)])
    assert found.loc[0, ["rate", "low", "high"]].tolist() == pytest.approx([0.1, 0.0179, 0.4042], abs=1e-3)
    assert found.loc[1, ["rate", "low"]].isna().all()


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kinds": ("gone",)}, "expected some of closed, attrited, silent"),
        ({"kinds": ("attrited",)}, "needs a floor"),
        ({"within_months": 0}, "expected 1 to 36 months"),
        ({"recovered": 0.4}, "recovered is 0.4"),
        ({"save_rate": 30}, "save_rate is 30"),
    ],
)
def test_what_cannot_be_meant_is_refused(given, words):
    with pytest.raises(ValueError, match=words):
        WinbackSpec(**given)
