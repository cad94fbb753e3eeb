import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmml.errors import ConfigError, GateError
from crmml.targeting import Rule
from crmml.targeting.candidates import build_candidates
from crmml.targeting.decisions import Decisions
from crmml.targeting.eligibility import apply_eligibility, evaluate
from tests.targeting.lists import CARD, CUSTOMERS, LOAN, inputs, spec

FEATURES = pd.DataFrame({"customer_id": CUSTOMERS, "balance_mean_3m": [10.0, 20.0, None, 40.0, 50.0], "age": range(5)})


def meets(where: str, features: object = FEATURES) -> list[bool]:
    rows = build_candidates(spec(), inputs())
    return evaluate([Rule(where)], rows, features)[::2, 0].tolist()  # type: ignore[arg-type]


def test_a_condition_reads_features_and_null_is_not_met():
    assert meets("balance_mean_3m >= 20") == [False, True, False, True, True]
    assert meets("not (balance_mean_3m >= 20)") == [True, False, False, False, False]


def test_features_may_be_an_arrow_table_in_any_order():
    shuffled = FEATURES.iloc[[3, 1, 4, 0, 2]]
    assert meets("age >= 3", pa.Table.from_pandas(shuffled)) == [False, False, False, True, True]


def test_a_condition_reads_scores_and_candidate_columns():
    assert meets("offer = 'card' and prob_take > 0.15") == [False, True, True, False, False]


def test_a_comment_at_the_end_of_a_condition_changes_nothing():
    assert meets("age >= 3 -- grown up") == [False, False, False, True, True]


def test_a_missing_column_is_named_with_the_nearest_one():
    with pytest.raises(ConfigError, match=r"names column 'balance_mean'.*Did you mean 'balance_mean_3m'.*C002"):
        meets("balance_mean > 3")


def test_the_probability_of_default_is_not_for_marketing():
    with pytest.raises(ConfigError, match="names column 'prob_default'"):
        meets("prob_default < 0.1", FEATURES.assign(prob_default=0.1))


@pytest.mark.parametrize("where", ["age + 1", "age >", "age > 1)", "sum(age) > 3", "age > 1; DROP TABLE rows"])
def test_what_is_no_condition_is_refused(where):
    with pytest.raises(ConfigError, match="C003"):
        meets(where)


def test_a_condition_can_read_no_file(tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    with pytest.raises(ConfigError, match="C003"):
        meets(f"age IN (SELECT a FROM read_csv('{secret}'))")


def test_holders_rules_bands_and_offer_rules_remove_one_after_the_other():
    asked = spec(
        offers=(dataclasses.replace(CARD, eligibility=(Rule("age < 4", "四岁以下", "below four"),)), LOAN),
        eligibility=(Rule("age > 0", "满一岁", "one or more"),),
        max_risk_band="B",
    )
    default = pd.DataFrame({"customer_id": ["c2", "c3"], "grade": ["C", "B"]})
    holdings = pd.DataFrame([("c3", "x", "loan")], columns=["customer_id", "product_id", "family"])
    rows = build_candidates(asked, inputs(default=default, holdings=holdings))
    decisions = Decisions(rows)
    apply_eligibility(decisions, asked, rows, FEATURES)
    waterfall = decisions.waterfall()
    assert waterfall["removed"].tolist() == [1, 2, 2, 1]
    assert waterfall["candidates"].tolist() == [9, 7, 5, 4]
    assert waterfall["customers"].tolist() == [5, 4, 3, 3]
    assert waterfall["en"].tolist()[-1] == "credit card: below four"
    left = rows[decisions.left]
    assert list(zip(left["customer_id"], left["offer"], strict=True)) == [
        ("c3", "card"), ("c4", "card"), ("c4", "loan"), ("c5", "loan"),
    ]  # fmt: skip


def test_the_rule_that_empties_the_list_is_named():
    asked = spec(eligibility=(Rule("age >= 1"), Rule("age > 100", "百岁以上", "over a hundred")))
    rows = build_candidates(asked, inputs())
    with pytest.raises(GateError, match=r"rule 'over a hundred' \(百岁以上\) removed the last 8 candidates"):
        apply_eligibility(Decisions(rows), asked, rows, FEATURES)


def test_no_rules_remove_nobody():
    rows = build_candidates(spec(), inputs())
    assert np.shape(evaluate([], rows)) == (10, 0)
