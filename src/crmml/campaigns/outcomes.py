"""The outcomes of a campaign: kept file by file, never overwritten, read as the latest word on each customer."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import files
from crmml.campaigns import log
from crmml.campaigns.entries import ENTRY, empty_entries
from crmml.campaigns.frozen import OUTCOMES, Campaign, finish_log
from crmml.errors import IntegrityError

_STATUS = ("status", "contacted_on", "channel", "note")
_RESULT = ("is_taken", "taken_on")
_SCHEMA = pa.schema(
    [
        ("customer_id", pa.string()),
        ("status", pa.string()),
        ("contacted_on", pa.date32()),
        ("is_taken", pa.bool_()),
        ("taken_on", pa.date32()),
        ("channel", pa.string()),
        ("note", pa.string()),
        ("known_on", pa.date32()),
    ]
)


def read_history(campaign: Campaign, *, as_of: date | None = None) -> pd.DataFrame:
    """Every entry ever taken in, in the order it came: the columns of `ENTRY`, `came` (0, 1, …) and `source`.

    `as_of` leaves out what speaks of later days.

    Raises
    ------
    IntegrityError
        If a stored file is missing or was changed.
    """
    parts = [empty_entries().assign(came=pd.Series(dtype="int64"), source=pd.Series(dtype="str"))]
    for came, line in enumerate(_lines(campaign)):
        path = campaign.folder / OUTCOMES / f"{line.digest}.parquet"
        if not path.is_file() or files.digest_file(path) != line.about["sha256"]:
            raise IntegrityError(
                f"campaign {campaign.name}: outcomes {path.name[:12]}… (of {line.about['source']}) are missing or were changed "
                "after they were taken in; restore them from a backup",
                code="M002",
            )
        parts.append(_entries(path).assign(came=came, source=str(line.about["source"])))
    history = pd.concat(parts, ignore_index=True)
    if as_of is not None:
        history = history[history["known_on"].map(lambda day: day <= as_of).astype(bool)].reset_index(drop=True)
    return history


def latest(history: pd.DataFrame) -> pd.DataFrame:
    """The latest word on each customer: of the contact and of the taking, each by its own date.

    Indexed by `customer_id`: `status, contacted_on, channel, note, status_on`, `is_taken, taken_on, result_on`. A
    customer once taken is not untaken by an earlier look.
    """
    said = history.assign(
        day=[_said_on(*row) for row in zip(history["contacted_on"], history["known_on"], strict=True)]
    )
    contacts = said[said["status"].notna() | said["contacted_on"].notna()].sort_values(["day", "came"], kind="stable")
    results = history[history["is_taken"].notna()].sort_values(["known_on", "came"], kind="stable")
    last_contact = contacts.groupby("customer_id")[[*_STATUS, "day"]].tail(1)
    last_contact = last_contact.set_index(contacts.loc[last_contact.index, "customer_id"])
    last_result = results.groupby("customer_id")[[*_RESULT, "known_on"]].tail(1)
    last_result = last_result.set_index(results.loc[last_result.index, "customer_id"])
    joined = last_contact.rename(columns={"day": "status_on"}).join(
        last_result.rename(columns={"known_on": "result_on"}), how="outer"
    )
    return joined.rename_axis("customer_id")


def take_in(
    home: Path, campaign: Campaign, entries: pd.DataFrame, *, source: str, about: Mapping[str, Any]
) -> tuple[int, int]:
    """Keep the entries that say something new; how many did, and how many were known.

    The caller holds the bank's lock.
    """
    fresh = _news(read_history(campaign), entries)
    if len(fresh):
        finish_log(home)
        written = io.BytesIO()
        pq.write_table(_table(fresh), written)
        sha = hashlib.sha256(written.getvalue()).hexdigest()
        # The same rows may be news again after others came between, so the number of the intake is part of the name.
        digest = files.digest_of([sha, len(_lines(campaign))])
        files.write_atomic(campaign.folder / OUTCOMES / f"{digest}.parquet", written.getvalue())
        log.append(
            home, "outcomes", campaign.name, digest, {"source": source, "rows": len(fresh), "sha256": sha, **about}
        )
    return len(fresh), len(entries) - len(fresh)


def has_outcomes(campaign: Campaign) -> bool:
    return bool(_lines(campaign))


def _lines(campaign: Campaign) -> list[log.Line]:
    lines = log.read_log(campaign.folder.parent)
    return [line for line in lines if line.event == "outcomes" and line.campaign == campaign.name]


def _news(history: pd.DataFrame, entries: pd.DataFrame) -> pd.DataFrame:
    """The entries that no earlier one says already, nor the latest word on their customer."""
    known = set(_keys(history))
    fresh = [
        key not in known and not half
        for key, half in zip(_keys(entries), _half_known(entries, latest(history)), strict=True)
    ]
    return entries[fresh].reset_index(drop=True)


def _half_known(entries: pd.DataFrame, now: pd.DataFrame) -> list[bool]:
    """Whether all that an entry says, of the contact and of the taking, is the latest word already."""
    words = dict(zip(now.index, now.to_dict("records"), strict=True))
    found = []
    for row in entries.to_dict("records"):
        last = words.get(row["customer_id"], {})
        halves = []
        if not _none(row["status"]) or not _none(row["contacted_on"]):
            halves.append(all(_same(row[name], last.get(name)) for name in _STATUS))
        if not _none(row["is_taken"]):
            # A later look that still sees nothing taken is news: the result is known up to a later day.
            later = bool(row["is_taken"]) or (not _none(last.get("result_on")) and row["known_on"] <= last["result_on"])
            halves.append(later and all(_same(row[name], last.get(name)) for name in _RESULT))
        found.append(all(halves))
    return found


def _keys(frame: pd.DataFrame) -> list[tuple[Any, ...]]:
    columns = [[None if _none(value) else value for value in frame[name]] for name in ENTRY]
    return list(zip(*columns, strict=True))


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) if not _none(one) and not _none(other) else _none(one) and _none(other)


def _none(value: Any) -> bool:
    return value is None or bool(pd.isna(value))


def _said_on(contacted_on: date | None, known_on: date) -> date:
    return known_on if contacted_on is None or pd.isna(contacted_on) else contacted_on


def _table(entries: pd.DataFrame) -> pa.Table:
    columns = {name: [None if _none(value) else value for value in entries[name]] for name in ENTRY}
    return pa.table({name: pa.array(columns[name], _SCHEMA.field(name).type) for name in ENTRY}, schema=_SCHEMA)


def _entries(path: Path) -> pd.DataFrame:
    table = pq.read_table(path)
    columns: dict[str, Any] = {name: pd.Series(table[name].to_pylist(), dtype="object") for name in ENTRY}
    return pd.DataFrame(columns).astype({"customer_id": "str", "is_taken": "boolean"})


def already_taken_in(campaign: Campaign, file: str, said_of: date | None) -> bool:
    """Whether a file of these very bytes was taken in without anything set aside.

    Said to be of a later day than then it tells more: what it does not hold has not happened up to then either.
    """
    return any(
        line.about.get("file") == file
        and not line.about.get("set_aside")
        and (said_of is None or str(line.about["known_on"]) >= str(said_of))
        for line in _lines(campaign)
    )
