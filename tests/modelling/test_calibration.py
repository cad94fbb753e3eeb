"""From margins to what is served: the slope of all cut-offs, the level of the newest."""

import numpy as np
import pytest

from crmml.bundle import probability_of
from crmml.evaluation.calibration import fit_logistic, level_of
from crmml.modelling.calibration import calibrate_log_odds, standard_errors


def draw(rows: int, *, level: float, seed: int, slope: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    margins = rng.normal(-2, 1, rows)
    return margins, (rng.random(rows) < probability_of(level + slope * margins)).astype(float)


def test_a_level_makes_as_many_events_expected_as_happened():
    x, y = draw(4_000, level=0.7, seed=1)
    assert probability_of(level_of(x, y) + x).sum() == pytest.approx(y.sum(), abs=1e-6)
    weight = np.where(y == 1, 2.0, 1.0)
    served = probability_of(level_of(x, y, weight) + x)
    assert (weight * served).sum() == pytest.approx(2 * y.sum(), abs=1e-6)
    assert np.isnan(level_of(x, np.zeros(len(x))))


def test_the_newest_rows_set_the_level_and_all_rows_the_slope():
    old, new = draw(6_000, level=0.0, seed=2), draw(2_000, level=-0.8, seed=3)
    margins, label = np.concatenate([old[0], new[0]]), np.concatenate([old[1], new[1]])
    newest = np.arange(6_000, 8_000)
    intercept, slope = calibrate_log_odds(margins, label, model="m", newest=newest)
    assert slope == fit_logistic(margins, label)[1]
    assert probability_of(intercept + slope * new[0]).sum() == pytest.approx(new[1].sum(), abs=1e-6)
    assert intercept == pytest.approx(-0.8, abs=0.25)
    everything = calibrate_log_odds(margins, label, model="m", newest=np.arange(8_000))
    assert everything == tuple(fit_logistic(margins, label)) == calibrate_log_odds(margins, label, model="m")


def test_standard_errors_are_the_spread_of_estimates_over_drawn_customers():
    rng = np.random.default_rng(5)
    customers = np.repeat(np.arange(500), 4)
    margins, _ = draw(2_000, level=0.0, seed=6)
    # The four rows of a customer share their luck: as one row each, the errors would be half as large.
    label = (np.repeat(rng.random(500), 4) < probability_of(margins)).astype(float)
    newest = np.arange(1_000, 2_000)
    intercept, slope = calibrate_log_odds(margins, label, model="m", newest=newest)
    log_odds = intercept + slope * margins
    slope_error, level_error = standard_errors(log_odds, label, customers.astype(str), newest=newest)
    slopes, levels = [], []
    for _ in range(300):
        rows = (rng.integers(0, 500, 500)[:, None] * 4 + np.arange(4)).ravel()
        slopes.append(fit_logistic(log_odds[rows], label[rows])[1])
        late = rows[rows >= 1_000]
        levels.append(label[late].sum() / probability_of(log_odds[late]).sum())
    assert slope_error == pytest.approx(np.std(slopes), rel=0.2)
    assert level_error == pytest.approx(np.std(levels), rel=0.2)


def test_margins_that_lie_close_together_and_far_from_zero_get_the_slope_they_need():
    rng = np.random.default_rng(7)
    signal = rng.normal(0, 1, 5_000)
    label = (rng.random(5_000) < probability_of(-2 + signal)).astype(float)
    margins = -3 + 0.02 * signal
    intercept, slope = calibrate_log_odds(margins, label, model="m")
    plain = fit_logistic(signal, label)
    assert slope == pytest.approx(plain[1] / 0.02, rel=1e-6)
    assert intercept + slope * -3 == pytest.approx(plain[0], abs=1e-6)
    level, same = calibrate_log_odds(margins, label, model="m", newest=np.arange(2_000))
    assert same == slope
    assert probability_of(level + slope * margins[:2_000]).sum() == pytest.approx(label[:2_000].sum(), abs=1e-6)
