"""Finding a list that was made, current or frozen, and reading it back as it was."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from crmml import files
from crmml.errors import IntegrityError, NotFoundError, UsageError, did_you_mean
from crmml.stages.list_snapshot import Snapshot, read_snapshot
from crmml.stages.project import Project, open_project
from crmml.stages.workspace import Workspace, project_root
from crmml.targeting import TargetList
from crmml.targeting.export import DATES

CAMPAIGNS = "campaigns"


@dataclass(frozen=True)
class KeptList:
    """A list on disk: the folder, the name it was found by, whether it is frozen, and what its own page says."""

    folder: Path
    name: str
    is_frozen: bool
    about: dict[str, Any]

    @property
    def list_id(self) -> str:
        return str(self.about["list_id"])

    @property
    def list_name(self) -> str:
        return str(self.about["name"])

    def table(self, name: str) -> pd.DataFrame:
        """A table of the folder, such as `candidates`; empty where there is none."""
        path = self.folder / f"{name}.parquet"
        return _dated(pd.read_parquet(path)) if path.exists() else pd.DataFrame()

    def snapshot(self) -> Snapshot:
        return read_snapshot(self.folder)

    def targets(self) -> TargetList:
        """The list as it was built."""
        use = self.table("capacity_use")
        return TargetList(
            spec=self.snapshot().spec,
            table=self.table(self.list_name),
            candidates=self.table("candidates"),
            waterfall=self.table("waterfall"),
            capacity_use=use.assign(limit=use["limit"].fillna(np.inf)),
            reserve=self.table("reserve"),
            changes=self.table("changes"),
            bound=float(self.about["bound"]),
            gap=float(self.about["gap"]),
            about=self.about,
        )


def open_list(given: Path | None, name: str | None) -> tuple[Project, KeptList]:
    """The list asked for by a bank's folder (and a name, where there are several), by its config, or by its name alone.

    Raises
    ------
    UsageError
        U002 if the bank has several lists and none is named.
    NotFoundError
        M001 if there is no such list.
    """
    if given is None or (name is None and _names_a_list(given)):
        name = name or str(given)
        project = open_project(_bank_of(name))
        return project, find_list(project, name)
    if given.suffix in (".yaml", ".yml"):
        project = open_project(given.parent)
        return project, find_list(project, name or given.stem)
    project = open_project(given)
    if name is not None:
        return project, find_list(project, name)
    known = [kept.name for kept in kept_lists(project.workspace) if not kept.is_frozen]
    if len(known) > 1:
        raise UsageError(
            f"{project.spec.name} has {len(known)} lists: {', '.join(known)}; expected one. Name it with --list",
            code="U002",
        )
    return project, find_list(project, *known) if known else find_list(project, next(iter(project.config.lists), "-"))


def _names_a_list(given: Path) -> bool:
    """Whether these words are the name or id of a list, and no path or bank."""
    if given.exists() or len(given.parts) != 1 or (project_root() / "configs" / given).exists():
        return False
    return bool(_banks_of(str(given)))


def _bank_of(name: str) -> str:
    """The one bank of the project that has a list of this name or id."""
    found = _banks_of(name)
    if not found:
        raise NotFoundError(
            f"no bank here has a list {name!r}; expected the name or id of a list made (crmml list) or frozen (crmml campaign "
            "freeze). Name the bank too, such as configs/demo, to see its lists",
            code="M001",
        )
    if len(found) > 1:
        raise UsageError(
            f"{len(found)} banks have a list {name!r}: {', '.join(found)}; expected one. Name the bank, such as configs/{found[0]}",
            code="U002",
        )
    return found[0]


def _banks_of(name: str) -> list[str]:
    root = project_root()
    banks = sorted({*_inside(root / "data"), *_inside(root / "models" / CAMPAIGNS)})
    spaces = [Workspace(root, bank) for bank in banks]
    return [one.bank for one in spaces if any(name in (each.name, each.list_id) for each in kept_lists(one))]


def _inside(folder: Path) -> list[str]:
    return [path.name for path in folder.glob("*") if path.is_dir()]


def find_list(project: Project, name: str) -> KeptList:
    """The list of a name or list id, or the frozen campaign of a name or list id, every file checked.

    Raises
    ------
    NotFoundError
        M001 if there is none.
    IntegrityError
        M002 if a file is not what was written.
    """
    kept = list(kept_lists(project.workspace))
    found = next((each for each in kept if name in (each.name, each.list_id)), None)
    if found is None:
        known = sorted({word for each in kept for word in (each.name, each.list_id)})
        listed = ", ".join(known[:8]) + (f" and {len(known) - 8} more" if len(known) > 8 else "") or "none"
        raise NotFoundError(
            f"{project.spec.name} has no list {name!r}; expected the name or id of a list made (crmml list) or frozen "
            f"(crmml campaign freeze): {listed}.{did_you_mean(name, known)}",
            code="M001",
        )
    require_unchanged(found)
    return found


def kept_lists(workspace: Workspace) -> Iterator[KeptList]:
    """Every list of a bank by name, the current ones first, then the frozen ones by the name of their campaign."""
    for folder in _finished(workspace.of("lists"), "*"):
        yield KeptList(folder, folder.name, False, _about(folder))
    for folder in _finished(workspace.models / CAMPAIGNS / workspace.bank, "*/list"):
        yield KeptList(folder, folder.parent.name, True, _about(folder))


def newest_frozen(workspace: Workspace, list_name: str, *, as_of: str, but: str | None) -> KeptList | None:
    """The newest frozen list of a name, of data up to a day, that is not `but` (a list id); None where there is none."""
    frozen = [
        each
        for each in kept_lists(workspace)
        if each.is_frozen and each.list_name == list_name and str(each.about["suppress_as_of"]) <= as_of
    ]
    others = [each for each in frozen if each.list_id != but]
    return max(others, key=lambda each: (str(each.about["suppress_as_of"]), each.list_id), default=None)


def _finished(parent: Path, pattern: str) -> list[Path]:
    """The folders of results that are whole, by name."""
    folders = sorted(path for path in parent.glob(pattern) if not path.name.startswith("."))
    return [path for path in folders if (path / files.MANIFEST).is_file() and not path.parent.name.startswith(".")]


def require_unchanged(kept: KeptList) -> None:
    """Every file the manifest names is there and is what was written (what was added later is not read).

    Raises
    ------
    IntegrityError
        M002 otherwise.
    """
    manifest = files.require_manifest(kept.folder, what=f"the list {kept.name}", do="build it again (crmml list)")
    for name, expected in manifest.files.items():
        path = kept.folder / name
        found = files.digest_file(path) if path.is_file() else None
        if found != expected:
            state = "is missing" if found is None else "was changed after it was written"
            raise IntegrityError(
                f"the list {kept.name}: {name} {state}; expected SHA-256 {expected[:12]}…. "
                f"Restore {kept.folder}" + ("" if kept.is_frozen else ", or build the list again (crmml list)"),
                code="M002",
            )


def list_id_of(folder: Path) -> str | None:
    """The id of the list in a folder; None where no finished list is there."""
    return str(_about(folder)["list_id"]) if (folder / files.MANIFEST).is_file() else None


def _about(folder: Path) -> dict[str, Any]:
    path = folder / "about.json"
    try:
        about = dict(json.loads(path.read_text(encoding="utf-8")))
        return about if {"list_id", "name"} <= set(about) else {**about, **_missing(path)}
    except (OSError, ValueError) as error:
        raise IntegrityError(
            f"{path} cannot be read ({error}); expected what crmml list wrote. Restore it, or build the list again",
            code="M002",
        ) from error


def _missing(path: Path) -> dict[str, Any]:
    raise ValueError(f"no list_id in {path.name}")


def _dated(table: pd.DataFrame) -> pd.DataFrame:
    days = [name for name in DATES if name in table]
    return table.assign(**{name: pd.to_datetime(table[name]).astype("datetime64[s]") for name in days})
