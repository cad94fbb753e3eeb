"""The YAML file of a bank's early warning."""

from __future__ import annotations

from pathlib import Path

from crmml.config.mapping import build
from crmml.config.reading import read_yaml
from crmml.limits import Limit
from crmml.warning import WarningSpec


def load_warning(path: Path) -> WarningSpec:
    """The early warning that a YAML file asks for.

    Raises
    ------
    ConfigError
        With the place, what was found, what was expected.
    """
    return build(WarningSpec, read_yaml(path), where=str(path), shorthands={Limit: lambda count: {"default": count}})
