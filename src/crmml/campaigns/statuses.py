"""What a manager may say of a contact, in Chinese, English or by code, and what it means for the funnel."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from crmml.targeting.columns import STATUSES


class Status(NamedTuple):
    """`contacted`: an attempt reached the customer's line. `reached`: somebody spoke with the customer."""

    code: str
    zh: str
    en: str
    contacted: bool
    reached: bool


_MEANINGS = {
    "no_answer": (True, False),
    "considering": (True, True),
    "taken": (True, True),
    "declined": (True, True),
    "refuses_marketing": (True, True),
    "wrong_details": (False, False),
}
_ALSO = {
    "accepted": "taken",
    "已成交": "taken",
    "成交": "taken",
    "拒绝": "declined",
    "无人接听": "no_answer",
    "未接": "no_answer",
}


def _statuses() -> dict[str, Status]:
    found = {}
    for code, words in STATUSES.items():
        zh, en = words.split(" ", 1)
        found[code] = Status(code, zh, en, *_MEANINGS[code])
    return found


KNOWN = _statuses()
"""Every status by its code."""


def plain(text: str) -> str:
    """A text as it is compared: full-width forms folded, one blank between words, lower case.

    >>> plain(" 已办理　Taken\\n")
    '已办理 taken'
    """
    return " ".join(unicodedata.normalize("NFKC", text).split()).lower()


_WORDS = {
    **{plain(word): one.code for one in KNOWN.values() for word in (one.code, one.zh, one.en, f"{one.zh} {one.en}")},
    **{plain(word): code for word, code in _ALSO.items()},
}


def status_of(text: str) -> str | None:
    """The code behind a status as it was entered; None where it is none.

    >>> status_of("已办理 taken"), status_of("不需要"), status_of("Refuses Marketing"), status_of("maybe")
    ('taken', 'declined', 'refuses_marketing', None)
    """
    return _WORDS.get(plain(text))


def known_words() -> str:
    """The statuses for a message."""
    return ", ".join(f"{one.zh} {one.en}" for one in KNOWN.values())
