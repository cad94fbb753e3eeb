import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.allocation import Demand, Share, conflict, solve_lp
from tests.allocation.problems import limits, problem, random_problem

FOUR = np.ones((2, 4))


def demands_of(given_problem):
    found = []
    for number, each in enumerate(given_problem.limits):
        found += [Demand("most", number, (cell,)) for cell in np.flatnonzero(np.isfinite(each.most.ravel())).tolist()]
        found += [Demand("least", number, (cell,)) for cell in np.flatnonzero(each.least.ravel()).tolist()]
    if np.isfinite(given_problem.budget):
        found.append(Demand("budget"))
    return [*found, *(Demand("share", number) for number in range(len(given_problem.shares)))]


def test_a_minimum_above_the_customers_there_are_stands_alone():
    asked = problem(FOUR, limits("offer", [[9, 9]], columns=[0, 1], least=[[5, 0]]))
    assert conflict(asked, demands_of(asked)) == [Demand("least", 0, (0,))]


def test_two_minimums_and_the_total_that_is_below_them_are_named_and_nothing_else():
    asked = problem(
        FOUR,
        limits("offer", [[9, 9]], columns=[0, 1], least=[[2, 2]]),
        limits("manager", [[4]], customers=[0, 0, 0, 0]),
        limits("total", [[3]]),
        cost=[1, 1],
        budget=100.0,
    )
    assert set(conflict(asked, demands_of(asked))) == {
        Demand("least", 0, (0,)), Demand("least", 0, (1,)), Demand("most", 2, (0,)),
    }  # fmt: skip


def test_money_that_cannot_pay_for_a_minimum_is_named_with_it():
    asked = problem(FOUR, limits("offer", [[9, 9]], columns=[0, 1], least=[[3, 0]]), cost=[10, 1], budget=20.0)
    assert set(conflict(asked, demands_of(asked))) == {Demand("least", 0, (0,)), Demand("budget")}


def test_a_share_of_members_who_are_not_there_stands_with_the_minimum_it_forbids():
    nobody = Share(np.zeros(4, dtype=bool), 0.5)
    asked = problem(FOUR, limits("offer", [[9, 9]], columns=[0, 1], least=[[1, 0]]), shares=(nobody,))
    assert set(conflict(asked, demands_of(asked))) == {Demand("least", 0, (0,)), Demand("share", 0)}


def test_demands_that_can_be_met_are_in_no_conflict():
    asked = problem(FOUR, limits("offer", [[2, 2]], columns=[0, 1], least=[[2, 2]]), limits("total", [[4]]))
    assert conflict(asked, demands_of(asked)) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_conflict_is_found_exactly_where_the_programme_has_no_solution_and_is_minimal(seed):
    asked = random_problem(seed, customers=8)
    demands = demands_of(asked)
    found = conflict(asked, demands)
    assert (found is None) == (solve_lp(asked) is not None)
    if found is not None:
        assert conflict(asked, found) == found
        for left_out in found:
            assert conflict(asked, [demand for demand in found if demand != left_out]) is None
