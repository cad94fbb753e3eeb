"""The promotion log: one line for each change of champion, chained by hashes.

Every line holds the hash of the line before, so a line that is edited, removed
or put between others is found when the log is read.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from crmml import files
from crmml.errors import BusyError, IntegrityError

LOG = "promotions.jsonl"
# Models trained side by side register one after the other, and on a busy machine each takes its time.
PATIENCE = 180.0
_FIRST = "0" * 64


@dataclass(frozen=True)
class Promotion:
    """A change of champion.

    `at` is in UTC; `event` is `promoted` or `rolled back`; `previous` is the
    version that was champion before, if any; `bundle` is relative to the folder
    of models; `before` and `hash` chain the lines.
    """

    at: str
    model: str
    event: str
    version: str
    previous: str | None
    digest: str
    bundle: str
    by: str
    reason: str
    before: str
    hash: str = ""

    def sealed(self) -> Promotion:
        """The same line with its hash."""
        return Promotion(**{**asdict(self), "hash": self.expected_hash()})

    def expected_hash(self) -> str:
        return files.digest_of({key: value for key, value in asdict(self).items() if key != "hash"})


def read_log(models: Path) -> list[Promotion]:
    """Every promotion, oldest first.

    Raises
    ------
    IntegrityError
        If a line was edited, removed or added.
    """
    path = Path(models) / LOG
    if not path.exists():
        return []
    lines, before = [], _FIRST
    text = path.read_bytes().decode("utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(keepends=True), start=1):
        if not line.endswith("\n"):  # the write was cut off by a crash, before anything followed from it
            break
        entry = _parse(line)
        if entry is None or entry.before != before or entry.hash != entry.expected_hash():
            raise IntegrityError(
                f"{path}: line {number} is not what was written; expected a line chained to the one before. "
                "Restore the log from a backup",
                code="M006",
            )
        lines.append(entry)
        before = entry.hash
    return lines


def champion(models: Path, model: str) -> Promotion | None:
    """The line that made the present champion, or None."""
    return next((entry for entry in reversed(read_log(models)) if entry.model == model), None)


def champion_on(models: Path, model: str, day: date) -> Promotion | None:
    """The line that made the champion at the end of a day (UTC), or None if there was none yet."""
    end = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(days=1)
    entries = [entry for entry in read_log(models) if entry.model == model]
    return next((entry for entry in reversed(entries) if datetime.fromisoformat(entry.at) < end), None)


def append(models: Path, *, at: datetime | None = None, **fields: Any) -> Promotion:
    """Add a line; the caller holds the lock."""
    path = Path(models) / LOG
    files.drop_torn_line(path)
    entries = read_log(models)
    moment = (at or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="microseconds")
    entry = Promotion(at=moment, before=entries[-1].hash if entries else _FIRST, **fields).sealed()
    files.append_line(path, json.dumps(asdict(entry), ensure_ascii=False))
    return entry


@contextmanager
def locked(models: Path) -> Iterator[None]:
    """Hold the lock of the log, waiting up to three minutes for whoever holds it.

    Raises
    ------
    BusyError
        If it is still held then.
    """
    until = time.monotonic() + PATIENCE
    while True:
        lock = files.lock(Path(models) / ".promotions.lock", what="the promotion log")
        try:
            lock.__enter__()
        except BusyError:
            if time.monotonic() > until:
                raise
            time.sleep(0.02)
            continue
        break
    try:
        yield
    finally:
        lock.__exit__(None, None, None)


def _parse(line: str) -> Promotion | None:
    try:
        return Promotion(**json.loads(line))
    except (ValueError, TypeError):
        return None
