"""How much one branch or one manager can do, and values that a config may hold."""

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


def require_text(what: str, value: object) -> None:
    """A ValueError unless `value` is a text that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} is {value!r}; expected a text")


def require_amount(what: str, value: object, *, at_least: float = -math.inf) -> None:
    """A ValueError unless `value` is a finite number of at least so much."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or value < at_least:  # type: ignore[operator]
        raise ValueError(f"{what} is {value!r}; expected an amount{'' if at_least < 0 else ', 0 or more'}")


def require_share(what: str, value: object, *, below: float) -> None:
    """A ValueError unless `value` is a number from 0 to below so much."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 <= value < below:  # type: ignore[operator]
        raise ValueError(f"{what} is {value!r}; expected a share of at least 0 and below {below:g}")
