"""What winning a customer and keeping in touch costs, beside serving the accounts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class AcquisitionCost:
    """Paid once: for a new customer by kind (person, company), a new account by family, a response by channel.

    In currency. `customer` and `channel` take `other` for what is not named.
    """

    customer: Mapping[str, float] = field(default_factory=dict)
    product: Mapping[str, float] = field(default_factory=dict)
    channel: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("customer", "product", "channel"):
            require_costs(getattr(self, name), f"acquisition_cost.{name}")
        _require_keys(self.customer, ("person", "company", "other"), "acquisition_cost.customer")


@dataclass(frozen=True)
class DevelopmentCost:
    """Paid each time: for a contact by channel, an event of a customer by kind; in currency, `other` for the rest."""

    contact: Mapping[str, float] = field(default_factory=dict)
    event: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("contact", "event"):
            require_costs(getattr(self, name), f"development_cost.{name}")


def require_costs(table: Mapping[str, float], name: str) -> None:
    """Refuse a cost that is no amount of currency."""
    for key, value in table.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
            raise ValueError(f"{name}: {key} is {value!r}; expected a cost in currency, not negative")


def _require_keys(table: Mapping[str, float], allowed: tuple[str, ...], name: str) -> None:
    for key in table:
        if key not in allowed:
            raise ValueError(f"{name}: {key!r} is unknown; expected one of {', '.join(allowed)}")
