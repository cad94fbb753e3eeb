"""The interval of a difference of rates: published cases, strata, empty arms, coverage at a small control arm."""

import numpy as np
import pytest

from crmml.evaluation.difference import Counts, difference, difference_interval, smallest_visible

# Newcombe, Interval estimation for the difference between independent proportions, Statistics in Medicine 17, 1998,
# table II, method 6 (Miettinen and Nurminen): taken, treated, taken, control, low, high.
PUBLISHED = [
    (56, 70, 48, 80, 0.0528, 0.3382),
    (9, 10, 3, 10, 0.1700, 0.8406),
    (5, 56, 0, 29, -0.0326, 0.1933),
    (0, 10, 0, 10, -0.2879, 0.2879),
]


@pytest.mark.parametrize(("a", "m", "b", "n", "low", "high"), PUBLISHED)
def test_one_stratum_agrees_with_the_published_intervals(a, m, b, n, low, high):
    found = difference_interval(Counts.of(a, m, b, n))
    assert [float(bound) for bound in found] == pytest.approx([low, high], abs=6e-5)


def test_strata_are_weighted_by_what_they_can_tell():
    counts = Counts.of([10, 20], [100, 50], [1, 2], [10, 10])
    weights = np.array([100 * 10 / 110, 50 * 10 / 60])
    by_hand = (weights * [0.10 - 0.10, 0.40 - 0.20]).sum() / weights.sum()
    assert float(difference(counts)) == pytest.approx(by_hand)
    low, high = difference_interval(counts)
    assert low < by_hand < high


def test_a_stratum_without_control_tells_nothing_and_none_at_all_gives_no_figure():
    with_empty = Counts.of([10, 3], [100, 7], [1, 0], [10, 0])
    alone = Counts.of([10], [100], [1], [10])
    assert float(difference(with_empty)) == pytest.approx(float(difference(alone)))
    assert np.allclose(difference_interval(with_empty), difference_interval(alone))
    assert np.isnan(difference(Counts.of([3], [7], [0], [0])))
    assert all(np.isnan(bound) for bound in difference_interval(Counts.of([3], [7], [0], [0])))


def test_swapping_the_arms_swaps_the_sign():
    low, high = difference_interval(Counts.of([7, 2], [60, 30], [1, 3], [8, 9]))
    back = difference_interval(Counts.of([1, 3], [8, 9], [7, 2], [60, 30]))
    assert np.allclose((-back[1], -back[0]), (low, high), atol=1e-9)


def test_the_interval_covers_at_a_control_arm_of_four_strata_and_a_wald_interval_does_not():
    """Rates near 6 %, 24 control customers: 20,000 campaigns would give 95 %; 4,000 are enough to tell."""
    random = np.random.default_rng(5)
    treated, control = np.array([60.0, 90, 45, 30]), np.array([7.0, 9, 5, 3])
    base = np.array([0.05, 0.08, 0.04, 0.06])
    shape = (4000, 4)
    counts = Counts(
        random.binomial(treated.astype(int), base * 2, shape).astype(float),
        np.broadcast_to(treated, shape),
        random.binomial(control.astype(int), base, shape).astype(float),
        np.broadcast_to(control, shape),
    )
    true = float((counts.weights[0] * base).sum())
    low, high = difference_interval(counts)
    assert 0.94 < np.mean((low <= true) & (true <= high)) < 0.97
    rates = counts.taken_treated / treated, counts.taken_control / control
    spread = np.sqrt(
        (counts.weights**2 * (rates[0] * (1 - rates[0]) / treated + rates[1] * (1 - rates[1]) / control)).sum(axis=1)
    )
    assert np.mean(np.abs(difference(counts) - true) <= 1.96 * spread) < 0.90


def test_an_effect_of_the_size_told_is_seen_in_four_campaigns_of_five():
    effect = smallest_visible(900, 300, 0.10)
    assert effect is not None
    random = np.random.default_rng(3)
    shape = (3000, 1)
    counts = Counts(
        random.binomial(900, 0.10 + effect, shape).astype(float),
        np.full(shape, 900.0),
        random.binomial(300, 0.10, shape).astype(float),
        np.full(shape, 300.0),
    )
    low, _ = difference_interval(counts)
    assert 0.76 < np.mean(low > 0) < 0.84
    assert smallest_visible(0, 10, 0.1) is None
    assert smallest_visible(2, 1, 0.5) is None


def test_more_takers_than_customers_are_refused():
    with pytest.raises(ValueError, match="between 0 and the customers"):
        Counts.of(5, 4, 0, 1)
