"""Every stage of a bank in order, each skipped when it is up to date."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path

from crmml.config import Model
from crmml.errors import NotFoundError, UsageError, did_you_mean
from crmml.stages.abts import Ground, lay_ground
from crmml.stages.audit import make_audit
from crmml.stages.faults import Faults
from crmml.stages.groups import make_groups
from crmml.stages.hands import Hands, hands
from crmml.stages.lists import make_list, opened
from crmml.stages.loyalty import has_churn, make_loyalty, page_path
from crmml.stages.making import Say, once
from crmml.stages.maturity import require_mature
from crmml.stages.project import Project, open_project
from crmml.stages.promoting import promote_first
from crmml.stages.ranking import rank_products
from crmml.stages.scores import champions, make_scores
from crmml.stages.table_models import has_bank, table_project, train_tables
from crmml.stages.training import make_model
from crmml.stages.uplift import train_uplifts
from crmml.stages.value import tell_value
from crmml.stages.warning import make_warning

STAGES = ("tables", "ledger", "features", "audit", "train", "score", "value", "loyalty", "list", "warn", "groups")

ALONE = Hands()


def run_bank(
    folder: str | Path,
    *,
    stage: str | None = None,
    model: str | None = None,
    force: bool = False,
    strict: bool = False,
    jobs: int = 1,
    say: Say,
) -> None:
    """Run every stage, or one of them with what it stands on; then the models of feature tables in the folder.

    `strict` refuses sources that lack a day or a branch; `jobs` models are trained side by side, each in the memory of its
    own process. Results do not depend on it.

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
    tables = table_project(folder)
    is_of_table = tables is not None and (model in tables.models if model is not None else stage in (None, "train"))
    if tables is None or (has_bank(folder) and (model is None or model not in tables.models)):
        project = open_project(folder, strict=strict)
        with project.alone(), hands(jobs) as workers:
            run_stages(project, stage=stage, model=model, force=force, workers=workers, say=say)
    if tables is not None and (is_of_table or not has_bank(folder)):
        with tables.alone():
            train_tables(tables, only=model, force=force, say=say)
        say(f"          score a new file: crmml score {folder} --table FILE")


def run_stages(
    project: Project,
    *,
    stage: str | None = None,
    model: str | None = None,
    force: bool = False,
    workers: Hands = ALONE,
    say: Say,
) -> None:
    """As `run_bank`, for whoever holds the bank's lock already.

    A model that cannot be trained or a list that cannot be made does not keep the others from it: the run goes on, and
    ends with the errors.
    """
    say = once(say)
    wanted = STAGES if stage is None else (stage,)
    trained = models_of(project, only=model) if "train" in wanted else []
    for each in trained:
        if each.spec.kind != "uplift":  # of a contact log the assignments whose outcome is not known yet are counted
            require_mature(project, each)
    ground = lay_ground(project, force=force and wanted[0] in STAGES[:3], say=say)
    if "audit" in wanted:
        make_audit(project, ground.bank, ground.ledger, force=force, say=say)
    faults = Faults(say)
    if "train" in wanted:
        train_models(project, ground, trained, faults, force=force, workers=workers, say=say)
    with faults.postponed("scores"):
        if "score" in wanted and project.config.models and (stage == "score" or _is_served(project, say=say)):
            make_scores(project, force=force, say=say)
    value = None
    if "value" in wanted and workers.pool is not None:
        value = workers.begin(_tell_value_apart, project, force=force)  # told at the end: nothing in between reads it
    elif "value" in wanted:
        tell_value(project, ground, force=force, say=say)
    if "loyalty" in wanted and (stage == "loyalty" or has_churn(project)):
        with faults.postponed("loyalty"):
            make_loyalty(project, ground, force=force, say=say)
            say(f"          {page_path(project)}")
    for name in project.config.lists if "list" in wanted else ():
        with faults.postponed(f"list {name}"):
            make_list(project, name, force=force, say=say)
            for path in opened(project, name):
                say(f"          {path}")
    asked = project.config
    if stage == "warn" or ("warn" in wanted and asked.warning is not None):
        with faults.postponed("warning"):
            left_out("warning", lambda: make_warning(project, force=force, say=say), say=say, alone=stage == "warn")
    if stage == "groups" or ("groups" in wanted and asked.groups is not None):
        with faults.postponed("groups"):
            left_out("groups", lambda: make_groups(project, force=force, say=say), say=say, alone=stage == "groups")
    if value is not None:
        value(say)
    faults.end()


def left_out(name: str, make: Callable[[], object], *, say: Say, alone: bool) -> None:
    """Make what needs champions, or say in one line that there is none: a run goes on without it.

    A stage asked for by name ends with the error.
    """
    try:
        make()
    except NotFoundError as error:
        if alone:
            raise
        say(f"{name:<9} left out: {error.message}")


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
    """Every calendar and uplift model, or one. Other event models are trained on demand: nothing downstream is served by them."""
    if only is not None:
        return [project.config.model(only)]
    return [model for model in project.config.models.values() if model.event is None or model.spec.kind == "uplift"]


def train_models(
    project: Project,
    ground: Ground,
    models: list[Model],
    faults: Faults,
    *,
    force: bool,
    workers: Hands = ALONE,
    say: Say,
) -> None:
    """Train models, promote those that have no champion and pass their gates, judge the order of products."""
    foretelling = [model for model in models if model.spec.kind != "uplift"]
    begun: list[Callable[..., object]] = []
    for model in foretelling:
        if workers.pool is None:
            begun.append(partial(make_model, project, model, ground, force=force))
        else:
            begun.append(workers.begin(_train_apart, project, model, workers.count, force=force))
    trained = []
    for model, train in zip(foretelling, begun, strict=True):
        with faults.postponed(f"train {model.key}"):
            train(say=say)
            promote_first(project.workspace, model.key, model.spec.name, say=say)
            trained.append(model)
    rank_products(project, trained, say=say)
    # Effects begin at the chance to take without a contact, which the champions of uptake tell.
    for model in models:
        if model.spec.kind == "uplift":
            with faults.postponed(f"train {model.key}"):
                train_uplifts(project, ground, [model], force=force, say=say)


def _train_apart(project: Project, model: Model, side_by_side: int, *, force: bool, say: Say) -> None:
    """Train one of several models that share the cores, in a process of its own, on the results that are there."""
    ground = lay_ground(project, say=lambda text: None)
    threads = max(1, len(os.sched_getaffinity(0)) // side_by_side)
    make_model(project, model, ground, force=force, threads=threads, say=say)


def _tell_value_apart(project: Project, *, force: bool, say: Say) -> None:
    tell_value(project, lay_ground(project, say=lambda text: None), force=force, say=say)
