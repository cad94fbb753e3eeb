import numpy as np
import pytest
from scipy.stats import binom

from crmml.evaluation.takers import calibration_error, expected_takers, poisson_binomial_interval


@pytest.mark.parametrize(("n", "p"), [(1, 0.3), (20, 0.1), (150, 0.02), (1000, 0.4)])
def test_equal_chances_give_the_binomial_interval(n, p):
    low, high = poisson_binomial_interval(np.full(n, p))
    assert (low, high) == (binom.ppf(0.025, n, p), binom.ppf(0.975, n, p))


def test_unlike_chances_are_covered_as_often_as_said():
    random = np.random.default_rng(3)
    chances = random.beta(1, 8, 200)
    low, high = poisson_binomial_interval(chances)
    takers = (random.random((20_000, 200)) < chances).sum(axis=1)
    assert 0.945 < ((takers >= low) & (takers <= high)).mean() < 0.985


def test_many_customers_need_no_convolution_and_agree_with_few():
    chances = np.full(2001, 0.1)
    low, high = poisson_binomial_interval(chances)
    assert abs(low - binom.ppf(0.025, 2001, 0.1)) <= 1
    assert abs(high - binom.ppf(0.975, 2001, 0.1)) <= 1


def test_the_error_of_a_model_is_shared_by_its_customers():
    chances, models = np.full(400, 0.25), np.repeat(["a", "b"], 200)
    found = expected_takers(chances, models, {"a": 0.2, "b": 0.0})
    assert (found.expected, found.low, found.high) == (100, 83, 117)
    # sqrt(400 × 0.25 × 0.75 + (0.2 × 50)²) = 13.23
    assert (found.low_with_error, found.high_with_error) == pytest.approx((100 - 25.93, 100 + 25.93), abs=0.01)


def test_a_model_whose_error_is_not_known_gives_no_wider_interval():
    found = expected_takers(np.full(10, 0.5), np.repeat("a", 10), {})
    assert (found.low_with_error, found.high_with_error) == (None, None)
    assert expected_takers(np.array([]), np.array([], dtype=str), {}).high == 0
    assert calibration_error({"value": 0.0, "low": 0.0, "high": 2.0}) is None
    assert calibration_error(None) is None
