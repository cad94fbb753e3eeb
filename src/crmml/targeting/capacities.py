"""How much can be done, and what must be: limits, the budget, minimums, and whether they agree with each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crmml.errors import did_you_mean
from crmml.limits import Limit, require_amount, require_count, require_text


@dataclass(frozen=True)
class MinimumShare:
    """A share of the rows to contact that must meet a condition, such as small companies.

    `where` is written as an eligibility rule is. `zh` and `en` say it in words;
    without them people read the expression.
    """

    where: str
    share: float
    zh: str = ""
    en: str = ""

    def __post_init__(self) -> None:
        require_text("a minimum share's where", self.where)
        is_number = isinstance(self.share, int | float) and not isinstance(self.share, bool)
        if not is_number or not 0 < self.share <= 1:
            raise ValueError(f"the minimum share of {self.where!r} is {self.share!r}; expected above 0 and at most 1")
        object.__setattr__(self, "zh", self.zh or self.where)
        object.__setattr__(self, "en", self.en or self.where)


@dataclass(frozen=True)
class Capacities:
    """How much can be done and must be. Counts are rows contacted: control rows are not, and take no capacity.

    `total` rows in all; `per_channel` by channel; `per_branch` and `per_manager`
    by their ids; `budget` in currency, the sum of the contact costs of the rows
    contacted; `per_product_branch` by product, then branch. None is no limit.
    The capacity of a product over all branches stands with its offer.
    `minimum_per_product`, `minimum_per_branch` and `minimum_shares` are rows,
    and shares of the rows contacted, that the list must reach with customers
    worth contacting.
    """

    total: int | None = None
    per_channel: Mapping[str, int] = field(default_factory=dict)
    per_branch: Limit = field(default_factory=Limit)
    per_manager: Limit = field(default_factory=Limit)
    budget: float | None = None
    per_product_branch: Mapping[str, Limit] = field(default_factory=dict)
    minimum_per_product: Mapping[str, int] = field(default_factory=dict)
    minimum_per_branch: Limit = field(default_factory=Limit)
    minimum_shares: tuple[MinimumShare, ...] = ()

    def __post_init__(self) -> None:
        require_count("the total capacity", self.total)
        for channel, count in self.per_channel.items():
            require_count(f"the capacity of channel {channel}", count, optional=False)
        if self.budget is not None:
            require_amount("the budget of contact costs", self.budget, at_least=0.0)
        for product, count in self.minimum_per_product.items():
            require_count(f"the minimum of {product}", count, optional=False)
        self._require_minimums_below("total", math.inf if self.total is None else self.total)
        for branch, least in self.minimum_per_branch.overrides.items():
            if least > self.per_branch.of(branch):
                raise ValueError(
                    f"minimum_per_branch asks for {least:,} rows in {branch} and per_branch allows "
                    f"{self.per_branch.of(branch):,.0f}; expected a minimum within the capacity"
                )

    def _require_minimums_below(self, name: str, most: float) -> None:
        asked = {
            "minimum_per_product": sum(self.minimum_per_product.values()),
            "minimum_per_branch": sum(self.minimum_per_branch.overrides.values()),
        }
        for rule, count in asked.items():
            if count > most:
                raise ValueError(
                    f"{rule} asks for {count:,} rows together and {name} allows {most:,.0f}; expected no more"
                )

    @property
    def has_minimums(self) -> bool:
        """Whether anything is asked for beyond what is worth most."""
        branch = self.minimum_per_branch
        return bool(self.minimum_shares or any(self.minimum_per_product.values()) or branch.default or branch.overrides)

    def least_in_branch(self, branch: str) -> float:
        """The rows that a branch must have."""
        return float(self.minimum_per_branch.overrides.get(branch, self.minimum_per_branch.default or 0))


def require_known(what: str, names: Sequence[str] | Mapping[str, object], known: Sequence[str], kind: str) -> None:
    """A ValueError for the first of `names` that is not known, with the nearest that is."""
    for name in names:
        if name not in known:
            raise ValueError(
                f"{what} names {kind} {name!r}; expected one of the offers' {kind}s {', '.join(sorted(known))}."
                f"{did_you_mean(name, known)}"
            )
