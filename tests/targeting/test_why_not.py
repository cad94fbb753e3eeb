import dataclasses

import pandas as pd
import pytest

from crmml.targeting import Capacities, Rule, build_list, why_not
from tests.targeting.lists import AS_OF, CARD, LOAN, inputs, spec, suppression


def told(targets, customer, **given):
    rows = why_not(targets, customer, **given)
    return {row["offer"]: row for row in rows.to_dict("records")}


def priced(targets, **prices):
    """The list with shadow prices: `total`, or `manager_m1` for one manager's slot."""
    use = targets.capacity_use
    named = {kind.partition("_")[0]: (kind.partition("_")[2], price) for kind, price in prices.items()}
    found = [named[kind][1] if kind in named and named[kind][0] == key else 0.0 for kind, key in zip(use["kind"], use["key"], strict=True)]  # fmt: skip
    return dataclasses.replace(targets, capacity_use=use.assign(price=found))


def test_a_rule_is_told_with_the_value_that_failed_it():
    churn = pd.DataFrame({"customer_id": ["c1", "c2"], "prob_churn": [0.62, 0.1]})
    rule = Rule("prob_churn < 0.5 or prob_churn is null", "流失概率低于 50%", "churn probability below 50 %")
    found = told(build_list(spec(eligibility=(rule,)), inputs(churn=churn), suppress_as_of=AS_OF), "c1")
    assert found["card"]["decision"] == "rule_1"
    assert found["card"]["en"] == "churn probability below 50 %: prob_churn 0.62 >= 0.5"
    assert found["card"]["zh"] == "流失概率低于 50%:prob_churn 0.62 >= 0.5"


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("age >= 21 and kind = 'person'", "age 18 < 21"),
        ("region in ('north')", "region south"),
        ("income > 3000", "income null"),
        ("age between 20 and 30", "age 18"),
    ],
)
def test_rules_on_features_name_the_column_whose_value_failed(where, said):
    one = {"customer_id": "c1", "age": 18, "region": "south", "income": None}
    features = pd.DataFrame([one, {**one, "customer_id": "c2", "age": 25, "region": "north", "income": 5000.0}])
    given = inputs(features=features)
    found = told(
        build_list(spec(eligibility=(Rule(where),)), given, suppress_as_of=AS_OF), "c1", features=features.iloc[[0]]
    )
    assert found["card"]["en"] == f"{where}: {said}"


def test_a_day_of_contact_and_a_value_below_zero_are_told_with_their_figures():
    left_alone = suppression(last_contacted_on=[pd.Timestamp("2025-12-10"), *[None] * 4])
    targets = build_list(spec(), inputs(suppression=left_alone), suppress_as_of=AS_OF)
    assert told(targets, "c1")["card"]["en"] == "contacted within 30 days: 2025-12-10 → 2025-12-31"
    assert told(targets, "c2")["loan"]["en"] == "expected value not above 0: 0.005 × 2,000 − 20 = -10.0"


def test_a_customer_with_a_better_offer_is_told_which():
    found = told(build_list(spec(), inputs(), suppress_as_of=AS_OF), "c3")
    assert (found["card"]["decision"], found["loan"]["decision"]) == ("chosen", "other_offer")
    assert found["loan"]["en"] == "one offer per customer: chosen with credit card worth 290, this one 80"


def test_the_price_of_a_place_is_told_with_how_much_the_value_is_short_of_it():
    targets = build_list(spec(capacities=Capacities(total=2)), inputs(), suppress_as_of=AS_OF)
    found = told(priced(targets, total=190.0), "c1")["loan"]
    assert (found["decision"], found["price"], found["short_by"]) == ("no_room", 190.0, 10.0)
    assert found["en"] == "expected 180; a place on the list costs 190: 10 short"


def test_a_slot_is_told_with_its_manager_and_a_place_with_its_product():
    limited = spec(offers=(dataclasses.replace(CARD, capacity=1), LOAN), capacities=Capacities(total=2))
    targets = priced(build_list(limited, inputs(), suppress_as_of=AS_OF), total=60.0, offer_card=50.0)
    found = told(targets, "c1")["card"]
    assert found["en"] == "expected 90; a place on the list costs 60, a place of credit card costs 50: 20 short"


def test_who_is_held_out_as_control_is_told_as_one_who_lost_by_lot_unless_the_arms_are_asked_for():
    targets = build_list(spec(control_share=0.5), inputs(), suppress_as_of=AS_OF)
    held = targets.table.loc[targets.table["arm"] == "control"].iloc[0]
    crowded = build_list(spec(capacities=Capacities(total=2)), inputs(), suppress_as_of=AS_OF)
    control, lost = told(targets, held["customer_id"])[held["offer"]], told(crowded, "c2")["card"]
    hidden = ("decision", "zh", "en", "short_by")
    assert [control[name] for name in hidden] == [lost[name] for name in hidden]
    assert pd.isna([control["price"], lost["price"]]).all()
    assert "control" not in str(told(targets, held["customer_id"]))
    assert told(targets, held["customer_id"], arms=True)[held["offer"]]["decision"] == "control"


def test_a_customer_who_was_no_candidate_has_no_rows():
    assert why_not(build_list(spec(), inputs(), suppress_as_of=AS_OF), "c99").empty
