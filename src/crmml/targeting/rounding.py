"""Drawing a share of rows at random so that every group has its share to within one row.

Randomised flow rounding: shares flow over branch, manager and row to offer,
channel and the total. A cycle of undecided rows is shifted one way or the
other with the odds that keep every row's probability, until every row is
decided. Conservation keeps each manager, branch, offer, offer of a branch,
channel and the total at its share rounded down or up. Where an offer has several channels, offers
and channels are not nested: each offer, and each channel of an offer, is kept
at its share, and a channel to within as many rows as it carries offers.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

Edge = tuple[int, int]


def draw_share(
    share: Fraction, manager: np.ndarray, branch: np.ndarray, offer: np.ndarray, channel: np.ndarray, seed: int
) -> np.ndarray:
    """Which rows are drawn, each with probability `share`, its groups to within one row of their share.

    Parameters
    ----------
    share
        Between 0 and 1, exact.
    manager, branch, offer, channel
        Codes 0, 1, … of each row's groups. Branches are held to their share
        where every manager has one branch.

    Notes
    -----
    Within a manager, branch, offer and channel the rows are exchangeable: any of
    them is as likely to be drawn.

    References
    ----------
    .. [1] Gandhi, Khuller, Parthasarathy and Srinivasan, Dependent rounding and its
       applications to approximation algorithms, Journal of the ACM, 2006.
    """
    random = np.random.default_rng(seed)
    pair, pair_of_row = np.unique(np.column_stack([offer, channel]), axis=0, return_inverse=True)
    # An offer with one channel nests in it; one with several holds them.
    outer = pair[:, 1] if len(set(pair[:, 0].tolist())) == len(pair) else pair[:, 0]
    groups = np.column_stack([manager, branch, pair_of_row.reshape(-1)])
    cell, cell_of_row = np.unique(groups, axis=0, return_inverse=True)
    cell_of_row = cell_of_row.reshape(-1)
    is_nested = len(set(zip(manager.tolist(), branch.tolist(), strict=True))) == len(set(manager.tolist()))
    counts = np.bincount(cell_of_row, minlength=len(cell))
    network = _Network(share, is_nested, random)
    for (who, where, what), count in zip(cell.tolist(), counts.tolist(), strict=True):
        network.add(who, where, what, int(outer[what]), count)
    drawn = np.zeros(len(manager), dtype=bool)
    of_cell = np.split(np.argsort(cell_of_row, kind="stable"), np.cumsum(counts)[:-1])
    for rows_of, take in zip(of_cell, network.rounded(), strict=True):
        drawn[random.choice(rows_of, size=take, replace=False)] = True
    return drawn


class _Network:
    """Flows of the share by edge, as whole multiples of 1 / denominator, so that nothing is lost to rounding."""

    def __init__(self, share: Fraction, is_nested: bool, random: np.random.Generator) -> None:
        self.unit = share.denominator
        self.per_row = share.numerator
        self.is_nested = is_nested
        self.random = random
        self.nodes: dict[tuple[str, int], int] = {}
        self.flow: dict[Edge, int] = {}
        self.cells: list[Edge] = []
        self.open: dict[int, dict[int, int]] = {}

    def add(self, manager: int, branch: int, pair: int, outer: int, rows: int) -> None:
        """A cell of `rows` rows, whose share flows along its path."""
        path = [("from", 0), ("branch", branch if self.is_nested else 0), ("manager", manager)]
        path += [(f"pair of {branch}", pair), ("pair", pair), ("outer", outer), ("to", 0)]
        stops = [self.nodes.setdefault(node, len(self.nodes)) for node in path]
        for edge in zip(stops, [*stops[1:], stops[0]], strict=True):
            self.flow[edge] = self.flow.get(edge, 0) + rows * self.per_row
        self.cells.append((stops[2], stops[3]))

    def rounded(self) -> list[int]:
        """Whole rows of each cell."""
        for (start, end), flow in self.flow.items():
            if flow % self.unit:
                self.open.setdefault(start, {})[end] = 1
                self.open.setdefault(end, {})[start] = -1
        for node in list(self.open):
            while self.open[node]:
                self._shift(self._cycle(node))
        return [self.flow[cell] // self.unit for cell in self.cells]

    def _cycle(self, node: int) -> list[tuple[int, int, int]]:
        """A cycle of open edges met from a node, as (from, to, direction). Every open node has two open edges."""
        path, seen, last = [node], {node: 0}, -1
        while True:
            following = next(other for other in self.open[path[-1]] if other != last)
            last = path[-1]
            if following in seen:
                ring = [*path[seen[following] :], following]
                return [(a, b, self.open[a][b]) for a, b in pairwise(ring)]
            seen[following] = len(path)
            path.append(following)

    def _shift(self, ring: list[tuple[int, int, int]]) -> None:
        """Shift flow round the ring, up or down, until an edge is whole; the odds keep every expectation."""
        edges = [((a, b) if way > 0 else (b, a), way) for a, b, way in ring]
        above = [self.flow[edge] % self.unit for edge, _ in edges]
        ways = [way for _, way in edges]
        up = min(self.unit - a if way > 0 else a for a, way in zip(above, ways, strict=True))
        down = min(a if way > 0 else self.unit - a for a, way in zip(above, ways, strict=True))
        by = up if self.random.random() * (up + down) < down else -down
        for edge, way in edges:
            self.flow[edge] += way * by
            if self.flow[edge] % self.unit == 0:
                del self.open[edge[0]][edge[1]], self.open[edge[1]][edge[0]]
