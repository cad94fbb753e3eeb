"""Reasons: effects against the peers, added up by hand."""

from __future__ import annotations

import numpy as np
import pytest

from crmml.errors import IntegrityError
from crmml.explain import check_sums, code_of, find_reasons, sum_by_concept, top_groups

CONCEPTS = ("salary", "balances", "salary", "channel")
# One customer, four features: contributions and the peers' mean contributions.
OWN = np.array([[0.9, -0.2, 0.4, 0.05]])
PEERS = np.array([[0.1, 0.1, -0.1, 0.05]])


def test_effect_is_the_groups_contribution_less_the_peers_mean_of_it():
    reasons = find_reasons(OWN, PEERS, CONCEPTS, places=2)
    assert reasons.effects[0] == pytest.approx([1.3, -0.3])
    assert [reasons.code(0, place) for place in (0, 1)] == ["SALARY+", "BALANCES-"]


def test_named_effects_and_the_rest_add_up_to_the_distance_from_the_peers():
    reasons = find_reasons(OWN, PEERS, CONCEPTS, places=1)
    assert reasons.rest[0] == pytest.approx(-0.3)
    assert reasons.total[0] == pytest.approx(OWN.sum() - PEERS.sum(), abs=1e-12)


def test_the_feature_that_moved_most_in_the_groups_direction_speaks():
    own = np.array([[0.5, 0.0, -0.9, 0.0], [0.5, 0.0, -0.3, 0.0]])
    reasons = find_reasons(own, np.zeros((2, 4)), CONCEPTS, places=1)
    assert reasons.effects[:, 0] == pytest.approx([-0.4, 0.2])
    assert reasons.speakers[:, 0].tolist() == [2, 0]


def test_a_group_without_effect_is_no_reason():
    reasons = find_reasons(OWN, PEERS, CONCEPTS, places=4)
    assert reasons.groups[0].tolist() == [0, 1, -1, -1]
    assert [reasons.codes(place)[0] for place in (1, 2, 3)] == ["BALANCES-", None, None]
    assert reasons.effects[0, 2:].tolist() == [0.0, 0.0]
    assert reasons.rest[0] == 0


def test_equal_effects_keep_the_order_of_the_groups():
    reasons = find_reasons(np.array([[0.2, 0.2, 0.0, -0.2]]), np.zeros((1, 4)), CONCEPTS, places=3)
    assert [reasons.names[group] for group in reasons.groups[0]] == ["salary", "balances", "channel"]


def test_codes_name_the_concept_and_the_direction():
    assert (code_of("salary", 0.1), code_of("cash_flow", -0.1)) == ("SALARY+", "CASH_FLOW-")


def test_sums_that_differ_are_refused_with_their_number():
    with pytest.raises(IntegrityError, match="contributions and log-odds differ on 1 of 2 rows, at worst by 1e-06"):
        check_sums(np.array([1.0, 2.0]), np.array([1.0, 2.0 + 1e-6]), what="contributions and log-odds")


def test_a_null_among_sums_is_refused():
    with pytest.raises(IntegrityError, match="differ on 1 of 1 rows"):
        check_sums(np.array([np.nan]), np.array([1.0]), what="sums")


def test_sums_of_nothing_agree():
    assert check_sums(np.empty(0), np.empty(0), what="sums") == 0.0


def test_a_row_has_the_same_sum_alone_and_among_others():
    many = np.random.default_rng(5).normal(size=(300, 7))
    concepts = ["a", "b", "a", "c", "b", "a", "c"]
    together = sum_by_concept(many, concepts)
    alone = np.vstack([sum_by_concept(row[None, :], concepts) for row in many])
    assert np.array_equal(together, alone)


def test_the_group_that_moves_most_comes_first():
    contributions = np.array([[1.0, 0.1, 1.0, 0.0], [-1.0, -0.1, -1.0, 0.2]])
    shares = top_groups(contributions, CONCEPTS)
    assert list(shares) == ["salary", "balances", "channel"]
    assert shares["salary"] == pytest.approx(2 / 2.2)
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_missing_concept_is_refused():
    with pytest.raises(ValueError, match="4 contributions a row, expected 3"):
        sum_by_concept(OWN, CONCEPTS[:3])
