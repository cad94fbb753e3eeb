"""What one measurement says: a question, its figures with intervals, and what others publish."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

DIGITS = 6


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not all(math.isfinite(end) for end in (self.value, self.low, self.high)) or self.low > self.high:
            raise ValueError(f"a figure with an interval is expected, got {self.value} [{self.low}, {self.high}]")


@dataclass(frozen=True)
class Published:
    """A figure as printed in its source: who, where, year; and what to know about it."""

    figure: str
    citation: str
    note: str = ""


@dataclass(frozen=True)
class Goal:
    """A bar set before measuring: `bar` for our value, its lower end, or the difference to the baseline.

    `kind`: a floor must be held by every change, a goal is aimed at.
    """

    bar: float
    of: Literal["value", "low", "high", "difference", "difference_low", "difference_high"] = "value"
    at_most: bool = False
    kind: Literal["floor", "goal"] = "floor"


@dataclass(frozen=True)
class Result:
    """One question asked of one data set.

    `rows` and `events` are those tested. `baseline` is scikit-learn's untuned
    HistGradientBoosting on the same rows and columns, `difference` ours less
    the baseline's, resampled together.
    """

    dataset: str
    question: str
    question_zh: str
    protocol: str
    rows: int
    events: int | None
    metric: str
    ours: Figure
    baseline: Figure | None
    difference: Figure | None
    published: tuple[Published, ...] = ()
    differs: str = ""
    note: str = ""
    goals: tuple[Goal, ...] = ()

    def reached(self, goal: Goal) -> bool | None:
        """Whether a bar is met; None where it speaks of a baseline there is not."""
        figure = self.difference if goal.of.startswith("difference") else self.ours
        if figure is None:
            return None
        end = goal.of.removeprefix("difference").lstrip("_") or "value"
        found = getattr(figure, end)
        return bool(found <= goal.bar if goal.at_most else found >= goal.bar)


def to_json(result: Result) -> dict[str, Any]:
    """Plain values, floats with as many digits as a rerun repeats."""
    return {key: _rounded(value) for key, value in asdict(result).items()}


def from_json(stored: Mapping[str, Any]) -> Result:
    """The result that `to_json` wrote."""
    plain = dict(stored)
    for name in ("ours", "baseline", "difference"):
        plain[name] = None if plain[name] is None else Figure(**plain[name])
    plain["published"] = tuple(Published(**one) for one in plain["published"])
    plain["goals"] = tuple(Goal(**one) for one in plain["goals"])
    return Result(**plain)


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(one) for one in value]
    return value
