"""From features and labels to a registered challenger with its report."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _

from crmml import files, registry
from crmml.abt import Abt, join_abt, require_no_copies
from crmml.config import Model
from crmml.config.model_file import load_models
from crmml.errors import ConfigError, NotFoundError, SourceError, did_you_mean
from crmml.features import FeatureInfo, askable_names, build_features, catalogue
from crmml.features.declare import WINDOWS
from crmml.files import digest_of
from crmml.labels import Given, build_labels
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import plan_calendar, usable_range
from crmml.modelling.train import train
from crmml.peers import segment_of
from crmml.periods import Interval, label_window
from crmml.reporting.model_report import Subject, model_report, sample_rows
from crmml.snapshots import take_event_snapshots
from crmml.sources.bank import Bank
from crmml.stages.audit import audit_state, make_audit
from crmml.stages.features import features_digest, make_features, read_catalogue
from crmml.stages.ledger import make_ledger
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.tables import make_tables, tables_digest
from crmml.stages.workspace import Workspace

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Ground:
    """What every model of a bank is trained from."""

    bank: Bank
    ledger: ir.Table | None
    features: Path


def lay_ground(project: Project, *, force: bool = False, say: Say) -> Ground:
    """Tables, ledger and features of the bank, made if need be."""
    bank = make_tables(project, force=force, say=say)
    ledger = make_ledger(project, bank, force=force, say=say)
    return Ground(bank, ledger, make_features(project, bank, ledger, force=force, say=say))


def make_model(
    project: Project, model: Model, ground: Ground, *, force: bool = False, say: Say
) -> dict[str, Any] | None:
    """Train, report and register one model; None where it is up to date.

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
    told: Mapping[str, Any] | None = None,
    say: Say,
) -> dict[str, Any]:
    """Fit a joined table, register the version, write figures and report: the one way for a bank and for a table."""
    require_no_copies(abt)
    trained = train(
        abt,
        spec,
        studies=workspace.models / "studies",
        segments=segments,
        leak_audit=leak_audit,
        told=told,
        on_trial=lambda number, value: None,
    )
    folder = workspace.of("bundles", key)
    bundle = trained.save(folder)
    version = registry.register(folder, models=workspace.models, name=spec.name).version
    page = model_report(
        bundle,
        trained.predictions,
        dataclasses.replace(subject, version=version),
        sample=sample_rows(abt.frame, trained.predictions),
        language="both",
    )
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        trained.predictions.to_parquet(staged.path("predictions.parquet", rows=len(trained.predictions)), index=False)
        abt.waterfall.to_parquet(staged.path("waterfall.parquet"), index=False)
        summary = summary_of(spec, trained.metrics, version=version, digest=bundle.digest)
        staged.path("summary.json").write_text(
            json.dumps(summary, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        staged.path("metrics.json").write_text(
            json.dumps(trained.metrics, indent=1, ensure_ascii=False, default=str) + "\n", encoding="utf-8"
        )
    files.write_atomic(workspace.out / f"report-{key}.html", page)
    say(f"          {_sentence(summary)}")
    return summary


def require_mature(project: Project, model: Model) -> None:
    """Every label window of a model has been observed to its end.

    Raises
    ------
    SourceError
        D020 with the day the data must reach and the day they reach.
    """
    newest = max(model.spec.split.tested)
    needed = label_window(newest, model.spec.horizon).end
    source = LABEL_SOURCES.get(model.spec.kind, _history(project))
    until = project.spec.last_day(source)
    if needed > until:
        raise SourceError(
            f"{model.path}: the label of the cut-off {newest} is complete on {needed}, {source} are observed until "
            f"{until}; expected data up to {needed}. Choose an earlier cut-off (crmml train {model.path} --plan), or "
            "load newer data and move observed_until",
            code="D020",
        )


def require_known(model: Model, bank: Bank) -> None:
    """The bank's own labels that are learned from were known by the first test cut-off, whatever the horizon says.

    Raises
    ------
    ConfigError
        C006 with how many were not, and the last day one became known.
    """
    target, split = model.spec.target, model.spec.split
    if not isinstance(target, Given) or not split.is_out_of_time:
        return
    labels = bank.table("labels").filter(_.target == target.name)
    if model.event is None:
        learned = labels.filter(_.cutoff_date.isin(list(split.train)))
    else:
        learned = labels.filter(_.cutoff_date >= split.train[0], _.cutoff_date <= split.train[-1])
    late = learned.filter(_.known_on > min(split.out_of_time))
    found = late.aggregate(rows=_.count(), last=_.known_on.max()).to_pyarrow().to_pylist()[0]
    if found["rows"]:
        raise ConfigError(
            f"{model.path}: {found['rows']:,} labels of the training cut-offs became known up to {found['last']}, the first "
            f"out-of-time cut-off is {min(split.out_of_time)}; expected training labels to be known by then. End training "
            "earlier, test later, or write out_of_sample: true, which every figure then says",
            code="C006",
        )


def report_path(project: Project, model: Model) -> Path:
    return project.workspace.out / f"report-{model.key}.html"


def make_abt(project: Project, model: Model, ground: Ground) -> Abt:
    """Snapshots, features and labels of a model's cut-offs, joined."""
    if model.event is not None:
        snapshots, features, infos = _events(model, ground)
    else:
        days = [str(day) for day in model.cutoffs]
        snapshots = _read_snapshots(ground, days)
        features = pa.concat_tables(
            [pq.read_table(ground.features / "features" / f"{day}.parquet") for day in days], promote_options="default"
        )
        infos = read_catalogue(ground.features)
    labels = build_labels(ground.bank, snapshots, model.spec.target, model.spec.horizon, ledger=ground.ledger)
    return join_abt(
        snapshots,
        features,
        labels,
        population=model.spec.population,
        catalogue=infos,
        select=select_features(model.spec, infos, where=str(model.path)),
    )


def _read_snapshots(ground: Ground, days: list[str]) -> ir.Table:
    paths = [str(ground.features / "snapshots" / f"{day}.parquet") for day in days]
    return ground.bank.connection.read_parquet(paths, table_name="crmml_snapshots")


def _events(model: Model, ground: Ground) -> tuple[ir.Table, pa.Table, tuple[FeatureInfo, ...]]:
    split = model.spec.split
    between = Interval(split.train[0] - _ONE_DAY, split.tested[-1] + _ONE_DAY)
    snapshots = take_event_snapshots(ground.bank, model.event, between, model.terms)  # type: ignore[arg-type]
    families = sorted({entry.split(".")[0] for entry in model.spec.families}, key=askable_names().index)
    features = build_features(ground.bank, snapshots, families, ledger=ground.ledger)
    return snapshots, features, catalogue(ground.bank, families, ledger=ground.ledger, snapshots=snapshots)


def select_features(spec: ModelSpec, infos: tuple[FeatureInfo, ...], *, where: str) -> list[str]:
    """The features of the families (or `family.feature`) a config names, and the terms of an event.

    Raises
    ------
    ConfigError
        If a family or a feature is not known.
    """
    chosen: set[str] = {info.name for info in infos if info.concept == "terms"}
    for entry in spec.families:
        family, _, feature = entry.partition(".")
        of_family = [info.name for info in infos if info.family == family]
        if feature and feature not in of_family:
            raise ConfigError(
                f"{where}: features has '{entry}'; {family} has no feature {feature}.{did_you_mean(feature, of_family)}",
                code="C002",
            )
        chosen |= {feature} if feature else set(of_family)
    return [info.name for info in infos if info.name in chosen]


def plan(config: Path, *, product: str | None, say: Say) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The calendar of every window of a config's models, and the usable range, before anything is computed."""
    for project, model in models_of(config, product):
        spec, shortest = project.spec, min(window.months for window in WINDOWS)
        history = _history(project)
        first = spec.observed_from.get(history) or make_tables(project, say=say).observed_from(history)
        until = spec.last_day(LABEL_SOURCES.get(model.spec.kind, history))
        calendar = plan_calendar(
            model.spec.split, model.spec.horizon, look_back_months=shortest, observed_from=first, observed_until=until
        )
        usable = usable_range(model.spec.horizon, look_back_months=shortest, observed_from=first, observed_until=until)
        words = f"usable cut-offs: {usable[0]} to {usable[1]}" if usable else "no cut-off has enough data"
        rows = calendar.astype(str).to_dict("records")
        yield f"{model.spec.name}: {words}", [{str(name): value for name, value in row.items()} for row in rows]


LABEL_SOURCES = {"given": "labels", "default": "arrears", "churn": "accounts", "uptake": "accounts"}


def _history(project: Project) -> str:
    return next(name for name in ("transactions", "balances", "activity") if name in project.spec.tables)


def train_config(
    config: Path, *, trials: int | None, sample: float | None, product: str | None, say: Say
) -> Iterator[dict[str, Any]]:
    """Train the models of a config file, with other trials or a sample of the customers if asked."""
    for project, model in models_of(config, product):
        spec = model.spec
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


def _quick_look(project: Project, model: Model, ground: Ground, share: float) -> dict[str, Any]:
    """Train on a share of the customers and register nothing."""
    abt = make_abt(project, model, ground)
    kept = abt.frame["hash_bucket"].to_numpy() < max(1, round(share * 100))
    part = dataclasses.replace(abt, frame=abt.frame[kept].reset_index(drop=True))
    trained = train(part, model.spec, studies=project.workspace.models / "studies", segments=segment_of(part.frame))
    return summary_of(model.spec, trained.metrics, version="not registered (sample)", digest=trained.bundle.digest)


def read_summary(workspace: Workspace, key: str) -> dict[str, Any]:
    """The figures of a model trained before."""
    path = workspace.of("training", key) / "summary.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def read_metrics(project: Project, key: str) -> dict[str, Any]:
    path = project.workspace.of("training", key) / "metrics.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def models_of(config: Path, product: str | None) -> Iterator[tuple[Project, Model]]:
    """The models of a config file, or the one for a product."""
    project = open_project(config.parent)
    models = load_models(config, bank=project.spec.name)
    if product is not None:
        keys = {model.key.removeprefix(f"{config.stem}_"): model for model in models}
        if product not in keys:
            raise NotFoundError(
                f"{config} has no product {product!r}; expected one of {', '.join(keys)}.{did_you_mean(product, keys)}",
                code="M001",
            )
        models = (keys[product],)
    for model in models:
        yield project, model


def summary_of(spec: ModelSpec, metrics: dict[str, Any], *, version: str, digest: str) -> dict[str, Any]:
    """The headline figures of a model, flat."""
    measure, headline = metrics["measure"], metrics["headline"]
    figure, slope, ratio = headline[measure], headline["calibration_slope"], headline["observed_over_expected"]
    benchmark = metrics["benchmark"]
    return {
        "model": spec.name,
        "version": version,
        "tested_on": metrics["tested_on"],
        "stamp": metrics["stamp"],
        "measure": measure,
        "value": figure["value"],
        "low": figure["low"],
        "high": figure["high"],
        "calibration_slope": slope["value"],
        "slope_low": slope["low"],
        "slope_high": slope["high"],
        "observed_over_expected": ratio["value"],
        "ratio_low": ratio["low"],
        "ratio_high": ratio["high"],
        "benchmark": benchmark["name"],
        "gates_failed": [gate["name"] for gate in metrics["gates"] if not gate["passed"]],
        "digest": digest,
    }


def _sentence(summary: dict[str, Any]) -> str:
    failed = ", ".join(summary["gates_failed"])
    stamp = f" ({summary['stamp']})" if summary["stamp"] else ""
    return (
        f"{summary['model']} version {summary['version']}: {summary['measure']} {summary['value']:.3f} "
        f"[{summary['low']:.3f}, {summary['high']:.3f}]{stamp}, calibration slope {summary['calibration_slope']:.2f}; "
        + (f"gates failed: {failed}" if failed else "all gates passed")
    )
