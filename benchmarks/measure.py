"""Taking turns: every contestant runs once a round, so that a busy spell of the machine meets them all."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

Contestants = Mapping[str, Callable[[], Any]]


@dataclass(frozen=True)
class Times:
    """Seconds by contestant, one per round, rounds in the same order."""

    seconds: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        return median(self.seconds[name])

    def ratios(self, name: str, against: str) -> list[float]:
        """One ratio a round: both were measured within seconds of each other."""
        return [one / other for one, other in zip(self.seconds[name], self.seconds[against], strict=True)]


@dataclass(frozen=True)
class Row:
    """One line of the table. `met` is None where no goal is set."""

    what: str
    against: str
    size: str
    ours: str
    theirs: str
    ratio: str
    goal: str
    met: bool | None
    checked: str


def take_turns(contestants: Contestants, *, rounds: int) -> Times:
    """Each contestant timed once a round; who begins moves on by one every round."""
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(rounds):
        start = turn % len(names)
        for name in names[start:] + names[:start]:
            gc.collect()
            began = time.perf_counter()
            contestants[name]()
            seconds[name].append(time.perf_counter() - began)
    return Times(seconds)


def compared(
    times: Times,
    name: str,
    against: str,
    *,
    size: str,
    at_most: float | None = None,
    goal: str = "",
    checked: str = "",
) -> Row:
    """The line of two contestants: medians, and the median, lowest and highest of the ratios of the rounds."""
    ratios = times.ratios(name, against)
    middle = median(ratios)
    return Row(
        what=name,
        against=against,
        size=size,
        ours=f"{times.median(name):.3g} s",
        theirs=f"{times.median(against):.3g} s",
        ratio=f"{middle:.3g} ({min(ratios):.3g} to {max(ratios):.3g})",
        goal=goal or ("" if at_most is None else f"≤ {at_most:g}"),
        met=None if at_most is None else middle <= at_most,
        checked=checked,
    )
