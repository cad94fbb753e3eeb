"""What the grid of customer groups is asked to be: cut points of value, loyalty and risk, and how sticky they are."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from datetime import date

AXES = ("value", "loyalty", "risk")
MOST_CUTS = 4


@dataclass(frozen=True)
class Axis:
    """Where the bands of one score part: at `quantiles` of the reference cut-off, or at `cuts` on the score itself.

    A band begins with its cut. `model` is the key of the model that gives the score.
    """

    model: str
    quantiles: tuple[float, ...] = ()
    cuts: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.quantiles) == bool(self.cuts):
            raise ValueError(f"an axis has quantiles or cuts, one of the two; got {self.quantiles} and {self.cuts}")
        points = self.quantiles or self.cuts
        if any(later <= earlier for earlier, later in itertools.pairwise(points)):
            raise ValueError(f"cut points {list(points)} are not ordered; expected each above the one before")
        if len(points) > MOST_CUTS:
            raise ValueError(
                f"{len(points)} cut points make {len(points) + 1} bands; expected at most {MOST_CUTS} points"
            )
        if any(not 0 < point < 1 for point in self.quantiles):
            raise ValueError(f"quantiles are {list(self.quantiles)}; expected shares above 0 and below 1")


@dataclass(frozen=True)
class Grid:
    """The three axes: contribution, the loyalty index (or the probability to stay), the probability of default.

    Risk parts where grades do: each grade of the master scale doubles the one before.
    """

    value: Axis = field(default_factory=lambda: Axis("contribution", quantiles=(0.5, 0.8)))
    loyalty: Axis = field(default_factory=lambda: Axis("churn", quantiles=(0.2, 0.6)))
    risk: Axis = field(default_factory=lambda: Axis("default", cuts=(0.02, 0.08)))


@dataclass(frozen=True)
class GroupSpec:
    """Customer groups (客户分群).

    A customer changes band at once when the score lies more than `margin` beyond the boundary, and also when it has lain
    more than `steady` beyond at two cut-offs running; both are shares of the customers of the reference cut-off. `steady` is
    half the margin unless given. Boundaries are fixed at the `reference` cut-off (the first compared, unless given). `every`
    so many months between the compared cut-offs (without it: those the champions were tested on), `cutoffs` at most.
    """

    grid: Grid = field(default_factory=Grid)
    margin: float = 0.05
    steady: float | None = None
    reference: date | None = None
    every: int | None = None
    cutoffs: int = 6

    def __post_init__(self) -> None:
        if not 0 <= self.margin < 0.5:
            raise ValueError(f"margin is {self.margin:g}; expected a share of customers of at least 0 and below 0.5")
        if self.steady is not None and not 0 <= self.steady <= self.margin:
            raise ValueError(f"steady is {self.steady:g}; expected 0 up to the margin {self.margin:g}")
        if self.every is not None and not 1 <= self.every <= 12:
            raise ValueError(f"every is {self.every}; expected a step of 1 to 12 months")
        if not 1 <= self.cutoffs <= 60:
            raise ValueError(f"cutoffs is {self.cutoffs}; expected 1 to 60 compared cut-offs")

    @property
    def steadily(self) -> float:
        return self.margin / 2 if self.steady is None else self.steady
