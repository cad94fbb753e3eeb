"""The chance of a customer never depends on what became of him."""

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from crmml.bundle import probability_of
from crmml.modelling.boosting import Growth
from crmml.modelling.unseen import unseen_chances

GROWTH = Growth(is_binary=True, fixed={}, seed=7, threads=1)
SETTINGS = {"growth": GROWTH, "params": {"min_data_in_leaf": 5, "num_leaves": 15}, "trees": 40}


@pytest.fixture(scope="module")
def table():
    """Three rows of each of 700 customers: the chance follows the first feature, the third names the customer."""
    rng = np.random.default_rng(4)
    customers = np.repeat([f"c{n:04d}" for n in range(700)], 3)
    X = rng.normal(size=(2_100, 2))
    X = np.column_stack([X, np.repeat(rng.permutation(700), 3)])
    chance = probability_of(X[:, 0] - 1.5)
    return X, (rng.random(2_100) < chance).astype(float), customers, chance


def test_a_customers_own_outcomes_do_not_move_his_chance_and_move_others(table):
    X, label, customers, _ = table
    mine = customers == "c0005"
    before = unseen_chances((X, label, customers), (X, customers), **SETTINGS)
    turned = unseen_chances((X, np.where(mine, 1 - label, label), customers), (X, customers), **SETTINGS)
    assert (turned[mine] == before[mine]).all()
    assert (turned[~mine] != before[~mine]).mean() > 0.3


def test_chances_of_customers_not_seen_are_ranked_and_as_high_as_the_truth(table):
    X, label, customers, chance = table
    found = unseen_chances((X, label, customers), (X, customers), **SETTINGS)
    assert found.mean() == pytest.approx(chance.mean(), rel=0.1)
    assert roc_auc_score(label, found) > roc_auc_score(label, chance) - 0.05
    assert np.polyfit(found, chance, 1)[0] == pytest.approx(1.0, abs=0.25)


def test_who_is_asked_with_changes_nothing_but_bins(table):
    X, label, customers, _ = table
    known = (X, label, customers)
    assert len(unseen_chances(known, (X[:0], customers[:0]), **SETTINGS)) == 0
    again = unseen_chances(known, (X, customers), **SETTINGS)
    assert (unseen_chances(known, (X, customers), **SETTINGS) == again).all()
    assert ((again > 0) & (again < 1)).all()
