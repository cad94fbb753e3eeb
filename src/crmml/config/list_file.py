"""A target list's YAML file."""

from __future__ import annotations

from pathlib import Path

from crmml.config.mapping import build
from crmml.config.reading import read_yaml
from crmml.limits import Limit
from crmml.targeting.spec import ListSpec, Rule


def load_list(path: Path) -> ListSpec:
    """The list that a YAML file asks for; its name is the file's.

    Raises
    ------
    ConfigError
        With the place, what was found, what was expected.
    """
    content = {"name": path.stem, **read_yaml(path)}
    shorthands = {Rule: lambda text: {"where": text}, Limit: lambda count: {"default": count}}
    return build(ListSpec, content, where=str(path), shorthands=shorthands)
