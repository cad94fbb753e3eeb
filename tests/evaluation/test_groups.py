"""Figures of groups of customers, treatment at a cut, and the intervals of a test: by hand and beside scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from crmml.evaluation.discrimination import auc, ks
from crmml.evaluation.fairness import group_treatment, top_share
from crmml.evaluation.groups import TestRows, figures_of, group_figures, in_the_large
from crmml.evaluation.intervals import figures_with_intervals, ks_at


def rows(count=400, seed=3, *, periods=1):
    rng = np.random.default_rng(seed)
    scale = rng.normal(size=count) - 1
    label = (rng.random(count) < 1 / (1 + np.exp(-scale))).astype(float)
    ids = np.array([f"C{place // periods}" for place in range(count)])
    return TestRows(label, scale, ids, np.array([str(place % periods) for place in range(count)]), False)


def test_groups_of_few_customers_stand_together_without_figures():
    groups = np.array(["a"] * 380 + ["b"] * 12 + ["c"] * 8)
    told = group_figures(rows(), groups)
    assert [(row["group"], row["customers"]) for row in told] == [("a", 380), ("few", 20)]
    assert (told[1]["observed"], told[1]["events"], told[1]["observed_over_expected"]) == (None, None, None)


def test_figures_of_a_group_are_those_of_its_rows():
    test = rows(periods=2)
    told = figures_of(test)
    assert told["observed_over_expected"]["value"] == pytest.approx(test.label.sum() / test.served.sum())
    apart = [auc(test.label[test.periods == name], test.scale[test.periods == name]) for name in ("0", "1")]
    assert told["discrimination"]["value"] == pytest.approx(np.mean(apart))
    assert told["slope"]["low"] < told["slope"]["value"] < told["slope"]["high"]
    assert (told["customers"], told["events"]) == (200, int(test.label.sum()))


def test_too_few_events_have_a_ratio_and_no_slope():
    test = rows()
    few = TestRows(np.r_[np.ones(9), np.zeros(391)], test.scale, test.customers, test.periods, False)
    told = figures_of(few)
    assert (told["slope"], told["discrimination"]) == (None, None)
    assert told["observed_over_expected"]["value"] > 0


def test_a_level_that_is_right_has_intercept_zero():
    label = np.array([1.0, 0, 0, 1])
    assert in_the_large(np.zeros(4), label, np.ones((1, 4)))[0] == pytest.approx(0)


def test_selection_and_errors_of_groups_by_hand():
    groups = np.array(["a"] * 60 + ["b"] * 40)
    selected = np.r_[np.ones(30), np.zeros(30), np.ones(5), np.zeros(35)].astype(bool)
    event = np.r_[np.ones(15), np.zeros(15), np.ones(5), np.zeros(25), np.ones(4), np.zeros(36)]
    test = rows(100)
    a, b = group_treatment(test, groups, selected, event)
    assert (a["selected"]["value"], b["selected"]["value"]) == (0.5, 0.125)
    assert b["selected_ratio"]["value"] == 0.25
    assert a["true_positive"]["value"] == 15 / 20
    assert a["false_positive"]["value"] == 15 / 40
    assert (a["precision"]["value"], b["precision"]["value"]) == (0.5, 0.8)
    assert (a["flag"], b["flag"]) == ("none", "outside")


def test_the_top_share_is_taken_within_each_period():
    score = np.arange(20.0)
    chosen = top_share(score, np.array(["old"] * 10 + ["new"] * 10), 0.2)
    assert np.flatnonzero(chosen).tolist() == [8, 9, 18, 19]


def test_intervals_are_around_the_figures_of_others():
    test = rows(600)
    told = figures_with_intervals(test)
    assert told["average_precision"]["value"] == pytest.approx(average_precision_score(test.label, test.scale))
    assert told["ks"]["value"] == pytest.approx(ks(test.label, test.scale))
    assert ks_at(test.label, test.served)[0] == pytest.approx(told["ks"]["value"])
    assert told["brier"]["low"] < told["brier"]["value"] < told["brier"]["high"]


def test_a_weighting_counts_a_row_as_often_as_if_it_stood_there_twice():
    from crmml.evaluation.intervals import _probability

    test = rows(50)
    twice = np.r_[np.arange(50), np.arange(10)]
    weights = np.r_[np.full(10, 2.0), np.ones(40)][None, :]
    one = _probability(test.label, test.scale, test.served)
    other = _probability(test.label[twice], test.scale[twice], test.served[twice])
    for name in ("average_precision", "ks", "brier", "log_loss"):
        assert one[name](weights)[0] == pytest.approx(other[name](np.ones((1, 60)))[0]), name


def test_money_is_told_by_its_own_figures():
    rng = np.random.default_rng(1)
    label = rng.normal(100, 50, 300)
    test = TestRows(label, label + rng.normal(0, 10, 300), np.arange(300).astype(str), np.full(300, "x"), True)
    told = figures_with_intervals(test)
    assert told["r2"]["value"] == pytest.approx(1 - np.mean((test.scale - label) ** 2) / np.var(label))
    assert told["captured"]["value"] == pytest.approx(np.sort(label)[-30:].sum() / label.sum(), abs=0.01)
    assert told["mae"]["value"] == pytest.approx(np.abs(test.scale - label).mean())
