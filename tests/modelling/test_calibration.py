"""From margins to what is served: the slope of all cut-offs, the level of now."""

import numpy as np
import pytest

from crmml.bundle import probability_of
from crmml.evaluation.calibration import fit_logistic, level_of
from crmml.modelling.calibration import calibrate_log_odds
from crmml.modelling.level import follow, level_now


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


def calibrate(margins: np.ndarray, label: np.ndarray, blocks: np.ndarray, customers: np.ndarray | None = None):
    ids = np.arange(len(label)) if customers is None else customers
    return calibrate_log_odds(margins, label, ids.astype(str), blocks, model="m")


def test_the_level_is_that_of_now_where_it_moved_and_the_slope_that_of_all_rows():
    old, new = draw(6_000, level=0.0, seed=2), draw(2_000, level=-0.8, seed=3)
    margins, label = np.concatenate([old[0], new[0]]), np.concatenate([old[1], new[1]])
    blocks = np.repeat([0, 1], [6_000, 2_000])
    found = calibrate(margins, label, blocks)
    assert found.slope == fit_logistic(margins, label)[1]
    assert probability_of(found.intercept + found.slope * new[0]).sum() == pytest.approx(new[1].sum(), rel=0.05)
    assert found.intercept == pytest.approx(-0.8, abs=0.25)
    assert found.level_events == pytest.approx(new[1].sum(), rel=0.1)
    everything = calibrate(margins, label, np.zeros(8_000))
    assert (everything.intercept, everything.slope) == pytest.approx(tuple(fit_logistic(margins, label)), abs=1e-9)
    assert everything.level_events == label.sum()


def test_the_chance_of_the_newest_cutoff_is_not_taken_for_its_level():
    blocks = np.repeat(np.arange(8), 2_000)
    misses = {"now": [], "newest": []}
    for seed in range(30):
        margins, label = draw(16_000, level=-1.0, seed=seed)
        misses["now"].append(level_now(margins, label, blocks).value + 1.0)
        misses["newest"].append(level_of(margins[blocks == 7], label[blocks == 7]) + 1.0)
    spread = {name: np.sqrt(np.mean(np.square(each))) for name, each in misses.items()}
    assert spread["now"] < 0.7 * spread["newest"]
    assert np.mean(misses["now"]) == pytest.approx(0.0, abs=0.02)


def test_a_level_that_falls_step_by_step_is_followed():
    blocks = np.repeat(np.arange(6), 3_000)
    label = np.concatenate([draw(3_000, level=-0.3 * step, seed=step)[1] for step in range(6)])
    margins = np.concatenate([draw(3_000, level=0.0, seed=step)[0] for step in range(6)])
    assert level_now(margins, label, blocks).value == pytest.approx(-1.5, abs=0.2)
    assert level_of(margins, label) > -1.0


def test_cutoffs_with_few_events_share_one_level_and_one_class_has_none():
    margins = np.zeros(400)
    label = np.concatenate([np.repeat([1.0, 0.0], [5, 95])] * 4)
    blocks = np.repeat(np.arange(4), 100)
    assert level_now(margins, label, blocks).value == pytest.approx(np.log(5 / 95))
    assert level_now(margins, np.zeros(400), blocks) is None
    shares, moved = follow(np.array([-2.0]), np.array([0.3]))
    assert shares.tolist() == pytest.approx([1.0])
    assert moved == pytest.approx(0.0, abs=1e-12)


def test_standard_errors_are_the_spread_of_estimates_over_drawn_customers():
    rng = np.random.default_rng(5)
    customers = np.repeat(np.arange(500), 4)
    margins, _ = draw(2_000, level=0.0, seed=6)
    # The four rows of a customer share their luck: as one row each, the errors would be half as large.
    label = (np.repeat(rng.random(500), 4) < probability_of(margins)).astype(float)
    found = calibrate(margins, label, np.zeros(2_000), customers)
    log_odds = found.intercept + found.slope * margins
    slopes, levels = [], []
    for _ in range(300):
        rows = (rng.integers(0, 500, 500)[:, None] * 4 + np.arange(4)).ravel()
        slopes.append(fit_logistic(log_odds[rows], label[rows])[1])
        levels.append(label[rows].sum() / probability_of(log_odds[rows]).sum())
    assert found.slope_error == pytest.approx(np.std(slopes), rel=0.2)
    assert found.level_error == pytest.approx(np.std(levels), rel=0.2)


def test_margins_that_lie_close_together_and_far_from_zero_get_the_slope_they_need():
    rng = np.random.default_rng(7)
    signal = rng.normal(0, 1, 5_000)
    label = (rng.random(5_000) < probability_of(-2 + signal)).astype(float)
    margins = -3 + 0.02 * signal
    found = calibrate(margins, label, np.zeros(5_000))
    plain = fit_logistic(signal, label)
    assert found.slope == pytest.approx(plain[1] / 0.02, rel=1e-6)
    assert found.intercept + found.slope * -3 == pytest.approx(plain[0], abs=1e-6)
