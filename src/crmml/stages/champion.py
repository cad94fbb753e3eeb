"""The version in use of a model, for a new one to be compared with."""

from __future__ import annotations

from pathlib import Path

from crmml import bundle as bundles
from crmml import registry
from crmml.errors import NotFoundError
from crmml.modelling.agreement import Champion


def champion_of(name: str, *, models: Path) -> Champion | None:
    """The champion of a registered name, None where there is none yet."""
    try:
        found = registry.resolve(f"{name}@champion", models=models)
    except NotFoundError:
        return None
    return Champion(found.version, bundles.load(found.bundle_dir))
