"""What a model is asked to foresee: one small spec for each kind of label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from crmml.economics import FAMILIES
from crmml.errors import did_you_mean

ChurnKind = Literal["closed", "attrited", "silent"]
KEPT = 0.5
"""A balance is lost at this share of the average before, or less."""


@dataclass(frozen=True)
class Churn:
    """The customer leaves.

    `closed`: the last account of a main product is closed, or the customer has
    left. `attrited`: the daily average of deposits and investments falls to at
    most half of that before the cut-off, which was at least `floor`. `silent`:
    no booking of the customer's own for more than max(60 days, 3 × own median
    gap). A change of any of these rules is a new version.
    """

    kind: ChurnKind
    version: int = 1
    floor: float | None = None

    def __post_init__(self) -> None:
        if self.kind not in ("closed", "attrited", "silent"):
            raise ValueError(f"churn kind is closed, attrited or silent, got {self.kind!r}")
        if self.version != 1:
            raise ValueError(f"churn {self.kind} is known in version 1, got {self.version!r}")
        if self.kind == "attrited" and (self.floor is None or self.floor <= 0):
            raise ValueError(
                f"churn attrited needs the least average balance it looks at (floor > 0), got {self.floor!r}"
            )
        if self.kind != "attrited" and self.floor is not None:
            raise ValueError(f"churn {self.kind} has no floor, got {self.floor!r}")


@dataclass(frozen=True)
class Default:
    """A loan held at the cut-off gets `days_past_due` days late, is written off, or ends with one of `outcomes`."""

    days_past_due: int = 90
    outcomes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.days_past_due < 1:
            raise ValueError(f"default begins at 1 day past due or more, got {self.days_past_due}")


@dataclass(frozen=True)
class Contribution:
    """The contribution of the label window, by component, from the ledger."""


@dataclass(frozen=True)
class Uptake:
    """A customer without the product, or any of the family, opens one."""

    product_family: str | None = None
    product_id: str | None = None

    def __post_init__(self) -> None:
        if (self.product_family is None) == (self.product_id is None):
            raise ValueError("uptake names a product_family or a product_id, one of the two")
        if self.product_family is not None and self.product_family not in FAMILIES:
            raise ValueError(
                f"{self.product_family!r} is not a product family; expected one of {', '.join(FAMILIES)}."
                f"{did_you_mean(self.product_family, FAMILIES)}"
            )


@dataclass(frozen=True)
class Bookings:
    """The customer's accounts show at least `at_least` bookings, of `kinds` (empty: of any), in or out or either way."""

    at_least: int = 1
    kinds: tuple[str, ...] = ()
    direction: Literal["in", "out", "any"] = "any"

    def __post_init__(self) -> None:
        if self.at_least < 1:
            raise ValueError(f"bookings are asked for from 1 on, got at_least {self.at_least}")
        if self.direction not in ("in", "out", "any"):
            raise ValueError(f"the direction of bookings is in, out or any, got {self.direction!r}")


@dataclass(frozen=True)
class Given:
    """A label the bank owns, from the table `labels`: 1 where the value is `positive`, or the value itself.

    `product` says that the label is the taking of that product, so that a list
    may offer it: a bank of aggregates alone has no accounts to see it in.
    """

    name: str
    positive: float | None = None
    product: str | None = None

    def __post_init__(self) -> None:
        if self.product is not None and self.positive is None:
            raise ValueError(
                f"label {self.name} is the taking of {self.product}; it needs the positive value that says so"
            )


@dataclass(frozen=True)
class Winback:
    """A customer who left by one kind of churn in the `within_months` before the cut-off comes back.

    `floor` is that of churn `attrited`; its balance has come back at `recovered` of the average before the fall.
    """

    kind: ChurnKind
    within_months: int = 12
    floor: float | None = None
    recovered: float = 0.8

    def __post_init__(self) -> None:
        Churn(self.kind, floor=self.floor)
        if not 1 <= self.within_months <= 36:
            raise ValueError(f"within_months is {self.within_months}; expected 1 to 36 months before the cut-off")
        if not KEPT < self.recovered <= 1:
            raise ValueError(f"recovered is {self.recovered:g}; expected above {KEPT:g} (less is lost) and at most 1")


@dataclass(frozen=True)
class Uplift:
    """What being assigned to a contact changes: one row per assignment of a contact log, by intention to treat.

    `products` are the offers that are pooled (families or product ids, as offers
    of a list name them). The outcome is whether the offered product was `taken`
    in the label window, or the customer's `contribution` in it. `cost` is what a
    contact costs in units of the outcome: a policy treats whose effect exceeds it.
    """

    products: tuple[str, ...]
    outcome: Literal["taken", "contribution"] = "taken"
    cost: float = 0.0

    def __post_init__(self) -> None:
        if not self.products or len(set(self.products)) < len(self.products):
            raise ValueError(f"products is {list(self.products)}; expected the offers of the contact log, each once")
        if self.outcome not in ("taken", "contribution"):
            raise ValueError(f"outcome is {self.outcome!r}; expected taken or contribution")
        if self.cost < 0:
            raise ValueError(f"cost is {self.cost:g}; expected 0 or more, in units of the outcome")

    @property
    def is_money(self) -> bool:
        return self.outcome == "contribution"


Target = Churn | Default | Contribution | Uptake | Bookings | Given | Winback | Uplift
