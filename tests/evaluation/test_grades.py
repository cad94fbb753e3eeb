import json

import numpy as np
import pytest
from scipy.stats import beta

from crmml.bundle.reference import MASTER_SCALE
from crmml.evaluation.grades import IN_LINE, TOO_HIGH, TOO_LOW, WATCH, backtest_grades, hosmer_lemeshow, migration


def one_cutoff(*grades):
    """A back-test of one cut-off: for each grade its probability, rows and events."""
    probability = np.concatenate([np.full(rows, chance) for chance, rows, _ in grades])
    label = np.concatenate([np.r_[np.ones(events), np.zeros(rows - events)] for _, rows, events in grades])
    customers = np.arange(len(label)).astype(str)
    days = np.full(len(label), "2025-01-31")
    return backtest_grades(label, probability, customers=customers, cutoffs=days, bounds=MASTER_SCALE)


def test_each_grade_of_the_master_scale_doubles_the_chance_of_the_one_before():
    assert np.diff(np.log2(MASTER_SCALE)) == pytest.approx(1)
    told = one_cutoff((0.0024, 30, 0), (0.0025, 30, 0), (0.64, 30, 19))
    assert [row["grade"] for row in told["per_cutoff"][0]["rows"]] == [1, 2, 10]


def test_the_interval_is_that_of_clopper_and_pearson():
    row = one_cutoff((0.05, 100, 3))["per_cutoff"][0]["rows"][0]
    assert (row["rows"], row["events"], row["expected_events"]) == (100, 3, pytest.approx(5))
    assert row["low"] == pytest.approx(beta.ppf(0.025, 3, 98))
    assert row["high"] == pytest.approx(beta.ppf(0.975, 4, 97))
    assert row["verdict"] == IN_LINE


def test_a_grade_far_off_is_wrong_and_one_a_little_off_is_watched():
    rows = one_cutoff((0.03, 1000, 90), (0.1, 1000, 40), (0.2, 300, 75), (0.4, 100, 40))["per_cutoff"][0]["rows"]
    assert [row["verdict"] for row in rows] == [TOO_LOW, TOO_HIGH, WATCH, IN_LINE]


def test_a_grade_of_few_rows_has_counts_and_no_verdict():
    row = one_cutoff((0.05, 19, 6), (0.1, 500, 50))["per_cutoff"][0]["rows"][0]
    assert (row["verdict"], row["events"]) == (None, 6)


def test_hosmer_lemeshow_by_hand():
    rows = [
        {"rows": 100, "events": 8, "expected_events": 5.0},
        {"rows": 100, "events": 18, "expected_events": 20.0},
    ]
    found = hosmer_lemeshow(rows)
    assert found["statistic"] == pytest.approx(9 / 4.75 + 4 / 16)
    assert found["grades"] == 2
    tiny = [{"rows": 100, "events": 0, "expected_events": 0.4}, *rows]
    assert hosmer_lemeshow(tiny)["grades"] == 2


def test_right_probabilities_are_rarely_called_wrong():
    draw = np.random.default_rng(3)
    found = judged = 0
    for _ in range(20):
        probability = draw.beta(1, 12, 2000)
        label = (draw.random(2000) < probability).astype(float)
        told = backtest_grades(
            label, probability, customers=np.arange(2000), cutoffs=np.zeros(2000), bounds=MASTER_SCALE
        )
        found, judged = found + told["outside"]["wrong"], judged + told["outside"]["judged"]
    assert judged > 100
    assert found <= 2


def test_concentration_is_the_sum_of_squared_shares():
    part = one_cutoff((0.03, 75, 2), (0.1, 25, 3))["per_cutoff"][0]
    assert part["concentration"] == {"herfindahl": pytest.approx(0.75**2 + 0.25**2), "largest": 0.75}


def test_neighbours_whose_rates_rise_differ():
    part = one_cutoff((0.03, 1000, 30), (0.06, 1000, 60), (0.1, 50, 5))["per_cutoff"][0]
    assert [(pair["rises"], pair["differ"]) for pair in part["neighbours"]] == [(True, True), (True, False)]


def test_migration_counts_who_came_left_rose_and_fell():
    customers = np.array(["a", "b", "c", "d", "a", "b", "c", "e", "e"])
    days = np.array(["1"] * 4 + ["2"] * 5)
    grades = np.array([1, 2, 2, 1, 2, 1, 2, 1, 3])
    told = migration(customers, days, grades, "1", "2", count=3)
    assert (told["customers"], told["came"], told["left"]) == (3, 1, 1)
    assert (told["stayed"], told["rose"], told["fell"]) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert told["table"] == [[0, 1, 0], [1, 1, 0], [0, 0, 0]]


def test_all_of_it_is_plain_data():
    json.dumps(one_cutoff((0.03, 75, 2), (0.1, 25, 3)), allow_nan=False)
