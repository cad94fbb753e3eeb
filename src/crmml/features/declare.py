"""What a feature family is made of. A declaration says what; `planner.py` decides how.

Names follow `measure_statistic_window`. Everything a person reads about a
feature (title, formula, window, source, meaning of null) is generated from its
declaration by `catalogue.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from crmml.sources.bank import Bank

Unit = Literal["money", "count", "days", "months", "years", "number", "rate", "share", "ratio", "change", "category"]

#: Sums are taken over whole numbers: cents, counts, ten-thousandths. The factor brings a unit to whole numbers.
SCALE: Mapping[str, int] = {
    "money": 100,
    "count": 1,
    "days": 1,
    "months": 1,
    "number": 10_000,
    "share": 10_000,
    "rate": 1_000_000,
}


@dataclass(frozen=True)
class Months:
    """A window of whole months that ends with the cut-off."""

    months: int

    @property
    def suffix(self) -> str:
        return f"{self.months}m"

    @property
    def zh(self) -> str:
        return f"近{self.months}个月"

    @property
    def en(self) -> str:
        return "last month" if self.months == 1 else f"last {self.months} months"


WINDOWS = (Months(1), Months(3), Months(6), Months(12))


@dataclass(frozen=True)
class FeatureInfo:
    """What people and models are told about one feature column.

    `sign` maps a target to the sign a banker expects (+1: a larger value raises
    the prediction); a target that is not named has no expectation. `source`
    names the table or stream the rows come from, `window` is empty for states.
    """

    name: str
    family: str
    concept: str
    zh: str
    en: str
    unit: str
    formula: str
    window: str
    source: str
    null_meaning: str
    null_meaning_zh: str
    sign: Mapping[str, int] = field(default_factory=dict)
    kind: Literal["number", "category"] = "number"


@dataclass(frozen=True)
class Ratio:
    """`numerator` / `denominator`; null where the denominator is null, zero or negative."""

    name: str
    numerator: str
    denominator: str
    _: KW_ONLY
    zh: str
    en: str
    unit: Unit = "ratio"
    concept: str | None = None
    sign: Mapping[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.numerator, self.denominator)


@dataclass(frozen=True)
class Trend:
    """Relative change of `recent` against `base`, as a fraction: -0.48 is a fall by 48 %.

    Sums and counts are first divided by the months of their window. Null where
    either is null or the base is zero or negative.
    """

    name: str
    recent: str
    base: str
    _: KW_ONLY
    zh: str
    en: str
    unit: Unit = "change"
    concept: str | None = None
    sign: Mapping[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.recent, self.base)


@dataclass(frozen=True)
class Difference:
    """`minuend` less `subtrahend`; null where either is null."""

    name: str
    minuend: str
    subtrahend: str
    _: KW_ONLY
    zh: str
    en: str
    unit: Unit = "money"
    concept: str | None = None
    sign: Mapping[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        return (self.minuend, self.subtrahend)


@dataclass(frozen=True)
class Breadth:
    """How many of the `of` columns are above zero; null where all of them are null."""

    name: str
    of: tuple[str, ...]
    _: KW_ONLY
    zh: str
    en: str
    unit: Unit = "count"
    concept: str | None = None
    sign: Mapping[str, int] = field(default_factory=dict)

    @property
    def parts(self) -> tuple[str, ...]:
        return self.of


Derived = Ratio | Trend | Difference | Breadth


@dataclass(frozen=True)
class Attribute:
    """A column of `customers` as it stood at the cut-off.

    `how`: "text" and "number" read the column, "years" and "months" count whole
    years or months from that day to the cut-off, "missing" counts those of the
    family's attributes with these columns that are null. `is_fixed` marks what cannot
    change (a birthday); any other undated column needs a history or the bank's
    word that it is static, and never becomes a feature when protected.
    """

    name: str
    column: str
    _: KW_ONLY
    how: Literal["text", "number", "years", "months", "missing"]
    unit: Unit
    zh: str
    en: str
    concept: str | None = None
    is_fixed: bool = False
    sign: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Family:
    """Features of one stream that belong together.

    `table` names the stream (see `streams.py`), `needs` the bank's tables without
    which the family is left out. `holds` says which product families a customer
    must hold at the cut-off for the features to have a meaning: () is any
    account, None is no condition.
    """

    name: str
    table: str
    concept: str
    _: KW_ONLY
    zh: str
    en: str
    needs: tuple[str, ...]
    measures: Sequence[Any] = ()
    windows: Sequence[Months] = WINDOWS
    derived: Sequence[Derived] = ()
    attributes: Sequence[Attribute] = ()
    holds: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class CustomFamily:
    """Features computed outside the declarations: the extension point.

    `build(bank, snapshots)` returns one row per snapshot with `customer_id`,
    `cutoff_date`, `event_id` and the columns named by `infos`. The leak audit
    sees it like any other family.
    """

    name: str
    build: Callable[[Bank, ir.Table], pa.Table]
    infos: tuple[FeatureInfo, ...]
