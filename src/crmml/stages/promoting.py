"""The first version of a model becomes champion in the run; every later one waits for a person."""

from __future__ import annotations

from pathlib import Path

from crmml import registry
from crmml.errors import GateError, NotFoundError
from crmml.stages.making import Say
from crmml.stages.summaries import read_summary
from crmml.stages.workspace import Workspace


def promote_first(workspace: Workspace, key: str, name: str, *, say: Say) -> bool:
    """Make a model's first version champion if it passes its gates; whether there is a champion then.

    A later challenger waits for a decision: `crmml models promote`.
    """
    models = workspace.models
    version = str(read_summary(workspace, key)["version"])
    try:
        champion = registry.resolve(f"{name}@champion", models=models)
    except NotFoundError:
        return _promote(models, name, version, say=say)
    if champion.version != version:
        say(f"          {_against(models, name, version)}")
        say(
            f"          challenger {version} stands beside champion {champion.version}: crmml models diff {name} "
            f"{champion.version} {version}"
        )
    return True


def _against(models: Path, name: str, version: str) -> str:
    """How a challenger compares with the champion on its own test, in one sentence."""
    new, old = (registry.show(f"{name}{which}", models=models)["metrics"] for which in (f"/{version}", "@champion"))
    measure = new["measure"]
    figures = [f"{card['headline'][measure]['value']:.3f}" for card in (new, old)]
    return f"{measure} {figures[0]}, the champion's {figures[1]} on its test"


def _promote(models: Path, name: str, version: str, *, say: Say) -> bool:
    try:
        registry.promote(
            name, version, models=models, expected=None, by="crmml run", reason="first version, all gates passed"
        )
    except GateError as error:
        say(f"          not promoted: {error}")
        return False
    say(f"          {name} version {version} is champion")
    return True
