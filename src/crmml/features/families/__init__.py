"""The project's feature families, by name."""

from __future__ import annotations

from collections.abc import Sequence

from crmml.features.declare import Family
from crmml.features.families.balances import BALANCES, DEBT
from crmml.features.families.cash_flow import CHANNELS, SALARY, TURNOVER
from crmml.features.families.circle import HISTORY, LIMIT_CHANGES, MATURITY, RELATIONS
from crmml.features.families.credit import ARREARS, LIMITS, LOANS
from crmml.features.families.holdings import HOLDINGS
from crmml.features.families.paths import BALANCE_PATH, CARD_PATH
from crmml.features.families.people import PROFILE, STANDING, TENURE
from crmml.features.families.products import PRODUCTS
from crmml.features.families.rhythm import COUNTERPARTIES, PURPOSES, RHYTHM
from crmml.features.families.service import CONTACTS, EVENTS, activity_family
from crmml.features.families.value import CONTRIBUTION
from crmml.sources.spec import BankSpec

#: What a banker looks at first; the order is that in which families are asked what they add to those before.
_BASIC = (
    BALANCES,
    TURNOVER,
    SALARY,
    CHANNELS,
    PRODUCTS,
    TENURE,
    LOANS,
    DEBT,
    LIMITS,
    ARREARS,
    EVENTS,
    CONTACTS,
    PROFILE,
    CONTRIBUTION,
)
_FURTHER = (
    BALANCE_PATH,
    RHYTHM,
    COUNTERPARTIES,
    PURPOSES,
    CARD_PATH,
    LIMIT_CHANGES,
    MATURITY,
    RELATIONS,
    HISTORY,
    STANDING,
)
_FIXED = (*_BASIC, *_FURTHER)
#: Families outside the first circle: on by default only where they have gained.
FURTHER = frozenset(family.name for family in _FURTHER)
#: Families that gained on no bank out of time (docs/gains.md, checked by a test): asked for by name only.
OFF_BY_DEFAULT: frozenset[str] = FURTHER
#: The word in a model config that stands for all families but those.
DEFAULT = "default"


def default_families() -> tuple[str, ...]:
    """The families that `features: [default]` stands for."""
    return tuple(name for name in family_names() if name not in OFF_BY_DEFAULT)


def expand(entries: Sequence[str]) -> tuple[str, ...]:
    """The families a config lists, `default` replaced by those it stands for, each once.

    >>> expand(["salary", "salary.salary_in_3m"])
    ('salary', 'salary.salary_in_3m')
    """
    named = [name for entry in entries for name in (default_families() if entry == DEFAULT else (entry,))]
    return tuple(dict.fromkeys(named))


def family_names() -> tuple[str, ...]:
    """The families every bank gets that can feed them."""
    return (*(family.name for family in _FIXED), "activity")


def askable_names() -> tuple[str, ...]:
    """The names a model config may list under `features`: all families, and those made only when asked for."""
    return (*family_names(), HOLDINGS)


def families_of(spec: BankSpec) -> dict[str, Family]:
    """All families, that of the bank's own activity measures included."""
    families = (*_FIXED, activity_family(spec.activity))
    return {family.name: family for family in families}
