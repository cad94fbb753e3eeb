"""Offers that keep customers: value at risk × what a contact saves, by hand."""

import dataclasses

import pandas as pd
import pytest

from crmml.errors import ConfigError, SourceError
from crmml.targeting import Offer, build_list
from crmml.targeting.keeping import keeping_scores, winback_scores
from tests.targeting.lists import AS_OF, CARD, CUSTOMERS, inputs, scores, spec, suppression

DAY = pd.Timestamp("2025-10-31")
KEEP = Offer("keep", "挽留", "keep", "phone", 10.0, kind="retain", save_rate=0.2)
BACK = Offer("back", "赢回", "win back", "phone", 20.0, kind="win_back", save_rate=0.1)
CHURN = pd.DataFrame({"customer_id": CUSTOMERS, "cutoff_date": DAY, "prob_churn": [0.5, 0.9, 0.1, 0.4, 0.2]})
WORTH = pd.DataFrame({"customer_id": CUSTOMERS, "contribution_12m": [1000.0, -50.0, 4000.0, 100.0, 800.0]})
GONE = pd.DataFrame(
    {
        "customer_id": ["c5", "c4"],
        "cutoff_date": DAY,
        "kind": "closed",
        "lost_on": pd.to_datetime(["2025-03-01", None]),
        "value_lost": [900.0, None],
        "may_be_approached": [True, True],
    }
)


def made(offers, uptake, **changed):
    return build_list(spec(offers=offers), inputs(uptake=uptake, **changed), suppress_as_of=AS_OF)


def test_a_customer_is_kept_for_what_is_at_risk_not_for_the_chance_to_leave():
    kept = made((KEEP,), {"keep": keeping_scores(KEEP, CHURN, WORTH, None)})
    # .2 x .5 x 1000 - 10 = 90; c2 leaves with .9 and brings a loss; c3 .2 x .1 x 4000 - 10 = 70; c4 -2; c5 22.
    assert kept.table["customer_id"].tolist() == ["c1", "c3", "c5"]
    assert kept.table["expected_value"].tolist() == pytest.approx([90.0, 70.0, 22.0])
    assert set(kept.table["effect_source"]) == {"save rate assumed by the bank, not causal"}
    assert set(kept.table["value_source"]) == {"forecast"}
    assert kept.table["prob_take"].tolist() == pytest.approx([0.6, 0.92, 0.84])


def test_a_measured_effect_takes_the_place_of_the_assumption():
    measured = keeping_scores(KEEP, CHURN, WORTH, None).assign(uplift=[0.0, 0.1, 0.05, 0.0, 0.1])
    kept = made((KEEP,), {"keep": measured})
    assert kept.table["expected_value"].tolist() == pytest.approx([0.05 * 4000 - 10, 0.1 * 800 - 10])
    assert set(kept.table["effect_source"]) == {"uplift"}
    removed = kept.waterfall.set_index("step")["removed"]
    assert removed["no_help"] == 2


def test_who_has_left_is_won_back_and_nothing_else_is_offered_to_them():
    left = suppression(has_left=[False, False, False, False, True])
    uptake = {"back": winback_scores(BACK, GONE), "card": scores("card", [0.1, 0.2, 0.3, 0.05, 0.5])}
    listed = made((BACK, CARD), uptake, suppression=left).table.set_index("customer_id")
    assert listed.loc["c5", "offer"] == "back"
    assert listed.loc["c5", "expected_value"] == pytest.approx(0.1 * 900 - 20)
    assert "2025-03-01" in listed.loc["c5", "reason_1_en"]
    assert "back" not in set(listed.drop("c5")["offer"])  # c4 left nothing to win back


def test_without_a_forecast_the_past_year_is_at_risk_and_said_so():
    past = WORTH.rename(columns={})
    found = keeping_scores(KEEP, CHURN, None, past)
    assert set(found["at_risk_source"]) == {"past_year"}
    assert found["value_at_risk"].tolist() == [1000.0, 0.0, 4000.0, 100.0, 800.0]
    with pytest.raises(SourceError, match="value at risk of keep is not known"):
        keeping_scores(KEEP, CHURN, None, None)


def test_an_offer_that_keeps_needs_a_save_rate_or_a_measured_effect():
    bare = dataclasses.replace(KEEP, save_rate=None)
    with pytest.raises(ConfigError, match="neither a save_rate nor an uplift model"):
        made((bare,), {"keep": keeping_scores(bare, CHURN, WORTH, None)})
    with pytest.raises(ValueError, match="has a save_rate and sells"):
        dataclasses.replace(CARD, save_rate=0.1)
    with pytest.raises(ValueError, match="save_rate of keep"):
        dataclasses.replace(KEEP, save_rate=1.5)
