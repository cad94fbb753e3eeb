"""What a target list is asked to be: offers, rules, capacities, arms.

These are the dataclasses that a list's YAML file is mapped onto. A wrong value
is a `ValueError` that says what was found and what was expected.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from crmml.limits import require_amount, require_count, require_share, require_text
from crmml.targeting.capacities import Capacities, require_known

RISK_BANDS = ("A", "B", "C", "D", "E")
OFFER_KINDS = ("sell", "retain", "win_back", "care")
NO_BAND = "-"
"""The risk band of a customer who owes the bank nothing."""


@dataclass(frozen=True)
class Rule:
    """One condition a candidate must meet, a DuckDB boolean expression over candidate, score and feature columns.

    A condition that is null (an input is missing) is not met. `zh` and `en` say
    it in words; without them people read the expression.
    """

    where: str
    zh: str = ""
    en: str = ""

    def __post_init__(self) -> None:
        require_text("a rule's where", self.where)
        object.__setattr__(self, "zh", self.zh or self.where)
        object.__setattr__(self, "en", self.en or self.where)


@dataclass(frozen=True)
class Contact:
    """One channel of an offer: what a contact costs, and how much of the effect comes through.

    `effect_share` scales the effect and the probability of taking; 1 is the
    channel that the model learned from.
    """

    contact_cost: float
    effect_share: float = 1.0

    def __post_init__(self) -> None:
        require_amount("a channel's contact_cost", self.contact_cost, at_least=0.0)
        is_number = isinstance(self.effect_share, int | float) and not isinstance(self.effect_share, bool)
        if not is_number or not 0 < self.effect_share <= 1:
            raise ValueError(f"effect_share is {self.effect_share!r}; expected a share above 0 and at most 1")


@dataclass(frozen=True)
class Offer:
    """One product, or one way to keep a customer, offered through one channel or the best of several.

    `product` is the id or family name its uptake model and its holders are known
    by; an offer of another `kind` than sell has a name of its own there.
    `contact_cost` is paid for every row contacted, `incentive` for every
    row that takes the offer, both in currency. `value_if_taken` fixes the value
    of one taker; None has it estimated from earlier takers. `capacity` limits
    the treated rows of the offer over its channels; `eligibility` holds the
    rules of this offer alone. `save_rate` belongs to an offer of another kind
    than sell: the share of those leaving (or gone) whom a contact keeps (or brings
    back), the bank's own assumption where no uplift is measured. Either `channel` and `contact_cost` are given, or
    `channels` with the terms of each.
    """

    product: str
    zh: str
    en: str
    channel: str | None = None
    contact_cost: float | None = None
    family: str | None = None
    incentive: float = 0.0
    value_if_taken: float | None = None
    capacity: int | None = None
    eligibility: tuple[Rule, ...] = ()
    channels: Mapping[str, Contact] = field(default_factory=dict)
    kind: Literal["sell", "retain", "win_back", "care"] = "sell"
    save_rate: float | None = None

    def __post_init__(self) -> None:
        for name in ("product", "zh", "en"):
            require_text(f"an offer's {name}", getattr(self, name))
        self._require_channels()
        if self.kind not in OFFER_KINDS:
            raise ValueError(f"the kind of {self.product} is {self.kind!r}; expected one of {', '.join(OFFER_KINDS)}")
        if self.save_rate is not None:
            require_share(f"the save_rate of {self.product}", self.save_rate, below=1.0 + 1e-12)
            if self.kind == "sell":
                raise ValueError(f"{self.product} has a save_rate and sells; expected kind: retain, win_back or care")
        require_amount(f"the incentive of {self.product}", self.incentive, at_least=0.0)
        if self.value_if_taken is not None:
            require_amount(f"value_if_taken of {self.product}", self.value_if_taken)
        require_count(f"the capacity of {self.product}", self.capacity)

    def _require_channels(self) -> None:
        if self.channels and (self.channel is not None or self.contact_cost is not None):
            raise ValueError(f"{self.product} has channels beside channel or contact_cost; expected one form only")
        if self.channels:
            for name in self.channels:
                require_text(f"a channel of {self.product}", name)
            return
        if self.channel is None or self.contact_cost is None:
            missing = "channel" if self.channel is None else "contact_cost"
            raise ValueError(
                f"{self.product} has no {missing}; expected channel and contact_cost, or channels with the cost of each"
            )
        require_text("an offer's channel", self.channel)
        require_amount(f"the contact cost of {self.product}", self.contact_cost, at_least=0.0)

    @property
    def contacts(self) -> Mapping[str, Contact]:
        """The terms by channel, in the order of the config."""
        if self.channel is None or self.contact_cost is None:
            return self.channels
        return {self.channel: Contact(self.contact_cost)}


@dataclass(frozen=True)
class Suppression:
    """Who is left alone although eligible, read on the newest data.

    Customers who refuse marketing or have left are always left alone; arrears,
    an open complaint and a contact within the last `contacted_within_days` days
    are left alone unless switched off (0 days: no limit on repeated contact).
    """

    in_arrears: bool = True
    open_complaint: bool = True
    contacted_within_days: int = 30

    def __post_init__(self) -> None:
        require_count("contacted_within_days", self.contacted_within_days, optional=False)


@dataclass(frozen=True)
class ValueEstimate:
    """How `value_if_taken` is estimated from the first-year contributions of earlier takers.

    `segments` are columns of both the takers and the candidates, the widest
    first: each is drawn towards the one before, the first towards the product. A
    product with fewer than `minimum_takers` is refused. The lowest and highest `winsorise` share of each
    product's values are drawn in to the quantile there.
    """

    segments: tuple[str, ...] = ()
    minimum_takers: int = 20
    winsorise: float = 0.01

    def __post_init__(self) -> None:
        if self.minimum_takers < 2:
            raise ValueError(f"minimum_takers is {self.minimum_takers}; expected 2 or more")
        require_share("winsorise", self.winsorise, below=0.5)


@dataclass(frozen=True)
class Reserve:
    """The next best customers of each manager (of each branch for those without one), named beside the list."""

    per_manager: int = 5

    def __post_init__(self) -> None:
        require_count("reserve.per_manager", self.per_manager, optional=False)


@dataclass(frozen=True)
class ListSpec:
    """A target list: who may be on it, what is offered, how many, and how it will be judged.

    `control_share` of the chosen rows is held out at random and not contacted;
    `explore_share`, as a share of the treated rows, are random eligible
    customers with a random offer. `max_risk_band` is the worst band allowed;
    customers without a band are allowed. `call_by_days` counts from the day the
    suppression was read.
    """

    name: str
    zh: str
    en: str
    purpose: str
    offers: tuple[Offer, ...]
    capacities: Capacities
    control_share: float
    seed: int
    call_by_days: int
    explore_share: float = 0.01
    eligibility: tuple[Rule, ...] = ()
    max_risk_band: str | None = None
    suppression: Suppression = field(default_factory=Suppression)
    value: ValueEstimate = field(default_factory=ValueEstimate)
    reserve: Reserve = field(default_factory=Reserve)

    def __post_init__(self) -> None:
        for name in ("name", "zh", "en", "purpose"):
            require_text(f"a list's {name}", getattr(self, name))
        if not self.offers:
            raise ValueError(f"list {self.name} has no offers; expected at least one")
        _require_unique("offers", [offer.product for offer in self.offers])
        require_share("control_share", self.control_share, below=1.0)
        require_share("explore_share", self.explore_share, below=1.0)
        require_count("seed", self.seed, optional=False)
        if self.call_by_days < 1:
            raise ValueError(f"call_by_days is {self.call_by_days}; expected 1 or more")
        if self.max_risk_band is not None and self.max_risk_band not in RISK_BANDS:
            raise ValueError(f"max_risk_band is {self.max_risk_band!r}; expected one of {', '.join(RISK_BANDS)}")
        self._require_capacities_agree()

    def _require_capacities_agree(self) -> None:
        """Refuse capacities of what is not offered, and minimums above a capacity of the same file."""
        asked = self.capacities
        require_known("capacities.per_channel", asked.per_channel, self.channels, "channel")
        require_known("capacities.per_product_branch", asked.per_product_branch, self.products, "product")
        require_known("capacities.minimum_per_product", asked.minimum_per_product, self.products, "product")
        for product, least in asked.minimum_per_product.items():
            offer = self.offer(product)
            if offer.capacity is not None and least > offer.capacity:
                raise ValueError(
                    f"minimum_per_product asks for {least:,} rows of {product} and its capacity is {offer.capacity:,}; "
                    "expected a minimum within the capacity"
                )
        cheapest = sum(
            least * min(contact.contact_cost for contact in self.offer(product).contacts.values())
            for product, least in asked.minimum_per_product.items()
        )
        if asked.budget is not None and cheapest > asked.budget:
            raise ValueError(
                f"the contacts that minimum_per_product asks for cost {cheapest:,.2f} at least and the budget is "
                f"{asked.budget:,.2f}; expected a budget that pays for them"
            )

    def without(self, products: Iterable[str]) -> ListSpec:
        """The list without these offers, and without what its capacities say of them."""
        gone = set(products)
        offers = tuple(offer for offer in self.offers if offer.product not in gone)
        channels = {channel for offer in offers for channel in offer.contacts}
        asked = self.capacities
        kept = dataclasses.replace(
            asked,
            per_channel={name: count for name, count in asked.per_channel.items() if name in channels},
            per_product_branch={name: each for name, each in asked.per_product_branch.items() if name not in gone},
            minimum_per_product={name: each for name, each in asked.minimum_per_product.items() if name not in gone},
        )
        return dataclasses.replace(self, offers=offers, capacities=kept)

    @property
    def products(self) -> tuple[str, ...]:
        return tuple(offer.product for offer in self.offers)

    @property
    def channels(self) -> tuple[str, ...]:
        """Every channel of every offer, each once."""
        return tuple(dict.fromkeys(channel for offer in self.offers for channel in offer.contacts))

    def offer(self, product: str) -> Offer:
        """The offer of a product; KeyError where there is none."""
        return {offer.product: offer for offer in self.offers}[product]


def _require_unique(what: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{what} name {name!r} twice; expected each once")
        seen.add(name)
