"""Calibration by decile: a gap, its tolerance, and whether chance can explain it."""

import numpy as np

from crmml.evaluation.deciles import decile_calibration

IDS = np.array([f"C{number}" for number in range(1000)])
SAID = np.arange(1000) / 2.0


def judged(actual):
    return decile_calibration(actual, SAID, IDS, resamples=50)


def test_what_comes_true_is_within():
    found = judged(SAID)
    assert found["deciles_by_verdict"] == {"within": 10, "noise": 0, "off": 0}
    assert found["decile_error"] == 0


def test_the_lowest_tenth_is_measured_on_the_size_of_all():
    """Mean prediction 24.75, mean size of all 249.75: a tolerance of 24.975."""
    lowest = judged(SAID + 20)["deciles"][0]
    assert (round(lowest["predicted"], 2), round(lowest["tolerance"], 3)) == (24.75, 24.975)
    assert lowest["verdict"] == "within"


def test_a_quarter_too_much_is_off_and_a_gap_of_chance_is_noise():
    assert judged(1.25 * SAID)["deciles_by_verdict"] == {"within": 2, "noise": 0, "off": 8}
    one_customer = SAID.copy()
    one_customer[-1] += 8_000
    assert judged(one_customer)["deciles"][-1]["verdict"] == "noise"
