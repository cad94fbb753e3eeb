import pandas as pd

from crmml.targeting import Capacities, Rule, build_list, changes_between
from crmml.targeting.changes import kept_rows
from tests.targeting.lists import AS_OF, inputs, scores, spec, suppression


def changed(new, old, holdings=None):
    rows = changes_between(new, old, holdings).to_dict("records")
    return {row["customer_id"]: row for row in rows}


def test_equal_lists_have_no_changes():
    targets = build_list(spec(), inputs(), suppress_as_of=AS_OF)
    assert changes_between(targets, targets).empty
    assert kept_rows(targets, targets) == 4


def test_a_row_is_gone_by_rule_by_suppression_or_because_the_product_was_taken():
    old = build_list(spec(), inputs(), suppress_as_of=AS_OF)
    churn = pd.DataFrame({"customer_id": ["c1", "c2", "c3", "c4"], "prob_churn": [0.1, 0.9, 0.1, 0.1]})
    holdings = pd.DataFrame({"customer_id": ["c4"], "product_id": ["loan"], "family": ["loan"]})
    new = build_list(
        spec(eligibility=(Rule("prob_churn < 0.5", "流失概率低于 50%", "churn below 50 %"),)),
        inputs(
            churn=churn, holdings=holdings, suppression=suppression(open_complaint=[False, False, True, False, False])
        ),
        suppress_as_of=AS_OF,
    )
    found = changed(new, old, holdings)
    assert {customer: (row["change"], row["code"]) for customer, row in found.items()} == {
        "c2": ("gone", "rule_1"),
        "c3": ("gone", "open_complaint"),
        "c4": ("other_offer", "taken"),
    }
    assert found["c2"]["why_en"] == "churn below 50 %"
    assert (found["c4"]["offer_before"], found["c4"]["offer_now"]) == ("贷款 loan", "信用卡 credit card")


def test_a_new_row_tells_what_kept_it_off_the_earlier_list():
    contacted = suppression(last_contacted_on=[pd.Timestamp("2025-12-20"), *[None] * 4])
    old = build_list(spec(), inputs(suppression=contacted), suppress_as_of=AS_OF)
    found = changed(build_list(spec(), inputs(), suppress_as_of=AS_OF), old)
    assert list(found) == ["c1"]
    assert found["c1"]["why_en"] == "last time: contacted within 30 days: 2025-12-20 → 2025-12-31"
    assert (found["c1"]["value_before"], found["c1"]["value_now"]) != (180.0, None)


def test_who_is_held_out_now_is_left_out_and_who_was_then_is_told_as_one_who_lost_by_lot():
    all_of_them = build_list(spec(), inputs(), suppress_as_of=AS_OF)
    some = build_list(spec(control_share=0.5), inputs(), suppress_as_of=AS_OF)
    held = set(some.table.loc[some.table["arm"] == "control", "customer_id"])
    assert held
    assert changed(some, all_of_them) == {}
    new = changed(all_of_them, some)
    assert set(new) == held
    assert {row["code"] for row in new.values()} == {"by_lot"}
    assert "control" not in str(new)


def test_a_customer_no_longer_scored_is_told_so():
    old = build_list(spec(), inputs(), suppress_as_of=AS_OF)
    rest = ["c1", "c2", "c4", "c5"]
    uptake = {
        "card": scores("card", [0.1, 0.2, 0.05, 0.005], rest),
        "loan": scores("loan", [0.1, 0.005, 0.3, 0.001], rest),
    }
    new = build_list(spec(), inputs(uptake=uptake), suppress_as_of=AS_OF)
    assert changed(new, old)["c3"]["code"] == "not_scored"


def test_no_branch_or_manager_is_named_in_a_price():
    old = build_list(spec(), inputs(), suppress_as_of=AS_OF)
    new = build_list(spec(capacities=Capacities(total=2)), inputs(), suppress_as_of=AS_OF)
    use = new.capacity_use.assign(price=0.0)
    row = pd.DataFrame(
        {"kind": ["manager"], "key": ["m1"], "name": ["甲"], "used": [1.0], "limit": [1.0], "price": [500.0]}
    )
    object.__setattr__(new, "capacity_use", pd.concat([use, row], ignore_index=True))
    found = changed(new, old)
    assert found["c1"]["code"] == "no_room"
    assert found["c1"]["why_en"] == "expected 180; a slot of manager costs 500: 320 short"
