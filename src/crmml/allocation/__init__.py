"""Which column goes to which row of a value matrix, within limits of every kind: prices, repair, bound, check.

Knows arrays only: customers are rows, an offer through a channel is a column.
"""

from crmml.allocation.conflict import Demand, conflict
from crmml.allocation.dual import find_prices
from crmml.allocation.exact import Exact, best_whole, solve_lp
from crmml.allocation.prices import Prices, no_prices, relax
from crmml.allocation.problem import Limits, Problem, Share
from crmml.allocation.repair import fill, unmet
from crmml.allocation.solve import Solution, solve

__all__ = [
    "Demand",
    "Exact",
    "Limits",
    "Prices",
    "Problem",
    "Share",
    "Solution",
    "best_whole",
    "conflict",
    "fill",
    "find_prices",
    "no_prices",
    "relax",
    "solve",
    "solve_lp",
    "unmet",
]
