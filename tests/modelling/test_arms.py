"""Which of several contacts a customer gets, by hand: effects of 1 on average, and what is beyond doubt."""

import numpy as np
import pytest

from crmml.evaluation.bootstrap import Figure
from crmml.evaluation.uplift import Trial
from crmml.modelling.arms import bounds, choose_arms
from crmml.modelling.uplift import Uplift, fit_uplift, nothing


def same_for_all(value, low, high):
    none = Figure(0.0, -1.0, 1.0)
    return Uplift(nothing(1), value, 0.0, Figure(value, low, high), none, none, 100, None)


def test_an_arm_that_is_a_little_better_moves_nobody_and_one_beyond_doubt_everybody():
    X = np.zeros((3, 1))
    arms = {"mail": same_for_all(1.0, 0.8, 1.2), "call": same_for_all(0.9, 0.1, 1.7)}
    assert choose_arms(arms, X).tolist() == ["mail"] * 3
    assert [end.tolist() for end in bounds(arms["mail"], X)] == [[0.8] * 3, [1.2] * 3]
    with pytest.raises(ValueError, match="got none"):
        choose_arms({}, X)


def test_who_is_better_served_by_the_other_arm_gets_it():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(3_000, 1))
    learned = {}
    for arm, effect in (("mail", np.full(3_000, 2.0)), ("call", np.where(X[:, 0] > 0, 4.0, -2.0))):
        treated = rng.random(3_000) < 0.5
        spent = treated * effect + rng.normal(0, 1, 3_000)
        learned[arm] = fit_uplift(X, Trial(spent, treated, 0.5), np.arange(3_000), threads=1)
    chosen = choose_arms(learned, X)
    assert (chosen[X[:, 0] > 0.1] == "call").mean() > 0.95
    assert set(chosen[X[:, 0] < -0.1]) == {"mail"}
