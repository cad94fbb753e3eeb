"""From prices to whole rows: the default way, checked by the exact programme below a size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmml.allocation.dual import find_prices
from crmml.allocation.exact import Exact, best_whole, solve_lp
from crmml.allocation.prices import Prices, net_values, no_prices
from crmml.allocation.problem import Problem
from crmml.allocation.repair import fill, unmet

EXACT_SIZE = 15_000
"""Candidates up to which the linear programme checks the list."""
_WHOLE_SIZE = 3_000
"""Candidates up to which a list that is not good enough is finished by integer programming."""
_PLAIN_SIZE = 1_000_000
"""Cells of the matrix up to which best-first, without prices, is tried too."""
_GOOD = 0.002
_MOSTLY = 0.999


@dataclass(frozen=True)
class Solution:
    """An allocation and what proves it.

    Attributes
    ----------
    column
        The column of each customer, -1 for none.
    value, bound
        In currency; no allocation exceeds the bound.
    lp_optimum
        The exact optimum with fractions of rows allowed; None above `EXACT_SIZE`.
    prices
        What one more of each limit is worth.
    unmet
        Rows by which minimums and shares are missed.
    """

    column: np.ndarray
    value: float
    bound: float
    lp_optimum: float | None
    prices: Prices
    unmet: float


def solve(problem: Problem, *, exact_size: int = EXACT_SIZE) -> Solution:
    """Allocate: prices, repair at several prices, the best that meets most minimums."""
    columns = [fill(problem, problem.value)] if problem.value.size <= _PLAIN_SIZE else []
    floor = max((problem.worth(column) for column in columns if unmet(problem, column) == 0), default=0.0)
    bound, tried = find_prices(problem, floor)
    columns += [fill(problem, net_values(problem, prices)) for prices in tried]
    exact = solve_lp(problem) if problem.candidates <= exact_size else None
    if exact is not None:
        columns.append(fill(problem, net_values(problem, exact.prices) + _preferred(exact)))
        bound = min(bound, exact.optimum)
    best = _best(problem, columns)
    is_good = unmet(problem, best) == 0 and problem.worth(best) >= bound * (1 - _GOOD)
    if not is_good and 0 < problem.candidates <= _WHOLE_SIZE:
        whole = best_whole(problem)
        best = best if whole is None else _best(problem, [best, whole])
    value = problem.worth(best)
    # Sums of single-precision values are known to about a millionth.
    slack = 1e-6 * abs(bound) if problem.value.dtype == np.float32 else 0.0
    return Solution(
        column=best,
        value=value,
        bound=max(bound + slack, value),
        lp_optimum=None if exact is None else exact.optimum,
        prices=(tried[0] if exact is None else exact.prices) if problem.candidates else no_prices(problem),
        unmet=unmet(problem, best),
    )


def _best(problem: Problem, columns: list[np.ndarray]) -> np.ndarray:
    """The one that misses fewest rows of the minimums, then that of the highest value; the first of equals."""
    return min(columns, key=lambda column: (round(unmet(problem, column), 6), -problem.worth(column)))


def _preferred(exact: Exact) -> np.ndarray:
    """What the programme takes goes first: a margin above every price."""
    high = 1.0 + float(np.abs(exact.prices.budget)) + sum(float(np.abs(cells).sum()) for cells in exact.prices.cells)
    return (exact.chosen > _MOSTLY) * high
