import dataclasses

import pandas as pd
import pytest

from crmml.targeting import Capacities, Limit, MinimumShare, check_allocation
from tests.targeting.lists import CARD, LOAN, spec

FINE = pd.DataFrame(
    {
        "customer_id": ["a", "b", "c"],
        "offer": ["card", "card", "loan"],
        "channel": ["phone", "phone", "branch"],
        "branch_id": ["b1", "b1", "b2"],
        "manager_id": ["m1", "m1", None],
        "contact_cost": [10.0, 10.0, 20.0],
        "expected_value": [5.0, 4.0, -1.0],
        "arm": ["treated", "treated", "explore"],
    }
)


def rules(table: pd.DataFrame, **changed) -> list[str]:
    return [broken.rule for broken in check_allocation(table, spec(**changed), FINE)]


def test_a_list_that_keeps_every_rule_breaks_none():
    limits = Capacities(3, {"phone": 2}, Limit(2), Limit(2), 40.0)
    assert rules(FINE, capacities=limits, offers=(dataclasses.replace(CARD, capacity=2), LOAN)) == []


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (Capacities(total=2), "total capacity"),
        (Capacities(per_channel={"phone": 1}), "capacity per channel"),
        (Capacities(per_branch=Limit(1)), "capacity per branch"),
        (Capacities(per_manager=Limit(None, {"m1": 1})), "capacity per manager"),
        (Capacities(per_manager=Limit(2, {"-": 0})), "capacity per manager"),
        (Capacities(budget=39.9), "budget of contact costs"),
    ],
)
def test_each_limit_is_seen_when_broken_and_control_rows_do_not_count(limits, rule):
    assert rules(FINE, capacities=limits) == [rule]
    assert rules(FINE.assign(arm="control", expected_value=1.0), capacities=limits) == []


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        (Capacities(per_product_branch={"card": Limit(9, {"b1": 1})}), "capacity per product and branch"),
        (Capacities(minimum_per_product={"loan": 2}), "minimum per product"),
        (Capacities(minimum_per_branch=Limit(None, {"b2": 2})), "minimum per branch"),
        (Capacities(minimum_per_branch=Limit(2)), "minimum per branch"),
        (Capacities(minimum_shares=(MinimumShare("channel = 'branch'", 0.34),)), "minimum share"),
    ],
)
def test_each_minimum_is_seen_when_missed(limits, rule):
    assert rules(FINE, capacities=limits) == [rule]


def test_a_share_that_is_just_met_is_no_violation_and_control_rows_do_not_help_a_minimum():
    third = Capacities(minimum_shares=(MinimumShare("channel = 'branch'", 1 / 3),))
    assert rules(FINE, capacities=third) == []
    held_out = FINE.assign(arm=["control", "treated", "explore"])
    assert rules(held_out, capacities=Capacities(minimum_per_product={"card": 2})) == ["minimum per product"]


def test_a_risk_band_above_the_maximum_is_seen():
    banded = FINE.assign(risk_band=["A", "-", "D"])
    assert rules(banded, max_risk_band="C") == ["maximum risk band"]


def test_the_capacity_of_an_offer_is_seen():
    assert rules(FINE, offers=(dataclasses.replace(CARD, capacity=1), LOAN)) == ["capacity per offer"]


def test_a_customer_twice_a_stranger_and_a_loss_are_seen():
    assert rules(pd.concat([FINE, FINE.iloc[[0]]])) == ["one offer per customer"]
    assert rules(FINE.assign(customer_id=["a", "b", "z"])) == ["eligible and not suppressed"]
    assert rules(FINE.assign(arm="treated")) == ["positive expected value"]
