"""Prices set one kind of limit at a time, each exactly.

A cell's price is the margin of the first customer left out, given all other
prices. Managers within branches within the total are nested and priced together.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from crmml.allocation.prices import column_price, customer_price, no_prices, relax
from crmml.allocation.problem import Limits, Problem, Share

_TOLERANCE = 0.02
"""How closely the price of money or of a share is set in one sweep; it moves in the next anyway."""


class Descent:
    """Prices set one kind at a time, each the best for the others as they are."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.prices = no_prices(problem)
        self.nested = _nested(problem)

    def sweep(self) -> None:
        """Set every price once."""
        for number, limits in enumerate(self.problem.limits):
            if limits.columns is not None:
                self._price_columns(number, limits)
        if self.nested:
            self._price_nested()
        for number, limits in enumerate(self.problem.limits):
            if limits.columns is None and number not in self.nested:
                self._price_customers(number, limits)
        if np.isfinite(self.problem.budget):
            self._price_budget()
        for number, share in enumerate(self.problem.shares):
            self._price_share(number, share)

    def _price_columns(self, number: int, limits: Limits) -> None:
        """Price the groups of columns of one kind in turn, given the best of the other groups."""
        assert limits.columns is not None
        problem, cells = self.problem, self.prices.cells[number]
        own = customer_price(problem, self.prices)
        groups = [np.flatnonzero(limits.columns == group) for group in range(cells.shape[1])]
        outside = self._best_of(np.flatnonzero(limits.columns < 0))
        after = np.empty((len(groups) + 1, problem.customers), dtype=problem.value.dtype)
        after[-1] = outside
        for group in range(len(groups) - 1, 0, -1):
            np.maximum(after[group + 1], self._best_of(groups[group]), out=after[group])
        for group, members in enumerate(groups):
            inside = self._best_of(members)
            before = cells[:, group].astype(inside.dtype)
            raw = inside + (before[0] if limits.customers is None else before[limits.customers])
            other = np.maximum(outside, after[group + 1])
            margin = raw - own - np.maximum(other - own, 0)
            cells[:, group] = _clearing(margin, limits.customers, limits.most[:, group], limits.least[:, group])
            paid = cells[:, group].astype(inside.dtype)
            np.maximum(outside, raw - (paid[0] if limits.customers is None else paid[limits.customers]), out=outside)

    def _price_customers(self, number: int, limits: Limits) -> None:
        net = self._best_of(np.arange(self.problem.columns)) - customer_price(self.problem, self.prices)
        before = self.prices.cells[number][:, 0].astype(net.dtype)
        margin = net + (before[0] if limits.customers is None else before[limits.customers])
        self.prices.cells[number][:, 0] = _clearing(margin, limits.customers, limits.most[:, 0], limits.least[:, 0])

    def _price_nested(self) -> None:
        """Managers, branches and the total together: a customer pays the dearest threshold above him."""
        for number in self.nested:
            self.prices.cells[number][:] = 0.0
        problem = self.problem
        margin = self._best_of(np.arange(problem.columns)) - customer_price(problem, self.prices)
        kept, thresholds = margin.copy(), []
        for number in self.nested:
            limits = problem.limits[number]
            level = _clearing(kept, limits.customers, limits.most[:, 0], limits.least[:, 0])
            thresholds.append(level[0] if limits.customers is None else level[limits.customers])
            kept[kept <= thresholds[-1]] = -np.inf
        above: np.ndarray | float = 0.0
        for number, threshold in zip(reversed(self.nested), reversed(thresholds), strict=True):
            limits, extra = problem.limits[number], np.maximum(threshold - above, 0.0)
            cells = self.prices.cells[number][:, 0]
            cells[0 if limits.customers is None else limits.customers] = extra
            above = np.maximum(above, threshold)

    def _price_budget(self) -> None:
        problem = self.problem

        def used(price: float) -> float:
            self.prices.budget = price
            column = relax(problem, self.prices).column
            return float(problem.cost[column[column >= 0]].sum()) - problem.budget

        self.prices.budget = _root(used, self.prices.budget)

    def _price_share(self, number: int, share: Share) -> None:
        problem = self.problem

        def short(price: float) -> float:
            self.prices.shares[number] = price
            column = relax(problem, self.prices).column
            customer = np.flatnonzero(column >= 0)
            return -share.surplus(customer, column[customer])

        self.prices.shares[number] = _root(short, float(self.prices.shares[number]))

    def _best_of(self, columns: np.ndarray) -> np.ndarray:
        """The best value of these columns less what they pay, by customer."""
        problem = self.problem
        best = np.full(problem.customers, -np.inf, dtype=problem.value.dtype)
        for column in columns:
            np.maximum(best, problem.value[column] - column_price(problem, self.prices, column), out=best)
        return best


def _clearing(margin: np.ndarray, group: np.ndarray | None, most: np.ndarray, least: np.ndarray) -> np.ndarray:
    """The price of each group at which no more than `most` and no fewer than `least` margins exceed it.

    Half-way between the last margin taken and the first left out, so that both are on their side.
    """
    if np.isinf(most).all() and not least.any():
        return np.zeros(len(most))
    rows = np.flatnonzero(margin > -np.inf if least.any() else margin > 0)
    groups = np.zeros(len(rows), dtype=np.int64) if group is None else group[rows]
    size = np.bincount(groups, minlength=len(most))
    if not least.any():
        is_over = size > most
        keep = is_over[groups]
        rows, groups, size = rows[keep], groups[keep], np.where(is_over, size, 0)
    values = margin[rows].astype(float)
    values = values[np.lexsort((-values, groups))]
    start = np.cumsum(size) - size
    subsidy = np.where(least > 0, np.minimum(_level(values, start, size, least), 0.0), 0.0)
    return np.maximum(_level(values, start, size, most), 0.0) + subsidy


def _level(values: np.ndarray, start: np.ndarray, size: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Half-way between the last of `count` values of each group and the next; 0 where there are no more."""
    level = np.zeros(len(size))
    if not len(values):
        return level
    is_cut = (count < size) & np.isfinite(count)
    at = start[is_cut] + count[is_cut].astype(np.int64)
    below = values[at]
    level[is_cut] = np.where(count[is_cut] > 0, (values[np.maximum(at - 1, 0)] + below) / 2, below)
    # A minimum of every candidate there is: just below the last of them.
    is_all = (count >= size) & (size > 0) & np.isfinite(count)
    last = values[start[is_all] + size[is_all] - 1]
    level[is_all] = np.minimum(last, 0.0) - 1e-9
    return level


def _root(excess: Callable[[float], float], start: float) -> float:
    """The least price, 0 or more, at which nothing is exceeded; `excess` falls with the price."""
    if excess(0.0) <= 0:
        return 0.0
    high = start or 1.0
    low = 0.0
    while excess(high) > 0:
        low, high = high, high * 2
        if high > 1e12:
            return low
    for _ in range(40):
        if high - low <= _TOLERANCE * high:
            break
        middle = (low + high) / 2
        low, high = (middle, high) if excess(middle) > 0 else (low, middle)
    return high


def _nested(problem: Problem) -> list[int]:
    """The kinds of customers' groups alone, finest first, where each lies within the next and none has a minimum."""
    found = [number for number, limits in enumerate(problem.limits) if limits.columns is None]
    for inner, outer in pairwise(found):
        small, large = problem.limits[inner].customers, problem.limits[outer].customers
        if small is None:
            return []
        pairs = small[:, None] if large is None else np.column_stack([small, large])
        if len(np.unique(pairs, axis=0)) != len(np.unique(small)):
            return []
    return [] if any(problem.limits[number].least.any() for number in found) else found
