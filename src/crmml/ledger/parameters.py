"""What the economics of a bank say of each product and month, as rows to be joined or looked up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmml.economics import CREDIT_FAMILIES, Economics, FtpRule
from crmml.economics.spec import bucket_floor
from crmml.errors import ConfigError
from crmml.sources.bank import Bank

Floats = NDArray[np.float64]
UNKNOWN = float("nan")


@dataclass(frozen=True)
class Products:
    """Parameters of the products held, a product in two currencies being two; not a number where none is given."""

    ids: tuple[str, ...]
    currencies: tuple[str, ...]
    families: tuple[str, ...]
    classes: tuple[str, ...]
    ftp_rules: tuple[FtpRule | None, ...]
    base_rate: Floats
    risk_weight: Floats
    lgd: Floats
    ccf_ead: Floats
    ccf_leverage: Floats
    cost_per_month: Floats

    def of_class(self, table: Mapping[str, float]) -> Floats:
        """A table keyed by class or family, as an array over the products."""
        pairs = zip(self.classes, self.families, strict=True)
        return np.array([table.get(name, table.get(family, UNKNOWN)) for name, family in pairs], dtype=float)

    def of_family(self, table: Mapping[str, float], missing: float = UNKNOWN) -> Floats:
        return np.array([table.get(family, missing) for family in self.families], dtype=float)


def require_economics(bank: Bank, families: set[str]) -> Economics:
    """The bank's economics, complete for the families it holds.

    Raises
    ------
    ConfigError
        If `bank.yaml` has none, or lacks a parameter of a family held.
    """
    economics = bank.spec.economics
    if economics is None:
        raise ConfigError(f"{bank.spec.name}: the ledger needs 'economics:' in bank.yaml, found none", code="C011")
    try:
        economics.require(families)
    except ValueError as error:
        raise ConfigError(f"{bank.spec.name}: {error}; give it in bank.yaml under 'economics:'", code="C011") from error
    return economics


def product_parameters(bank: Bank, held: pd.DataFrame, economics: Economics) -> Products:
    """Parameters of the products in `held` (columns product_id, family, currency)."""
    frame = held.sort_values(["product_id", "currency"], ignore_index=True)
    own = pd.DataFrame(columns=["product_id", "risk_weight", "ccf_class", "interest_rate"])
    if bank.has("products"):
        own = bank.table("products").select(*own.columns).to_pandas()
    frame = frame.merge(own, on="product_id", how="left")
    families = tuple(frame["family"])
    classes = tuple(c if isinstance(c, str) else f for c, f in zip(frame["ccf_class"], families, strict=True))
    blank = np.empty(0)
    currencies = tuple(frame["currency"])
    own_currency = bank.spec.currency
    rules = tuple(
        economics.ftp_rule(family, None if currency == own_currency else currency)
        for family, currency in zip(families, currencies, strict=True)
    )
    bare = Products(tuple(frame["product_id"]), currencies, families, classes, rules, *[blank] * 6)
    weight = frame["risk_weight"].to_numpy(dtype=float)
    rate = frame["interest_rate"].to_numpy(dtype=float)
    return Products(
        bare.ids,
        currencies,
        families,
        classes,
        rules,
        base_rate=np.where(np.isnan(rate), bare.of_family(economics.paid_rate), rate),
        risk_weight=np.where(np.isnan(weight), bare.of_class(economics.risk_weight), weight),
        lgd=bare.of_family(economics.lgd),
        ccf_ead=bare.of_class(economics.ccf_ead),
        ccf_leverage=bare.of_class(economics.ccf_leverage),
        cost_per_month=bare.of_family(economics.cost_per_account_month, missing=0.0),
    )


def default_probabilities(
    economics: Economics,
    products: Products,
    months: list[date],
    month: NDArray[np.int64],
    product: NDArray[np.int64],
    days_past_due: NDArray[np.int64],
) -> Floats:
    """PD of twelve months for rows of (month, product, days past due); 0 where the family bears no credit risk.

    The table is the one in force on the first day of the month; months before
    the first table are not charged.
    """
    found = np.zeros(len(month))
    table_of_month = in_force([dated.valid_from for dated in economics.prob_default], months)[month]
    family_of_row = np.array(products.families, dtype=object)[product]
    for place, dated in enumerate(economics.prob_default):
        for family in CREDIT_FAMILIES:
            rows = np.flatnonzero((table_of_month == place) & (family_of_row == family))
            if rows.size:
                pairs = sorted((bucket_floor(bucket), share) for bucket, share in dated.table[family].items())
                floors = np.array([floor for floor, _share in pairs])
                values = np.array([share for _floor, share in pairs])
                found[rows] = values[np.searchsorted(floors, days_past_due[rows], side="right") - 1]
    return found


def capital_factors(economics: Economics, products: Products, months: list[date]) -> Floats:
    """Credit conversion factors of the capital rule by month (rows) and product (columns)."""
    factors = np.full((len(months), len(products.ids)), UNKNOWN)
    places = in_force([dated.valid_from for dated in economics.ccf_capital], months)
    for place, dated in enumerate(economics.ccf_capital):
        factors[places == place] = products.of_class(dated.table)
    return factors


def in_force(days: list[date], months: list[date]) -> NDArray[np.int64]:
    """For each month's first day the place of the newest of `days` not after it, -1 where there is none.

    >>> in_force([date(2024, 1, 1)], [date(2023, 12, 1), date(2024, 1, 1)]).tolist()
    [-1, 0]
    """
    firsts = np.array(days, dtype="datetime64[D]")
    return np.searchsorted(firsts, np.array(months, dtype="datetime64[D]"), side="right") - 1
