"""Contribution by account and month, reconciled before it is used."""

from __future__ import annotations

import dataclasses
import json
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from crmml import files
from crmml.errors import NotFoundError
from crmml.files import digest_of
from crmml.ledger import Reconciliation, build_ledger, reconcile, roll_up
from crmml.ledger.build import MONEY
from crmml.periods import shift_months
from crmml.sources.bank import Bank
from crmml.stages.making import Say, Step, digest_of_result, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.tables import make_tables, tables_digest


def has_ledger(project: Project, bank: Bank) -> bool:
    """Whether the bank holds what a ledger needs: prices, and balances or bookings."""
    return project.spec.economics is not None and (bank.has("transactions") or bank.has("balances"))


def make_ledger(project: Project, bank: Bank, *, force: bool = False, say: Say) -> ir.Table | None:
    """The ledger of all whole months, opened; None where the bank cannot feed one.

    Raises
    ------
    IntegrityError
        If a total does not agree; nothing is written then.
    """
    if not has_ledger(project, bank):
        return None
    folder = project.workspace.of("ledger")
    economics = digest_of(dataclasses.asdict(project.spec.economics)) if project.spec.economics else ""
    inputs = {"tables": tables_digest(project), "economics": economics, "columns": " ".join(MONEY)}
    step = Step("ledger", folder, inputs)
    if needs_making(step, force=force, say=say):
        _write(project, bank, step)
    return bank.connection.read_parquet(str(folder / "ledger.parquet"), table_name="crmml_ledger")


def _write(project: Project, bank: Bank, step: Step) -> None:
    first = bank.observed_from("balances" if bank.has("balances") else "transactions")
    ledger = build_ledger(bank, first, project.newest_cutoff())
    agreement = reconcile(ledger, bank)
    agreement.require_clean()
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        path = staged.path("ledger.parquet", rows=int(ledger.count().to_pyarrow().as_py()))
        ledger.order_by(["month_end", "account_id", "customer_id"]).to_parquet(path, compression="zstd")
        text = json.dumps(_told(agreement), indent=1, default=str, ensure_ascii=False)
        staged.path("reconciliation.json").write_text(text + "\n", encoding="utf-8")


def _told(agreement: Reconciliation) -> dict[str, Any]:
    """The reconciliation as plain values, with one sentence for people."""
    sentence = (
        f"accounts = customers = products = branches = groups = managers = bank, {len(agreement.controls)} control totals agree; "
        f"largest difference {agreement.difference:.2f}"
    )
    return {
        "sentence": sentence,
        "difference": agreement.difference,
        "totals": agreement.totals.to_dict("records"),
        "controls": agreement.controls.to_dict("records"),
        "unassigned": agreement.unassigned,
    }


def ledger_digest(project: Project) -> str:
    return digest_of_result(project.workspace.of("ledger"), what="the ledger", do="run `crmml run` first")


def reconciliation(project: Project) -> dict[str, Any]:
    """What the ledger's totals were compared with, as stored beside it."""
    path = project.workspace.of("ledger") / "reconciliation.json"
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain values: what is missing is none."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [{str(name): value for name, value in row.items()} for row in plain.to_dict("records")]


def ledger_of(
    folder: str | Path, *, first: date | None, last: date | None, by: str, with_below: bool = False, say: Say
) -> tuple[list[dict[str, Any]], str]:
    """Rows of the ledger's totals for people, and one sentence on whether they agree."""
    project = open_project(folder)
    with project.alone():
        bank = make_tables(project, say=say)
        ledger = make_ledger(project, bank, say=say)
    if ledger is None:
        raise NotFoundError(
            f"{project.spec.name} has no ledger; expected `economics` in bank.yaml and transactions or balances",
            code="M001",
        )
    last = last or project.newest_cutoff()
    first = first or shift_months(last, -11)
    frame = roll_up(ledger, bank, by=by, first=first, last=last, with_below=with_below)
    return _records(frame), str(reconciliation(project)["sentence"])
