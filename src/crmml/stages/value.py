"""What a bank reads from its ledger: tables of the numbers, and one page."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import files
from crmml.errors import NotFoundError
from crmml.files import digest_of
from crmml.peers import segment_of
from crmml.reporting.value_page import value_page
from crmml.sources.bank import Bank
from crmml.stages.features import features_at, features_digest, with_snapshot
from crmml.stages.ledger import ledger_digest
from crmml.stages.making import Say, Step, digest_of_result, needs_making
from crmml.stages.project import Project
from crmml.stages.training import Ground
from crmml.value.report import Foreseen, Report, read_ledger

#: Tables of customers, and of decimals, are Parquet; the others are small and for people: CSV.
PARQUET = ("sums", "customers", "potential")
NO_LEDGER = (
    "{bank} has no ledger to read value from: bank.yaml has no `economics`, or the bank neither transactions nor "
    "balances; expected both (docs/bring-a-bank.md)"
)


def make_value(
    project: Project,
    bank: Bank,
    ledger: ir.Table,
    features: Path,
    *,
    cutoff: date | None = None,
    force: bool = False,
    say: Say,
) -> Path:
    """The tables of a cut-off and its page; the folder that holds the tables."""
    day = project.scored_cutoff(cutoff)
    spec = project.config.value
    inputs = {
        "ledger": ledger_digest(project),
        "features": features_digest(features),
        "spec": digest_of(dataclasses.asdict(spec)),
        "cutoff": str(day),
        "foreseen": _foreseen_digest(project, day),
    }
    step = Step("value", folder_of(project, day), inputs)
    page = page_of(project, day)
    fresh = not needs_making(step, force=force or not page.exists(), say=say)
    if fresh:
        return step.folder
    report = read_ledger(
        bank, ledger, day, spec, segment=segments_at(features, day), foreseen=foreseen_at(project, day)
    )
    report.tables["names"] = names_of(bank)
    for line in left_out_lines(report):
        say(f"          {line}")
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        write_tables(staged, report)
    files.write_atomic(page, render_page(project, day))
    return step.folder


def tell_value(project: Project, ground: Ground, *, force: bool = False, say: Say) -> None:
    """The stage of a run: a bank without a ledger is told so in one line, and the run goes on."""
    if ground.ledger is None:
        say(f"value     left out: {NO_LEDGER.format(bank=project.spec.name)}")
        return
    make_value(project, ground.bank, ground.ledger, ground.features, force=force, say=say)
    say(f"          {page_of(project, project.newest_cutoff())}")


def left_out_lines(report: Report) -> list[str]:
    words = {"forecast": "no forecast", "later": "no look a year later", "model": "no sum of a model"}
    return [f"{words[part]}: {reason}" for part, reason in report.left_out.items()]


def folder_of(project: Project, day: date) -> Path:
    newest = day == project.newest_cutoff()
    return project.workspace.of("value") if newest else project.workspace.of("value_at", str(day))


def page_of(project: Project, day: date) -> Path:
    name = "value" if day == project.newest_cutoff() else f"value-{day}"
    return project.workspace.out / f"{name}.html"


def write_tables(staged: files.Staged, report: Report) -> None:
    for name, table in report.tables.items():
        if name in PARQUET:
            rows = pa.Table.from_pandas(table, preserve_index=False)
            pq.write_table(rows, staged.path(f"{name}.parquet", rows=len(table)), compression="zstd")
        else:
            table.to_csv(staged.path(f"{name}.csv", rows=len(table)), index=False, lineterminator="\n")
    told = {"figures": report.figures, "left_out": report.left_out}
    text = json.dumps(told, indent=1, ensure_ascii=False, default=str, allow_nan=True)
    staged.path("about.json").write_text(text + "\n", encoding="utf-8")


def read_value(folder: Path) -> Report:
    """The report as it was stored.

    Raises
    ------
    NotFoundError
        If it was not made.
    """
    files.require_manifest(folder, what="the value report", do="run `crmml value BANK` first")
    tables = {path.stem: pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))}
    text = {"id": "str", "cell": "str"}
    tables |= {
        path.stem: pd.read_csv(path, dtype=text) for path in sorted(folder.glob("*.csv")) if path.stat().st_size > 1
    }
    told = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    return Report(tables, told["figures"], told["left_out"])


def render_page(project: Project, day: date) -> str:
    spec = project.spec
    report = read_value(folder_of(project, day))
    return value_page(
        report.tables,
        report.figures,
        report.left_out,
        cutoff=day,
        bank=str(spec.folder),
        bank_zh=spec.title_zh,
        bank_en=spec.title_en,
        currency=spec.currency,
        hurdle=spec.economics.hurdle if spec.economics else 0.0,
        shocks=dataclasses.asdict(project.config.value.shocks),
    )


def segments_at(features: Path, day: date) -> pd.Series:
    """The peers of every customer observed at the cut-off, by customer_id."""
    frame = pd.read_parquet(features / "features" / f"{day}.parquet")
    frame = with_snapshot(frame, pd.read_parquet(features / "snapshots" / f"{day}.parquet"))
    return pd.Series(segment_of(frame).to_numpy(), index=frame["customer_id"].to_numpy())


def names_of(bank: Bank) -> pd.DataFrame:
    """What products and branches are called: level, id, name."""
    parts = []
    for level, table, key in (("product", "products", "product_id"), ("branch", "branches", "branch_id")):
        if bank.has(table):
            rows = bank.table(table).select(id=key, name="name").distinct().to_pandas()
            parts.append(rows.dropna(subset=["name"]).assign(level=level))
    return pd.concat(parts) if parts else pd.DataFrame(columns=["id", "name", "level"])


def _contribution_key(project: Project) -> str | None:
    return next((key for key, model in project.config.models.items() if model.spec.kind == "contribution"), None)


def _places(project: Project, day: date) -> tuple[Path, Path] | None:
    key = _contribution_key(project)
    if key is None:
        return None
    of = project.workspace.of
    return of("training", key) / "predictions.parquet", of("scores", str(day)) / f"{key}.parquet"


def _foreseen_digest(project: Project, day: date) -> str:
    places = _places(project, day)
    return " ".join(
        digest_of_result(path.parent, what="the model", do="run `crmml run`") for path in places or () if path.exists()
    )


def foreseen_at(project: Project, day: date) -> Foreseen:
    """What the bank's contribution model said at its tested cut-offs, and says at this one."""
    tested, served = None, None
    places = _places(project, day)
    if places is not None and places[0].exists():
        rows = pd.read_parquet(places[0], columns=["customer_id", "cutoff_date", "predicted"])
        tested = rows[pd.to_datetime(rows["cutoff_date"]) <= np.datetime64(day)]
    if places is not None and places[1].exists():
        scores = pd.read_parquet(places[1], columns=["customer_id", "contribution_12m"])
        served = dict(zip(scores["customer_id"], scores["contribution_12m"].astype(float), strict=True))
    return Foreseen(tested, served)


def require_ledger(project: Project, ledger: ir.Table | None) -> ir.Table:
    """The ledger, or one line that says what is missing.

    Raises
    ------
    NotFoundError
        M001 where the bank cannot feed one.
    """
    if ledger is None:
        raise NotFoundError(NO_LEDGER.format(bank=project.spec.name), code="M001")
    return ledger


def value_ground(project: Project, cutoff: date | None, *, say: Say) -> tuple[Bank, ir.Table, Path, date]:
    """The bank, its ledger and features of a cut-off, for whoever holds the bank's lock."""
    day = project.scored_cutoff(cutoff)
    if project.spec.economics is None:
        raise NotFoundError(NO_LEDGER.format(bank=project.spec.name), code="M001")
    bank, ledger, features = features_at(project, day, say=say)
    return bank, require_ledger(project, ledger), features, day


def figures_of(report: Report) -> dict[str, Any]:
    """The key figures in one row."""
    figures = report.figures
    names = ("margin", "fees", "expected_loss", "service_cost", "capital_charge", "contribution", "customers", "losing")
    flat = {name: figures.get(name) for name in names}
    flat["loss"] = figures.get("loss")
    flat["potential"] = figures["potential"]["total"]
    for name in ("contribution", "deposits"):
        made = figures.get(f"{name}_forecast")
        if made:
            flat[f"{name}_forecast_by"] = made["best"]
            flat[f"{name}_next_12m"] = made["sum"] if name == "contribution" else made["sum"] / 12
    return flat
