"""A target list's YAML file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from crmml.config.mapping import build
from crmml.config.reading import read_yaml
from crmml.errors import ConfigError, did_you_mean
from crmml.limits import Limit
from crmml.targeting.spec import ListSpec, Rule

_NAMED = re.compile(r"\b(offer|channel)\s*(?:=|==|<>|!=|(?:not\s+)?in\b)\s*(\([^)]*\)|'(?:[^']|'')*')", re.IGNORECASE)
_TEXT = re.compile(r"'((?:[^']|'')*)'")


def load_list(path: Path) -> ListSpec:
    """The list that a YAML file asks for; its name is the file's.

    Raises
    ------
    ConfigError
        With the place, what was found, what was expected.
    """
    content = {"name": path.stem, **read_yaml(path)}
    shorthands = {Rule: lambda text: {"where": text}, Limit: lambda count: {"default": count}}
    spec = build(ListSpec, content, where=str(path), shorthands=shorthands)
    _refuse_unknown_names(spec, where=str(path))
    return spec


def _refuse_unknown_names(spec: ListSpec, *, where: str) -> None:
    """Refuse a rule that compares `offer` or `channel` with a name the list does not have: it could never be met."""
    known = {"offer": spec.products, "channel": spec.channels}
    for place, rule in _rules(spec):
        for column, names in _NAMED.findall(rule):
            for name in _TEXT.findall(names):
                choices = known[column.lower()]
                if name not in choices:
                    raise ConfigError(
                        f"{where}: {place} names {column.lower()} {name!r}; expected one of {', '.join(choices)}."
                        f"{did_you_mean(name, choices)}",
                        code="C002",
                    )


def _rules(spec: ListSpec) -> Iterator[tuple[str, str]]:
    for number, rule in enumerate(spec.eligibility):
        yield f"eligibility[{number}]", rule.where
    for offer in spec.offers:
        for number, rule in enumerate(offer.eligibility):
            yield f"the eligibility[{number}] of {offer.product}", rule.where
    for number, share in enumerate(spec.capacities.minimum_shares):
        yield f"capacities.minimum_shares[{number}]", share.where
