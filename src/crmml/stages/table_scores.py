"""A file of the same shape as a feature table, scored with reasons; and one of its rows, explained."""

from __future__ import annotations

import dataclasses
import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import bundle as bundles
from crmml import files
from crmml.bundle import Bundle
from crmml.config import TableModel
from crmml.config.table_file import table_model
from crmml.errors import NotFoundError, UsageError, mask
from crmml.feature_table import batch_frame, read_rows
from crmml.reporting.customer_page import Customer, customer_page, served_from
from crmml.scoring import Scorer, score, score_frame
from crmml.sources.spec import Source
from crmml.stages.explanations import lines_of
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.scores import said_of, write_batch
from crmml.stages.table_models import TableProject, champion_or_challenger, name_of, table_digest, table_project

_BATCH_KEYS = ["customer_id", "cutoff_date", "segment"]


@dataclass(frozen=True)
class Serving:
    """A version of a table model in use: its bundle, and the roles of the file it was trained from."""

    model: TableModel
    version: str
    bundle: Bundle

    @property
    def scorer(self) -> Scorer:
        peers: Mapping[str, Mapping[str, Any]] = self.bundle.card["peers"]
        return Scorer(self.bundle, self.model.spec.name, self.version, peers=peers)


def serving(project: TableProject, model: TableModel, *, challenger: bool) -> Serving:
    """The champion (or challenger) of a model; columns are read as the version was trained, not as the file says now."""
    version, folder = champion_or_challenger(project, model, challenger=challenger)
    bundle = bundles.load(folder)
    trained = table_model(bundle.card["table"]["file"], model.path, bank=project.name)
    return Serving(dataclasses.replace(trained, zh=model.zh, en=model.en), version, bundle)


def score_table(
    folder: str | Path, *, table: Path | None, model: str | None = None, challenger: bool = False, say: Say
) -> list[dict[str, Any]]:
    """Score a file by every table model of a folder (or one); one row per model for people.

    Raises
    ------
    SourceError
        If the file lacks a column, or numbers became text.
    NotFoundError
        If a model has no champion.
    """
    project = _project(folder)
    models = list(project.models.values()) if model is None else [project.model(model)]
    with project.alone():
        return [_score(project, serving(project, each, challenger=challenger), table, say=say) for each in models]


def _score(project: TableProject, served: Serving, table: Path | None, *, say: Say) -> dict[str, Any]:
    model = served.model
    source = _source(model, table)
    batch = name_of(source).split(".")[0]
    inputs = {"table": table_digest(source), "model": f"{served.version} {served.bundle.digest}"}
    step = Step("scores", project.workspace.of("scores", batch) / model.key, inputs)
    path = step.folder / f"{model.key}.parquet"
    if needs_making(step, force=False, say=say):
        frame = _batch(served, source, say=say)
        with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
            report = _score_frame(frame, served, staged.path(path.name, rows=len(frame)))
            write_batch(staged, model.key, report)
            staged.about["stamp"] = served.bundle.card["metrics"].get("stamp", "")
            say(f"          {said_of(model.spec.name, served.version, report)}")
    told = json.loads((step.folder / f"{model.key}.batch.json").read_text(encoding="utf-8"))
    return {
        "model": model.spec.name,
        "version": served.version,
        "rows": told["rows"],
        "unseen_rows": sum(row["unseen_rows"] for row in told["features"]),
        "outside_rows": sum(row["outside_rows"] for row in told["features"]),
        "file": str(path),
    }


def _score_frame(frame: pd.DataFrame, served: Serving, out: Path) -> Any:
    with tempfile.TemporaryDirectory(prefix="crmml-") as scratch:
        rows = Path(scratch) / "rows.parquet"
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), rows)
        return score(rows, served.scorer, out=out)


def _batch(served: Serving, source: Source, *, say: Say) -> pd.DataFrame:
    """The rows of a file as the model reads them."""
    name = name_of(source)
    rows = read_rows(source, relation=served.model.relation)
    unused = served.bundle.card["columns"]["dropped"]
    frame, ignored = batch_frame(rows, served.model.roles, served.bundle.features, source=name, unused=unused)
    if ignored:
        listed = ", ".join(ignored[:8]) + (" …" if len(ignored) > 8 else "")
        say(f"          {name}: {listed}: not in the training table, ignored")
    frame = frame[[*_BATCH_KEYS, *served.bundle.names]]
    return frame.assign(cutoff_date=frame["cutoff_date"].dt.date.where(frame["cutoff_date"].notna(), None))


def _source(model: TableModel, table: Path | None) -> Source:
    """The file to score: the one asked for, else the model's own."""
    if table is None:
        return model.source
    suffixes = [suffix for suffix in table.suffixes if suffix != ".gz"]
    known = {".parquet": "parquet", ".csv": "csv", ".duckdb": "duckdb"}
    kind = known.get(suffixes[-1], model.source.format) if suffixes else model.source.format
    # Options of a CSV file, such as its delimiter, hold for files of the same kind.
    options = model.source.options if kind == model.source.format else {}
    return Source("table", str(table.resolve()), kind, options)  # type: ignore[arg-type]


def _project(folder: str | Path) -> TableProject:
    project = table_project(folder)
    if project is None:
        raise UsageError(
            f"{folder} configures no feature table, so --table has no model; expected a YAML file with `table:` in it. "
            "A bank is scored by its cut-offs: crmml score BANK --cutoff 2025-10",
            code="U008",
        )
    return project


def explain_row(
    folder: str | Path,
    *,
    key: str,
    table: Path | None = None,
    model: str | None = None,
    challenger: bool = False,
    html: Path | None = None,
    say: Say,
) -> tuple[list[dict[str, Any]], Path]:
    """Write the page of one row of a table (by its key, or its number); its reasons as rows, and where the page lies.

    A model without a champion speaks through its challenger, and says so.

    Raises
    ------
    NotFoundError
        If the table has no such row.
    """
    project = _project(folder)
    models = list(project.models.values()) if model is None else [project.model(model)]
    shown, lines, own = [], [], None
    for each in models:
        served = _spoken_for(project, each, challenger=challenger, say=say)
        source = _source(served.model, table)
        frame = _batch(served, source, say=say)
        rows = frame[frame["customer_id"] == key].reset_index(drop=True)
        if rows.empty:
            what = "key" if served.model.roles.key else "row"
            raise NotFoundError(
                f"{name_of(source)} has no {what} {mask(key)} among its {len(frame):,}; expected one of them",
                code="M001",
            )
        scores, _ = score_frame(rows.tail(1).reset_index(drop=True), served.scorer)
        row = {str(name): value for name, value in scores.iloc[0].to_dict().items()}
        told = dataclasses.replace(served_from(row), zh=each.zh, en=each.en)
        shown.append(told)
        lines += lines_of(told, row)
        own = own or Customer(
            customer_id=key,
            cutoff=None if pd.isna(row["cutoff_date"]) else row["cutoff_date"],
            bank=str(folder),
            bank_zh=project.name,
            bank_en=project.name,
            source=name_of(source),
        )
    assert own is not None
    path = html or project.workspace.out / f"row-{_file_name(key)}.html"
    files.write_atomic(path, customer_page(own, shown))
    return lines, path


def _spoken_for(project: TableProject, model: TableModel, *, challenger: bool, say: Say) -> Serving:
    try:
        return serving(project, model, challenger=challenger)
    except NotFoundError:
        if challenger:
            raise
    found = serving(project, model, challenger=True)
    say(f"          {model.spec.name} has no champion: explained by challenger {found.version}")
    return found


def _file_name(key: str) -> str:
    """A key as part of a file's name."""
    return "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in key)[:60]
