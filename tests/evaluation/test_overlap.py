"""Whether a log is a random trial: chances by stratum and balance, by hand and at random."""

import numpy as np
import pytest

from crmml.evaluation.overlap import balance, chances, shrunken


def test_a_small_list_reads_the_chance_of_its_offer_and_a_list_without_control_none():
    stratum = ["big"] * 20 + ["small"] * 4 + ["tiny"] * 2 + ["all treated"] * 30
    treated = [1] * 15 + [0] * 5 + [1, 1, 0, 0] + [1, 0] + [1] * 30
    offer = ["card"] * 26 + ["loan"] * 30
    found = chances(stratum, treated, offer)
    assert set(found[:20]) == {0.75}
    assert np.isnan(found[20:26]).all()  # six rows of small lists are too few to tell a chance of their offer
    assert np.isnan(found[26:]).all()
    more = chances([f"s{i // 4}" for i in range(40)], [1, 1, 1, 0] * 10, ["card"] * 40)
    assert set(more) == {0.75}


def test_arms_drawn_by_lot_look_random_whatever_the_chance_of_each_list():
    rng = np.random.default_rng(3)
    worst = []
    for _ in range(20):
        X = rng.normal(size=(600, 12))
        X[rng.random(X.shape) < 0.1] = np.nan
        chance = np.where(np.arange(600) < 300, 0.3, 0.8)
        X[:300] += 1  # lists of other customers, with another chance: no evidence against the draw
        worst.append(balance(X, [f"x{i}" for i in range(12)], rng.random(600) < chance, chance).is_random)
    assert all(worst)


@pytest.mark.parametrize("planted", ["value", "null"])
def test_an_arm_chosen_by_what_was_known_is_found(planted):
    rng = np.random.default_rng(4)
    X = rng.normal(size=(2_000, 5))
    if planted == "null":
        X[rng.random(2_000) < 0.3, 2] = np.nan
    picked = X[:, 2] > 0 if planted == "value" else np.isnan(X[:, 2])
    treated = rng.random(2_000) < np.where(picked, 0.7, 0.5)
    found = balance(X, list("abcde"), treated, treated.mean())
    assert not found.is_random
    assert found.worst == ("c" if planted == "value" else "c is null")


def test_offers_that_differ_keep_most_of_their_own_effect():
    values, errors = [0.01, 0.02, 0.06], [0.005, 0.005, 0.005]
    found = shrunken(values, errors)
    assert found[0] > 0.01
    assert found[2] < 0.06
    assert np.all(np.diff(found) > 0)
    assert shrunken([0.03], [0.01]).tolist() == [0.03]
