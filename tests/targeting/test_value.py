import numpy as np
import pandas as pd
import pytest

from crmml.targeting.candidates import build_candidates
from crmml.targeting.offer_value import with_values
from crmml.targeting.value import expected_value, rank, with_expected_value
from tests.targeting.lists import inputs, scores, spec


def test_expected_value_by_hand():
    # 0.05 x 1000 - 0.2 x 30 - 12 = 32: the incentive is paid to all takers, the effect counts only those won.
    assert expected_value(
        np.array([0.05]), np.array([1000.0]), np.array([0.2]), np.array([30.0]), np.array([12.0])
    ) == pytest.approx([32.0])


def test_without_uplift_the_effect_is_the_probability_and_says_it_is_not_causal():
    rows = with_expected_value(with_values(spec(), build_candidates(spec(), inputs()), None))
    assert set(rows["effect_source"]) == {"propensity, not causal"}
    assert (rows["effect"] == rows["prob_take"]).all()
    card = rows.loc[rows["offer"] == "card", "expected_value"]
    assert card.tolist() == pytest.approx([90, 190, 290, 40, -5])


def test_uplift_is_used_where_it_is_given():
    card = scores("card", [0.1, 0.2, 0.3, 0.05, 0.005]).assign(uplift=[0.02, None, -0.01, 0.0, 0.001])
    rows = with_expected_value(
        with_values(spec(), build_candidates(spec(), inputs(uptake={**inputs().uptake, "card": card})), None)
    )
    of_card = rows[rows["offer"] == "card"]
    assert of_card["effect"].tolist() == [0.02, 0.2, -0.01, 0.0, 0.001]
    assert of_card["effect_source"].tolist()[:2] == ["uplift", "propensity, not causal"]


def test_ties_rank_by_customer_then_offer_then_channel():
    rows = pd.DataFrame(
        {
            "customer_id": ["b", "a", "a", "c", "a"],
            "offer": ["x", "y", "x", "x", "x"],
            "channel": ["phone", "phone", "phone", "phone", "sms"],
            "expected_value": [1.0, 1, 1, 2, 1],
        }
    )
    assert rank(rows).tolist() == [5, 4, 2, 1, 3]
