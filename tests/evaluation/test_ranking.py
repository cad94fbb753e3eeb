"""Ranking of products: by hand, against a plain loop, and at the bounds."""

import numpy as np
import pytest
from sklearn.metrics import label_ranking_average_precision_score

from crmml.evaluation.ranking import average_precision_at, map_at, precision_at, ranking_report, recall_at


def loop(taken: set[int], ranked: list[int], k: int) -> float:
    """The definition, product by product."""
    hits, total = 0, 0.0
    for place, product in enumerate(ranked[:k], start=1):
        if product in taken:
            hits += 1
            total += hits / place
    return total / min(len(taken), k)


def test_a_case_by_hand():
    # First: taken at the places 2 and 4 of four: (1/2 + 2/4) / 2. Second: the only one at place 1. Third: none taken.
    is_taken = [[0, 1, 0, 1], [0, 0, 1, 0], [0, 0, 0, 0]]
    score = [[4, 3, 2, 1], [1, 2, 9, 3], [1, 2, 3, 4]]
    np.testing.assert_allclose(average_precision_at(is_taken, score, 7), [0.5, 1.0, np.nan])
    assert map_at(is_taken, score, 7) == pytest.approx(0.75)
    assert average_precision_at(is_taken, score, 2)[0] == pytest.approx(0.25)  # (1/2) / min(2, 2)
    assert precision_at(is_taken, score, 2) == pytest.approx(2 / 6)
    assert recall_at(is_taken, score, 2) == pytest.approx((1 / 2 + 1) / 2)


@pytest.mark.parametrize("k", [1, 3, 7])
def test_against_a_loop_over_products(k):
    rng = np.random.default_rng(k)
    is_taken, score = (rng.random((200, 12)) < 0.2).astype(int), rng.random((200, 12))
    found = average_precision_at(is_taken, score, k)
    for row in range(200):
        taken = set(np.flatnonzero(is_taken[row]))
        if taken:
            assert found[row] == pytest.approx(loop(taken, list(np.argsort(-score[row])), k))
        else:
            assert np.isnan(found[row])


def test_without_a_cut_it_is_scikit_learns_label_ranking_precision():
    rng = np.random.default_rng(0)
    is_taken, score = (rng.random((300, 9)) < 0.3).astype(int), rng.random((300, 9))
    some = is_taken.any(axis=1)
    expected = label_ranking_average_precision_score(is_taken[some], score[some])
    assert map_at(is_taken, score, 9) == pytest.approx(expected)


def test_the_bounds():
    is_taken = np.array([[1, 1, 0], [1, 0, 0]])
    assert map_at(is_taken, [[3, 2, 1], [3, 2, 1]], 3) == 1.0
    assert map_at(is_taken[:1], [[1, 1, 9]], 1) == 0.0
    assert np.isnan(map_at([[0, 0]], [[1, 2]], 2))


def test_what_is_not_offered_stands_nowhere():
    # A held product has no score: it takes no place, and taking it counts for nothing.
    assert map_at([[0, 1]], [[np.nan, 1]], 2) == 1.0
    assert map_at([[1, 1]], [[np.nan, 1]], 2) == 0.5
    assert precision_at([[1, 1]], [[np.nan, 1]], 2) == 0.5


def test_equal_scores_keep_the_order_of_the_columns():
    assert average_precision_at([[0, 1, 0]], [[1, 1, 1]], 3)[0] == 0.5


@pytest.mark.parametrize(
    ("is_taken", "score", "k", "words"),
    [([[1]], [[1, 2]], 1, "one shape"), ([[2]], [[1]], 1, "taken"), ([[1]], [[1]], 0, "at least one place")],
)
def test_what_cannot_be_ranked_is_refused(is_taken, score, k, words):
    with pytest.raises(ValueError, match=words):
        map_at(is_taken, score, k)


def test_the_report_judges_cutoffs_apart_and_knows_what_is_popular():
    # Two customers on two cut-offs, products a and b; the second customer holds b, so only a is offered.
    is_taken = np.array([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    score = np.array([[0.1, 0.9], [0.5, np.nan], [0.2, 0.8], [0.9, np.nan]])
    report = ranking_report(
        is_taken, score, customers=["x", "y", "x", "y"], cutoffs=["2025-01", "2025-01", "2025-02", "2025-02"], k=2
    )
    # January: 1 and 1; February: 1/2 (b was ranked first), and nobody else took anything.
    assert report["map"]["value"] == pytest.approx((1.0 + 0.5) / 2)
    # By popularity: January a 1/2, b 1/1, so b first; February a 1/2, b 0, so a first: right every time.
    assert report["popularity"]["value"] == pytest.approx(1.0)
    assert report["difference"]["value"] == pytest.approx(-0.25)
    assert (report["rows"], report["takers"], report["products"]) == (4, 3, 2)
    assert report["precision_at_1"] == pytest.approx(2 / 4)
    assert report["lift_at_1"] == pytest.approx((2 / 4) / (3 / 6))


def test_a_report_of_which_nobody_took_anything_has_no_figure():
    report = ranking_report(np.zeros((2, 2)), np.ones((2, 2)), customers=[1, 2], cutoffs=["a", "a"], k=2)
    assert report["map"]["value"] is None
    assert report["lift_at_1"] is None
    assert report["takers"] == 0
