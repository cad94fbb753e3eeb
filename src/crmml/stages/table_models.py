"""Models of ready feature tables: from a flat file to a registered challenger with its report."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmml import files, registry
from crmml.config import TableModel, load_table_models
from crmml.errors import NotFoundError, did_you_mean
from crmml.feature_table import FlatAbt, build_abt, read_rows
from crmml.feature_table.spec import NOT_AUDITABLE
from crmml.features import FeatureInfo
from crmml.files import digest_of
from crmml.modelling.card import plain
from crmml.modelling.spec import ModelSpec
from crmml.modelling.train import train
from crmml.reporting.model_report import Subject
from crmml.sources.readers import files_of
from crmml.sources.spec import Source
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.promoting import promote_first
from crmml.stages.summaries import read_summary, summary_of
from crmml.stages.training import train_and_register
from crmml.stages.workspace import Workspace, project_root


@dataclass(frozen=True)
class TableProject:
    """The models of feature tables in one folder, with its folders of results."""

    name: str
    models: Mapping[str, TableModel]
    workspace: Workspace

    def model(self, key: str) -> TableModel:
        """A model by its key; NotFoundError with the nearest name."""
        if key not in self.models:
            raise NotFoundError(
                f"{self.name} has no model {key!r} of a feature table; expected one of {', '.join(self.models)}."
                f"{did_you_mean(key, self.models)}",
                code="M001",
            )
        return self.models[key]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Hold the lock of the folder; BusyError at once if another run has it."""
        with files.lock(self.workspace.lock, what=self.name):
            yield


def table_project(folder: str | Path) -> TableProject | None:
    """The feature tables of a folder (a path, or a name under `configs/`); None where it configures none."""
    given = Path(folder)
    for candidate in (given, project_root() / "configs" / given):
        if candidate.is_dir() and (models := load_table_models(candidate)):
            name = candidate.resolve().name
            return TableProject(name, models, Workspace(project_root(), name))
    return None


def has_bank(folder: str | Path) -> bool:
    """Whether a folder declares a bank beside its feature tables."""
    given = Path(folder)
    return any((path / "bank.yaml").is_file() for path in (given, project_root() / "configs" / given))


def make_table_model(
    project: TableProject, model: TableModel, *, force: bool = False, say: Say
) -> dict[str, Any] | None:
    """Train, report and register one model of a table; None where it is up to date.

    Raises
    ------
    SourceError
        If the table cannot be learned from, with the place and what to write.
    GateError
        If a feature is the label.
    """
    inputs = {
        "table": table_digest(model.source),
        "roles": digest_of(dataclasses.asdict(model.roles)),
        "spec": digest_of(plain(model.spec)),
    }
    step = Step(f"train {model.key}", project.workspace.of("training", model.key), inputs)
    if not needs_making(step, force=force, say=say):
        return None
    flat = read_table(model)
    for note in flat.notes:
        say(f"          {note}")
    subject = Subject(version="", bank_zh=project.name, bank_en=project.name, title_zh=model.zh, title_en=model.en)
    return train_and_register(
        step,
        project.workspace,
        model.key,
        dataclasses.replace(model.spec, split=flat.split),
        flat.abt,
        subject,
        segments=flat.abt.frame["segment"],
        leak_audit=NOT_AUDITABLE,
        protected=flat.protected,
        told=told_of(model, flat),
        say=say,
    )


def read_table(model: TableModel) -> FlatAbt:
    """The table of a model, in the shape every model is trained from."""
    rows = read_rows(model.source, relation=model.relation)
    source = name_of(model.source)
    return build_abt(rows, model.roles, model.split, horizon=model.spec.horizon, source=source)


def name_of(source: Source) -> str:
    """What a table is called in messages: its file, or the table of a server."""
    return Path(source.path).name or source.table or "the query"


def table_digest(source: Source) -> str:
    """What the bytes of a table's files (of a server, its rows) are known by; where none is there, reading says so."""
    if source.uri:
        return digest_of(read_rows(source).to_pylist())
    return digest_of([[path.name, files.digest_file(path)] for path in files_of(source)])


def told_of(model: TableModel, flat: FlatAbt) -> dict[str, Any]:
    """What the card tells of a table: its file as it was written, and the averages that reasons compare with."""
    frame = flat.abt.frame
    learned = frame[frame["part"] == "train"] if (frame["part"] == "train").any() else frame
    return {
        "table": {"file": plain(dict(model.content)), "key": model.key},
        "peers": {"all": {info.name: typical(learned[info.name], info) for info in flat.abt.features}},
    }


def typical(values: pd.Series, info: FeatureInfo) -> float | str | None:
    """The mean of a number, the most frequent level of a category (of equals, the first in order)."""
    known = values.dropna()
    if known.empty:
        return None
    if info.kind == "category":
        counts = known.astype(str).value_counts()
        return str(min(counts.index[counts == counts.max()]))
    mean = float(known.astype(float).mean())
    return mean if np.isfinite(mean) else None


def train_tables(project: TableProject, *, only: str | None = None, force: bool = False, say: Say) -> None:
    """Train every table model of a folder (or one), and promote those that have no champion and pass their gates."""
    models = list(project.models.values()) if only is None else [project.model(only)]
    for model in models:
        make_table_model(project, model, force=force, say=say)
        promote_first(project.workspace, model.key, model.spec.name, say=say)


def train_table_config(config: Path, *, trials: int | None, sample: float | None, say: Say) -> Iterator[dict[str, Any]]:
    """As `crmml train`: the model of one file, with other trials or on a sample of the rows if asked."""
    project = table_project(config.parent)
    assert project is not None
    model = project.model(config.stem)
    if trials is not None:
        tuning = dataclasses.replace(model.spec.tuning, trials=trials)
        model = dataclasses.replace(model, spec=dataclasses.replace(model.spec, tuning=tuning))
    with project.alone():
        if sample is not None:
            yield _quick_look(project, model, sample)
            return
        made = make_table_model(project, model, say=say)
    yield made if made is not None else read_summary(project.workspace, model.key)


def _quick_look(project: TableProject, model: TableModel, share: float) -> dict[str, Any]:
    """Train on a share of the keys and register nothing."""
    flat = read_table(model)
    kept = flat.abt.frame["hash_bucket"].to_numpy() < max(1, round(share * 100))
    part = dataclasses.replace(flat.abt, frame=flat.abt.frame[kept].reset_index(drop=True))
    spec: ModelSpec = dataclasses.replace(model.spec, split=flat.split)
    trained = train(
        part,
        spec,
        studies=project.workspace.models / "studies",
        segments=part.frame["segment"],
        leak_audit=NOT_AUDITABLE,
    )
    return summary_of(spec, trained.metrics, version="not registered (sample)", digest=trained.bundle.digest)


def plan_of(model: TableModel) -> list[dict[str, Any]]:
    """How the rows divide, before anything is computed: part, cut-offs, rows and events."""
    flat = read_table(model)
    rows = []
    for part, inside in flat.abt.frame.groupby("part", sort=True):
        days = inside["cutoff_date"].dropna()
        span = (None, None) if days.empty else (days.min().date(), days.max().date())
        rows.append(
            {
                "part": str(part),
                "first_cutoff": span[0],
                "last_cutoff": span[1],
                "rows": len(inside),
                "events": int(inside["label"].sum()),
            }
        )
    return rows


def check_table(model: TableModel) -> list[dict[str, Any]]:
    """The columns of a table as they are read: kind, nulls, distinct values, and why one is not used."""
    flat = read_table(model)
    rows = []
    for info in flat.abt.features:
        values = flat.abt.frame[info.name]
        rows.append(
            {
                "column": info.en,
                "kind": info.kind,
                "missing": int(values.isna().sum()),
                "distinct": int(values.nunique()),
                "group": info.concept,
                "not_used": "",
            }
        )
    dropped = [
        {"column": name, "kind": "-", "missing": None, "distinct": None, "group": "-", "not_used": reason}
        for name, reason in flat.abt.dropped.items()
    ]
    return [*rows, *dropped]


def champion_or_challenger(project: TableProject, model: TableModel, *, challenger: bool) -> tuple[str, Path]:
    """The version that is asked for, and where its bundle lies.

    Raises
    ------
    NotFoundError
        If it has none, with what to do.
    """
    which = "challenger" if challenger else "champion"
    try:
        found = registry.resolve(f"{model.spec.name}@{which}", models=project.workspace.models)
    except NotFoundError as error:
        if challenger:
            raise
        raise NotFoundError(
            f"{model.spec.name} has no champion. A table is {NOT_AUDITABLE}: write gates: {{accepted: why its columns "
            f"were known at the cut-off}} into {model.path}, train and promote it; or score with its challenger "
            "(--challenger), for a look",
            code="M001",
        ) from error
    return found.version, found.bundle_dir
