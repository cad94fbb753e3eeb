"""Prices of what is scarce, and the bound they prove.

Every limit gets a price (a Lagrangian relaxation). At any prices the sum of
what the customers would choose, plus the worth of the limits at their prices,
is more than any allocation can bring.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from crmml.allocation.problem import Problem

EVERYBODY = slice(None)
_PART = 1 << 15


@dataclass
class Prices:
    """Price of a row by kind and cell (below zero where a minimum subsidises it), of the budget and of each share."""

    cells: list[np.ndarray]
    budget: float
    shares: np.ndarray

    def copy(self) -> Prices:
        return Prices([cells.copy() for cells in self.cells], self.budget, self.shares.copy())


@dataclass(frozen=True)
class Relaxed:
    """The choice of each customer at given prices (-1: none), and the bound that it proves."""

    bound: float
    column: np.ndarray


def no_prices(problem: Problem) -> Prices:
    """Nothing costs anything."""
    return Prices([np.zeros(limits.most.shape) for limits in problem.limits], 0.0, np.zeros(len(problem.shares)))


def column_price(problem: Problem, prices: Prices, column: int, part: slice = EVERYBODY) -> np.ndarray | float:
    """What a row of this column pays beyond its customer's own groups, a number or by customer of this part."""
    paid: np.ndarray | float = prices.budget * float(problem.cost[column])
    for limits, cells in zip(problem.limits, prices.cells, strict=True):
        if limits.columns is not None and limits.columns[column] >= 0:
            by_group = cells[:, limits.columns[column]].astype(problem.value.dtype)
            if limits.customers is None:
                paid = paid + float(by_group[0])
            elif by_group.any():
                paid = by_group.take(limits.customers[part], mode="clip") + paid
    for share, price in zip(problem.shares, prices.shares, strict=True):
        paid = paid + float(price * share.share)
        if share.member.ndim == 2:
            paid = paid - (price * share.of_column(column)[part]).astype(problem.value.dtype)
    return paid


def customer_price(problem: Problem, prices: Prices, part: slice = EVERYBODY) -> np.ndarray:
    """What any row of a customer pays: its manager, branch and the total, less what its memberships bring."""
    paid = np.zeros(len(range(*part.indices(problem.customers))), dtype=problem.value.dtype)
    for limits, cells in zip(problem.limits, prices.cells, strict=True):
        if limits.columns is None and cells.any():
            by_group = cells[:, 0].astype(problem.value.dtype)
            paid += by_group[0] if limits.customers is None else by_group.take(limits.customers[part], mode="clip")
    for share, price in zip(problem.shares, prices.shares, strict=True):
        if share.member.ndim == 1:
            paid -= (price * share.member[part]).astype(problem.value.dtype)
    return paid


def relax(problem: Problem, prices: Prices) -> Relaxed:
    """What each customer would choose at these prices, and the bound."""
    chosen = np.full(problem.customers, -1, dtype=np.int16)
    total = 0.0
    for part in _parts(problem):
        best, column = _best_choice(problem, prices, part)
        best -= customer_price(problem, prices, part)
        is_in = best > 0
        chosen[part] = np.where(is_in, column, -1)
        total += float(best[is_in].sum(dtype=float))
    return Relaxed(total + _worth_of_limits(problem, prices), chosen)


def net_values(problem: Problem, prices: Prices) -> np.ndarray:
    """Value less every price, shape (n_columns, n_customers)."""
    net = np.empty_like(problem.value)
    for part in _parts(problem):
        own = customer_price(problem, prices, part)
        for column in range(problem.columns):
            np.subtract(
                problem.value[column, part], own + column_price(problem, prices, column, part), out=net[column, part]
            )
    return net


def _best_choice(problem: Problem, prices: Prices, part: slice) -> tuple[np.ndarray, np.ndarray]:
    """The best value less the price of its column, and that column, of each customer of a part."""
    best = np.full(len(range(*part.indices(problem.customers))), -np.inf, dtype=problem.value.dtype)
    chosen = np.full(len(best), -1, dtype=np.int16)
    for column in range(problem.columns):
        net = problem.value[column, part] - column_price(problem, prices, column, part)
        is_better = net > best
        np.copyto(best, net, where=is_better)
        np.copyto(chosen, column, where=is_better)
    return best, chosen


def _parts(problem: Problem) -> Iterator[slice]:
    """Customers in parts small enough to stay in the processor's cache."""
    for start in range(0, problem.customers, _PART):
        yield slice(start, min(start + _PART, problem.customers))


def _worth_of_limits(problem: Problem, prices: Prices) -> float:
    """The limits at their prices: a price above zero is paid on the most, one below on the least."""
    total = prices.budget * problem.budget if prices.budget > 0 else 0.0
    for limits, cells in zip(problem.limits, prices.cells, strict=True):
        paid, asked = cells > 0, cells < 0
        total += float((cells[paid] * limits.most[paid]).sum()) + float((cells[asked] * limits.least[asked]).sum())
    return total + float(sum(price * share.offset for price, share in zip(prices.shares, problem.shares, strict=True)))
