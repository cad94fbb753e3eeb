import dataclasses
from datetime import date

import pandas as pd
import pytest

from crmml.errors import ConfigError, GateError, NotFoundError, SourceError
from crmml.targeting import Capacities, Limit, MinimumShare, Rule, build_list, check_allocation, why
from crmml.targeting.columns import TABLE
from crmml.targeting.value import expected_value, rank
from tests.targeting.lists import AS_OF, CARD, LOAN, inputs, pairs, scores, spec, suppression


def build(asked=None, **changed):
    return build_list(asked or spec(), inputs(**changed), suppress_as_of=AS_OF)


def test_each_customer_gets_the_offer_worth_most_best_first():
    # card 90, 190, 290, 40, -5; loan 180, -10, 80, 580, -18
    listed = build()
    assert pairs(listed.table) == [("c4", "loan"), ("c3", "card"), ("c2", "card"), ("c1", "loan")]
    assert listed.table["expected_value"].tolist() == pytest.approx([580, 290, 190, 180])
    assert listed.table["rank"].tolist() == [1, 2, 3, 4]
    assert (listed.rows, listed.gap) == (4, 0)


def test_the_waterfall_goes_from_all_to_the_rows_and_adds_up():
    asked = spec(eligibility=(Rule("customer_id <> 'c1'"),), capacities=Capacities(per_manager=Limit(1, {"m1": 0})))
    listed = build(asked, suppression=suppression(in_arrears=[False, False, False, True, False]))
    steps = listed.waterfall.set_index("step")
    totals = steps[steps["is_total"]]
    assert totals["candidates"].to_dict() == {
        "all": 10, "eligible": 8, "unsuppressed": 6, "allocated": 1, "contacted_rows": 1,
    }  # fmt: skip
    assert totals["customers"].tolist() == [5, 4, 3, 1, 1]
    assert steps.loc[["rule_1", "in_arrears", "not_worthwhile", "no_room"], "removed"].tolist() == [2, 2, 3, 2]
    assert steps["removed"].sum() == 10 - listed.rows
    assert pairs(listed.table) == [("c3", "card")]


def test_recomputing_the_expected_value_from_its_columns_gives_the_same_rank():
    card = dataclasses.replace(CARD, incentive=30.0)
    table = build(spec(offers=(card, LOAN))).table
    again = expected_value(
        *(table[name] for name in ("effect", "value_if_taken", "prob_take", "incentive", "contact_cost"))
    )
    assert again.tolist() == table["expected_value"].tolist()
    assert (
        rank(table.sample(frac=1, random_state=1).assign()).tolist()
        == table.sample(frac=1, random_state=1)["rank"].tolist()
    )


def test_the_table_has_the_declared_columns_and_speaks_the_words_of_the_spec():
    table = build().table
    assert list(table.columns) == [*TABLE, "list_id"]
    first = table.iloc[0]
    assert (first["name"], first["branch"], first["manager"]) == ("赵*", "东湖支行", "丙")
    assert (first["offer_zh"], first["reason_2_zh"], first["value_source_en"]) == (
        "贷款",
        "loan zh 2",
        "given in the config",
    )
    assert first["call_by"] == pd.Timestamp("2026-01-30")


def test_reasons_belong_to_the_row_s_own_offer():
    table = build().table
    assert (table["reason_1_en"] == table["offer"] + " en 1").all()


def test_a_chosen_offer_and_every_other_one_can_be_explained():
    listed = build(
        suppression=suppression(open_complaint=[True, False, False, False, False]),
        holdings=pd.DataFrame([("c2", "x", "card")], columns=["customer_id", "product_id", "family"]),
    )
    said = {customer: why(listed, customer)["decision"].tolist() for customer in ("c1", "c2", "c4", "c5")}
    assert said == {
        "c1": ["open_complaint"] * 2,
        "c2": ["holds", "not_worthwhile"],
        "c4": ["chosen", "no_room"],
        "c5": ["not_worthwhile"] * 2,
    }
    assert why(listed, "c1")["decision_zh"].tolist() == ["有未结投诉"] * 2
    with pytest.raises(NotFoundError, match=r"customer \*\*\*c99 has no uptake score"):
        why(listed, "c99")


def test_the_list_id_follows_content_and_spec_not_row_order():
    shuffled = {name: table.sample(frac=1, random_state=3) for name, table in inputs().uptake.items()}
    one, same = build(), build(uptake=shuffled, customers=inputs().customers.iloc[::-1])
    assert one.list_id == same.list_id
    pd.testing.assert_frame_equal(one.table, same.table)
    assert one.list_id.startswith("cross_sell-20251231-")
    changed = {**inputs().uptake, "loan": scores("loan", [0.1, 0.005, 0.05, 0.31, 0.001])}
    others = {build(spec(seed=8)).list_id, build(uptake=changed).list_id, build(models={}).list_id}
    assert len(others | {one.list_id}) == 4


def test_capacity_use_counts_contacted_rows_against_every_limit():
    limits = Capacities(total=4, per_channel={"phone": 1}, per_manager=Limit(2), budget=70.0)
    use = build(spec(capacities=limits)).capacity_use.set_index(["kind", "key"])
    assert use.loc[("total", "")][["used", "limit"]].tolist() == [3, 4]
    assert use.loc[("budget", "")][["used", "limit"]].tolist() == [50, 70]
    assert use.loc[("channel", "phone")][["used", "limit"]].tolist() == [1, 1]
    assert use.loc[("manager", "m1")][["name", "used", "limit"]].tolist() == ["甲", 1, 2]
    assert use.loc[("manager", "-")][["used", "limit"]].tolist() == [0, 2]


def test_expected_totals_are_those_of_the_rows_to_contact():
    about = build().about
    assert about["expected_value"] == pytest.approx(580 + 290 + 190 + 180)
    assert about["expected_takers"] == pytest.approx(0.3 + 0.3 + 0.2 + 0.1)
    assert about["contact_cost"] == 60
    assert about["effect_source"] == {"propensity, not causal": 4}


def test_a_big_random_list_has_arms_and_breaks_no_rule():
    names = [f"c{n:04d}" for n in range(800)]
    people = pd.DataFrame({"customer_id": names, "branch_id": "b1", "manager_id": [f"m{n % 9}" for n in range(800)]})
    chances = [((n * 37) % 101) / 300 for n in range(800)]
    asked = spec(control_share=0.1, explore_share=0.02, capacities=Capacities(total=200, per_manager=Limit(30)))
    listed = build(
        asked,
        customers=people,
        uptake={"card": scores("card", chances, names), "loan": scores("loan", chances[::-1], names)},
        suppression=pd.DataFrame({"customer_id": names}).assign(
            refuses_marketing=False, in_arrears=False, has_left=False, open_complaint=False, last_contacted_on=None
        ),
    )
    assert check_allocation(listed.table, asked, listed.allowed) == ()
    assert listed.about["rows"] == listed.table["arm"].value_counts().to_dict()
    assert (listed.about["rows"]["explore"], listed.rows) in ((4, 199), (4, 200))
    assert (listed.candidates["decision"] == "control").sum() == listed.about["rows"]["control"]


def test_a_list_without_room_names_the_capacities():
    with pytest.raises(GateError, match=r"within capacities, leaves no row \(total ≤ 0 rows\)"):
        build(spec(capacities=Capacities(total=0)))


def test_every_capacity_says_what_one_more_of_it_is_worth_in_both_languages():
    # c4 loan 580, c3 card 290, c2 card 190, c1 loan 180: with two slots the third row is worth 190.
    use = build(spec(capacities=Capacities(total=2, per_branch=Limit(9)))).capacity_use.set_index(["kind", "key"])
    total, branch = use.loc[("total", "")], use.loc[("branch", "b1")]
    assert (total["price"], total["price_zh"], total["price_en"]) == (
        pytest.approx(190), "再多一个名额值 190 元", "one more slot in all is worth 190 yuan",
    )  # fmt: skip
    assert (branch["price"], branch["price_en"]) == (0, "room is left; more of it brings nothing")
    scarce = spec(capacities=Capacities(per_product_branch={"card": Limit(None, {"b1": 1})}))
    cards = build(scarce).capacity_use.set_index(["kind", "key"]).loc[("offer_branch", "card × b1")]
    # A second card in b1 goes to c2: worth 190, and nothing is given up for it.
    assert (cards["price"], cards["price_zh"]) == (pytest.approx(190), "再多一个城关支行信用卡的名额值 190 元")
    assert cards["price_en"] == "one more slot for credit card in branch 城关支行 is worth 190 yuan"
    phone = spec(offers=(CARD,), capacities=Capacities(per_branch=Limit(1)))
    slots = build(phone).capacity_use.set_index(["kind", "key"])
    assert slots.loc[("branch", "b1"), "price_zh"] == "再多一个城关支行的电话名额值 190 元"
    assert slots.loc[("branch", "b1"), "price_en"] == "one more call slot in branch 城关支行 is worth 190 yuan"


def test_a_minimum_has_a_line_and_its_price_and_the_list_tells_what_proves_it():
    asked = Capacities(total=2, minimum_per_branch=Limit(1), minimum_per_product={"loan": 2})
    listed = build(spec(capacities=asked))
    assert pairs(listed.table) == [("c4", "loan"), ("c1", "loan")]
    use = listed.capacity_use.set_index(["kind", "key"])
    assert use.loc[("minimum_offer", "loan")][["used", "limit"]].tolist() == [2, 2]
    # One loan less would let c3's card of 290 in for c1's loan of 180.
    assert use.loc[("minimum_offer", "loan"), "price"] == pytest.approx(110)
    assert "brings 110 yuan" in use.loc[("minimum_offer", "loan"), "price_en"]
    assert use.loc[("minimum_branch", "b2")][["used", "limit", "price"]].tolist() == [1, 1, 0]
    assert listed.about["lp_optimum"] == pytest.approx(760)
    assert listed.about["violated_rules"] == 0


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"minimum_per_product": {"loan": 4}}, "minimum_per_product loan ≥ 4 rows, 3 customers are eligible for it"),
        (
            {"minimum_per_product": {"loan": 2}, "per_branch": Limit(None, {"b1": 0})},
            "per_branch ≤ 0 rows together, minimum_per_product loan ≥ 2 rows",
        ),
        (
            {"minimum_per_product": {"loan": 1}, "minimum_per_branch": Limit(None, {"b1": 2}), "budget": 29.0},
            r"budget 29.00 .*, minimum_per_product loan ≥ 1 rows, minimum_per_branch b1 ≥ 2 rows",
        ),
        (
            {"minimum_shares": (MinimumShare("branch_id = 'b2'", 0.6),), "minimum_per_branch": Limit(None, {"b1": 1})},
            "minimum_shares 1 ≥ 60% of the rows, minimum_per_branch b1 ≥ 1 rows",
        ),
    ],
)
def test_demands_that_cannot_be_kept_together_are_named_with_their_numbers(limits, message):
    with pytest.raises(GateError, match=message) as raised:
        build(spec(capacities=Capacities(**limits)))
    assert raised.value.code == "G011"


def test_a_minimum_share_may_read_features_and_is_kept_by_the_rows_to_contact():
    size = pd.DataFrame({"customer_id": ["c1", "c2", "c3", "c4"], "staff": [5, 500, 500, 500]})
    asked = Capacities(minimum_shares=(MinimumShare("staff < 10", 0.5, "小微企业", "small companies"),))
    listed = build(spec(capacities=asked), features=size)
    assert pairs(listed.table) == [("c4", "loan"), ("c1", "loan")]
    line = listed.capacity_use.set_index("kind").loc["minimum_share"]
    assert (line["name"], line["used"], line["limit"]) == ("小微企业 small companies", 0.5, 0.5)
    with pytest.raises(ConfigError, match=r"'stuff'.*Did you mean 'staff'"):
        build(spec(capacities=Capacities(minimum_shares=(MinimumShare("stuff < 10", 0.5),))), features=size)


def test_a_share_nobody_can_meet_is_named_where_it_leaves_no_row():
    asked = Capacities(minimum_shares=(MinimumShare("kind = 'company'", 1.0),))
    with pytest.raises(GateError, match=r"leaves no row .minimum_shares 1 ≥ 100% of the rows"):
        build(spec(capacities=asked))


def test_a_small_budget_is_spent_beside_a_control_arm_too():
    listed = build(spec(capacities=Capacities(budget=25.0), control_share=0.1))
    assert 0 < listed.about["contact_cost"] <= 25
    # c4's loan of 580 for 20 is the best whole list; the bound knows of half a card for the 5 left.
    assert (listed.about["allocated_value"], listed.about["bound"]) == (
        pytest.approx(580),
        pytest.approx(725, rel=1e-3),
    )


def test_offers_worth_nothing_are_named():
    free = dataclasses.replace(CARD, value_if_taken=0.0)
    with pytest.raises(GateError, match="rule 'expected value not above 0'"):
        build(spec(offers=(free,)))


def test_suppression_older_than_the_scores_is_refused():
    with pytest.raises(SourceError, match="suppression is as of 2025-10-01, before the scores' cut-off 2025-10-31"):
        build_list(spec(), inputs(), suppress_as_of=date(2025, 10, 1))


def test_a_limit_of_an_unknown_manager_is_refused_with_the_nearest_name():
    with pytest.raises(ConfigError, match=r"per_manager names 'm11'; expected a manager .* Did you mean 'm1'\?"):
        build(spec(capacities=Capacities(per_manager=Limit(5, {"m11": 1}))))
