"""How a command speaks: data on stdout in a chosen form, talk on stderr."""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import Any

SCHEMA_VERSION = 1


class Format(StrEnum):
    """The form of the data on stdout."""

    table = "table"
    json = "json"
    csv = "csv"


def say(text: str = "") -> None:
    """One line of talk on stderr, at once."""
    print(text, file=sys.stderr, flush=True)


def emit(rows: Sequence[Mapping[str, Any]], *, form: Format, empty: str = "nothing to show") -> None:
    """Rows on stdout: aligned columns for people, JSON or CSV for programs."""
    if form is Format.json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, "rows": [dict(row) for row in rows]}, **_JSON))
    elif form is Format.csv:
        print(_as_csv(rows), end="")
    elif rows:
        _print_table(rows)
    else:
        say(empty)


def emit_one(value: Mapping[str, Any], *, form: Format) -> None:
    """One record on stdout: `key  value` lines for people, JSON or CSV for programs."""
    if form is Format.json:
        print(json.dumps({"schema_version": SCHEMA_VERSION, **value}, **_JSON))
    elif form is Format.csv:
        print(_as_csv([value]), end="")
    else:
        width = max((len(str(key)) for key in value), default=0)
        for key, item in value.items():
            print(f"{key!s:<{width}}  {_text(item)}")


_JSON: dict[str, Any] = {"ensure_ascii": False, "indent": 1, "default": str}


def _as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, fieldnames=list(rows[0]), extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()


LONG = 500
"""More rows than people read on a screen: written as plain aligned text, which a layout engine takes minutes for."""


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    if len(rows) > LONG:
        _print_long(rows)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for name in rows[0]:
        table.add_column(name, justify="right" if _is_numeric(rows, name) else "left", overflow="fold")
    for row in rows:
        table.add_row(*[_text(row.get(name)) for name in rows[0]])
    width = None if sys.stdout.isatty() else 200
    no_color = bool(os.environ.get("NO_COLOR")) or os.environ.get("TERM") == "dumb"
    Console(file=sys.stdout, no_color=no_color, width=width, highlight=False, markup=False).print(table)


def _is_numeric(rows: Sequence[Mapping[str, Any]], name: str) -> bool:
    return all(isinstance(row.get(name), int | float) or row.get(name) is None for row in rows)


def _print_long(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.cells import cell_len

    columns = []
    for name in rows[0]:
        cells = [name, *(_text(row.get(name)) for row in rows)]
        lengths = [len(cell) if cell.isascii() else cell_len(cell) for cell in cells]
        width, is_numeric = max(lengths), _is_numeric(rows, name)
        gaps = (" " * (width - length) for length in lengths)
        columns.append(
            [f"{gap}{cell}" if is_numeric else f"{cell}{gap}" for cell, gap in zip(cells, gaps, strict=True)]
        )
    head, *lines = ("   ".join(line) for line in zip(*columns, strict=True))
    print(head.rstrip(), "─" * cell_len(head), *(line.rstrip() for line in lines), sep="\n")


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
