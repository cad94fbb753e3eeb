"""The same problem as a linear programme: a check, exact prices, and whole rows where the list is short."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, milp

from crmml.allocation.prices import Prices, no_prices, relax
from crmml.allocation.problem import Problem

_NODES = 2000
_GAP = 1e-4
_MORE = 1e-5
"""How much larger the limits are, as a share of themselves, of which the prices are taken."""


@dataclass(frozen=True)
class Exact:
    """Optimum of the linear programme (no allocation exceeds it), its prices, and the share of each candidate chosen."""

    optimum: float
    prices: Prices
    chosen: np.ndarray
    """Shape (n_columns, n_customers), between 0 and 1."""


@dataclass(frozen=True)
class Programme:
    """Candidates in a row, what they use of each limit, and where each line of limits comes from."""

    column: np.ndarray
    customer: np.ndarray
    gain: np.ndarray
    use: sparse.csr_array
    limit: np.ndarray
    lines: list[tuple[str, int, np.ndarray]]


def solve_lp(problem: Problem) -> Exact | None:
    """The optimum with fractions of rows allowed; None where not even that is feasible.

    Where several prices are optimal, those of the first row more are wanted: of
    a slightly larger limit. The optimum is the bound that they prove.
    """
    if problem.candidates == 0:
        is_fine = not any(limits.least.any() for limits in problem.limits)
        is_fine = is_fine and all(share.offset >= 0 for share in problem.shares)
        return Exact(0.0, no_prices(problem), np.zeros(problem.value.shape)) if is_fine else None
    programme = programme_of(problem)
    limit = programme.limit.copy()
    limit[problem.customers :] += _MORE * np.maximum(1.0, np.abs(limit[problem.customers :]))
    solved = linprog(-programme.gain, A_ub=programme.use, b_ub=limit, bounds=(0, None), method="highs")
    if solved.x is None or not solved.success:
        return None
    chosen = np.zeros(problem.value.shape)
    chosen[programme.column, programme.customer] = solved.x
    prices = _prices(problem, programme, -solved.ineqlin.marginals)
    return Exact(relax(problem, prices).bound, prices, chosen)


def best_whole(problem: Problem) -> np.ndarray | None:
    """The best allocation of whole rows within 0.01 %, as the column of each customer; None where none was found.

    The search ends after a number of nodes, not of seconds, so that it finds the same everywhere.
    """
    programme = programme_of(problem)
    solved = milp(
        -programme.gain,
        constraints=LinearConstraint(programme.use, ub=programme.limit),
        integrality=np.ones(len(programme.gain)),
        bounds=Bounds(0, 1),
        options={"node_limit": _NODES, "mip_rel_gap": _GAP},
    )
    if solved.x is None:
        return None
    column = np.full(problem.customers, -1, dtype=np.int16)
    taken = solved.x > 0.5
    column[programme.customer[taken]] = programme.column[taken]
    return column


def programme_of(problem: Problem, count: np.ndarray | None = None) -> Programme:
    """The problem as a programme; `count` says how many customers each one stands for."""
    column, customer = np.nonzero(problem.value > -np.inf)
    one = np.ones(len(column))
    rows, limits, lines = (
        [_lines(customer, one, problem.customers)],
        [np.ones(problem.customers) if count is None else count],
        [],
    )
    lines.append(("customer", 0, np.arange(problem.customers)))
    for number, kind in enumerate(problem.limits):
        cell = kind.cells(customer, column)
        inside = cell >= 0
        use = _lines(cell[inside], one[inside], kind.most.size, np.flatnonzero(inside), len(column))
        for name, sign, at in (("most", 1, np.isfinite(kind.most)), ("least", -1, kind.least > 0)):
            wanted = np.flatnonzero(at.ravel())
            if len(wanted):
                rows.append(sign * use[wanted])
                limits.append(sign * (kind.most if sign > 0 else kind.least).ravel()[wanted].astype(float))
                lines.append((name, number, wanted))
    if np.isfinite(problem.budget):
        rows.append(sparse.csr_array(problem.cost[column][None, :]))
        limits.append(np.array([problem.budget]))
        lines.append(("budget", 0, np.arange(1)))
    for number, share in enumerate(problem.shares):
        rows.append(sparse.csr_array((share.share - share.of(customer, column))[None, :]))
        limits.append(np.array([share.offset]))
        lines.append(("share", number, np.arange(1)))
    gain = problem.value[column, customer].astype(float)
    return Programme(column, customer, gain, sparse.csr_array(sparse.vstack(rows)), np.concatenate(limits), lines)


def _lines(
    line: np.ndarray, amount: np.ndarray, lines: int, at: np.ndarray | None = None, width: int | None = None
) -> sparse.csr_array:
    where = np.arange(len(line)) if at is None else at
    return sparse.csr_array((amount, (line, where)), shape=(lines, len(line) if width is None else width))


def _prices(problem: Problem, programme: Programme, paid: np.ndarray) -> Prices:
    """The dual values of the lines, as prices by kind and cell."""
    prices, start = no_prices(problem), 0
    for name, number, cells in programme.lines:
        of_line = np.maximum(paid[start : start + len(cells)], 0.0)
        start += len(cells)
        if name == "budget":
            prices.budget = float(of_line[0])
        elif name == "share":
            prices.shares[number] = of_line[0]
        elif name != "customer":
            flat = prices.cells[number].reshape(-1)
            flat[cells] += of_line if name == "most" else -of_line
    return prices
