"""What a customer holds, takes and gives up, product by product: for models of the next product.

`products` counts by product family. Here each product of the bank's catalogue
has columns of its own, so that their number grows with the catalogue: the family
is made for models that ask for it by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from ibis import _

from crmml.errors import ConfigError
from crmml.features.declare import Family, Months
from crmml.features.statistics import Count, DaysSince, Measure, Number
from crmml.sources.bank import Bank
from crmml.sources.contract import FAMILIES

HOLDINGS = "holdings"
MOST_PRODUCTS = 100
_WINDOWS = (Months(1), Months(3), Months(12))


def holdings_family(bank: Bank) -> Family:
    """The family of the products in the bank's catalogue (without one, of the product families).

    Raises
    ------
    ConfigError
        If there are more products than columns can be made for.
    """
    products = _catalogue_of(bank)
    if len(products) > MOST_PRODUCTS:
        raise ConfigError(
            f"features: '{HOLDINGS}' has columns for each product and products lists {len(products)}; expected at most "
            f"{MOST_PRODUCTS}. Map product_id to coarser products, or use 'products', which counts by product family",
            code="C015",
        )
    return Family(
        name=HOLDINGS,
        table="accounts",
        concept="products",
        zh="逐产品持有",
        en="holdings product by product",
        needs=("accounts",),
        windows=_WINDOWS,
        measures=[measure for product in products for measure in _measures(*product)],
    )


def _catalogue_of(bank: Bank) -> Sequence[tuple[str, str, str, str]]:
    """Id, part of a column's name, and words of every product, held or not: who will take it must not decide."""
    if not bank.has("products"):
        return [(family, family, family, family) for family in FAMILIES]
    listed = bank.table("products").select("product_id", "name").order_by("product_id").to_pyarrow().to_pylist()
    words = slugs([row["product_id"] for row in listed])
    rows = zip(listed, words, strict=True)
    return [(row["product_id"], word, row["name"] or row["product_id"], _english(row)) for row, word in rows]


def _english(row: Mapping[str, str | None]) -> str:
    """The product's name, or its id where the name is in Chinese."""
    name = row["name"] or ""
    return str(row["product_id"]) if not name or re.search(r"[\u4e00-\u9fff]", name) else name


def _measures(product: str, word: str, zh: str, en: str) -> Iterator[Measure]:
    of_product = _.product_id == product
    taken, given_up = of_product & (_.change > 0), of_product & (_.change < 0)
    yield Number(f"held_{word}", of=_.change, where=of_product, zh=f"持有{zh}户数", en=f"accounts held: {en}")
    yield Count(f"opened_{word}", where=taken, zh=f"新开{zh}户数", en=f"accounts opened: {en}")
    yield Count(f"closed_{word}", where=given_up, zh=f"销户{zh}户数", en=f"accounts closed: {en}")
    yield DaysSince(f"days_since_opening_{word}", where=taken, unit="days", zh=f"距最近一次开立{zh}天数",
                    en=f"days since last opened: {en}")  # fmt: skip
    yield DaysSince(f"days_since_closing_{word}", where=given_up, unit="days", zh=f"距最近一次销户{zh}天数",
                    en=f"days since last closed: {en}")  # fmt: skip


def slugs(products: Sequence[str]) -> list[str]:
    """Product ids as parts of column names: small letters, digits and `_`, each once.

    >>> slugs(["card", "TD-12", "td_12", "理财"])
    ['card', 'td_12', 'td_12_2', 'x7406x8d22']
    """
    found: list[str] = []
    for product in products:
        word = re.sub(r"[^\x00-\x7f]", lambda sign: f"x{ord(sign[0]):x}", product.lower())
        word = re.sub(r"[^a-z0-9_]", "_", word)
        number = 1 + sum(other == word for other in found)
        while (numbered := word if number == 1 else f"{word}_{number}") in found:
            number += 1
        found.append(numbered)
    return found
