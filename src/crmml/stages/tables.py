"""The bank's tables: checked, typed, clustered, set down once; then opened."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from crmml import files
from crmml.errors import GateError
from crmml.sources.bank import Bank, open_tables
from crmml.sources.checks import check_sources
from crmml.sources.ingest import KIND, ingest, inputs_of
from crmml.sources.report import CheckReport
from crmml.stages.campaign_rows import with_campaign_rows
from crmml.stages.making import Say, digest_of_result, say_fresh
from crmml.stages.project import Project, open_project


def check_bank(folder: str | Path, *, say: Say) -> CheckReport:
    """Check a bank's sources against the contract; only the rows of campaigns are written, where they grew."""
    project = open_project(folder)
    say(f"checking {project.spec.title_en} …")
    return check_sources(with_campaign_rows(project))


def make_tables(project: Project, *, force: bool = False, say: Say) -> Bank:
    """Set the canonical tables down unless they are up to date, and open them.

    Raises
    ------
    SourceError
        With every failure, if the sources break the contract.
    GateError
        G004, if the project is strict and a source lacks a day or a branch.
    """
    folder, spec = project.workspace.of("tables"), with_campaign_rows(project)
    fresh = not force and files.is_fresh(folder, kind=KIND, inputs=inputs_of(spec))
    if not say_fresh("tables", fresh, say=say):
        report = ingest(spec, folder)
        say(f"          {sum(table.kept for table in report.tables):,} rows in {len(report.tables)} tables")
        for issue in report.issues:
            if not issue.is_stale:
                say(f"          {issue}")
    stale = stale_of(project)
    for line in stale:
        say(f"          {line}")
    if project.strict:
        require_whole(project.spec.name, stale)
    return open_tables(project.spec, folder)


def stale_of(project: Project) -> list[str]:
    """What the sources lack (days, branches, values), as found when the tables were made."""
    manifest = files.read_manifest(project.workspace.of("tables"))
    return list(manifest.about.get("stale", ())) if manifest else []


def require_whole(bank: str, stale: Sequence[str]) -> None:
    """Let nothing be made from sources that lack a day or a branch.

    Raises
    ------
    GateError
        G004, with all that is lacking.
    """
    if stale:
        lines = "".join(f"\n  {line}" for line in stale)
        raise GateError(
            f"{bank}: {len(stale)} sources lack rows; expected none with --strict. Load them, or run without it{lines}\n ",
            code="G004",
        )


def open_bank(folder: str | Path, *, say: Say = lambda text: None) -> Bank:
    """A bank's tables, checked on opening.

    Parameters
    ----------
    folder
        The bank's folder of configs, such as `configs/demo`.

    Raises
    ------
    NotFoundError, ConfigError, SourceError
        If there is no bank, its config is wrong, or its data break the contract.
    """
    project = open_project(folder)
    with project.alone():
        return make_tables(project, say=say)


def tables_digest(project: Project) -> str:
    return digest_of_result(
        project.workspace.of("tables"), what=f"the tables of {project.spec.name}", do="run `crmml run` first"
    )
