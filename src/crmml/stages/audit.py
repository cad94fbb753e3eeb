"""The leak audit of a bank: its features rebuilt after the future was changed."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from crmml import files
from crmml.errors import LeakageError
from crmml.leakage import AuditReport, audit
from crmml.ledger import build_ledger
from crmml.snapshots import take_snapshots
from crmml.sources.bank import Bank
from crmml.stages.features import families_of
from crmml.stages.ledger import has_ledger, ledger_digest, make_ledger
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.tables import make_tables, tables_digest

SAMPLE = 500
CLEAN, LEAKS = "clean", "leaks"


def audited_cutoff(project: Project) -> date:
    """The newest cut-off that a model is tested on: much of the future lies after it."""
    tested = [max(model.spec.split.tested) for model in project.config.models.values() if model.cutoffs]
    return max(tested, default=project.newest_cutoff())


def make_audit(project: Project, bank: Bank, ledger: ir.Table | None, *, force: bool = False, say: Say) -> Path:
    """Audit the features of the bank's models once; the folder of the report."""
    cutoff = audited_cutoff(project)
    families = families_of(project)
    inputs = {"tables": tables_digest(project), "families": " ".join(families), "cutoff": str(cutoff)}
    if ledger is not None:
        inputs["ledger"] = ledger_digest(project)
    step = Step("audit", project.workspace.of("audit"), inputs)
    if needs_making(step, force=force, say=say):
        report = run_audit(project, bank, cutoff)
        with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
            text = json.dumps(told(report), indent=1, ensure_ascii=False, default=str)
            staged.path("audit.json").write_text(text + "\n", encoding="utf-8")
        say(
            f"          {report.changed:,} of {report.cells:,} cells changed when {report.removed_rows:,} later rows "
            f"were changed, cut-off {report.cutoff}"
        )
    _require_clean(step.folder)
    return step.folder


def _require_clean(folder: Path) -> None:
    found = read_audit(folder)
    if found["state"] != CLEAN:
        worst = ", ".join(list(found["by_feature"])[:5])
        raise LeakageError(
            f"{found['changed']:,} of {found['cells']:,} cells changed when the future was changed (features: {worst}); "
            "expected 0. A model would learn what it cannot know: `crmml audit` shows more",
            code="L001",
        )


def run_audit(project: Project, bank: Bank, cutoff: date) -> AuditReport:
    """Rebuild the features of a sample of customers after every kind of change to the future."""
    return audit(
        bank,
        take_snapshots(bank, [cutoff]),
        families_of(project),
        cutoff=cutoff,
        sample=SAMPLE,
        build_ledger=_ledger_builder(project, bank),
    )


def told(report: AuditReport) -> dict[str, Any]:
    """The report as plain values: what the gates and people read."""
    return {
        "state": CLEAN if report.is_clean else LEAKS,
        "cutoff": report.cutoff,
        "customers": report.customers,
        "cells": report.cells,
        "changed": report.changed,
        "removed_rows": report.removed_rows,
        "by_perturbation": dict(report.perturbations),
        "by_feature": dict(report.by_feature),
    }


def _ledger_builder(project: Project, bank: Bank) -> Callable[[Bank], ir.Table] | None:
    """How the audit makes the ledger of a changed bank anew: the same months as the real one."""
    if not has_ledger(project, bank):
        return None
    first = bank.observed_from("balances" if bank.has("balances") else "transactions")
    last = audited_cutoff(project)
    return lambda changed: build_ledger(changed, first, last)


def audit_state(folder: Path) -> str:
    """What the audit found, as the gates read it: clean, or leaks."""
    return str(read_audit(folder)["state"])


def read_audit(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / "audit.json").read_text(encoding="utf-8")))


def audit_bank(folder: str | Path, *, cutoff: date | None, say: Say) -> AuditReport:
    """Audit a bank's features at a cut-off, writing nothing."""
    project = open_project(folder)
    with project.alone():
        bank = make_tables(project, say=say)
        make_ledger(project, bank, say=say)
        return run_audit(project, bank, cutoff or audited_cutoff(project))
