"""The learner of effects on trials whose truth is known."""

import numpy as np
import pytest

from crmml.errors import SourceError
from crmml.evaluation.uplift import Trial, average_effect
from crmml.modelling.uplift import fit_uplift


def trial_of(effect, *, rows=6_000, seed=0, base=0.15, chance=0.5):
    """Features, and a trial whose effect is a function of them; the base rate depends on another feature."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 5))
    X[rng.random((rows, 5)) < 0.05] = np.nan
    filled = np.nan_to_num(X)
    treated = rng.random(rows) < chance
    happens = base + 0.1 * (filled[:, 1] > 0) + treated * effect(filled)
    return X, Trial(rng.random(rows) < happens, treated, chance), np.arange(rows).astype(str)


def where_first_is_high(X):
    return np.where(X[:, 0] > 0, 0.25, 0.0)


@pytest.fixture(scope="module")
def learned():
    return fit_uplift(*trial_of(where_first_is_high), threads=1)


def test_the_planted_differences_are_found(learned):
    X, _, _ = trial_of(where_first_is_high, seed=9)
    served = learned.effect(X)
    high, low = served[X[:, 0] > 0.2], served[X[:, 0] < -0.2]
    assert learned.is_usable
    assert learned.helps
    assert np.corrcoef(served, where_first_is_high(np.nan_to_num(X)))[0, 1] > 0.85
    assert high.mean() == pytest.approx(0.25, abs=0.05)
    assert low.mean() == pytest.approx(0.0, abs=0.05)


def test_the_mean_of_the_served_effects_is_the_average_effect(learned):
    X, trial, _ = trial_of(where_first_is_high)
    assert learned.effect(X).mean() == pytest.approx(average_effect(trial).value, abs=0.01)


def test_parts_add_up_to_the_served_effect(learned):
    X, _, _ = trial_of(where_first_is_high, rows=300, seed=5)
    parts, base = learned.contributions(X)
    assert np.abs(base + parts.sum(axis=1) - learned.effect(X)).max() < 1e-9


def test_the_order_of_rows_changes_nothing(learned):
    X, trial, ids = trial_of(where_first_is_high)
    order = np.random.default_rng(1).permutation(len(ids))
    again = fit_uplift(X[order], trial.rows(order), ids[order], threads=2)
    assert (again.text, again.intercept, again.slope) == (learned.text, learned.intercept, learned.slope)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_one_effect_for_all_is_served_as_one_number(seed):
    learned = fit_uplift(*trial_of(lambda X: np.full(len(X), 0.1), rows=3_000, seed=seed), threads=1)
    assert not learned.is_usable
    assert learned.helps
    served = learned.effect(np.zeros((4, 5)))
    assert np.ptp(served) == 0
    assert learned.average.covers(0.1)
    assert "no usable uplift" in learned.verdict[1]


def test_no_effect_is_said_to_be_none():
    learned = fit_uplift(*trial_of(lambda X: np.zeros(len(X)), rows=3_000, seed=4), threads=1)
    assert not learned.is_usable
    assert not learned.helps
    assert "cannot be told from none" in learned.verdict[1]


def test_an_uneven_trial_of_money_is_not_tilted():
    rng = np.random.default_rng(6)
    X = rng.normal(size=(4_000, 3))
    chance = np.where(X[:, 1] > 0, 0.8, 0.3)
    treated = rng.random(4_000) < chance
    spent = 40 * (X[:, 1] > 0) + treated * np.where(X[:, 0] > 0, 30.0, -10.0) + rng.normal(0, 20, 4_000)
    learned = fit_uplift(X, Trial(spent, treated, chance), np.arange(4_000), threads=1)
    served = learned.effect(X)
    assert learned.events is None
    assert learned.average.covers(10)
    assert served[X[:, 0] > 0.2].mean() == pytest.approx(30, abs=6)
    assert served[X[:, 0] < -0.2].mean() == pytest.approx(-10, abs=6)


def test_two_outcome_models_rank_too_and_serve_as_a_benchmark():
    learned = fit_uplift(*trial_of(where_first_is_high), threads=1, learner="t")
    assert learned.is_usable


def test_too_few_events_in_an_arm_are_refused_with_their_count():
    X, trial, ids = trial_of(lambda X: np.zeros(len(X)), rows=300, base=0.01)
    with pytest.raises(SourceError, match=r"the \w+ arm holds \d+ events of \d+ customers; expected at least 50"):
        fit_uplift(X, trial, ids)
