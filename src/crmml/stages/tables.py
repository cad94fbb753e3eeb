"""The bank's tables: checked, typed, clustered, set down once; then opened."""

from __future__ import annotations

from pathlib import Path

from crmml import files
from crmml.sources.bank import Bank, open_tables
from crmml.sources.checks import check_sources
from crmml.sources.ingest import KIND, ingest, inputs_of
from crmml.sources.report import CheckReport
from crmml.stages.making import Say, digest_of_result, say_fresh
from crmml.stages.project import Project, open_project


def check_bank(folder: str | Path, *, say: Say) -> CheckReport:
    """Check a bank's sources against the contract, writing nothing."""
    project = open_project(folder)
    say(f"checking {project.spec.title_en} …")
    return check_sources(project.spec)


def make_tables(project: Project, *, force: bool = False, say: Say) -> Bank:
    """Set the canonical tables down unless they are up to date, and open them.

    Raises
    ------
    SourceError
        With every failure, if the sources break the contract.
    """
    folder = project.workspace.of("tables")
    if say_fresh("tables", not force and files.is_fresh(folder, kind=KIND, inputs=inputs_of(project.spec)), say=say):
        return open_tables(project.spec, folder)
    report = ingest(project.spec, folder)
    say(f"          {sum(table.kept for table in report.tables):,} rows in {len(report.tables)} tables")
    for issue in report.issues:
        say(f"          {issue}")
    return open_tables(project.spec, folder)


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
