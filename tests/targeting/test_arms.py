import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.errors import GateError
from crmml.targeting import Capacities, Limit, check_allocation
from crmml.targeting.arms import choose
from crmml.targeting.rounding import draw_share
from tests.targeting.lists import random_case


def groups(seed: int, rows: int = 60) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    manager, offer = random.integers(0, 8, rows), random.integers(0, 4, rows)
    return {"manager": manager, "branch": manager // 3, "offer": offer, "channel": offer // 2}


@pytest.mark.parametrize("share", [Fraction(1, 10), Fraction(1, 3), Fraction("0.25")])
def test_every_group_holds_out_its_share_to_within_one_row(share):
    for seed in range(20):
        given_groups = groups(seed)
        held = draw_share(share, seed=seed, **given_groups)
        for codes in (*given_groups.values(), np.zeros(60, dtype=int)):
            of, out = np.bincount(codes), np.bincount(codes[held], minlength=codes.max() + 1)
            assert (out >= [int(n * share) for n in of]).all()
            assert (out <= [-int(-n * share // 1) for n in of]).all()


def test_an_offer_of_several_channels_holds_out_its_share_and_so_does_each_channel_of_it():
    for seed in range(20):
        given_groups = groups(seed)
        given_groups["channel"] = np.random.default_rng(seed).integers(0, 3, 60)
        held = draw_share(Fraction(1, 10), seed=seed, **given_groups)
        pairs = given_groups["offer"] * 3 + given_groups["channel"]
        for codes in (given_groups["manager"], given_groups["branch"], given_groups["offer"], pairs):
            of, out = np.bincount(codes), np.bincount(codes[held], minlength=codes.max() + 1)
            assert (out >= of // 10).all()
            assert (out <= -(-of // 10)).all()


def test_every_row_is_as_likely_to_be_held_out():
    drawn = sum(draw_share(Fraction(1, 10), seed=seed, **groups(3)).astype(int) for seed in range(800))
    # 800 draws of 0.1: 80 with a standard deviation of 8.5; five of them either way.
    assert drawn.min() > 37
    assert drawn.max() < 123


def test_the_draw_depends_on_the_seed_alone():
    one, again, other = (draw_share(Fraction(1, 4), seed=seed, **groups(1)) for seed in (5, 5, 6))
    assert (one == again).all()
    assert (one != other).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.3, 0.5]), st.sampled_from([0.0, 0.05]))
def test_treated_and_explored_rows_never_exceed_a_capacity(seed, control, explore):
    rows, asked = random_case(seed)
    asked = dataclasses.replace(asked, control_share=control, explore_share=explore)
    try:
        listed = choose(asked, rows).rows
    except GateError as error:
        # Some random capacities leave no row at all.
        if "leaves no row" not in str(error):
            raise
        return
    assert check_allocation(listed, asked, rows) == ()


@pytest.mark.parametrize("seed", range(6))
def test_managers_of_several_branches_and_customers_without_one_break_no_capacity_either(seed):
    rows, asked = random_case(seed, customers=120)
    number = rows["customer_id"].str[1:].astype(int)
    rows = rows.assign(branch_id="b" + (number % 3).astype("str"), manager_id=rows["manager_id"].where(number % 5 > 1))
    asked = dataclasses.replace(asked, control_share=0.3, explore_share=0.05)
    asked = dataclasses.replace(asked, capacities=dataclasses.replace(asked.capacities, per_branch=Limit(14)))
    listed = choose(asked, rows).rows
    assert set(listed["arm"]) >= {"treated", "control"}
    assert check_allocation(listed, asked, rows) == ()


def test_the_control_share_is_held_out_of_the_chosen_by_offer():
    rows, asked = random_case(11, customers=400)
    asked = dataclasses.replace(asked, control_share=0.2, explore_share=0.0)
    listed = choose(asked, rows).rows
    held = (listed["arm"] == "control").groupby(listed["offer"]).agg(["sum", "size"])
    assert (held["sum"] - held["size"] * 0.2).abs().max() < 1


def test_explore_rows_are_customers_of_their_own_whatever_their_value():
    rows, asked = random_case(2, customers=600)
    asked = dataclasses.replace(asked, explore_share=0.2, control_share=0.1, capacities=Capacities(total=100))
    listed = choose(asked, rows).rows
    explored = listed[listed["arm"] == "explore"]
    # Room for 100 contacts: 20 explored, and 88 chosen whose 8.8 held out are 8 or 9.
    arms = listed["arm"].value_counts()
    assert (arms["explore"], arms["treated"] + arms["control"]) == (20, 88)
    assert arms["control"] in (8, 9)
    assert listed["customer_id"].is_unique
    assert (explored["expected_value"] <= 0).any()
