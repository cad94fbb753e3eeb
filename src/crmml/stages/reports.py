"""Where the report of a version lies: the newest under `out/`, every one kept beside the registry."""

from __future__ import annotations

from pathlib import Path

from crmml import files
from crmml.stages.workspace import Workspace

FOLDER = "reports"


def write_report(workspace: Workspace, key: str, page: str, *, name: str, version: str) -> Path:
    """Write the page of a version where people open the newest, and where it stays; the path of the latter."""
    kept = _place(workspace.models, name, version)
    files.write_atomic(kept, page)
    files.write_atomic(workspace.out / f"report-{key}.html", page)
    return kept


def kept_report(models: Path, name: str, version: str) -> Path | None:
    """The report of a version, None where none was made (a model registered from Python)."""
    path = _place(models, name, version)
    return path if path.is_file() else None


def _place(models: Path, name: str, version: str) -> Path:
    return models / FOLDER / f"{name}-v{version}.html"
