"""Bands with fixed boundaries that small noise does not move."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.grouping import Axis, fix_boundaries, flapping, hold_bands

HUNDRED = np.arange(100.0)  # a score of n has the place (n + 0.5) / 100
HALVES = fix_boundaries(Axis("m", quantiles=(0.5,)), HUNDRED)


def held(*scores, margin=0.05, steady=0.02):
    return hold_bands(np.array([scores], dtype=float), HALVES, margin=margin, steady=steady)[0].tolist()


def test_a_band_begins_with_its_cut():
    found = fix_boundaries(Axis("m", cuts=(0.02, 0.08)), np.array([0.01, 0.05, 0.5]))
    assert found.band(np.array([0.0199, 0.02, 0.0799, 0.08, np.nan])).tolist() == [0, 1, 1, 2, -1]


def test_quantiles_part_the_reference_and_nothing_else_moves_them():
    assert HALVES.cuts.tolist() == [49.5]
    assert HALVES.band(HUNDRED).sum() == 50


def test_a_clear_change_is_made_at_once_and_a_small_one_never():
    assert held(40, 56) == [0, 1]  # 6.5 points beyond
    assert held(40, 51, 51, 51, 51) == [0, 0, 0, 0, 0]  # 1.5 points, less than steady


def test_a_middling_change_is_made_when_it_lasts_two_cutoffs():
    assert held(40, 53, 53) == [0, 0, 1]
    assert held(40, 53, 47, 53, 47) == [0, 0, 0, 0, 0]
    assert held(40, 53, np.nan, 53) == [0, 0, -1, 1]  # who comes back is taken as new


def test_a_customer_may_fall_two_bands_at_once():
    thirds = fix_boundaries(Axis("m", quantiles=(0.3, 0.7)), HUNDRED)
    assert hold_bands(np.array([[90.0, 2.0]]), thirds, margin=0.05, steady=0.02)[0].tolist() == [2, 0]


def test_without_margin_the_plain_bands_are_held():
    scores = np.random.default_rng(3).uniform(0, 99, (50, 6))
    assert (hold_bands(scores, HALVES, margin=0, steady=0) == HALVES.band(scores)).all()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.floats(0.01, 0.2),
    st.floats(0.05, 1.0),
    st.sampled_from([(0.5,), (0.2, 0.6), (0.1, 0.4, 0.8)]),
)
def test_small_noise_never_flaps(seed, margin, part, quantiles):
    rng = np.random.default_rng(seed)
    found = fix_boundaries(Axis("m", quantiles=quantiles), np.sort(rng.normal(size=2000)))
    steady = margin * part
    level = rng.uniform(
        0, 1, (200, 1)
    )  # each customer's true place, and noise that moves it by less than steady in all
    noise = rng.uniform(-0.499, 0.499, (200, 8)) * steady
    scores = np.interp(np.clip(level + noise, 0, 1), found.positions, found.values)
    bands = hold_bands(scores, found, margin=margin, steady=steady)
    assert (bands == bands[:, :1]).all()


def test_a_reference_without_a_score_and_one_of_equal_scores_have_bands_too():
    nothing = fix_boundaries(Axis("m", quantiles=(0.5,)), np.array([np.nan, np.nan]))
    assert hold_bands(np.array([[np.nan, 1.0]]), nothing, margin=0.05, steady=0.02).tolist() == [[-1, 0]]
    equal = fix_boundaries(Axis("m", quantiles=(0.2, 0.5)), np.zeros(10))
    assert equal.bands == 2
    assert hold_bands(np.array([[0.0, 0.0, -1.0]]), equal, margin=0.05, steady=0.02).tolist() == [[1, 1, 1]]


def test_flaps_are_changes_taken_back():
    assert flapping(np.array([[0, 1, 0], [0, 1, 1], [0, -1, 0]])) == (1, 2)
    assert flapping(np.array([[0, 1]])) == (0, 0)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"quantiles": (0.8, 0.5)}, "are not ordered"),
        ({"quantiles": (0.5, 1.2)}, "shares above 0 and below 1"),
        ({"quantiles": (0.5,), "cuts": (1.0,)}, "one of the two"),
        ({}, "one of the two"),
        ({"cuts": (1, 2, 3, 4, 5)}, "at most 4 points"),
    ],
)
def test_cut_points_that_cannot_be_meant_are_refused(given, words):
    with pytest.raises(ValueError, match=words):
        Axis("m", **given)
