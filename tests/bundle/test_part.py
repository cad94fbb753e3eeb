"""Every way of serving an amount has contributions that add up to it, in money."""

import numpy as np
import pytest

from crmml.bundle import Part, Rhythm
from crmml.bundle.booster import canonical_text, lgb
from crmml.bundle.rhythm import BOOKINGS, FIRST

NAMES = ("fees_12m", "growth", BOOKINGS, FIRST, "days_since_last_outflow")


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    X = np.column_stack(
        [rng.gamma(1.0, 100.0, 400), rng.normal(size=400), rng.poisson(3, 400), rng.uniform(10, 800, 400)]
    )
    X = np.column_stack([X, rng.uniform(0, 10, 400)])
    X[:5, 0] = np.nan
    return X


@pytest.fixture(scope="module")
def text(rows):
    params = {"verbosity": -1, "num_threads": 1, "objective": "regression"}
    return canonical_text(lgb.train(params, lgb.Dataset(rows, label=0.1 * rows[:, 1]), num_boost_round=5))


@pytest.mark.parametrize(
    "settings",
    [
        {"link": "identity", "offset_slope": 0.8},
        {"link": "size", "offset_slope": 0.8, "floor": 20.0},
        {"link": "log", "offset_slope": 0.8, "floor": 5.0},
        {"link": "log", "floor": 1.0, "months": 9.0, "rhythm": Rhythm(0.5, 40.0, 0.8, 2.5, "fees_12m", 30.0, 2.0)},
    ],
    ids=["identity", "size", "log", "rhythm"],
)
def test_contributions_add_up_to_the_amount(rows, text, settings):
    part = Part("fees", text, intercept=0.1, slope=0.9, offset="fees_12m", **settings)
    added, base = part.contributions(rows, NAMES)
    amount = part.amount(part.known(rows, NAMES), part.booster.margin(rows))
    np.testing.assert_allclose(base + added.sum(axis=1), amount, rtol=1e-12, atol=1e-9)
    assert np.ptp(amount) > 0


def test_a_rhythm_expects_more_of_who_came_often_and_lately():
    rhythm = Rhythm(0.2426, 4.4136 * 7, 0.7929, 2.4259)
    frequency, recency, age = np.array([0.0, 4.0, 4.0]), np.array([0.0, 30.0, 240.0]), np.full(3, 270.0)
    expected = rhythm.bookings(frequency, recency, age, 273.0)
    assert expected[2] > expected[0] > 0
    assert expected[1] < expected[2] / 5
    # Nobody can be expected to book oftener than while still there.
    assert (expected <= (0.2426 + frequency) / (4.4136 * 7 + age) * 273.0).all()


def test_hundreds_of_bookings_keep_a_finite_expectation():
    expected = Rhythm(1.0, 5.0, 0.05, 20.0).bookings(np.array([900.0]), np.array([364.0]), np.array([365.0]), 365.0)
    assert 600 < expected[0] < 950
