"""An upper bound on any allocation, and the shadow prices of what is scarce.

Limits on offers, channels and money are given prices (a Lagrangian relaxation);
what is left, one row per customer within manager, branch and total, is nested,
so taking the best of each manager, then of each branch, then of all is exact.
The sum for any prices is an upper bound; a subgradient method lowers it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmml.targeting.room import Room, ids_of

_ITERATIONS = 150
_CLOSE = 2e-4


@dataclass(frozen=True)
class Problem:
    """Values as a matrix of shape (n_customers, n_offers × channels), -inf where there is no candidate, and the limits."""

    value: np.ndarray
    manager: np.ndarray
    manager_limit: np.ndarray
    branch: np.ndarray
    branch_limit: np.ndarray
    is_nested: bool
    use: np.ndarray
    """What one row of each offer and channel uses of each priced limit, shape (n_limits, n_offers × channels)."""
    limit: np.ndarray
    total: float
    offer_of_row: np.ndarray

    @classmethod
    def of(cls, rows: pd.DataFrame, room: Room) -> Problem:
        """The problem of candidates with positive values, sorted by customer, offer and channel."""
        customer = pd.factorize(rows["customer_id"])[0]
        kind = pd.MultiIndex.from_frame(rows[["offer", "channel"]])
        offer, kinds = pd.factorize(kind)
        value = np.full((customer.max() + 1, len(kinds)), -np.inf)
        value[customer, offer] = rows["expected_value"].to_numpy(dtype=float)
        first = rows[~rows["customer_id"].duplicated()]
        manager, managers = pd.factorize(ids_of(first, "manager_id"))
        branch, branches = pd.factorize(ids_of(first, "branch_id"))
        use, limit = _priced_limits(rows[~kind.duplicated()], room)
        return cls(
            value=value,
            manager=manager,
            manager_limit=np.array([room.free["manager"][str(key)] for key in managers]),
            branch=branch,
            branch_limit=np.array([room.free["branch"][str(key)] for key in branches]),
            is_nested=len(set(zip(manager.tolist(), branch.tolist(), strict=True))) == len(managers),
            use=use,
            limit=limit,
            total=room.total,
            offer_of_row=offer,
        )

    def relaxed(self, prices: np.ndarray) -> tuple[float, np.ndarray]:
        """The best sum at these prices, and what it uses of each priced limit."""
        net = self.value - prices @ self.use
        offer = net.argmax(axis=1)
        worth = net[np.arange(len(net)), offer]
        order = np.argsort(-worth, kind="stable")
        order = order[: np.searchsorted(-worth[order], 0.0)]
        order = _best_of_each(order, self.manager, self.manager_limit)
        # A manager with customers at several branches breaks the nesting: without the branch limits the sum still bounds.
        if self.is_nested:
            order = _best_of_each(order, self.branch, self.branch_limit)
        if np.isfinite(self.total):
            order = order[: int(self.total)]
        used = self.use @ np.bincount(offer[order], minlength=self.value.shape[1])
        return float(worth[order].sum() + prices @ self.limit), used


def dual_prices(problem: Problem, floor: float) -> tuple[float, list[np.ndarray]]:
    """The lowest bound found, and prices per offer worth trying, the best first.

    `floor` is the value of a known allocation; the search stops when the bound
    is within 0.02 % of it.
    """
    prices = np.zeros(len(problem.limit))
    bound, used = problem.relaxed(prices)
    if (used <= problem.limit).all():
        return bound, [prices @ problem.use]
    best, mean, pace, idle = prices, prices, 1.0, 0
    scale = np.maximum(problem.limit, 1e-9)
    current = bound
    for _ in range(_ITERATIONS):
        slope = (problem.limit - used) / scale
        slope[(prices <= 0) & (slope > 0)] = 0.0
        length = float(slope @ slope)
        if bound - floor <= _CLOSE * bound or length == 0 or pace < 1e-4:
            break
        prices = np.maximum(0.0, prices - pace * max(current - floor, 0.0) / length * slope / scale)
        mean = mean + (prices - mean) * 0.1
        current, used = problem.relaxed(prices)
        idle = 0 if current < bound * (1 - 1e-5) else idle + 1
        if current < bound:
            bound, best = current, prices
        if idle >= 6:
            pace, idle, prices = pace / 2, 0, best
            current, used = problem.relaxed(prices)
    return bound, [best @ problem.use, mean @ problem.use]


def _priced_limits(kinds: pd.DataFrame, room: Room) -> tuple[np.ndarray, np.ndarray]:
    """Finite limits on offers, channels and the budget: what a row of each offer and channel uses, and how much there is."""
    uses, limits = [], []
    names, channels = kinds["offer"].to_numpy(), kinds["channel"].to_numpy()
    for key, free in room.free["offer"].items():
        if np.isfinite(free) and (names == key).any():
            uses.append((names == key).astype(float))
            limits.append(free)
    for key, free in room.free["channel"].items():
        if np.isfinite(free) and (channels == key).any():
            uses.append((channels == key).astype(float))
            limits.append(free)
    if np.isfinite(room.budget):
        uses.append(kinds["contact_cost"].to_numpy(dtype=float))
        limits.append(room.budget)
    return np.array(uses).reshape(len(limits), len(kinds)), np.array(limits, dtype=float)


def _best_of_each(order: np.ndarray, group: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """Of rows in this order, the first `limit` of each group."""
    if np.isinf(limit).all():
        return order
    groups = group[order]
    by_group = np.argsort(groups, kind="stable")
    starts = np.searchsorted(groups[by_group], np.arange(len(limit)))
    place = np.empty(len(order), dtype=np.int64)
    place[by_group] = np.arange(len(order)) - starts[groups[by_group]]
    return order[place < limit[groups]]
