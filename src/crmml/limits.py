"""How much one branch or one manager can do."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Limit:
    """How many treated rows one branch or one manager can take: a default, and the exceptions by id.

    A default of None leaves those without an exception unlimited; 0 is no row at all.
    """

    default: int | None = None
    overrides: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        require_count("a limit's default", self.default)
        for key, count in self.overrides.items():
            require_count(f"the limit of {key}", count, optional=False)

    def of(self, key: str) -> float:
        """The limit of one branch or manager; infinite where there is none.

        >>> Limit(default=20, overrides={"M07": 5}).of("M07")
        5.0
        """
        count = self.overrides.get(key, self.default)
        return math.inf if count is None else float(count)


def require_count(what: str, value: object, *, optional: bool = True) -> None:
    """A ValueError unless `value` is a whole number, 0 or more (or None where that is allowed)."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{what} is {value!r}; expected a whole number, 0 or more")
