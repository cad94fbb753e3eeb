"""How a points scorecard is scaled and how far it may grow: the key `scorecard` of a model's file."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from crmml.errors import ConfigError

_RANGES = {
    "base_score": (-1e6, 1e6),
    "base_odds": (1e-6, 1e6),
    "points_to_double": (1e-3, 1e5),
    "most_features": (1, 100),
}


@dataclass(frozen=True)
class ScorecardSpec:
    """Scale and size of the points scorecard that is trained beside every probability model.

    `base_score` points stand for odds of `base_odds` to 1 against the event, and every `points_to_double` points
    double the odds. `special` are numbers that stand for something else than an amount (-999: not asked); they get
    a bin of their own. At most `most_features` features are kept. `more_points` says what more points mean; without
    it they are safer for a default model, and make the event likelier for any other.

    Raises
    ------
    ConfigError
        C005 with the value found and the range expected.
    """

    base_score: float = 600.0
    base_odds: float = 50.0
    points_to_double: float = 20.0
    most_features: int = 20
    special: tuple[float, ...] = ()
    more_points: Literal["safer", "likelier"] | None = None

    def __post_init__(self) -> None:
        for name, (least, most) in _RANGES.items():
            found = getattr(self, name)
            if isinstance(found, bool) or not isinstance(found, int | float) or not least <= found <= most:
                raise ConfigError(
                    f"scorecard: {name} is {found!r}; expected a number from {least:g} to {most:g}", code="C005"
                )
        if self.most_features != int(self.most_features):
            raise ConfigError(f"scorecard: most_features is {self.most_features}; expected a whole number", code="C005")
        odd = [code for code in self.special if isinstance(code, bool) or not isinstance(code, int | float)]
        if odd:
            raise ConfigError(f"scorecard: special holds {odd[0]!r}; expected numbers, such as [-999]", code="C003")

    @property
    def factor(self) -> float:
        """Points for one unit of log-odds."""
        return self.points_to_double / math.log(2)
