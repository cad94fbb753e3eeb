"""From features and labels to a registered challenger with its report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import files, registry
from crmml.abt import Abt, require_no_copies
from crmml.config import Model
from crmml.errors import UsageError
from crmml.files import digest_of
from crmml.modelling.scorecard import to_csv, to_sql
from crmml.modelling.spec import ModelSpec
from crmml.modelling.train import train
from crmml.peers import segment_of
from crmml.reporting.model_report import Subject, model_report, sample_rows
from crmml.stages.abts import Ground, lay_ground, make_abt
from crmml.stages.audit import audit_state, make_audit
from crmml.stages.champion import champion_of
from crmml.stages.evidence import collect_evidence
from crmml.stages.features import features_digest
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.maturity import require_known, require_mature
from crmml.stages.project import Project, models_of
from crmml.stages.protected import protected_of
from crmml.stages.reports import write_report
from crmml.stages.summaries import read_summary, sentence_of, summary_of
from crmml.stages.tables import tables_digest
from crmml.stages.uplift import make_uplift
from crmml.stages.workspace import Workspace


def make_model(
    project: Project, model: Model, ground: Ground, *, force: bool = False, threads: int = 0, say: Say
) -> dict[str, Any] | None:
    """Train, report and register one model; None where it is up to date.

    `threads` are those of LightGBM, 0 for all; the model does not depend on them.

    Raises
    ------
    SourceError
        If there are too few events, with the counts and dates.
    GateError
        If the leak audit found a feature that knows the future, or a feature is the label.
    """
    require_mature(project, model)
    state = audit_state(make_audit(project, ground.bank, ground.ledger, say=say))
    inputs = {
        "tables": tables_digest(project),
        "features": features_digest(ground.features),
        "spec": digest_of(dataclasses.asdict(model.spec)),
        "event": f"{model.event} {model.terms}",
        "leak_audit": state,
    }
    step = Step(f"train {model.key}", project.workspace.of("training", model.key), inputs)
    if not needs_making(step, force=force, say=say):
        return None
    require_known(model, ground.bank)
    abt = make_abt(project, model, ground)
    subject = Subject(
        version="",
        bank_zh=project.spec.title_zh,
        bank_en=project.spec.title_en,
        title_zh=model.zh,
        title_en=model.en,
        currency=project.spec.currency,
    )
    return train_and_register(
        step,
        project.workspace,
        model.key,
        model.spec,
        abt,
        subject,
        segments=segment_of(abt.frame),
        leak_audit=state,
        protected=protected_of(ground.bank),
        threads=threads,
        say=say,
    )


def train_and_register(
    step: Step,
    workspace: Workspace,
    key: str,
    spec: ModelSpec,
    abt: Abt,
    subject: Subject,
    *,
    segments: pd.Series,
    leak_audit: str,
    protected: pd.DataFrame | None = None,
    told: Mapping[str, Any] | None = None,
    threads: int = 0,
    say: Say,
) -> dict[str, Any]:
    """Fit a joined table, register the version, write figures and report: the one way for a bank and for a table."""
    require_no_copies(abt)
    champion = champion_of(spec.name, models=workspace.models)
    trained = train(
        abt,
        spec,
        studies=workspace.models / "studies",
        segments=segments,
        leak_audit=leak_audit,
        told=told,
        threads=threads,
        champion=champion,
        on_trial=lambda number, value: None,
    )
    folder = workspace.of("bundles", key)
    bundle = trained.save(folder)
    version = registry.register(folder, models=workspace.models, name=spec.name).version
    evidence = collect_evidence(trained, spec, protected=protected, champion=champion)
    page = model_report(
        bundle,
        trained.predictions,
        dataclasses.replace(subject, version=version),
        sample=sample_rows(abt.frame, trained.predictions),
        evidence=evidence,
        language="both",
    )
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        trained.predictions.to_parquet(staged.path("predictions.parquet", rows=len(trained.predictions)), index=False)
        if trained.curve is not None:
            trained.curve.to_parquet(staged.path("curve.parquet", rows=len(trained.curve)), index=False)
        abt.waterfall.to_parquet(staged.path("waterfall.parquet"), index=False)
        summary = summary_of(spec, trained.metrics, version=version, digest=bundle.digest)
        staged.path("summary.json").write_text(
            json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        staged.path("metrics.json").write_text(
            json.dumps(trained.metrics, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )
        if evidence.scorecard is not None:
            for name, text in scorecard_files(evidence.scorecard, spec).items():
                staged.path(name).write_text(text, encoding="utf-8")
        staged.path("evidence.json").write_text(evidence.to_json(), encoding="utf-8")
    kept = write_report(workspace, key, page, name=spec.name, version=version)
    say(f"          {sentence_of(summary)}")
    say(f"          report: {kept}")
    return summary


def scorecard_files(scorecard: Mapping[str, Any], spec: ModelSpec) -> dict[str, str]:
    """The points scorecard to take away: as data, as a table and as SQL."""
    return {
        "scorecard.json": json.dumps(scorecard, indent=1, ensure_ascii=False, allow_nan=False) + "\n",
        "scorecard.csv": to_csv(scorecard),
        "scorecard.sql": to_sql(scorecard, model=spec.name),
    }


def report_path(project: Project, model: Model) -> Path:
    return project.workspace.out / f"report-{model.key}.html"


def train_config(
    config: Path, *, trials: int | None, sample: float | None, product: str | None, say: Say
) -> Iterator[dict[str, Any]]:
    """Train the models of a config file, with other trials or a sample of the customers if asked."""
    for project, model in models_of(config, product):
        spec = model.spec
        if spec.kind == "uplift":
            yield _train_uplift(project, model, sample=sample, say=say)
            continue
        if trials is not None:
            spec = dataclasses.replace(spec, tuning=dataclasses.replace(spec.tuning, trials=trials))
        changed = dataclasses.replace(model, spec=spec)
        require_mature(project, changed)
        with project.alone():
            ground = lay_ground(project, say=say)
            if sample is not None:
                yield _quick_look(project, changed, ground, sample)
                continue
            made = make_model(project, changed, ground, say=say)
        yield made if made is not None else read_summary(project.workspace, changed.key)


def _train_uplift(project: Project, model: Model, *, sample: float | None, say: Say) -> dict[str, Any]:
    if sample is not None:
        raise UsageError(
            f"{model.path} is an uplift model; expected no --sample: a part of a contact log tells next to nothing",
            code="U005",
        )
    with project.alone():
        made = make_uplift(project, model, lay_ground(project, say=say), say=say)
    return made if made is not None else read_summary(project.workspace, model.key)


def _quick_look(project: Project, model: Model, ground: Ground, share: float) -> dict[str, Any]:
    """Train on a share of the customers and register nothing."""
    abt = make_abt(project, model, ground)
    kept = abt.frame["hash_bucket"].to_numpy() < max(1, round(share * 100))
    part = dataclasses.replace(abt, frame=abt.frame[kept].reset_index(drop=True))
    trained = train(part, model.spec, studies=project.workspace.models / "studies", segments=segment_of(part.frame))
    return summary_of(model.spec, trained.metrics, version="not registered (sample)", digest=trained.bundle.digest)
