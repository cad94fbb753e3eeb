import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from crmml.errors import GateError
from crmml.targeting import Capacities, Limit, MinimumShare, Offer, allocate, check_allocation, rank_by
from crmml.targeting.arms import choose
from crmml.targeting.room import room_of, with_members
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


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.booleans(), st.booleans())
def test_on_random_cases_no_rule_is_broken_and_the_value_lies_below_optimum_below_bound(seed, minimums, is_checked):
    rows, asked = random_case(seed, customers=18, offers=3, minimums=minimums)
    best = optimum(rows, asked)
    rows = with_members(asked, rows)
    room, size = room_of(asked, rows), 10_000 if is_checked else 0
    if best is None:
        with pytest.raises(GateError, match=r"(cannot be kept together|no customer is eligible).*\[G011\]"):
            allocate(rows, room, exact_size=size)
        return
    found = allocate(rows, room, exact_size=size)
    listed = rows.iloc[found.chosen].assign(arm="treated")
    assert check_allocation(listed, asked, rows) == ()
    assert found.value == pytest.approx(listed["expected_value"].sum())
    assert found.value <= best + 1e-6
    assert best <= found.bound + 1e-6 + 1e-9 * best
    assert found.value >= best * (1 - 1e-3) - 1e-6
    if is_checked:
        assert best - 1e-6 <= found.lp_optimum <= found.bound + 1e-6
    assert found.lp_optimum is None or is_checked


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([0.1, 0.3]), st.sampled_from([0.0, 0.05]))
def test_with_control_and_exploration_the_rows_to_contact_keep_every_rule_and_minimum(seed, control, explore):
    rows, asked = random_case(seed, customers=150, offers=3, minimums=True)
    asked = dataclasses.replace(asked, control_share=control, explore_share=explore)
    rows = with_members(asked, rows)
    try:
        listed = choose(asked, rows).rows
    except GateError:
        return
    assert check_allocation(listed, asked, rows) == ()


@pytest.mark.parametrize("seed", range(6))
def test_one_more_slot_changes_the_optimum_by_no_more_than_its_price_and_one_less_by_no_less(seed):
    rows, asked = random_case(seed, customers=120, offers=3)
    asked = dataclasses.replace(
        asked,
        capacities=dataclasses.replace(
            asked.capacities,
            total=60,
            per_branch=Limit(25),
            per_manager=Limit(12),
            budget=150.0,
            per_channel={"ch0": 30},
        ),
    )
    found = allocate(rows, room_of(asked, rows))
    now = optimum(rows, asked, whole=False)
    dear = {where: price for where, price in found.prices.items() if price > 0}
    assert dear
    gains = []
    for where, price in dear.items():
        gained = optimum(rows, asked, whole=False, more=where) - now
        assert 0 <= gained <= price + 1e-6
        gains.append(gained / price)
    assert np.mean(gains) > 0.75


@pytest.mark.parametrize("seed", range(4))
def test_the_proven_gap_is_within_half_a_percent_on_a_list_of_a_usual_size(seed):
    rows, asked = random_case(seed, customers=2000, offers=5)
    limits = Capacities(total=400, per_channel={"ch0": 250}, per_manager=Limit(80, {"m1": 30}), budget=1500.0)
    asked = dataclasses.replace(asked, capacities=limits)
    found = allocate(rows, room_of(asked, rows))
    assert check_allocation(rows.iloc[found.chosen].assign(arm="treated"), asked, rows) == ()
    assert found.gap <= 0.005


@pytest.mark.parametrize(
    ("limits", "rule"),
    [
        ({"total": 9}, "total capacity"),
        ({"per_channel": {"ch0": 2, "ch1": 2}}, "capacity per channel"),
        ({"per_branch": Limit(2)}, "capacity per branch"),
        ({"per_manager": Limit(1)}, "capacity per manager"),
        ({"per_product_branch": {"p0": Limit(0), "p1": Limit(1)}}, "capacity per product and branch"),
        ({"budget": 9.0}, "budget of contact costs"),
        ({"total": 12, "minimum_per_product": {"p2": 11}}, "minimum per product"),
        ({"total": 12, "minimum_per_branch": Limit(None, {"b0": 11})}, "minimum per branch"),
        ({"minimum_shares": (MinimumShare("kind = 'company'", 0.9),)}, "minimum share"),
    ],
)
def test_the_checker_sees_what_an_allocation_that_forgets_a_rule_breaks(limits, rule):
    rows, asked = random_case(3, customers=60, offers=3)
    unlimited = tuple(dataclasses.replace(each, capacity=None) for each in asked.offers)
    total = limits.get("total") if len(limits) > 1 else None
    free = dataclasses.replace(asked, offers=unlimited, capacities=Capacities(total=total))
    kept = dataclasses.replace(free, capacities=Capacities(**limits))
    rows = with_members(kept, rows)
    forgetful = rows.iloc[allocate(rows, room_of(free, rows)).chosen].assign(arm="treated")
    assert rule in {broken.rule for broken in check_allocation(forgetful, kept, rows)}
    careful = rows.iloc[allocate(rows, room_of(kept, rows)).chosen].assign(arm="treated")
    assert check_allocation(careful, kept, rows) == ()


def test_a_short_list_under_a_tight_budget_is_finished_whole_row_by_whole_row():
    # Best-first spends the budget on one card of 10; two loans of 6 bring more.
    rows = candidates("""
        customer_id  offer  expected_value
        a            card               10
        b            loan                6
        c            loan                6""").assign(contact_cost=[5.0, 3.0, 3.0])
    asked = spec(offers=offers(card=None, loan=None), capacities=Capacities(budget=6.0))
    assert chosen(rows, asked) == [("b", "loan"), ("c", "loan")]


def test_the_bound_holds_when_a_manager_serves_several_branches():
    for seed in range(20):
        rows, asked = random_case(seed, customers=15, offers=3)
        branch = dict(zip(rows["customer_id"].unique(), np.random.default_rng(seed).integers(0, 3, 15), strict=False))
        rows = rows.assign(branch_id=[f"b{branch[customer]}" for customer in rows["customer_id"]])
        found = allocate(rows, room_of(asked, rows))
        assert found.bound >= optimum(rows, asked) - 1e-6
        assert check_allocation(rows.iloc[found.chosen].assign(arm="treated"), asked, rows) == ()


def test_ranking_by_another_column_keeps_the_same_capacities():
    asked = spec(offers=offers(card=1, loan=None))
    assert list(rank_by(TWO, "prob_take", asked)[["customer_id", "offer", "rank"]].itertuples(index=False, name=None)) == [
        ("c", "loan", 1), ("a", "loan", 2), ("b", "card", 3),
    ]  # fmt: skip
    deposits = TWO.assign(deposits=[5, 5, 7, 7, None])
    picked = rank_by(deposits, "deposits", asked, rows=1)
    assert picked[["customer_id", "offer"]].to_numpy().tolist() == [["b", "card"]]


def optimum(rows: pd.DataFrame, asked, *, whole: bool = True, more: tuple[str, str] | None = None) -> float | None:
    """The best value of all by a solver that is told the rules here; None where no list keeps them.

    `more` is a kind of limit and a key of which one more is allowed.
    """
    limits, uses = asked.capacities, []

    def add(use, most, kind="", key=""):
        most = most + (1 if (kind, key) == more else 0)
        uses.append((np.asarray(use, dtype=float), -np.inf, most))

    for customer in rows["customer_id"].unique():
        add(rows["customer_id"] == customer, 1)
    for offer in asked.offers:
        is_offer = rows["offer"] == offer.product
        add(is_offer, math.inf if offer.capacity is None else offer.capacity, "offer", offer.product)
        uses.append((is_offer.to_numpy(float), limits.minimum_per_product.get(offer.product, 0), np.inf))
        for branch in rows["branch_id"].unique():
            most = limits.per_product_branch.get(offer.product, Limit()).of(branch)
            add(is_offer & (rows["branch_id"] == branch), most, "offer_branch", f"{offer.product} × {branch}")
    for channel, count in limits.per_channel.items():
        add(rows["channel"] == channel, count, "channel", channel)
    for kind, limit in (("branch", limits.per_branch), ("manager", limits.per_manager)):
        for key in rows[f"{kind}_id"].unique():
            add(rows[f"{kind}_id"] == key, limit.of(key), kind, key)
    for branch in rows["branch_id"].unique():
        uses.append(((rows["branch_id"] == branch).to_numpy(float), limits.minimum_per_branch.default or 0, np.inf))
    add(np.ones(len(rows)), math.inf if limits.total is None else limits.total, "total", "")
    add(rows["contact_cost"], math.inf if limits.budget is None else limits.budget, "budget", "")
    for share in limits.minimum_shares:
        assert share.where == "kind = 'company'"
        uses.append(((rows["kind"] == "company").to_numpy(float) - share.share, 0, np.inf))
    solved = milp(
        -rows["expected_value"].to_numpy(),
        constraints=LinearConstraint(
            np.array([use for use, _, _ in uses]), [least for _, least, _ in uses], [most for _, _, most in uses]
        ),
        integrality=np.full(len(rows), int(whole)),
        bounds=Bounds(0, (rows["expected_value"] > 0).astype(float)),
    )
    return None if solved.x is None else -float(solved.fun)
