"""Prices of what is scarce, and the bound they prove.

Every limit gets a price (a Lagrangian relaxation). At any prices the sum of
what the customers would choose, plus the worth of the limits at their prices,
is more than any allocation can bring.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmml.allocation.problem import Problem


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


def column_price(problem: Problem, prices: Prices, column: int) -> np.ndarray | float:
    """What a row of this column pays beyond its customer's own groups, a number or by customer."""
    paid: np.ndarray | float = prices.budget * problem.cost[column]
    for limits, cells in zip(problem.limits, prices.cells, strict=True):
        if limits.columns is not None and limits.columns[column] >= 0:
            by_group = cells[:, limits.columns[column]].astype(problem.value.dtype)
            paid = paid + (by_group[0] if limits.customers is None else by_group[limits.customers])
    for share, price in zip(problem.shares, prices.shares, strict=True):
        paid = paid + price * share.share
        if share.member.ndim == 2:
            paid = paid - price * share.of_column(column)
    return paid


def customer_price(problem: Problem, prices: Prices) -> np.ndarray:
    """What any row of a customer pays: its manager, branch and the total, less what its memberships bring."""
    paid = np.zeros(problem.customers, dtype=problem.value.dtype)
    for limits, cells in zip(problem.limits, prices.cells, strict=True):
        if limits.columns is None:
            by_group = cells[:, 0].astype(problem.value.dtype)
            paid += by_group[0] if limits.customers is None else by_group[limits.customers]
    for share, price in zip(problem.shares, prices.shares, strict=True):
        if share.member.ndim == 1:
            paid -= (price * share.member).astype(problem.value.dtype)
    return paid


def relax(problem: Problem, prices: Prices) -> Relaxed:
    """What each customer would choose at these prices, and the bound."""
    best = np.full(problem.customers, -np.inf, dtype=problem.value.dtype)
    chosen = np.full(problem.customers, -1, dtype=np.int16)
    for column in range(problem.columns):
        net = problem.value[column] - np.asarray(column_price(problem, prices, column), dtype=problem.value.dtype)
        is_better = net > best
        np.copyto(best, net, where=is_better)
        chosen[is_better] = column
    best -= customer_price(problem, prices)
    chosen[best <= 0] = -1
    return Relaxed(float(best[best > 0].sum(dtype=float)) + _worth_of_limits(problem, prices), chosen)


def net_values(problem: Problem, prices: Prices) -> np.ndarray:
    """Value less every price, shape (n_columns, n_customers)."""
    net = np.empty_like(problem.value)
    own = customer_price(problem, prices)
    for column in range(problem.columns):
        paid = np.asarray(column_price(problem, prices, column), dtype=net.dtype)
        np.subtract(problem.value[column], own + paid, out=net[column])
    return net


def _worth_of_limits(problem: Problem, prices: Prices) -> float:
    """The limits at their prices: a price above zero is paid on the most, one below on the least."""
    total = prices.budget * problem.budget if prices.budget > 0 else 0.0
    for limits, cells in zip(problem.limits, prices.cells, strict=True):
        paid, asked = cells > 0, cells < 0
        total += float((cells[paid] * limits.most[paid]).sum()) + float((cells[asked] * limits.least[asked]).sum())
    return total + float(sum(price * share.offset for price, share in zip(prices.shares, problem.shares, strict=True)))
