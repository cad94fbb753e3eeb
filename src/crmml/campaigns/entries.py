"""Returned rows checked against the frozen list: what is taken in, and what is set aside with every reason."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmml.campaigns.frozen import Campaign
from crmml.campaigns.returned import FIELDS, TOLD
from crmml.campaigns.statuses import known_words, plain, status_of
from crmml.errors import mask

ENTRY = ("customer_id", "status", "contacted_on", "is_taken", "taken_on", "channel", "note", "known_on")
"""One row per customer and thing told: a status of a contact, whether the offer was taken, or both."""
EXAMPLES, SHOWN = 3, 12  # rows named of a fault, and letters of a cell
_YES = {"1", "true", "yes", "y", "是", "已办理", "taken"}
_NO = {"0", "false", "no", "n", "否", "未办理", "not taken", "not_taken"}
_DAY = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?|(\d{4})(\d{2})(\d{2})")


@dataclass(frozen=True)
class Fault:
    """One kind of fault with the rows that have it, ids masked."""

    code: str
    told: str
    count: int
    examples: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.count:,} × {self.told} (first: {', '.join(self.examples)}) [{self.code}]"


@dataclass(frozen=True)
class Checked:
    """`rows = taken in + set aside + copies`: rows on which something was entered.

    `entries` has the columns of `ENTRY`; `set_aside` those of `FIELDS`, `row` and `reason`.
    """

    rows: int
    entries: pd.DataFrame
    set_aside: pd.DataFrame
    copies: int
    faults: tuple[Fault, ...]


def check_returned(campaign: Campaign, returned: pd.DataFrame, *, known_on: date, restore_ids: bool = False) -> Checked:
    """Check every row of a file against the list it was sent out with.

    Parameters
    ----------
    returned
        From `read_returned`.
    known_on
        The day whose end the file speaks of: of two entries the later counts.
    restore_ids
        Take an id that has lost its leading zeros for the one customer of the list it can be.
    """
    rows = returned.reset_index(drop=True)
    ids, shortened = _restored(campaign, rows["customer_id"])
    if restore_ids:
        rows = rows.assign(customer_id=ids.where(shortened, rows["customer_id"]))
        shortened = pd.Series(False, index=rows.index)
    parsed = _parsed(rows, known_on)
    found = list(_faults(campaign, rows, parsed, shortened, known_on))
    is_bad = np.logical_or.reduce([bad for _, _, bad in found])
    good = parsed[~is_bad]
    clash = _clashing(good)
    found.append(
        ("D047", "a customer stands there twice with different entries; leave one", _spread(clash, rows.index))
    )
    is_bad = is_bad | found[-1][2]
    good = parsed[~is_bad]
    entries = good.drop_duplicates(ignore_index=True)
    return Checked(
        rows=len(rows),
        entries=entries,
        set_aside=_aside(rows, found)[is_bad],
        copies=len(good) - len(entries),
        faults=tuple(_fault(code, told, bad, rows) for code, told, bad in found if bad.any()),
    )


def _restored(campaign: Campaign, ids: pd.Series) -> tuple[pd.Series, pd.Series]:
    """For ids not on the list, the one customer whose id is the same number; and which these are."""
    on_list = campaign.rows["customer_id"].astype("str")
    bare = on_list[on_list.str.isdecimal()]
    key = bare.str.lstrip("0")
    unique = pd.Series(bare.to_numpy(), index=key.to_numpy())[~key.duplicated(keep=False).to_numpy()]
    plain_ids = ids.str.replace(r"\.0+$", "", regex=True)
    found = plain_ids.str.lstrip("0").map(unique)
    return found, found.notna() & ~ids.isin(on_list)


def _parsed(rows: pd.DataFrame, known_on: date) -> pd.DataFrame:
    """The entries as they would be taken in; NaT and None where a text cannot be read."""
    taken = rows["taken"].map(lambda text: True if plain(text) in _YES else False if plain(text) in _NO else None)
    taken_on = rows["taken_on"].map(_day)
    return pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "status": rows["status"].map(status_of),
            "contacted_on": rows["contacted_on"].map(_day),
            "is_taken": taken.where(taken.notna() | taken_on.isna(), True).astype("boolean"),
            "taken_on": taken_on,
            "channel": rows["channel"].replace("", None),
            "note": rows["note"].replace("", None),
            "known_on": known_on,
        }
    ).astype(dict.fromkeys(("status", "contacted_on", "taken_on", "channel", "note", "known_on"), "object"))


def _faults(
    campaign: Campaign, rows: pd.DataFrame, parsed: pd.DataFrame, shortened: pd.Series, known_on: date
) -> Iterator[tuple[str, str, np.ndarray]]:
    on_list = campaign.rows.set_index(campaign.rows["customer_id"].astype("str"))
    is_known = rows["customer_id"].isin(on_list.index)
    digits_lost = rows["customer_id"].str.contains(r"^\d\.?\d*[eE]\+\d+$") | (
        rows["is_number"] & (rows["customer_id"].str.len() > 15) & ~is_known
    )
    offers = _offer_words(campaign)
    offer = rows["offer"].map(lambda text: offers.get(plain(text), text))
    own = rows["customer_id"].map(on_list["offer"]).astype("object")
    first = campaign.assigned_on
    yield (
        "D040",
        f"list id is not {campaign.list_id}: another list, or an edited cell",
        (rows["list_id"] != campaign.list_id).to_numpy(),
    )
    yield "D042", "no customer id stands beside the entry", (rows["customer_id"] == "").to_numpy()
    yield (
        "D043",
        "the id became a number and lost its leading zeros; each is like one customer of the list: run again with --restore-ids to take them for these, or send the workbook with ids as text",
        (shortened & ~digits_lost).to_numpy(),
    )
    yield (
        "D043",
        "the id became a number and lost its last digits; nobody can tell whose it is, send the original workbook",
        digits_lost.to_numpy(),
    )
    is_stranger = ~is_known & ~shortened & ~digits_lost & (rows["customer_id"] != "")
    yield "D044", "customer is not on the list: a row was added, or belongs to another list", is_stranger.to_numpy()
    yield "D044", "the offer is not the customer's on this list", (is_known & (offer != own)).to_numpy()
    yield (
        "D045",
        f"status is unknown; expected one of {known_words()}",
        ((rows["status"] != "") & parsed["status"].isna()).to_numpy(),
    )
    yield (
        "D045",
        "taken is neither yes nor no; expected 1, 0, yes, no, 是 or 否",
        ((rows["taken"] != "") & parsed["is_taken"].isna()).to_numpy(),
    )
    for name in ("contacted_on", "taken_on"):
        days = parsed[name]
        yield "D046", f"{name} is no day such as 2026-01-15", ((rows[name] != "") & days.isna()).to_numpy()
        yield "D046", f"{name} is before {first}, the day the arms were drawn", _where(days, lambda day: day < first)
        yield (
            "D046",
            f"{name} is after {known_on}, the day the file speaks of (--on)",
            _where(days, lambda day: day > known_on),
        )
    before = [
        status is not None
        and told == told
        and told is not None
        and called is not None
        and called == called
        and told < called
        for status, called, told in zip(parsed["status"], parsed["contacted_on"], parsed["taken_on"], strict=True)
    ]
    yield "D046", "the outcome is dated before the contact", np.array(before, dtype=bool)
    denied = (parsed["is_taken"].eq(False) & parsed["taken_on"].notna()).fillna(False)
    yield "D046", "taken says no beside a day of taking", denied.to_numpy(dtype=bool)


def _where(days: pd.Series, test: Callable[[date], bool]) -> np.ndarray:
    return np.array([isinstance(day, date) and test(day) for day in days], dtype=bool)


def _offer_words(campaign: Campaign) -> Mapping[str, str]:
    """What an offer is called, by every word for it."""
    found = {}
    for code, words in campaign.about["offers"].items():
        named = (code, words["zh"], words["en"], f"{words['zh']} {words['en']}", *words["products"])
        found.update({plain(str(word)): code for word in named})
    return found


def _day(text: str) -> date | None:
    match = _DAY.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return date(*(int(part) for part in match.groups() if part))
    except ValueError:
        return None


def _clashing(good: pd.DataFrame) -> pd.Index:
    each = good.drop_duplicates()
    twice = each["customer_id"].duplicated(keep=False)
    return good.index[good["customer_id"].isin(each.loc[twice, "customer_id"])]


def _spread(rows: pd.Index, every: pd.Index) -> np.ndarray:
    return np.asarray(every.isin(rows))


def _aside(rows: pd.DataFrame, found: list[tuple[str, str, np.ndarray]]) -> pd.DataFrame:
    reasons = [""] * len(rows)
    for code, told, bad in found:
        for place in np.flatnonzero(bad):
            reasons[place] += ("; " if reasons[place] else "") + f"{told} [{code}]"
    return rows[[*FIELDS, "row"]].assign(reason=reasons)


def _fault(code: str, told: str, bad: np.ndarray, rows: pd.DataFrame) -> Fault:
    """The fault with its first rows; where it is of a status or a day, with what stands there."""
    field = told.split(" ", 1)[0]
    shown = rows[bad].head(EXAMPLES)
    cells = [f" {text[:SHOWN]!r}" for text in shown[field]] if field in TOLD else [""] * len(shown)
    examples = tuple(
        f"{mask(each.customer_id)} in row {each.row}{cell}"
        for each, cell in zip(shown.itertuples(), cells, strict=True)
    )
    return Fault(code, told, int(bad.sum()), examples)


def empty_entries() -> pd.DataFrame:
    """No entries, with their columns."""
    frame: dict[str, Any] = {name: pd.Series(dtype="object") for name in ENTRY}
    return pd.DataFrame(frame).astype({"customer_id": "str", "is_taken": "boolean"})
