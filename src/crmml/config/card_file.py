"""The `card:` of a model's YAML file: what only people can say of a model, in one or two languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from crmml.config.mapping import build
from crmml.errors import ConfigError
from crmml.modelling.card_words import CardWords

_LANGUAGES = {"zh", "en"}
_TEXTS = ("purpose", "not_for", "owner", "approver", "known_failures", "drift_plan")


def card_words(content: Mapping[str, Any], *, where: str) -> CardWords:
    """What a file says under `card:`; every key may be absent.

    Raises
    ------
    ConfigError
        C002 on an unknown key, C003 on something that is no text, C005 on a share or a grade out of range.
    """
    told = {name: _text(value, where=f"{where}.{name}") if name in _TEXTS else value for name, value in content.items()}
    if "review_by" in told:
        told["review_by"] = _day(told["review_by"], where=f"{where}.review_by")
    return build(CardWords, told, where=where)


def _text(value: object, *, where: str) -> dict[str, str]:
    """A text for both languages, or one for each."""
    if isinstance(value, str) and value.strip():
        return {"zh": value.strip(), "en": value.strip()}
    if (
        isinstance(value, Mapping)
        and set(value) == _LANGUAGES
        and all(isinstance(each, str) for each in value.values())
    ):
        return {str(language): str(text).strip() for language, text in value.items()}
    raise ConfigError(f"{where} is {value!r}; expected a text, or {{zh: …, en: …}}", code="C003")


def _day(value: object, *, where: str) -> str:
    try:
        return (value if isinstance(value, date) else date.fromisoformat(str(value))).isoformat()[:10]
    except ValueError:
        raise ConfigError(f"{where} is {value!r}; expected a day such as 2026-12-31", code="C003") from None
