import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from crmml.targeting import Capacities, Limit, Offer, allocate, check_allocation, rank_by
from crmml.targeting.bound import Problem
from crmml.targeting.room import room_of
from tests.tables import table
from tests.targeting.lists import random_case, spec


def offers(**capacity: int | None):
    return tuple(Offer(name, "产品", name, "phone", 1.0, capacity=count) for name, count in capacity.items())


def candidates(text: str) -> pd.DataFrame:
    rows = table(text).assign(channel="phone", contact_cost=1.0)
    for column in ("branch_id", "manager_id"):
        rows = rows if column in rows else rows.assign(**{column: "x"})
    return rows


def chosen(rows: pd.DataFrame, asked) -> list[tuple[str, str]]:
    found = rows.iloc[allocate(rows, room_of(asked, rows)).chosen]
    return list(zip(found["customer_id"], found["offer"], strict=True))


TWO = candidates("""
    customer_id  offer  expected_value  prob_take
    a            card               10        0.1
    a            loan                9        0.5
    b            card                9        0.3
    b            loan                1        0.2
    c            loan               -1        0.9""")


def test_without_limits_each_customer_gets_the_best_positive_offer():
    assert chosen(TWO, spec(offers=offers(card=None, loan=None))) == [("a", "card"), ("b", "card")]


def test_a_scarce_offer_goes_where_it_is_missed_most():
    # Best-first gives a the card and b the loan: 11. Giving a the loan and b the card brings 18.
    asked = spec(offers=offers(card=1, loan=1))
    assert chosen(TWO, asked) == [("a", "loan"), ("b", "card")]
    found = allocate(TWO, room_of(asked, TWO))
    assert (found.value, found.gap) == (18, pytest.approx(0, abs=1e-3))


def test_uneven_books_are_kept():
    rows = candidates("""
        customer_id  offer  expected_value  manager_id  branch_id
        a            card                9  m1          b1
        b            card                8  m1          b1
        c            card                7  m1          b1
        d            card                6  m2          b1
        e            card                5  m2          b1
        f            card                4  m3          b2""")
    limits = Capacities(per_manager=Limit(1, {"m1": 2}))
    assert chosen(rows, spec(offers=offers(card=None), capacities=limits)) == [
        ("a", "card"), ("b", "card"), ("d", "card"), ("f", "card"),
    ]  # fmt: skip
    limits = Capacities(per_manager=Limit(1, {"m1": 2}), per_branch=Limit(2), total=3)
    assert [customer for customer, _ in chosen(rows, spec(offers=offers(card=None), capacities=limits))] == [
        "a",
        "b",
        "f",
    ]


def test_the_budget_of_contact_costs_is_kept():
    rows = TWO.assign(contact_cost=[6.0, 1.0, 6.0, 1.0, 1.0])
    asked = spec(offers=offers(card=None, loan=None), capacities=Capacities(budget=7.0))
    found = allocate(rows, room_of(asked, rows))
    assert found.value == 18
    assert rows["contact_cost"].iloc[found.chosen].sum() == 7


def test_ties_go_by_customer_and_row_order_changes_nothing():
    rows = candidates("""
        customer_id  offer  expected_value
        a            card                5
        b            card                5
        c            card                5""")
    assert chosen(rows, spec(offers=offers(card=2))) == [("a", "card"), ("b", "card")]


def test_nothing_worthwhile_is_an_empty_allocation():
    found = allocate(TWO.iloc[[4]], room_of(spec(offers=offers(loan=None)), TWO.iloc[[4]]))
    assert (len(found.chosen), found.value, found.bound, found.gap) == (0, 0, 0, 0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6))
def test_on_random_cases_no_rule_is_broken_and_the_value_lies_below_optimum_below_bound(seed):
    rows, asked = random_case(seed, customers=15, offers=3)
    found = allocate(rows, room_of(asked, rows))
    listed = rows.iloc[found.chosen].assign(arm="treated")
    assert check_allocation(listed, asked, rows) == ()
    assert found.value == pytest.approx(listed["expected_value"].sum())
    best = optimum(rows, asked)
    assert found.value <= best + 1e-6 <= found.bound + 2e-6 + 1e-9 * best


@pytest.mark.parametrize("seed", range(4))
def test_the_proven_gap_is_within_half_a_percent_on_a_list_of_a_usual_size(seed):
    rows, asked = random_case(seed, customers=2000, offers=5)
    limits = Capacities(total=400, per_channel={"ch0": 250}, per_manager=Limit(80, {"m1": 30}), budget=1500.0)
    asked = dataclasses.replace(asked, capacities=limits)
    found = allocate(rows, room_of(asked, rows))
    assert check_allocation(rows.iloc[found.chosen].assign(arm="treated"), asked, rows) == ()
    assert found.gap <= 0.005


def test_a_short_list_under_a_tight_budget_is_mended_by_swaps():
    # Best-first spends the budget on one row of 10; the two of 6 bring more.
    rows = candidates("""
        customer_id  offer  expected_value
        a            card               10
        b            card                6
        c            card                6""").assign(contact_cost=[5.0, 3.0, 3.0])
    asked = spec(offers=offers(card=None), capacities=Capacities(budget=6.0))
    assert chosen(rows, asked) == [("b", "card"), ("c", "card")]


def test_the_bound_holds_when_a_manager_serves_several_branches():
    for seed in range(20):
        rows, asked = random_case(seed, customers=15, offers=3)
        branch = dict(zip(rows["customer_id"].unique(), np.random.default_rng(seed).integers(0, 3, 15), strict=False))
        rows = rows.assign(branch_id=[f"b{branch[customer]}" for customer in rows["customer_id"]])
        found = allocate(rows, room_of(asked, rows))
        assert found.bound >= optimum(rows, asked) - 1e-6
        assert check_allocation(rows.iloc[found.chosen].assign(arm="treated"), asked, rows) == ()


def test_the_bound_at_given_prices_by_hand():
    # A card costs 8, a loan nothing: a takes the loan for 9, b either for 1, and one card's limit is worth 8: 18.
    asked, useful = spec(offers=offers(card=1, loan=1)), TWO.iloc[:4]
    bound, used = Problem.of(useful, room_of(asked, useful)).relaxed(np.array([8.0, 0.0]))
    assert (bound, used.tolist()) == (18, [1, 1])


@pytest.mark.parametrize("is_nested", [True, False])
def test_any_prices_give_a_sum_that_no_allocation_exceeds(is_nested):
    for seed in range(25):
        rows, asked = random_case(seed, customers=15, offers=3)
        random = np.random.default_rng(seed)
        if not is_nested:
            rows = rows.assign(branch_id=rows["customer_id"].map(lambda name: f"b{int(name[1:]) % 3}"))
            asked = dataclasses.replace(
                asked, capacities=dataclasses.replace(asked.capacities, per_branch=Limit(2), per_manager=Limit(2))
            )
        useful = rows[rows["expected_value"] > 0]
        problem = Problem.of(useful, room_of(asked, useful))
        best = optimum(useful, asked)
        for scale in (0.0, 1.0, 10.0):
            bound, _ = problem.relaxed(random.random(len(problem.limit)) * scale)
            assert bound >= best - 1e-6


def test_ranking_by_another_column_keeps_the_same_capacities():
    asked = spec(offers=offers(card=1, loan=None))
    assert list(rank_by(TWO, "prob_take", asked)[["customer_id", "offer", "rank"]].itertuples(index=False, name=None)) == [
        ("c", "loan", 1), ("a", "loan", 2), ("b", "card", 3),
    ]  # fmt: skip
    deposits = TWO.assign(deposits=[5, 5, 7, 7, None])
    picked = rank_by(deposits, "deposits", asked, rows=1)
    assert picked[["customer_id", "offer"]].to_numpy().tolist() == [["b", "card"]]


def optimum(rows: pd.DataFrame, asked) -> float:
    """The best value of all, by an independent solver."""
    room, groups = room_of(asked, rows), []
    for column, limit_of in (
        ("customer_id", lambda key: 1.0),
        ("offer", lambda key: room.free["offer"][key]),
        ("channel", lambda key: room.free["channel"][key]),
        ("branch_id", lambda key: room.free["branch"][key]),
        ("manager_id", lambda key: room.free["manager"][key]),
    ):
        groups += [((rows[column] == key).to_numpy(float), limit_of(key)) for key in rows[column].unique()]
    groups += [(np.ones(len(rows)), room.total), (rows["contact_cost"].to_numpy(), room.budget)]
    finite = [(use, limit) for use, limit in groups if math.isfinite(limit)]
    limits = LinearConstraint(np.array([use for use, _ in finite]), ub=np.array([limit for _, limit in finite]))
    solved = milp(
        -rows["expected_value"].to_numpy(), constraints=limits, integrality=np.ones(len(rows)), bounds=Bounds(0, 1)
    )
    return -float(solved.fun)
