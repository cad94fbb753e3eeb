"""Figures of a ranking by effect: cases by hand, bounds, and trials whose answer is known."""

import numpy as np
import pytest

from crmml.evaluation.uplift import RankedEffect, Trial, auuc, average_effect, policy_value, qini


def six():
    """Two persuadables (a treated buyer, an untreated refuser), two sure buyers, two who never buy."""
    return Trial([1, 0, 1, 1, 0, 0], [1, 0, 1, 0, 1, 0], 0.5)


def test_scores_are_outcomes_over_the_chance_of_the_arm_drawn():
    trial = Trial([1.0, 3.0, 2.0], [1, 0, 0], [0.25, 0.25, 0.5])
    assert trial.scores.tolist() == [4.0, -4.0, -4.0]


def test_the_gain_curve_of_six_customers_by_hand():
    share, gain = RankedEffect(six(), [3, 3, 2, 2, 1, 1]).curve()
    # Scores are 2, 0 | 2, -2 | 0, 0: a third of the customers gains 2/6 each of all, the rest nothing.
    assert share == pytest.approx([0, 1 / 3, 2 / 3, 1])
    assert gain == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3])


def test_qini_of_six_customers_by_hand():
    # Area 1/2 * 1/3 * 1/3 + 2/3 * 1/3 = 5/18, less half the average effect of 1/3.
    assert auuc(six(), [3, 3, 2, 2, 1, 1]).value == pytest.approx(5 / 18)
    assert qini(six(), [3, 3, 2, 2, 1, 1]).value == pytest.approx(5 / 18 - 1 / 6)


def test_the_wrong_way_round_loses_what_the_right_way_gains():
    effect = np.array([3, 3, 2, 2, 1, 1])
    assert qini(six(), -effect).value == pytest.approx(-qini(six(), effect).value)


def test_one_effect_for_all_ranks_nobody():
    found = qini(six(), np.ones(6))
    assert (found.value, found.low, found.high) == pytest.approx((0, 0, 0), abs=1e-12)


def test_order_of_rows_changes_nothing():
    rng = np.random.default_rng(3)
    trial = Trial(rng.integers(0, 2, 400), rng.integers(0, 2, 400), rng.uniform(0.2, 0.8, 400))
    effect = rng.integers(0, 9, 400)
    order = rng.permutation(400)
    assert qini(trial.rows(order), effect[order]).value == pytest.approx(qini(trial, effect).value, abs=1e-12)


def test_a_ranking_that_knows_the_effect_beats_chance_and_one_that_does_not_is_told_apart():
    rng = np.random.default_rng(0)
    effect = rng.uniform(0, 0.4, 20_000)
    treated = rng.integers(0, 2, 20_000)
    trial = Trial(rng.random(20_000) < 0.2 + effect * treated, treated, 0.5)
    known, blind = qini(trial, effect), qini(trial, rng.random(20_000))
    # In expectation the area is the mean over shares of the effect gathered so far, less half of all of it: 0.4 / 12.
    assert known.covers(0.4 / 12)
    assert known.low > 0
    assert blind.covers(0)


def test_uneven_chances_do_not_tilt_the_average_effect():
    rng = np.random.default_rng(1)
    risk = rng.random(40_000)
    chance = 0.2 + 0.6 * risk
    treated = rng.random(40_000) < chance
    outcome = rng.random(40_000) < 0.1 + 0.3 * risk + 0.1 * treated
    naive = outcome[treated].mean() - outcome[~treated].mean()
    found = average_effect(Trial(outcome, treated, chance))
    assert found.covers(0.1)
    assert naive > found.high


def test_the_interval_of_the_average_effect_is_that_of_the_formula():
    rng = np.random.default_rng(2)
    treated = rng.integers(0, 2, 5_000)
    outcome = rng.normal(treated * 2.0, 3.0)
    found = average_effect(Trial(outcome, treated, 0.5))
    spread = np.sqrt(sum(outcome[treated == arm].var() / (treated == arm).sum() for arm in (0, 1)))
    assert (found.high - found.low) / (2 * 1.96 * spread) == pytest.approx(1, abs=0.12)


def test_a_customer_with_many_rows_is_drawn_as_one():
    rng = np.random.default_rng(4)
    outcome, treated = np.repeat(rng.normal(0, 1, 200), 10), np.repeat(rng.integers(0, 2, 200), 10)
    trial = Trial(outcome, treated, 0.5)
    alone = average_effect(trial)
    together = average_effect(trial, customers=np.repeat(np.arange(200), 10))
    assert together.high - together.low > 2 * (alone.high - alone.low)


def test_the_value_of_a_policy_is_the_mean_of_those_who_happened_to_get_it():
    outcome, arm = [9, 1, 4, 6], ["mail", "none", "mail", "none"]
    assert policy_value(outcome, arm, ["mail"] * 4, [0.5] * 4).value == 6.5
    # One in four draws mail: his outcome stands for four.
    assert policy_value([8, 2, 2, 2], ["mail", "none", "none", "none"], ["mail"] * 4, [0.25] + [0.75] * 3).value == 8


@pytest.mark.parametrize(
    ("outcome", "treated", "chance", "words"),
    [
        ([1, 0], [1, 1], 0.5, "hold both"),
        ([1, 0], [1, 2], 0.5, "0 or 1"),
        ([1, 0], [1, 0], [0.5, 1.0], "no overlap"),
        ([1, 0, 1], [1, 0], 0.5, "one outcome and one arm"),
    ],
)
def test_what_is_no_trial_is_refused(outcome, treated, chance, words):
    with pytest.raises(ValueError, match=words):
        Trial(outcome, treated, chance)


def test_a_null_effect_is_refused():
    with pytest.raises(ValueError, match="none of them null"):
        RankedEffect(six(), [1, 2, 3, 4, 5, np.nan])
