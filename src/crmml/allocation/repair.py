"""An allocation that keeps every limit, made from the choices at given prices.

In rounds over whole arrays: every customer still free proposes the best column
that is open; a proposal is taken where all better ones in each of its cells
would fit too. Minimums are served first, shares are mended last.
"""

from __future__ import annotations

import numpy as np

from crmml.allocation.problem import Problem


def fill(problem: Problem, priority: np.ndarray) -> np.ndarray:
    """The column of each customer, -1 for none, the highest `priority` first.

    Parameters
    ----------
    priority
        Shape (n_columns, n_customers); where a value is -inf the priority is not looked at.

    Notes
    -----
    Every upper limit and the budget is kept. Minimums and shares are met as far
    as this order allows; `unmet` says by how much they are missed.
    """
    state = _State(problem, priority)
    if any(limits.least.any() for limits in problem.limits):
        while state.take(only_needed=True):
            pass
    while state.take():
        pass
    for number in range(len(problem.shares)):
        state.mend_share(number)
    return state.column


def unmet(problem: Problem, column: np.ndarray) -> float:
    """Rows by which minimums and shares are missed in all; 0 where all are met."""
    customer = np.flatnonzero(column >= 0)
    chosen = column[customer]
    missed = sum(
        float(np.maximum(limits.least - limits.counts(customer, chosen), 0).sum())
        for limits in problem.limits
        if limits.least.any()
    )
    return missed + sum(max(0.0, -share.surplus(customer, chosen) - 1e-7) for share in problem.shares)


class _State:
    """What is chosen so far and what is left of each limit."""

    def __init__(self, problem: Problem, priority: np.ndarray) -> None:
        self.problem, self.priority = problem, priority
        self.column = np.full(problem.customers, -1, dtype=np.int16)
        self.free = [limits.most.astype(float).ravel() for limits in problem.limits]
        self.needed = [limits.least.astype(float).ravel() for limits in problem.limits]
        self.budget = problem.budget

    def take(self, *, only_needed: bool = False, among: np.ndarray | None = None) -> bool:
        """One round; whether anything was taken. `among` are the only rows that may be, by column and customer."""
        customer, column, rank = self._proposals(only_needed, among)
        if not len(customer):
            return False
        order = np.argsort(-rank, kind="stable")
        customer, column = customer[order], column[order]
        fits = np.cumsum(self.problem.cost[column]) <= self.budget + 1e-9
        helps = np.zeros(len(customer), dtype=bool)
        for limits, free, needed in zip(self.problem.limits, self.free, self.needed, strict=True):
            if np.isinf(free).all() and not needed.any():
                continue
            cell = limits.cells(customer, column)
            place = _place_in(cell, len(free))
            fits &= (cell < 0) | (place < free[cell])
            helps |= (cell >= 0) & (place < needed[cell])
        taken = fits & helps if only_needed else fits
        self._change(customer[taken], column[taken], +1)
        return bool(taken.any())

    def mend_share(self, number: int) -> None:
        """Give up the rows of lowest priority outside a share, and fill up with members, until it is met."""
        share = self.problem.shares[number]
        while True:
            customer = np.flatnonzero(self.column >= 0)
            column = self.column[customer]
            lack = -share.surplus(customer, column)
            if lack <= 1e-7:
                return
            outside = ~share.of(customer, column) & self._is_spare(customer, column)
            # One row given up and one member taken bring 1; a row given up alone brings the share.
            count = max(1, int(np.ceil(lack / 2))) if outside.any() else 0
            rank = self.priority[column[outside], customer[outside]]
            worst = np.flatnonzero(outside)[np.argsort(rank, kind="stable")[:count]]
            self._change(customer[worst], column[worst], -1)
            member = share.member if share.member.ndim == 2 else np.broadcast_to(share.member, self.priority.shape)
            took = False
            while self.take(among=member):
                took = True
            if not len(worst) and not took:
                return

    def _is_spare(self, customer: np.ndarray, column: np.ndarray) -> np.ndarray:
        """Which rows chosen are in no cell that is down to its minimum."""
        spare = np.ones(len(customer), dtype=bool)
        for limits in self.problem.limits:
            if limits.least.any():
                cell = limits.cells(customer, column)
                surplus = (limits.counts(customer, column) - limits.least).ravel()
                spare &= (
                    (cell < 0) | (limits.least.ravel()[cell] == 0) | (surplus[cell] > _place_in(cell, len(surplus)))
                )
        return spare

    def _proposals(self, only_needed: bool, among: np.ndarray | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Customers still free, the open column of highest priority for each, and that priority."""
        problem = self.problem
        customer = np.flatnonzero(self._is_open_customer())
        best = np.full(len(customer), -np.inf, dtype=self.priority.dtype)
        column = np.full(len(customer), -1, dtype=np.int16)
        everybody = len(customer) == problem.customers
        for number in range(problem.columns):
            if problem.cost[number] > self.budget + 1e-9:
                continue
            row = self.priority[number] if everybody else self.priority[number, customer]
            value = problem.value[number] if everybody else problem.value[number, customer]
            can = self._is_open(number, customer) & (value > -np.inf) & (row > best)
            if only_needed:
                can &= self._is_needed(number, customer)
            if among is not None:
                can &= among[number, customer]
            np.copyto(best, row, where=can)
            column[can] = number
        found = column >= 0
        return customer[found], column[found], best[found]

    def _is_open_customer(self) -> np.ndarray:
        is_open = self.column < 0
        for limits, free in zip(self.problem.limits, self.free, strict=True):
            if limits.columns is None:
                is_open &= (free >= 1)[0 if limits.customers is None else limits.customers]
        return is_open

    def _is_open(self, column: int, customer: np.ndarray) -> np.ndarray:
        """Which customers could take a column as far as the limits of columns go."""
        is_open = np.ones(len(customer), dtype=bool)
        for limits, free in zip(self.problem.limits, self.free, strict=True):
            if limits.columns is not None and limits.columns[column] >= 0:
                has_room = (free >= 1).reshape(limits.most.shape)[:, limits.columns[column]]
                if not has_room.all():
                    is_open &= has_room[0 if limits.customers is None else limits.customers[customer]]
        return is_open

    def _is_needed(self, column: int, customer: np.ndarray) -> np.ndarray:
        is_needed = np.zeros(len(customer), dtype=bool)
        for limits, needed in zip(self.problem.limits, self.needed, strict=True):
            group = 0 if limits.columns is None else int(limits.columns[column])
            if group >= 0 and needed.any():
                short = (needed >= 1).reshape(limits.most.shape)[:, group]
                is_needed |= short[0 if limits.customers is None else limits.customers[customer]]
        return is_needed

    def _change(self, customer: np.ndarray, column: np.ndarray, way: int) -> None:
        """Choose rows (+1) or give them up (-1)."""
        self.column[customer] = column if way > 0 else -1
        self.budget -= way * float(self.problem.cost[column].sum())
        for limits, free, needed in zip(self.problem.limits, self.free, self.needed, strict=True):
            count = way * limits.counts(customer, column).ravel()
            free -= count
            needed -= count


def _place_in(cell: np.ndarray, cells: int) -> np.ndarray:
    """The place of each row among the rows of its cell, in the order given, from 0."""
    if cells == 1:
        return np.arange(len(cell))
    by_cell = np.argsort(cell, kind="stable")
    first = np.searchsorted(cell[by_cell], np.arange(-1, cells))
    place = np.empty(len(cell), dtype=np.int64)
    place[by_cell] = np.arange(len(cell)) - first[cell[by_cell] + 1]
    return place
