"""Every stage of a bank in order, each skipped when it is up to date."""

from __future__ import annotations

from pathlib import Path

from crmml import registry
from crmml.config import Model
from crmml.errors import GateError, NotFoundError, UsageError, did_you_mean
from crmml.stages.audit import make_audit
from crmml.stages.lists import make_list, opened
from crmml.stages.making import Say, once
from crmml.stages.project import Project, open_project
from crmml.stages.ranking import rank_products
from crmml.stages.scores import champions, make_scores
from crmml.stages.training import Ground, lay_ground, make_model, read_summary, require_mature

STAGES = ("tables", "ledger", "features", "audit", "train", "score", "list")


def run_bank(
    folder: str | Path, *, stage: str | None = None, model: str | None = None, force: bool = False, say: Say
) -> None:
    """Run every stage, or one of them with what it stands on.

    Raises
    ------
    UsageError
        If there is no such stage.
    BusyError
        If another run holds the bank.
    """
    if stage is not None and stage not in STAGES:
        raise UsageError(
            f"--stage is {stage!r}; expected one of {', '.join(STAGES)}.{did_you_mean(stage, STAGES)}", code="U005"
        )
    project = open_project(folder)
    with project.alone():
        run_stages(project, stage=stage, model=model, force=force, say=say)


def run_stages(
    project: Project, *, stage: str | None = None, model: str | None = None, force: bool = False, say: Say
) -> None:
    """As `run_bank`, for whoever holds the bank's lock already."""
    say = once(say)
    wanted = STAGES if stage is None else (stage,)
    trained = models_of(project, only=model) if "train" in wanted else []
    for each in trained:
        require_mature(project, each)
    ground = lay_ground(project, force=force and wanted[0] in STAGES[:3], say=say)
    if "audit" in wanted:
        make_audit(project, ground.bank, ground.ledger, force=force, say=say)
    if "train" in wanted:
        train_models(project, ground, trained, force=force, say=say)
    if "score" in wanted and project.config.models and (stage == "score" or _is_served(project, say=say)):
        make_scores(project, force=force, say=say)
    if "list" in wanted:
        for name in project.config.lists:
            make_list(project, name, force=force, say=say)
            for path in opened(project, name):
                say(f"          {path}")


def _is_served(project: Project, *, say: Say) -> bool:
    """Whether the bank has scores to make: a run in which every model was refused by its gates ends without them."""
    try:
        champions(project)
    except NotFoundError:
        if project.config.lists:
            raise
        say("scores    left out: no model of this bank is champion")
        return False
    return True


def models_of(project: Project, *, only: str | None = None) -> list[Model]:
    """Every calendar model, or one. Event models are trained on demand: nothing downstream is served by them."""
    if only is not None:
        return [project.config.model(only)]
    return [model for model in project.config.models.values() if model.event is None]


def train_models(project: Project, ground: Ground, models: list[Model], *, force: bool, say: Say) -> None:
    """Train models, promote those that have no champion and pass their gates, judge the order of products."""
    for model in models:
        make_model(project, model, ground, force=force, say=say)
        promote_first(project, model, say=say)
    rank_products(project, models, say=say)


def promote_first(project: Project, model: Model, *, say: Say) -> bool:
    """Make a model's first version champion if it passes its gates; whether there is a champion then.

    A later challenger waits for a decision: `crmml models promote`.
    """
    models, name = project.workspace.models, model.spec.name
    version = str(read_summary(project, model)["version"])
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
