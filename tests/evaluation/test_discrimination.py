import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from crmml.evaluation import discrimination as d
from crmml.evaluation.discrimination import Ranked, RankedMoney

LABEL = [0, 1, 0, 1, 1]
SCORE = [0.1, 0.2, 0.2, 0.6, 0.4]


def test_auc_counts_pairs_and_half_of_each_tie():
    # events 0.2, 0.6, 0.4 against others 0.1, 0.2: five pairs won, one tied, of six
    assert d.auc(LABEL, SCORE) == pytest.approx(5.5 / 6)
    assert d.gini(LABEL, SCORE) == pytest.approx(2 * 5.5 / 6 - 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 6)), min_size=2, max_size=40))
def test_auc_equals_that_of_scikit_learn(rows):
    label = np.array([float(event) for event, _ in rows])
    score = np.array([float(value) for _, value in rows])
    if 0 < label.sum() < len(label):
        assert d.auc(label, score) == pytest.approx(roc_auc_score(label, score), abs=1e-12)
        assert 0 <= d.ks(label, score) <= 1
    else:
        assert np.isnan(d.auc(label, score))


def test_a_weight_counts_a_row_so_many_times():
    weights = np.array([[1, 2, 0, 1, 3]])
    repeated = np.repeat(np.arange(5), weights[0])
    expected = d.auc(np.array(LABEL)[repeated], np.array(SCORE)[repeated])
    assert Ranked(LABEL, SCORE).auc(weights)[0] == pytest.approx(expected)


def test_ks_is_the_largest_gap_of_the_two_curves():
    # at 0.1: others 1/2, events 0; at 0.2: others 2/2, events 1/3
    assert d.ks(LABEL, SCORE) == pytest.approx(2 / 3)


def test_lift_is_the_rate_in_the_top_over_the_rate_of_all():
    assert d.lift([1, 1, 0, 0, 0, 0, 0, 0, 0, 0], range(10, 0, -1), share=0.2) == pytest.approx(5.0)


def test_lift_does_not_depend_on_the_order_of_tied_rows():
    assert d.lift([1, 0, 0, 0], [1, 1, 1, 1], share=0.25) == d.lift([0, 0, 0, 1], [1, 1, 1, 1], share=0.25) == 1.0


def test_brier_and_log_loss_by_hand():
    assert d.brier([1, 0], [0.8, 0.4]) == pytest.approx((0.04 + 0.16) / 2)
    assert d.log_loss([1, 0], [np.log(4), np.log(4)]) == pytest.approx(-(np.log(0.8) + np.log(0.2)) / 2)


def test_normalised_gini_is_one_for_the_amounts_themselves_and_null_for_equal_amounts():
    assert d.normalised_gini([3, -1, 8], [3, -1, 8]) == 1.0
    assert np.isnan(d.normalised_gini([2, 2], [1, 0]))


def test_normalised_gini_equals_the_usual_formula_on_positive_amounts():
    rng = np.random.default_rng(0)
    actual, predicted = rng.gamma(2, size=50), rng.normal(size=50)

    def area(order):
        gathered = np.cumsum(actual[order]) / actual.sum()
        return (gathered - (np.arange(50) + 1) / 50).sum()

    expected = area(np.argsort(-predicted)) / area(np.argsort(-actual))
    assert d.normalised_gini(actual, predicted) == pytest.approx(expected)


def test_a_weighted_gini_is_that_of_repeated_rows():
    actual, predicted = np.array([5.0, 1.0, 9.0, -2.0]), np.array([2.0, 1.0, 3.0, 3.0])
    repeated = np.repeat(np.arange(4), [2, 1, 3, 1])
    weighted = RankedMoney(actual, predicted).gini([[2, 1, 3, 1]])[0]
    assert weighted == pytest.approx(d.normalised_gini(actual[repeated], predicted[repeated]))


@pytest.mark.parametrize(
    ("label", "score", "said"),
    [([0, 2], [1, 2], "0 or 1"), ([0], [1, 2], "one length"), ([], [], "at least one"), ([0, 1], [1, np.nan], "null")],
)
def test_columns_that_cannot_be_judged_are_refused(label, score, said):
    with pytest.raises(ValueError, match=said):
        d.auc(label, score)
