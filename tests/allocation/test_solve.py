import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.allocation import Prices, Share, fill, find_prices, no_prices, relax, solve, solve_lp, unmet
from tests.allocation.problems import NONE, brute_force, keeps, limits, problem, random_problem, without

TWO = [[10.0, 9.0], [9.0, 1.0]]  # a card worth 10 and 9 to two customers, a loan worth 9 and 1


def scarce(card: float = 1, loan: float = 1):
    return problem(TWO, limits("offer", [[card, loan]], columns=[0, 1]))


def test_a_scarce_column_goes_where_it_is_missed_most():
    found = solve(scarce())
    assert (found.column.tolist(), found.value, found.lp_optimum) == ([1, 0], 18, pytest.approx(18))


def test_the_bound_at_given_prices_by_hand():
    # A card costs 8 and the loan nothing: 9 by the loan, 1 by either, and one card's limit is worth 8.
    given_problem = scarce()
    prices = Prices([np.array([[8.0, 0.0]])], 0.0, np.zeros(0))
    assert relax(given_problem, prices).bound == 18
    assert relax(given_problem, no_prices(given_problem)).bound == 19


def test_a_minimum_pays_for_rows_that_would_not_be_chosen():
    asked = problem(TWO, limits("offer", [[2, 2]], columns=[0, 1], least=[[0, 2]]))
    found = solve(asked)
    assert (found.column.tolist(), found.value, found.unmet) == ([1, 1], 10, 0)
    # One loan less would be the second customer's card: 9 instead of 1.
    assert found.prices.cells[0][0, 1] == pytest.approx(-8, abs=0.01)


def test_a_share_gives_up_rows_when_there_are_too_few_members():
    member = np.array([True, False, False, False])
    asked = problem([[1.0, 9, 8, 7]], limits("total", [[4]]), shares=(Share(member, 0.5),))
    found = solve(asked)
    assert (found.column.tolist(), found.value) == ([0, 0, -1, -1], 10)


def test_money_is_spent_on_whole_rows():
    asked = problem([[10.0, 0.1, 0.1], [NONE, 6, 6]], cost=[5, 3], budget=6.0)
    assert solve(asked).column.tolist() == [-1, 1, 1]


def test_nothing_to_allocate_is_nothing():
    found = solve(problem(np.full((2, 3), NONE), limits("total", [[2]])))
    assert (found.column.tolist(), found.value, found.bound, found.unmet) == ([-1, -1, -1], 0, 0, 0)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_against_every_allocation_there_is(seed, is_checked):
    asked = random_problem(seed, customers=5)
    best, found = brute_force(asked), solve(asked, exact_size=10_000 if is_checked else 0)
    if best is None:
        assert found.unmet > 0
        return
    assert found.unmet == 0
    assert keeps(asked, found.column)
    assert best * (1 - 1e-3) - 1e-9 <= found.value <= best + 1e-9
    assert found.bound >= best - 1e-9
    assert not is_checked or found.lp_optimum >= best - 1e-6


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10**6))
def test_any_prices_prove_a_bound_and_the_search_comes_near_the_exact_optimum(seed):
    small = random_problem(seed, customers=400)
    more = tuple(dataclasses.replace(each, most=each.most * 20, least=each.least * 20) for each in small.limits)
    asked = dataclasses.replace(small, limits=more, budget=small.budget * 20)
    exact = solve_lp(asked)
    if exact is None:
        return
    random = np.random.default_rng(seed)
    for scale in (1.0, 10.0):
        cells = [random.normal(0, scale, each.most.shape) for each in asked.limits]
        free = [
            np.where(np.isfinite(each.most), cell, np.minimum(cell, 0))
            for each, cell in zip(asked.limits, cells, strict=True)
        ]
        prices = Prices(free, scale, random.random(len(asked.shares)) * scale)
        assert relax(asked, prices).bound >= exact.optimum - 1e-6
    bound, _ = find_prices(asked, 0.0)
    assert exact.optimum - 1e-6 <= bound <= exact.optimum * 1.005 + 1e-6


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_repair_keeps_every_upper_limit_at_any_priority(seed):
    asked = random_problem(seed, customers=80)
    priority = np.random.default_rng(seed).normal(size=asked.value.shape)
    column = fill(asked, priority)
    relaxed = dataclasses.replace(
        asked,
        shares=(),
        limits=tuple(dataclasses.replace(each, least=np.zeros(each.least.shape)) for each in asked.limits),
    )
    assert keeps(relaxed, column)
    assert (unmet(asked, column) == 0) == keeps(asked, column)


@pytest.mark.parametrize("kind", ["offer_branch", "offer", "channel", "manager", "branch", "total"])
def test_a_solver_that_forgets_a_kind_of_limit_is_caught(kind):
    # The limit that is forgotten is the tightest there is, so any good allocation without it breaks it.
    broken = 0
    for seed in range(12):
        asked = random_problem(seed, customers=30)
        asked = dataclasses.replace(
            asked,
            shares=(),
            budget=np.inf,
            limits=tuple(
                dataclasses.replace(
                    each, most=np.ones(each.most.shape) if each.kind == kind else each.most * 50, least=each.least * 0
                )
                for each in asked.limits
            ),
        )
        assert keeps(asked, solve(asked).column)
        broken += not keeps(asked, solve(without(asked, kind)).column)
    assert broken == 12


def test_a_large_matrix_is_held_in_single_precision_and_its_bound_still_holds():
    random = np.random.default_rng(3)
    value = random.lognormal(3, 1, (4, 3000))
    asked = problem(value, limits("total", [[300]]), limits("offer", [[100] * 4], columns=np.arange(4)))
    single = dataclasses.replace(asked, value=value.astype(np.float32))
    exact, found = solve_lp(asked), solve(single, exact_size=0)
    assert found.value <= found.bound
    assert found.bound >= exact.optimum
    assert found.value >= 0.999 * exact.optimum
