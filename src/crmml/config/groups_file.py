"""The YAML file of a bank's customer groups."""

from __future__ import annotations

from pathlib import Path

from crmml.config.mapping import build
from crmml.config.reading import read_yaml
from crmml.grouping import GroupSpec


def load_groups(path: Path) -> GroupSpec:
    """The customer groups that a YAML file asks for.

    Raises
    ------
    ConfigError
        With the place, what was found, what was expected.
    """
    return build(GroupSpec, read_yaml(path), where=str(path))
