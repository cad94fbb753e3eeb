import pandas as pd
import pyarrow as pa
import pytest

from crmml.errors import ConfigError, SourceError
from crmml.targeting import Contact, Offer
from crmml.targeting.candidates import build_candidates
from tests.targeting.lists import CUSTOMERS, inputs, scores, spec


def test_every_scored_customer_meets_every_offer_once_in_order():
    rows = build_candidates(spec(), inputs())
    assert list(zip(rows["customer_id"], rows["offer"], strict=True)) == [
        (customer, offer) for customer in CUSTOMERS for offer in ("card", "loan")
    ]


def test_an_offer_with_several_channels_has_a_candidate_for_each_with_its_cost_and_share_of_the_effect():
    channels = {"sms": Contact(0.2, effect_share=0.4), "phone": Contact(15.0)}
    card = Offer("card", "信用卡", "credit card", channels=channels, value_if_taken=1000.0)
    uptake = {"card": scores("card", [0.1, 0.2, 0.3, 0.05, 0.005]).assign(uplift=0.5)}
    rows = build_candidates(spec(offers=(card,)), inputs(uptake=uptake)).set_index(["customer_id", "channel"])
    assert rows.index[:3].tolist() == [("c1", "phone"), ("c1", "sms"), ("c2", "phone")]
    factors = ["prob_take", "uplift", "contact_cost", "effect_share"]
    assert rows.loc[("c2", "sms"), factors].tolist() == pytest.approx([0.08, 0.2, 0.2, 0.4])
    assert rows.loc[("c2", "phone"), factors].tolist() == pytest.approx([0.2, 0.5, 15, 1])


def test_a_holder_of_a_product_or_of_its_family_is_marked_and_what_is_held_is_named():
    holdings = pd.DataFrame(
        [("c1", "gold", "card", "金卡"), ("c1", "p9", "savings", "储蓄"), ("c2", "loan", "mortgage", "房贷")],
        columns=["customer_id", "product_id", "family", "name"],
    )
    rows = build_candidates(spec(), inputs(holdings=holdings)).set_index(["customer_id", "offer"])
    assert rows.index[rows["holds"]].tolist() == [("c1", "card"), ("c2", "loan")]
    assert rows.loc[("c1", "loan"), "holdings"] == "储蓄、金卡"
    assert rows.loc[("c3", "loan"), "holdings"] == ""


def test_a_customer_who_owes_nothing_has_no_risk_band():
    default = pd.DataFrame({"customer_id": ["c1", "c2"], "grade": ["B", None], "prob_default": [0.1, 0.2]})
    rows = build_candidates(spec(), inputs(default=default)).drop_duplicates("customer_id")
    assert rows["risk_band"].tolist() == ["B", "-", "-", "-", "-"]
    assert "prob_default" not in rows


def test_arrow_tables_are_read_as_data_frames_are():
    given = inputs()
    arrow = inputs(uptake={name: pa.Table.from_pandas(table) for name, table in given.uptake.items()})
    pd.testing.assert_frame_equal(build_candidates(spec(), arrow), build_candidates(spec(), given))


def test_an_offer_without_scores_is_refused_with_the_nearest_name():
    with pytest.raises(
        ConfigError, match=r"'loan'; expected one with uptake scores: card, loans. Did you mean 'loans'"
    ):
        build_candidates(spec(), inputs(uptake={"card": inputs().uptake["card"], "loans": inputs().uptake["loan"]}))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"customers": pd.DataFrame({"customer_id": ["c1", "c1", "c2"]})}, r"customers: customer_id repeats on 1 of 3"),
        ({"customers": pd.DataFrame({"customer_id": CUSTOMERS[:4]})}, r"1 customers are not in the customers table"),
        ({"churn": pd.DataFrame({"customer_id": ["c1"]})}, r"'prob_churn' is missing"),
        ({"default": pd.DataFrame({"customer_id": ["c1"], "grade": ["AA"]})}, r"grade 'AA' is not a risk band"),
    ],
)
def test_a_table_that_breaks_its_contract_is_refused(changed, message):
    with pytest.raises(SourceError, match=message):
        build_candidates(spec(), inputs(**changed))


def test_candidates_that_are_not_unique_are_refused():
    twice = pd.concat([scores("card", [0.1] * 5), scores("card", [0.2], ["c1"])])
    with pytest.raises(SourceError, match=r"uptake scores of card: customer_id repeats on 1 of 6 rows .*D005"):
        build_candidates(spec(), inputs(uptake={**inputs().uptake, "card": twice}))


def test_scores_of_two_cutoffs_are_refused():
    late = scores("card", [0.1] * 5).assign(cutoff_date=pd.Timestamp("2025-11-30"))
    with pytest.raises(SourceError, match="cut-offs 2025-10-31, 2025-11-30; expected one"):
        build_candidates(spec(), inputs(uptake={**inputs().uptake, "card": late}))


@pytest.mark.parametrize("wrong", [1.2, -0.1, float("nan")])
def test_a_probability_outside_its_range_is_refused(wrong):
    with pytest.raises(SourceError, match=r"prob_take is .* expected 0 to 1"):
        build_candidates(spec(), inputs(uptake={**inputs().uptake, "card": scores("card", [0.1] * 4 + [wrong])}))
