"""What an early warning is asked to be: whose scores warn, what managers can do, levels, actions, win-back.

These are the dataclasses that a bank's `warning.yaml` is mapped onto. A wrong
value is a `ValueError` that says what was found and what was expected.
"""

from __future__ import annotations

import string
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from crmml.errors import did_you_mean
from crmml.features import CONCEPTS
from crmml.labels.targets import ChurnKind
from crmml.limits import Limit, require_count

RED, AMBER, WATCH = "red", "amber", "watch"
LEVELS = (RED, AMBER, WATCH)
CALLED = (RED, AMBER)
"""The levels that take a manager's time; a customer on watch is looked at."""
NO_CAUSE = "none"
"""The cause where nothing sets the customer apart from peers upwards."""
FIELDS = ("cause", "reason", "manager", "by")


@dataclass(frozen=True)
class Capacity:
    """How many customers can be cared for in one month: by each manager, by each branch, by the bank.

    A customer without a manager is cared for by one more manager of the branch.
    """

    per_manager: Limit = field(default_factory=Limit)
    per_branch: Limit = field(default_factory=Limit)
    total: int | None = None

    def __post_init__(self) -> None:
        require_count("capacity.total", self.total)
        for name in ("per_manager", "per_branch"):
            limit: Limit = getattr(self, name)
            if limit.overrides and limit.default is None:
                raise ValueError(f"{name} has exceptions and no default; expected the capacity of all others")
        if self.per_manager.default is None and self.per_branch.default is None and self.total is None:
            raise ValueError("capacity says nothing; expected per_manager, per_branch or total, customers in one month")


@dataclass(frozen=True)
class Levels:
    """Where each level ends, in multiples of the capacity: the likeliest fill `red`, then `amber`, then `watch`.

    Red and amber are cared for, so amber ends at 1 at most; who is on watch is beyond the capacity and looked at.
    """

    red: float
    amber: float
    watch: float

    def __post_init__(self) -> None:
        if not 0 < self.red <= self.amber <= self.watch:
            raise ValueError(
                f"levels end at red {self.red:g}, amber {self.amber:g}, watch {self.watch:g}; "
                "expected 0 < red <= amber <= watch, multiples of the capacity"
            )
        if self.amber > 1:
            raise ValueError(
                f"amber ends at {self.amber:g} times the capacity; expected at most 1: red and amber are both cared for"
            )

    def share(self, level: str) -> float:
        return float(getattr(self, level))


@dataclass(frozen=True)
class Action:
    """What to do about a cause, in both languages; `{cause}`, `{reason}`, `{manager}` and `{by}` are filled in."""

    zh: str
    en: str

    def __post_init__(self) -> None:
        for text in (self.zh, self.en):
            if not text.strip():
                raise ValueError("an action is empty; expected a sentence in zh and in en")
            for name in _fields_of(text):
                if name not in FIELDS:
                    raise ValueError(
                        f"{{{name}}} is not known in an action; expected one of {', '.join(FIELDS)}."
                        f"{did_you_mean(name, FIELDS)}"
                    )


def _fields_of(text: str) -> list[str]:
    try:
        return [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    except ValueError as error:
        raise ValueError(f"the action {text!r} cannot be filled in: {error}") from error


@dataclass(frozen=True)
class History:
    """Which past cut-offs the warning is replayed and judged on.

    `every` so many months from the first out-of-time cut-off of the champion on; without it, its out-of-time cut-offs.
    """

    every: int | None = None

    def __post_init__(self) -> None:
        if self.every is not None and not 1 <= self.every <= 12:
            raise ValueError(f"every is {self.every}; expected a step of 1 to 12 months")


@dataclass(frozen=True)
class WinbackSpec:
    """Who left within `within_months` before the cut-off and may be approached, and when one has come back.

    `floor` is that of churn `attrited`. `recovered` is the share of the balance before the fall that counts as
    come back. `save_rate` is the part of those approached that the bank expects to bring back; nothing is assumed
    without it. `contacted_within_days` leaves alone who was contacted so lately.
    """

    kinds: tuple[ChurnKind, ...] = ("closed",)
    within_months: int = 12
    horizon_months: int = 6
    floor: float | None = None
    recovered: float = 0.8
    save_rate: float | None = None
    contacted_within_days: int = 90

    def __post_init__(self) -> None:
        known = get_args(ChurnKind)
        if not self.kinds or any(kind not in known for kind in self.kinds):
            raise ValueError(f"winback.kinds is {list(self.kinds)}; expected some of {', '.join(known)}")
        for name in ("within_months", "horizon_months"):
            if not 1 <= getattr(self, name) <= 36:
                raise ValueError(f"winback.{name} is {getattr(self, name)}; expected 1 to 36 months")
        if "attrited" in self.kinds and (self.floor is None or self.floor <= 0):
            raise ValueError(f"winback of attrited customers needs a floor above 0, got {self.floor}")
        if not 0.5 < self.recovered <= 1:
            raise ValueError(
                f"winback.recovered is {self.recovered:g}; expected above 0.5 (half is lost) and at most 1"
            )
        if self.save_rate is not None and not 0 < self.save_rate <= 1:
            raise ValueError(f"winback.save_rate is {self.save_rate:g}; expected a share above 0 and at most 1")
        require_count("winback.contacted_within_days", self.contacted_within_days, optional=False)


@dataclass(frozen=True)
class WarningSpec:
    """An early warning.

    `warns` names the model of leaving whose champion warns, `value` the model of contribution whose forecast is at
    stake. Customers are taken in `order` of their odds of leaving or of their value at risk. Who takes an alerted
    customer's place must be `hold` times as likely (or as much at risk). Nobody is alerted whose odds are below
    `least_times_average` of the mean of all scored. `contact_within_days` says by when each level is called.
    """

    warns: str
    capacity: Capacity
    levels: Levels
    order: Literal["probability", "value_at_risk"] = "probability"
    value: str | None = "contribution"
    hold: float = 1.25
    least_times_average: float = 1.0
    contact_within_days: Mapping[str, int] = field(default_factory=lambda: {RED: 7, AMBER: 30})
    history: History = field(default_factory=History)
    actions: Mapping[str, Action] = field(default_factory=dict)
    winback: WinbackSpec | None = None

    def __post_init__(self) -> None:
        if self.hold < 1:
            raise ValueError(f"hold is {self.hold:g}; expected 1 (no hysteresis) or more, a factor")
        if self.least_times_average < 0:
            raise ValueError(f"least_times_average is {self.least_times_average:g}; expected 0 or more")
        for level, days in self.contact_within_days.items():
            if level not in CALLED:
                raise ValueError(f"contact_within_days names {level!r}; expected {' or '.join(CALLED)}")
            require_count(f"contact_within_days.{level}", days, optional=False)
        known = (*CONCEPTS, NO_CAUSE)
        for cause in self.actions:
            if cause not in known:
                raise ValueError(
                    f"actions names the cause {cause!r}; expected one of {', '.join(known)}.{did_you_mean(cause, known)}"
                )
