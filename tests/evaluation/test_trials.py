"""Figures of a trial of eight assignments, by hand."""

import numpy as np
import pandas as pd
import pytest

from crmml.evaluation.trials import _gains, by_offer, judge_trial, kinds, policies, standing
from crmml.evaluation.uplift import Trial


def trial(copies: int = 1) -> pd.DataFrame:
    """Those foreseen to respond (effect .5) do; the others do not, and take by themselves half of the time."""
    rows = pd.DataFrame(
        {
            "offer": ["card"] * 4 + ["loan"] * 4,
            "treated": [1.0, 1, 0, 0, 1, 1, 0, 0],
            "label": [1.0, 1, 0, 0, 1, 0, 1, 0],
            "effect": [0.5] * 4 + [-0.1] * 4,
        }
    )
    rows = pd.concat([rows] * copies, ignore_index=True)
    numbered = [f"c{n:04d}" for n in range(len(rows))]
    return rows.assign(customer_id=numbered, chance=0.5, prob_take=0.2, effect_t=0.0)


def test_policies_are_valued_by_those_whom_the_draw_gave_what_they_want():
    found = {row["policy"]: row for row in policies(trial(), cost=0.1)}
    # Treating all: 3 of 4 treated take, less .1. None: 1 of 4. By effect: the card rows treated (2 of 2, less .1), loan rows not (1 of 2).
    assert found["all"]["value"]["value"] == pytest.approx(0.65)
    assert found["none"]["value"]["value"] == pytest.approx(0.25)
    assert found["effect_above_cost"]["value"]["value"] == pytest.approx((0.9 * 2 + 0.5 * 2) / 4)
    assert found["effect_above_cost"]["treated"] == 0.5
    assert found["all"]["gain"]["value"] == pytest.approx(0.4)


def test_the_effect_of_each_offer_is_drawn_to_the_pooled_one():
    found = {row["offer"]: row for row in by_offer(trial(25))}
    assert found["card"]["value"] == 1.0
    assert found["loan"]["value"] == 0.0
    assert found["card"]["mean_control"] == 0.0
    assert 0 < found["loan"]["shrunken"] < 0.1
    assert 0.9 < found["card"]["shrunken"] < 1


def test_whom_a_contact_harms_is_shown_apart():
    shares = {row["kind"]: row["share"] for row in kinds(trial(), cost=0.0)}
    assert shares == {"persuadable": 0.5, "sure_thing": 0.0, "lost_cause": 0.0, "do_not_disturb": 0.5}


def test_the_figures_of_a_ranking_that_is_right():
    told = judge_trial(trial(25), learned_from=trial(5), cost=0.0)
    head = told["headline"]
    assert head["average_effect"]["value"] == pytest.approx(0.5)
    assert head["qini"]["low"] > 0
    assert head["observed_over_expected"]["value"] == pytest.approx(0.5 / 0.2)
    assert told["benchmark"]["verdict"] == "real"
    assert np.isclose(told["gains"]["gain"][-1], 0.5)
    assert {row["policy"] for row in told["policies"]} == {"all", "none", "effect_above_cost"}


def figures(value, low, high):
    return {"value": value, "low": low, "high": high}


def stood(serves, learned, later):
    learning = {"rows": 5_000, "serves": serves, "qini": figures(0.006, 0.002, 0.010), "average_effect": learned}
    return standing(learning, {"qini": figures(0.001, -0.006, 0.008), "average_effect": later})


def test_a_report_says_what_a_list_rests_on_and_whether_the_later_trial_could_have_told():
    learned = figures(0.04, 0.03, 0.05)
    told = stood("differences", learned, figures(0.03, 0.01, 0.05))
    assert "differences between customers, on the evidence of customers no stage saw among 5,000" in told["en"]
    assert (
        "can neither confirm nor refute it: Qini below 0.0070 could not have been seen there, and 0.0060" in told["en"]
    )
    assert "不足以证实或否定" in told["zh"]
    assert "Later assignments confirm it" in stood("average", learned, figures(0.03, 0.01, 0.05))["en"]
    assert "below 4.0 could not have been seen" in stood("average", learned, figures(0.0, -0.04, 0.04))["en"]
    assert "contradict it" in stood("average", learned, figures(0.0, -0.02, 0.02))["en"]


def test_the_gain_curve_lies_within_its_band():
    rng = np.random.default_rng(0)
    drawn = Trial((rng.random(800) < 0.3).astype(float), (rng.random(800) < 0.5).astype(float), 0.5)
    gains = _gains(drawn, rng.random(800), np.arange(800).astype(str), seed=1)
    low, gain, high = (np.array(gains[name]) for name in ("low", "gain", "high"))
    assert (low <= high).all()
    assert (low <= gain + 1e-9).mean() > 0.9
    assert (gain <= high + 1e-9).mean() > 0.9
    assert gains["gain"][0] == gains["low"][0] == gains["high"][0] == 0
