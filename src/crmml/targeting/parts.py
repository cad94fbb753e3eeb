"""Rows that are too many for one file of a spreadsheet: the parts, and where they lie."""

from __future__ import annotations

from pathlib import Path

import pandas as pd


def split(view: pd.DataFrame, rows: int) -> list[pd.DataFrame]:
    """The rows in order, in parts of at most `rows`; one part where there are none."""
    return [view.iloc[start : start + rows] for start in range(0, max(len(view), 1), rows)]


def part_paths(path: Path, parts: int) -> list[Path]:
    """Where the parts of a file lie: the first under its own name, the others numbered from 2.

    >>> [each.name for each in part_paths(Path("list.xlsx"), 3)]
    ['list.xlsx', 'list-2.xlsx', 'list-3.xlsx']
    """
    return [path, *(path.with_name(f"{path.stem}-{number}{path.suffix}") for number in range(2, parts + 1))]


def remove_later_parts(path: Path, parts: int) -> None:
    """Remove parts that an earlier, longer list had more."""
    number = parts + 1
    while (later := path.with_name(f"{path.stem}-{number}{path.suffix}")).exists():
        later.unlink()
        number += 1
