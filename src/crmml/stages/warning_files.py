"""The files of an early warning: tables for machines, a workbook for managers, a page for whoever judges it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import files
from crmml.reporting.warning_page import warning_page
from crmml.stages.making import Step
from crmml.stages.project import Project
from crmml.stages.winback import Gone
from crmml.warning import Backtest, WarningSpec
from crmml.warning.workbook import write_workbook


@dataclass(frozen=True)
class Made:
    """All that an early warning consists of; `about` is plain data."""

    alerts: pd.DataFrame
    history: pd.DataFrame
    backtest: Backtest
    moved: pd.DataFrame
    gone: Gone | None
    about: dict[str, Any]


def warning_paths(project: Project) -> list[Path]:
    """The files people open."""
    return [project.workspace.out / "warning.xlsx", project.workspace.out / "warning.html"]


def publish_warning(project: Project, step: Step, spec: WarningSpec, made: Made) -> None:
    """Write the folder of results, then the workbook and the page."""
    tables = {
        "alerts": made.alerts,
        "history": made.history,
        "precision": made.backtest.precision,
        "differences": made.backtest.differences,
        "lead": made.backtest.lead,
        "windows": made.backtest.windows,
        "moved": made.moved,
    }
    if made.gone is not None:
        tables |= {"winback": made.gone.rows, "returns": made.gone.returns}
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        for name, table in tables.items():
            table.to_parquet(staged.path(f"{name}.parquet", rows=len(table)), index=False, compression="zstd")
        about = json.dumps(made.about, indent=1, ensure_ascii=False, default=str)
        staged.path("about.json").write_text(about + "\n", encoding="utf-8")
    workbook, page = warning_paths(project)
    gone = None if made.gone is None else made.gone.rows
    language: Any = project.spec.language
    write_workbook(made.alerts, gone, made.about, workbook, language=language, currency=project.spec.currency)
    bank = (project.spec.title_zh, project.spec.title_en)
    files.write_atomic(page, warning_page(bank, {**tables}, made.about, currency=project.spec.currency))
