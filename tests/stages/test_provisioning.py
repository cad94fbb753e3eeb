import pandas as pd
import pytest

from crmml.stages.provisioning import by_customer, provision_of, provision_sums

EXPOSURES = pd.DataFrame(
    {
        "customer_id": ["1", "1", "2", "3", "4", "5"],
        "account_id": list("abcdef"),
        "family": ["loan", "mortgage", "loan", "loan", "loan", "loan"],
        "days_past_due": [0, 45, 95, 0, 0, 0],
        "ead": [1000.0, 4000.0, 200.0, 300.0, None, 700.0],
        "lgd": [0.35, 0.1, 0.35, 0.35, 0.35, 0.35],
    }
)
SCORES = pd.DataFrame(
    {"customer_id": ["1", "2", "4"], "prob_default": [0.02, 0.3, 0.1], "grade": ["5", "8", "7"]},
)


@pytest.fixture(scope="module")
def told():
    return provision_of(EXPOSURES, SCORES, default_days=90, in_default=["5"]).set_index("account_id", drop=False)


def test_expected_loss_is_exactly_the_product_of_its_factors(told):
    known = told[told["expected_loss_12m"].notna()]
    product = known["prob_default_12m"] * known["lgd"] * known["ead"]
    assert (known["expected_loss_12m"] == product).all()
    assert told.loc["a", "expected_loss_12m"] == pytest.approx(7.0)
    assert told.loc["b", "expected_loss_12m"] == pytest.approx(8.0)


def test_a_borrower_in_default_has_a_probability_of_one(told):
    assert told.loc[["c", "f"], "prob_default_12m"].tolist() == [1.0, 1.0]
    assert told.loc["c", "expected_loss_12m"] == pytest.approx(70)
    assert told["prob_default_source"].tolist() == ["model", "model", "in default", "none", "model", "in default"]


def test_the_stage_hint_follows_days_past_due(told):
    assert told["stage_hint"].tolist() == [1, 2, 3, 1, 1, 3]


def test_what_lacks_a_factor_has_no_loss_and_is_counted(told):
    assert told.loc[["d", "e"], "expected_loss_12m"].isna().all()
    sums = provision_sums(told)
    assert sums["without"] == 2
    assert sums["total"]["expected_loss_12m"] == pytest.approx(7 + 8 + 70 + 0.35 * 700)
    assert [row["grade"] for row in sums["by_grade"]] == ["5", "default"]
    assert sum(row["expected_loss_12m"] for row in sums["by_stage"]) == sums["total"]["expected_loss_12m"]


def test_a_customer_has_the_sum_of_accounts(told):
    customers = by_customer(told.reset_index(drop=True), pd.Index(["1", "2", "4"]))
    assert customers.loc["1", "ead"] == 5000
    assert customers.loc["1", "lgd"] == pytest.approx((350 + 400) / 5000)
    assert customers.loc["1", "expected_loss_12m"] == pytest.approx(15.0)
    assert customers.loc["1", "expected_loss_12m"] == 0.02 * customers.loc["1", "lgd"] * 5000
    assert customers.loc[["2", "4"]].isna().all().all()
