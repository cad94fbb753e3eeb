"""Snapshots and features of every cut-off that the bank's models ask for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import files
from crmml.errors import BackendError, NotFoundError, SourceError, mask
from crmml.features import FeatureInfo, askable_names, catalogue, family_names, left_out, write_features
from crmml.features.families.people import STANDING
from crmml.peers import build_peers, stand, standing_infos
from crmml.snapshots import take_snapshots
from crmml.sources.bank import Bank
from crmml.stages.ledger import ledger_digest, make_ledger
from crmml.stages.making import Say, Step, digest_of_result, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.tables import make_tables, tables_digest


def families_of(project: Project) -> list[str]:
    """The families any model of the bank uses; all of them where there is no model yet."""
    used = {entry.split(".")[0] for model in project.config.models.values() for entry in model.spec.families}
    return [name for name in askable_names() if name in used] or list(family_names())


def make_features(
    project: Project,
    bank: Bank,
    ledger: ir.Table | None,
    *,
    cutoffs: Sequence[date] | None = None,
    families: Sequence[str] | None = None,
    folder: Path | None = None,
    force: bool = False,
    say: Say,
) -> Path:
    """One Parquet file of snapshots and one of features per cut-off; the folder that holds them.

    Beside them lie the peers (averages by segment) and the catalogue. Cut-offs
    asked for beyond those of the models get a folder of their own; so may
    `families` (those of the models unless given).
    """
    days = sorted(project.cutoffs() if cutoffs is None else cutoffs)
    _require_history(bank, days)
    families = families_of(project) if families is None else list(families)
    if folder is None:
        of = project.workspace.of
        folder = of("features") if cutoffs is None else of("features_at", str(days[-1]))
    inputs = {"tables": tables_digest(project), "families": " ".join(families), "cutoffs": " ".join(map(str, days))}
    if ledger is not None:
        inputs["ledger"] = ledger_digest(project)
    step = Step("features", folder, inputs)
    if not needs_making(step, force=force, say=say):
        return folder
    for line in _left_out(bank, ledger):
        say(f"          {line}")
    snapshots = take_snapshots(bank, days)
    with files.publish(folder, kind=step.name, inputs=step.all_inputs) as staged:
        features_folder = staged.folder / "features"
        features_folder.mkdir()
        rows = write_features(bank, snapshots, families, features_folder, ledger=ledger)
        staged.rows |= {f"features/{name}": count for name, count in rows.items()}
        for day in days:
            _write_beside(staged, snapshots, day, with_standing=STANDING.name in families)
        infos = catalogue(bank, families, ledger=ledger)
        if STANDING.name in families:
            infos = (*infos, *standing_infos(info.name for info in infos))
        text = json.dumps([asdict(info) for info in infos], indent=1, ensure_ascii=False)
        staged.path("catalogue.json").write_text(text + "\n", encoding="utf-8")
        say(f"          {sum(rows.values()):,} rows x {len(infos)} features, {len(days)} cut-offs")
    return folder


def _left_out(bank: Bank, ledger: ir.Table | None) -> list[str]:
    """What the bank's tables cannot feed, said once: feature families by missing table, and targets."""
    by_table: dict[str, list[str]] = {}
    for family, table in left_out(bank, None, ledger=ledger):
        if family == STANDING.name:
            continue
        by_table.setdefault(table, []).append(family)
    lines = [f"no {table}: features {', '.join(families)} are left out" for table, families in by_table.items()]
    if not bank.has("loans"):
        lines.append("no loans: default cannot be a target")
    return lines


def _write_beside(staged: files.Staged, snapshots: ir.Table, day: date, *, with_standing: bool) -> None:
    """The snapshots of one cut-off, where its customers stand, and the averages of its peers."""
    of_day = snapshots.filter(snapshots.cutoff_date == day).order_by("customer_id")
    taken = of_day.to_pyarrow()
    pq.write_table(taken, staged.path(f"snapshots/{day}.parquet", rows=taken.num_rows), compression="zstd")
    path = staged.folder / "features" / f"{day}.parquet"
    if path.exists():
        frame = with_snapshot(pd.read_parquet(path), taken.to_pandas())
        if with_standing:
            placed = stand(frame)
            _append(path, pa.Table.from_pandas(placed, preserve_index=False))
            frame = pd.concat([frame, placed], axis=1)
        peers = build_peers(frame)
        pq.write_table(peers, staged.path(f"peers/{day}.parquet", rows=peers.num_rows), compression="zstd")


def _append(path: Path, columns: pa.Table) -> None:
    """Add columns to a Parquet file whose rows are in the same order."""
    table = pq.read_table(path)
    for name in columns.column_names:
        table = table.append_column(name, columns[name])
    pq.write_table(table, path, compression="zstd")


def with_snapshot(features: pd.DataFrame, snapshots: pd.DataFrame) -> pd.DataFrame:
    """Feature rows with the columns of their snapshots."""
    columns = [name for name in snapshots.columns if name == "customer_id" or name not in features.columns]
    return features.merge(snapshots[columns], on="customer_id", how="left", validate="one_to_one")


def _require_history(bank: Bank, days: Sequence[date]) -> None:
    """Every cut-off lies inside the observed history.

    Raises
    ------
    SourceError
        D021 with the first usable date.
    """
    names = [name for name in ("transactions", "balances", "activity") if bank.has(name)]
    first = min(bank.observed_from(name) for name in names)
    if min(days) < first:
        raise SourceError(
            f"the cut-off {min(days)} lies before {first}, where the history begins; use a cut-off from {first} on",
            code="D021",
        )


def features_digest(folder: Path) -> str:
    return digest_of_result(folder, what="the features", do="run `crmml run` first")


def read_catalogue(folder: Path) -> tuple[FeatureInfo, ...]:
    """The catalogue that lies beside the features."""
    entries = json.loads((folder / "catalogue.json").read_text(encoding="utf-8"))
    return tuple(FeatureInfo(**entry) for entry in entries)


def features_at(project: Project, cutoff: date, *, say: Say) -> tuple[Bank, ir.Table | None, Path]:
    """The bank, its ledger, and the folder of features that holds a cut-off, made if need be."""
    bank = make_tables(project, say=say)
    ledger = make_ledger(project, bank, say=say)
    asked = None if cutoff in project.cutoffs() else [cutoff]
    return bank, ledger, make_features(project, bank, ledger, cutoffs=asked, say=say)


def write_features_of(
    bank_folder: str | Path, *, cutoff: date | None, out: Path | None, force: bool, say: Say
) -> dict[str, Any]:
    """Features of every customer at a cut-off, as a file of one's own if `out` is given."""
    project = open_project(bank_folder)
    day = project.scored_cutoff(cutoff)
    if out is not None and out.exists() and not force:
        raise BackendError(f"{out} is already there and is left as it is; add --force to replace it", code="L003")
    with project.alone():
        _, _, folder = features_at(project, day, say=say)
    path = folder / "features" / f"{day}.parquet"
    table = pq.read_table(path)
    if out is not None:
        with files.staged_file(out) as staged:
            pq.write_table(table, staged, compression="zstd")
    return {
        "cutoff_date": day,
        "rows": table.num_rows,
        "features": table.num_columns - 3,
        "file": str(out or path),
    }


def list_catalogue(bank_folder: str | Path, *, say: Say) -> list[dict[str, Any]]:
    """The catalogue, one row per feature."""
    project = open_project(bank_folder)
    with project.alone():
        _, _, folder = features_at(project, project.newest_cutoff(), say=say)
    rows = [asdict(info) for info in read_catalogue(folder)]
    return [{**row, "sign": " ".join(f"{target}{sign:+d}" for target, sign in row["sign"].items())} for row in rows]


def explain_feature(
    bank_folder: str | Path, *, name: str, customer_id: str, cutoff: date | None, say: Say
) -> list[dict[str, Any]]:
    """The source rows behind one cell."""
    from crmml.features import explain_cell

    project = open_project(bank_folder)
    day = project.scored_cutoff(cutoff)
    with project.alone():
        bank = make_tables(project, say=say)
        ledger = make_ledger(project, bank, say=say)
        known = bank.table("customers").filter(lambda t: t.customer_id == customer_id).count().to_pyarrow().as_py()
        if not known:
            raise NotFoundError(
                f"customer {mask(customer_id)} is not in the bank; expected a customer_id of its customers", code="M001"
            )
        families = dict.fromkeys((*family_names(), *families_of(project)))
        rows = explain_cell(bank, name, customer_id, day, families=list(families), ledger=ledger)
    return list(rows.to_pylist())
