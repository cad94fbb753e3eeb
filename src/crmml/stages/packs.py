"""Packs of a list for head office, branches and managers, as files under `out/`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from crmml.errors import NotFoundError, UsageError, did_you_mean
from crmml.stages.kept_lists import find_list
from crmml.stages.making import Say
from crmml.stages.project import open_project
from crmml.targeting.packs import LEVELS, Desk, desks, safe_names, write_pack


def make_packs(given: Path, name: str, *, level: str, key: str | None, say: Say) -> list[dict[str, Any]]:
    """Write the packs of a level, or that of one desk, from a list or frozen campaign; one row per pack.

    Raises
    ------
    UsageError
        U004 for an unknown level, U002 for an id of head office.
    NotFoundError
        M001 if the list, or a desk of this id with rows on it, is not there.
    """
    chosen = next((each for each in LEVELS if each == level), None)
    if chosen is None:
        raise UsageError(f"--level is {level!r}; expected one of {', '.join(LEVELS)}", code="U004")
    if chosen == "head" and key is not None:
        raise UsageError("--id goes with --level branch or manager; head office receives the whole list", code="U002")
    project = open_project(given)
    kept = find_list(project, name)
    targets = kept.targets()
    every = desks(targets, chosen)
    names = safe_names([desk.key for desk in every]) if chosen != "head" else {"": targets.spec.name}
    folder = project.workspace.out / "packs" / kept.list_id / chosen
    wanted = every if key is None else [_desk(every, key, kept.list_id)]
    if key is None:
        shutil.rmtree(folder, ignore_errors=True)
    told: list[dict[str, Any]] = []
    for desk in wanted:
        path = folder / f"{names[desk.key]}.xlsx"
        rows = write_pack(targets, desk, path, language=project.spec.language, currency=project.spec.currency)  # type: ignore[arg-type]
        told.append({"level": desk.level, "id": desk.key, "name": desk.name, "rows": rows, "file": str(path)})
    say(f"packs     {len(told):,} in {folder}, {sum(int(row['rows']) for row in told):,} rows to contact")
    return told


def _desk(every: list[Desk], key: str, list_id: str) -> Desk:
    found = next((desk for desk in every if desk.key == key), None)
    if found is None:
        known = [desk.key for desk in every]
        level = every[0].level if every else "desk"
        raise NotFoundError(
            f"{level} {key!r} has no row on {list_id}; expected one of {', '.join(known[:8])}"
            f"{f' and {len(known) - 8} more' if len(known) > 8 else ''}.{did_you_mean(key, known)}",
            code="M001",
        )
    return found
