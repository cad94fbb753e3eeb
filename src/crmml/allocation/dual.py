"""The lowest bound: prices at which what is asked for and what there is meet.

The bound is convex in the prices, and with many customers nearly smooth, so a
quasi-Newton method (L-BFGS-B) lowers it after a sweep over the kinds of limits.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from crmml.allocation.descent import Descent
from crmml.allocation.prices import Prices, relax
from crmml.allocation.problem import Problem

_ROUNDS = 4
_EVALUATIONS = 40
_CLOSE = 2e-4
_LOWERED = 2e-5


def find_prices(problem: Problem, floor: float) -> tuple[float, list[Prices]]:
    """The lowest bound found, and prices worth repairing from, the best first.

    `floor` is the value of a known allocation; the search stops when the bound is near it.
    """
    descent, search = Descent(problem), _Search(problem)
    for _ in range(_ROUNDS):
        before = search.bound
        descent.sweep()
        search.note(descent.prices)
        if search.bound - floor <= _CLOSE * search.bound:
            break
        search.lower(_EVALUATIONS)
        descent.prices = search.best.copy()
        if before - search.bound <= _LOWERED * abs(before):
            break
    return search.bound, [search.best]


class _Search:
    """The lowest bound so far and its prices.

    A vector holds, by cell, what is paid on the most, then what is given on the
    least, then the prices of money and of the shares, each at least 0 and times
    the root of its limit, so that all are felt alike.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.bound, self.best = np.inf, Descent(problem).prices
        self.most = np.concatenate([limits.most.ravel() for limits in problem.limits] or [np.empty(0)])
        self.least = np.concatenate([limits.least.ravel() for limits in problem.limits] or [np.empty(0)])
        typical = max(1.0, problem.customers / 10)
        money = problem.budget / np.sqrt(typical) if np.isfinite(problem.budget) else 1.0
        self.scale = np.concatenate(
            [
                np.sqrt(np.where(np.isfinite(self.most), self.most, 0) + 1),
                np.sqrt(self.least + 1),
                [max(money, 1e-9)],
                np.full(len(problem.shares), np.sqrt(typical)),
            ]
        )
        is_free = [np.isfinite(self.most), self.least > 0, [np.isfinite(problem.budget)]]
        self.is_free = np.concatenate([*is_free, np.ones(len(problem.shares), dtype=bool)])

    def note(self, prices: Prices) -> None:
        """Keep these prices where they prove a lower bound."""
        bound = relax(self.problem, prices).bound
        if bound < self.bound:
            self.bound, self.best = bound, prices.copy()

    def lower(self, evaluations: int) -> None:
        """Go on from the best prices."""
        start = self._vector(self.best)[self.is_free]
        if len(start):
            options = {"maxfun": evaluations, "maxcor": 20}
            minimize(
                self._evaluate, start, jac=True, method="L-BFGS-B", bounds=[(0, None)] * len(start), options=options
            )

    def _evaluate(self, free: np.ndarray) -> tuple[float, np.ndarray]:
        """The bound at a vector, and how it changes with each price."""
        vector = np.zeros(len(self.scale))
        vector[self.is_free] = free
        prices = self._prices(vector / self.scale)
        relaxed, problem = relax(self.problem, prices), self.problem
        if relaxed.bound < self.bound:
            self.bound, self.best = relaxed.bound, prices
        customer = np.flatnonzero(relaxed.column >= 0)
        column = relaxed.column[customer]
        used = [limits.counts(customer, column).ravel() for limits in problem.limits]
        counts = np.concatenate([*used, np.empty(0)])
        surplus = [share.surplus(customer, column) for share in problem.shares]
        money = problem.budget - float(problem.cost[column].sum())
        slope = np.concatenate([self.most - counts, counts - self.least, [money], surplus])
        return relaxed.bound, (slope / self.scale)[self.is_free]

    def _vector(self, prices: Prices) -> np.ndarray:
        cells = np.concatenate([*(cells.ravel() for cells in prices.cells), np.empty(0)])
        parts = [np.maximum(cells, 0), np.maximum(-cells, 0), [prices.budget], prices.shares]
        return np.concatenate(parts) * self.scale

    def _prices(self, vector: np.ndarray) -> Prices:
        cells, start, width = [], 0, len(self.most)
        for limits in self.problem.limits:
            end = start + limits.most.size
            paid, given = vector[start:end], vector[width + start : width + end]
            cells.append((paid - given).reshape(limits.most.shape))
            start = end
        return Prices(cells, float(vector[2 * width]), vector[2 * width + 1 :].copy())
