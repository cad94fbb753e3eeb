"""What only people can say of a model: whose it is, what it is for, when it is looked at again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from crmml.errors import ConfigError

Text = Mapping[str, str]


@dataclass(frozen=True)
class CardWords:
    """The `card:` of a model's config; texts hold `zh` and `en`, an empty one was not stated.

    `selected_share` is the share of the highest scores at which a report judges who is selected;
    `selected_grade` a grade from which on, in its place.
    """

    purpose: Text = field(default_factory=dict)
    not_for: Text = field(default_factory=dict)
    owner: Text = field(default_factory=dict)
    approver: Text = field(default_factory=dict)
    review_by: str = ""
    known_failures: Text = field(default_factory=dict)
    drift_plan: Text = field(default_factory=dict)
    selected_share: float = 0.1
    selected_grade: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.selected_share < 1:
            raise ConfigError(f"selected_share is {self.selected_share}; expected above 0 and below 1", code="C005")
        if self.selected_grade is not None and not 2 <= self.selected_grade <= 10:
            raise ConfigError(f"selected_grade is {self.selected_grade}; expected a grade from 2 to 10", code="C005")
