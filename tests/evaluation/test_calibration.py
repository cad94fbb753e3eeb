import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from crmml.evaluation import calibration as c


@pytest.fixture
def rows():
    rng = np.random.default_rng(4)
    log_odds = rng.normal(-2, 1, 4000)
    return log_odds, (rng.random(4000) < 1 / (1 + np.exp(-(0.3 + 0.7 * log_odds)))).astype(float)


def test_slope_and_intercept_equal_those_of_scikit_learn(rows):
    log_odds, label = rows
    model = LogisticRegression(C=np.inf, tol=1e-10).fit(log_odds[:, None], label)
    assert c.fit_logistic(log_odds, label) == pytest.approx([model.intercept_[0], model.coef_[0, 0]], abs=1e-5)


def test_two_groups_have_a_slope_by_hand():
    # log-odds 0: 1 of 2 events; log-odds 1: 3 of 4: slope = log(3) - log(1)
    log_odds, label = [0, 0, 1, 1, 1, 1], [1, 0, 1, 1, 1, 0]
    assert c.fit_logistic(log_odds, label) == pytest.approx([0.0, np.log(3)])


def test_weighted_slopes_are_those_of_repeated_rows(rows):
    log_odds, label = rows
    weight = np.random.default_rng(0).integers(0, 3, len(label)).astype(float)
    repeated = np.repeat(np.arange(len(label)), weight.astype(int))
    found = c.slopes(log_odds, label, weight[None, :], start=c.fit_logistic(log_odds, label))
    assert found[0] == pytest.approx(c.fit_logistic(log_odds[repeated], label[repeated]), abs=1e-8)


def test_rare_events_converge():
    log_odds = np.linspace(-8, -4, 5000)
    label = np.zeros(5000)
    label[[100, 4000, 4500, 4900, 4999]] = 1
    intercept, slope = c.fit_logistic(log_odds, label)
    probability = 1 / (1 + np.exp(-(intercept + slope * log_odds)))
    assert probability.sum() == pytest.approx(5)


@pytest.mark.parametrize("label", [[0, 0, 0, 0], [0, 0, 1, 1]])
def test_one_class_or_perfect_separation_has_no_slope(label):
    with pytest.raises(ValueError, match="perfect separation"):
        c.fit_logistic([1.0, 2.0, 3.0, 4.0], label)


def test_linear_slope_by_hand():
    intercept, slope, error = c.linear_slope([0, 1, 2], [1, 3, 5])
    assert (intercept, slope, error) == pytest.approx((1, 2, 0))


def test_a_constant_prediction_keeps_the_slope_of_one():
    assert c.linear_slope([2, 2], [1, 5])[:2] == (1.0, 1.0)


def test_deciles_hold_all_rows_in_order_of_the_prediction():
    table = c.decile_table(np.arange(25)[::-1], np.arange(25)[::-1])
    assert [group["rows"] for group in table] == [3, 3, 3, 3, 3, 2, 2, 2, 2, 2]
    assert table[0]["predicted"] == 1.0
