"""Which features a bank can feed: families by name, what they depend on, and what is left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import ibis.expr.types as ir

from crmml.errors import ConfigError, did_you_mean
from crmml.features.catalogue import describe_family
from crmml.features.declare import Attribute, CustomFamily, Derived, Family, FeatureInfo
from crmml.features.families import askable_names, families_of
from crmml.features.families.holdings import HOLDINGS, holdings_family
from crmml.features.planner import Asked, columns_of
from crmml.features.profile import usable
from crmml.sources.bank import Bank


@dataclass(frozen=True)
class Choice:
    """What is computed (with the parts that derived features need) and what is shown (`infos`, in order).

    `left_out` names each family the bank cannot feed with the first table it lacks.
    """

    infos: tuple[FeatureInfo, ...]
    asked: tuple[Asked, ...]
    derived: tuple[Derived, ...]
    attributes: tuple[Attribute, ...]
    custom: tuple[CustomFamily, ...]
    left_out: tuple[tuple[str, str], ...]


def choose(
    bank: Bank, families: Sequence[Family | CustomFamily | str] | None = None, *, ledger: ir.Table | None = None
) -> Choice:
    """The features of `families` (names or declarations; None: all of the project's) that `bank` can feed.

    Raises
    ------
    ConfigError
        If a name is not that of a family.
    """
    known = families_of(bank.spec)
    if families is not None and HOLDINGS in [item for item in families if isinstance(item, str)]:
        known[HOLDINGS] = holdings_family(bank)
    wanted = [_by_name(item, known) for item in (known.values() if families is None else families)]
    declared = [family for family in wanted if isinstance(family, Family)]
    fed = [family for family in declared if missing_table(bank, family, ledger) is None]
    left_out = [(f.name, missing) for f in declared if (missing := missing_table(bank, f, ledger)) is not None]
    pool = [*fed, *(family for family in known.values() if missing_table(bank, family, ledger) is None)]
    closure = _Closure(pool)
    attributes = [attribute for family in fed for attribute in usable(bank, family.attributes)]
    shown = {attribute.name for attribute in attributes}
    for family in fed:
        shown |= {name for name in _names(family) if closure.add(name)}
    custom = tuple(family for family in wanted if isinstance(family, CustomFamily))
    infos = [info for family in fed for info in describe_family(family) if info.name in shown]
    infos += [info for family in custom for info in family.infos]
    return Choice(
        infos=_unique(infos),
        asked=tuple(closure.asked.values()),
        derived=tuple(closure.derived.values()),
        attributes=tuple(attributes),
        custom=custom,
        left_out=tuple(left_out),
    )


def missing_table(bank: Bank, family: Family, ledger: ir.Table | None) -> str | None:
    """The first table the family needs and the bank lacks; `a|b` needs one of the two."""
    for need in family.needs:
        options = need.split("|")
        if not any((option == "ledger" and ledger is not None) or bank.has(option) for option in options):
            return " or ".join(options)
    return None


def _by_name(item: Family | CustomFamily | str, known: Mapping[str, Family]) -> Family | CustomFamily:
    if not isinstance(item, str):
        return item
    if item not in known:
        raise ConfigError(
            f"{item!r} is not a feature family; expected one of {', '.join(askable_names())}."
            f"{did_you_mean(item, askable_names())}",
            code="C002",
        )
    return known[item]


def _names(family: Family) -> list[str]:
    return [asked.column for asked in columns_of(family)] + [derived.name for derived in family.derived]


def _unique(infos: Iterable[FeatureInfo]) -> tuple[FeatureInfo, ...]:
    seen: dict[str, FeatureInfo] = {}
    for info in infos:
        if info.name in seen:
            raise ConfigError(
                f"two families declare the feature {info.name} ({seen[info.name].family}, {info.family}); "
                "expected each once",
                code="C011",
            )
        seen[info.name] = info
    return tuple(seen.values())


class _Closure:
    """Columns to compute, the parts of each before itself."""

    def __init__(self, pool: Sequence[Family]) -> None:
        self._measures: dict[str, Asked] = {}
        self._derivations: dict[str, Derived] = {}
        for family in pool:
            for asked in columns_of(family):
                self._measures.setdefault(asked.column, asked)
            for derived in family.derived:
                self._derivations.setdefault(derived.name, derived)
        self.asked: dict[str, Asked] = {}
        self.derived: dict[str, Derived] = {}

    def add(self, name: str) -> bool:
        """Take up a column and all it depends on; False if a part cannot be fed."""
        if name in self.asked or name in self.derived:
            return True
        if name in self._measures:
            self.asked[name] = self._measures[name]
            return True
        derived = self._derivations.get(name)
        if derived is None or not all(self.add(part) for part in derived.parts):
            return False
        self.derived[name] = derived
        return True
