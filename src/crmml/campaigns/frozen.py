"""A list frozen as a campaign: what is kept, what is refused, how it is read again.

`models/campaigns/<bank>/<name>/` holds `campaign.json`, `list/` (the whole
folder of the list, as it was), `manifest.json` with the digest of each of
them, and `outcomes/`, which alone grows.
"""

from __future__ import annotations

import json
import math
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import files
from crmml.campaigns import log
from crmml.errors import GateError, IntegrityError, NotFoundError, UsageError, did_you_mean
from crmml.targeting.arms import CONTROL, EXPLORE, TREATED

KIND = "campaign"
LEAST_CONTROL = 0.05
OUTCOMES = "outcomes"
_ABOUT, _LIST = "campaign.json", "list"
_NAME = re.compile(r"[^\W_][\w\-]{0,63}")


@dataclass(frozen=True)
class Campaign:
    """A frozen campaign whose every file was compared with what was written.

    Attributes
    ----------
    about
        `campaign.json`: name, purpose, owner, list id, days, models with digests, spec, offers, content hash.
    rows
        The list for machines, all arms, one row per customer.
    """

    folder: Path
    about: Mapping[str, Any]
    rows: pd.DataFrame

    @property
    def name(self) -> str:
        return str(self.about["name"])

    @property
    def list_id(self) -> str:
        return str(self.about["list_id"])

    @property
    def assigned_on(self) -> date:
        """The day the arms were drawn; nothing of the campaign happened before."""
        return date.fromisoformat(self.about["assigned_on"])

    @property
    def list_folder(self) -> Path:
        """The folder of the list as it was, with its own manifest."""
        return self.folder / _LIST


def content_of(list_folder: Path, terms: Mapping[str, Any]) -> str:
    """The hash by which two campaigns are the same: every file of the list, and what it was frozen for."""
    manifest = files.verify(list_folder, what=f"the list in {list_folder}")
    return files.digest_of({"files": dict(manifest.files), "terms": dict(terms)})


def require_name(name: str) -> None:
    """A campaign's name becomes a folder.

    Raises
    ------
    UsageError
        U009 if it holds anything but letters, digits, `-` and `_`.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"a campaign cannot be named {name!r}; expected up to 64 letters, digits, - and _, such as card-2026-01",
            code="U009",
        )


def require_control(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Rows by offer and arm, once the control arm is large enough to judge each offer by.

    Raises
    ------
    GateError
        G005 with every offer whose control arm is below 5 % (rounded down to
        whole rows), and what to change.
    """
    drawn = rows[rows["arm"] != EXPLORE]
    counts = pd.crosstab(drawn["offer"], drawn["arm"]).reindex(columns=[TREATED, CONTROL], fill_value=0)
    held, every = counts[CONTROL], counts.sum(axis=1)
    short = counts[held < (LEAST_CONTROL * every).map(math.floor)]
    total, control = int(every.sum()), int(held.sum())
    if len(short) or control < max(1, math.floor(LEAST_CONTROL * total)):
        told = ", ".join(
            f"{offer} {int(row[CONTROL])} of {int(row[TREATED] + row[CONTROL])}" for offer, row in short.iterrows()
        )
        least = max(LEAST_CONTROL, 1 / total) if total else LEAST_CONTROL
        raise GateError(
            f"the control arm holds {control} of {total:,} rows{f' (too few: {told})' if told else ''}; expected at least "
            f"{LEAST_CONTROL:.0%} of every offer, or nobody can say what the campaign brought. Set control_share to "
            f"{math.ceil(least * 100) / 100:.2f} or more in the list's config, run `crmml list` and freeze again",
            code="G005",
        )
    explored = rows[rows["arm"] == EXPLORE]["offer"].value_counts()
    return {
        str(offer): {
            TREATED: int(row[TREATED]),
            CONTROL: int(row[CONTROL]),
            EXPLORE: int(explored.get(str(offer), 0)),
        }
        for offer, row in counts.iterrows()
    }


def write_campaign(home: Path, list_folder: Path, about: Mapping[str, Any]) -> bool:
    """Freeze a list under `about["name"]`; False if this very content is frozen there already.

    The caller holds the bank's lock.

    Raises
    ------
    IntegrityError
        M008 if the name stands for other content, or the list is frozen under another name.
    """
    name, content = str(about["name"]), str(about["content"])
    finish_log(home)
    for taken in names(home):
        other = read_campaign(home, taken).about
        if taken == name and other["content"] == content:
            return False
        if taken == name:
            raise IntegrityError(
                f"{name} is frozen with content {str(other['content'])[:12]} (list {other['list_id']}), and this is "
                f"{content[:12]} (list {about['list_id']}); a frozen campaign never changes. Choose another name",
                code="M008",
            )
        if other["list_id"] == about["list_id"]:
            raise IntegrityError(
                f"list {about['list_id']} is frozen as {taken} ({str(other['content'])[:12]}); frozen as {name} "
                f"({content[:12]}) too, its outcomes would count twice. Use {taken}, or build another list",
                code="M008",
            )
    folder = home / name
    source = files.read_manifest(list_folder)
    assert source is not None
    with files.publish(folder, kind=KIND, inputs={"list": source.digest(), "content": content}) as staged:
        shutil.copytree(list_folder, staged.folder / _LIST)
        staged.path(_ABOUT).write_text(_told(about), encoding="utf-8")
    _make_read_only(folder)
    log.append(home, "frozen", name, _digest(folder), {"content": content, "owner": about["owner"]})
    return True


def read_campaign(home: Path, name: str) -> Campaign:
    """A frozen campaign by its name or its list id, every file compared with what was written.

    Raises
    ------
    NotFoundError
        If there is none.
    IntegrityError
        If anything of it was changed since.
    """
    known = names(home)
    if name not in known:
        name = next((each for each in known if _about(home / each)["list_id"] == name), name)
    if name not in known:
        raise NotFoundError(
            f"campaign {name!r} not found; expected one of {', '.join(known) or 'none so far'}."
            f"{did_you_mean(name, known)} `crmml campaign freeze` makes one",
            code="M001",
        )
    folder = home / name
    _verify(home, name)
    about = _about(folder)
    rows = pd.read_parquet(folder / _LIST / f"{about['list']}.parquet")
    return Campaign(folder, about, rows)


def finish_log(home: Path) -> None:
    """Write the line of each campaign whose freeze was cut off before it; the caller holds the bank's lock."""
    logged = {line.campaign for line in log.read_log(home) if line.event == "frozen"}
    for name in names(home):
        if name not in logged:
            about = _about(home / name)
            log.append(
                home, "frozen", name, _digest(home / name), {"content": about["content"], "owner": about["owner"]}
            )


def names(home: Path) -> list[str]:
    """The campaigns of a bank, those whose freezing was finished."""
    if not home.is_dir():
        return []
    lines = {line.campaign for line in log.read_log(home) if line.event == "frozen"}
    gone = sorted(name for name in lines if not (home / name / files.MANIFEST).is_file())
    if gone:
        raise IntegrityError(
            f"campaign {gone[0]} is in the log and not on the disk; restore {home / gone[0]}", code="M002"
        )
    return sorted(path.parent.name for path in home.glob(f"*/{files.MANIFEST}") if not path.parent.name.startswith("."))


def _verify(home: Path, name: str) -> None:
    folder = home / name
    manifest = files.require_manifest(folder, what=f"campaign {name}", do="restore it from a backup")
    lines = [line for line in log.read_log(home) if line.event == "frozen" and line.campaign == name]
    # Without a line the freeze is between its folder and the log, or was cut off there: what is on the disk is whole.
    if lines and lines[-1].digest != manifest.digest():
        raise IntegrityError(
            f"campaign {name} has digest {manifest.digest()[:12]}…, frozen as {lines[-1].digest[:12]}…; "
            "its manifest was changed after it was frozen. Restore it from a backup",
            code="M002",
        )
    present = {
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != OUTCOMES
    }
    strange = sorted((present - {files.MANIFEST}) ^ set(manifest.files))
    if strange:
        raise IntegrityError(f"campaign {name}: {strange[0]} is missing or was added; restore it", code="M002")
    for file, expected in manifest.files.items():
        found = files.digest_file(folder / file)
        if found != expected:
            raise IntegrityError(
                f"campaign {name}: {file} has SHA-256 {found[:12]}…, frozen with {expected[:12]}…; "
                "it was changed after it was frozen and is refused, restore it from a backup",
                code="M002",
            )


def _make_read_only(folder: Path) -> None:
    """Nobody changes a frozen file by mistake; outcomes go into the one folder that stays open."""
    (folder / OUTCOMES).mkdir()
    for path in [*folder.rglob("*"), folder]:
        if path != folder / OUTCOMES:
            path.chmod(0o444 if path.is_file() else 0o555)


def _about(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    return found


def _digest(folder: Path) -> str:
    return files.require_manifest(folder, what="the campaign", do="freeze it again").digest()


def _told(about: Mapping[str, Any]) -> str:
    return json.dumps(dict(about), indent=1, ensure_ascii=False, default=str) + "\n"
