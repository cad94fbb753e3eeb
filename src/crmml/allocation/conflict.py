"""Which demands cannot be met together: a smallest set of them that no list can keep."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from crmml.allocation.exact import Programme, programme_of
from crmml.allocation.problem import Problem, Share

_SIZE = 60_000
"""Kinds of customers times columns up to which a conflict is looked for by linear programming."""


@dataclass(frozen=True)
class Demand:
    """One rule somebody wrote: cells of a kind of limit with a most or a least, the budget, or a share."""

    part: Literal["most", "least", "budget", "share"]
    number: int = 0
    cells: tuple[int, ...] = (0,)


def conflict(problem: Problem, demands: Sequence[Demand]) -> list[Demand] | None:
    """A set of demands that cannot be met together, while any of them left out can; None if all can.

    Customers are always given one column at most, among their candidates; a set
    of one demand asks for more than these are. Whole rows are not required, so
    what is found is a proof. In a problem too large for the programme minimums
    are only counted against the customers there are and the total.

    Notes
    -----
    Demands are left out in ever smaller groups, at last one at a time, in the
    order given; what is not missed is no part of the conflict (deletion filter).

    References
    ----------
    .. [1] Chinneck, Feasibility and Infeasibility in Optimization, 2008, chapter 6.
    """
    kinds, count = _kinds_of_customers(problem)
    if kinds.candidates == 0:
        return [demand for demand in demands if demand.part in ("least", "share")][:1]
    if kinds.value.size > _SIZE:
        return _counted(kinds, count, demands)
    programme = programme_of(kinds, count)
    left = list(demands)
    if _is_feasible(programme, left):
        return None
    size = max(1, len(left) // 2)
    while True:
        for start in range(len(left) - size, -size, -size):
            without = left[: max(start, 0)] + left[max(start, 0) + size + min(start, 0) :]
            if not _is_feasible(programme, without):
                left = without
        if size == 1:
            return left
        size = size // 2


def _counted(problem: Problem, count: np.ndarray, demands: Sequence[Demand]) -> list[Demand] | None:
    """A minimum above the customers there are, or minimums of one kind that together exceed the total."""
    column, customer = np.nonzero(problem.value > -np.inf)
    total = [number for number, limits in enumerate(problem.limits) if limits.most.size == 1]
    for number, limits in enumerate(problem.limits):
        asked = [demand for demand in demands if (demand.part, demand.number) == ("least", number)]
        cell = limits.cells(customer, column)
        for demand in asked:
            there = np.unique(customer[np.isin(cell, demand.cells)])
            if count[there].sum() < limits.least.ravel()[list(demand.cells)].sum():
                return [demand]
        for other in total:
            if limits.least.sum() > problem.limits[other].most.sum():
                return [*asked, *(each for each in demands if (each.part, each.number) == ("most", other))]
    return None


def _is_feasible(programme: Programme, demands: Sequence[Demand]) -> bool:
    keep, start = [], 0
    for name, number, cells in programme.lines:
        wanted = {cell for demand in demands if (demand.part, demand.number) == (name, number) for cell in demand.cells}
        is_kept = np.ones(len(cells), dtype=bool) if name == "customer" else np.isin(cells, list(wanted))
        keep.append(start + np.flatnonzero(is_kept))
        start += len(cells)
    lines = np.concatenate(keep)
    use = sparse.csr_array(programme.use)[lines]
    solved = linprog(np.zeros(use.shape[1]), A_ub=use, b_ub=programme.limit[lines], bounds=(0, None), method="highs")
    return solved.status == 0


def _kinds_of_customers(problem: Problem) -> tuple[Problem, np.ndarray]:
    """Customers alike in every group and in what they may get, as one, and how many they are."""
    traits = [limits.customers for limits in problem.limits if limits.customers is not None]
    traits += [row for share in problem.shares for row in np.atleast_2d(share.member)]
    traits += list(problem.value > -np.inf)
    table = np.column_stack([np.asarray(trait, dtype=np.int32) for trait in traits])
    _, first, count = np.unique(table, axis=0, return_index=True, return_counts=True)
    limits = tuple(
        limits if limits.customers is None else dataclasses.replace(limits, customers=limits.customers[first])
        for limits in problem.limits
    )
    shares = tuple(Share(share.member[..., first], share.share, share.offset) for share in problem.shares)
    kinds = dataclasses.replace(problem, value=problem.value[:, first], limits=limits, shares=shares)
    return kinds, count
