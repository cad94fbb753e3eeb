"""Names and texts as SQL writes them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def quoted(text: str) -> str:
    """A text as an SQL literal.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def paths(files: Iterable[Path]) -> str:
    """Files as an SQL list of absolute paths."""
    return "[" + ", ".join(quoted(str(path.resolve())) for path in files) + "]"
