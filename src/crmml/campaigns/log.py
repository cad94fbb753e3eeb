"""The log of campaigns: one line for each freeze and each file of outcomes, chained by hashes.

A line that is edited, removed or put between others is found when the log is
read; what it names by digest (a frozen folder, a file of outcomes) cannot be
changed without being found either.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from crmml import files
from crmml.errors import IntegrityError

LOG = "log.jsonl"
_FIRST = "0" * 64
Event = Literal["frozen", "outcomes"]


@dataclass(frozen=True)
class Line:
    """What happened to a campaign, at a moment in UTC; `digest` names the folder or file that came of it."""

    at: str
    event: Event
    campaign: str
    digest: str
    about: Mapping[str, Any]
    before: str
    hash: str = ""

    def expected_hash(self) -> str:
        return files.digest_of({key: value for key, value in asdict(self).items() if key != "hash"})


def read_log(folder: Path) -> list[Line]:
    """Every line of a bank's log, oldest first.

    Raises
    ------
    IntegrityError
        If a line was edited, removed or added.
    """
    path = Path(folder) / LOG
    if not path.exists():
        return []
    lines, before = [], _FIRST
    text = path.read_bytes().decode("utf-8", errors="replace")
    for number, raw in enumerate(text.splitlines(keepends=True), start=1):
        if not raw.endswith("\n"):  # cut off by a crash before anything followed from it
            break
        line = _parse(raw)
        if line is None or line.before != before or line.hash != line.expected_hash():
            raise IntegrityError(
                f"{path}: line {number} is not what was written; expected a line chained to the one before. "
                "Restore the log from a backup",
                code="M006",
            )
        lines.append(line)
        before = line.hash
    return lines


def append(folder: Path, event: Event, campaign: str, digest: str, about: Mapping[str, Any]) -> Line:
    """Add a line; the caller holds the bank's lock."""
    path = Path(folder) / LOG
    files.drop_torn_line(path)
    lines = read_log(folder)
    moment = datetime.now(UTC).isoformat(timespec="seconds")
    open_line = Line(moment, event, campaign, digest, dict(about), lines[-1].hash if lines else _FIRST)
    line = Line(**{**asdict(open_line), "hash": open_line.expected_hash()})
    files.append_line(path, json.dumps(asdict(line), ensure_ascii=False))
    return line


def _parse(raw: str) -> Line | None:
    try:
        return Line(**json.loads(raw))
    except (ValueError, TypeError):
        return None
