"""Offline pages in two languages: the door of Jinja2, with autoescape always on.

A page is one file without outside resources. Words come in pairs; which
language is shown is a choice at the top of the page that needs no script.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from crmml.explain import wording

_TEMPLATES = Path(__file__).parent / "templates"


@functools.cache
def environment() -> jinja2.Environment:
    """The templates of this room, with the words and numbers they use."""
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.globals.update(
        amount=wording.amount, factor=wording.factor, signed=wording.signed, is_missing=wording.is_missing
    )
    env.filters.update(told=told, probability=wording.probability, number=wording.number, money=money)
    return env


def render(template: str, *, language: str, **words: Any) -> str:
    """A page from a template; `language` is what it shows first (`zh`, `en` or `both`)."""
    if language not in ("zh", "en", "both"):
        raise ValueError(f"language is {language!r}; expected zh, en or both")
    return environment().get_template(template).render(language=language, **words)


def svg(text: str) -> Markup:
    """A chart made by this room, marked as safe to embed as it is."""
    return Markup(text)


def money(value: float) -> str:
    """An amount for a table: thousands separators, no decimals, a true minus sign.

    >>> money(-1234.5), money(0.2)
    ('−1,234', '0')
    """
    text = f"{value:,.0f}"
    return text.replace("-", "−") if text != "-0" else "0"


def told(value: float, digits: int) -> str:
    """A number with its true minus sign, and no minus before a zero.

    >>> told(-0.0004, 3), told(-1234.5678, 2), told(0.5, 0)
    ('0.000', '−1,234.57', '0')
    """
    text = f"{value:,.{digits}f}"
    return text.replace("-", "−") if text.strip("-0.,") else text.lstrip("-")


def mask_name(name: str) -> str:
    """A person's name with all but its beginning hidden.

    >>> mask_name("陈小明"), mask_name("John Smith"), mask_name("")
    ('陈**', 'J*** S***', '')
    """
    if name and "\u4e00" <= name[0] <= "\u9fff":
        return name[0] + "*" * max(1, len(name) - 1)
    return " ".join(word[0] + "***" for word in name.split())
