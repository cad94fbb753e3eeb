"""The files of one source brought together: by the names of their columns, whatever their order.

A column that is missing or named differently in some months would read as
nothing there, so it is a fault unless the config says that it may be missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from crmml.errors import did_you_mean
from crmml.sources.faults import source_fault
from crmml.sources.report import Issue
from crmml.sources.spec import Source

NULLS = "no value"  # the kind of a column that holds none: it fits every other


@dataclass(frozen=True)
class Part:
    """One file of a source: what it is called, where it is read from, and its columns with their kinds."""

    name: str
    path: Path
    columns: Mapping[str, str]


def repeated_names(source: Source, name: str, header: Iterable[str]) -> list[Issue]:
    """A fault if a header names a column twice; upper and lower case are the same to SQL."""
    lowered = [column.lower() for column in header]
    repeated = sorted({column for column in lowered if lowered.count(column) > 1})
    if not repeated:
        return []
    text = f"the header of {name} repeats {', '.join(repeated)}; expected each name once"
    return [source_fault(source, "D004", text, column=repeated[0])]


def columns_of(parts: list[Part], *, optional: Iterable[str]) -> list[str]:
    """The columns of a source: those of its first file, then those that may be missing in it."""
    first = list(parts[0].columns)
    return first + [name for name in optional if name not in first and any(name in part.columns for part in parts)]


def differences(source: Source, parts: list[Part], *, optional: Iterable[str], stated: Iterable[str]) -> list[Issue]:
    """Faults of files whose columns differ from those of the first, each told once with its first file.

    A column whose type is `stated` in the config may be of any kind.
    """
    first, allowed, issues = parts[0], set(optional), []
    seen: dict[tuple[str, str], tuple[Part, int]] = {}
    for part in parts[1:]:
        for fault in _faults(first, part, allowed=allowed, stated=set(stated)):
            seen[fault] = (seen.get(fault, (part, 0))[0], seen.get(fault, (part, 0))[1] + 1)
    for (code, told), (part, count) in seen.items():
        more = f" and {count - 1:,} more" if count > 1 else ""
        issues.append(source_fault(source, code, f"{part.name}{more} {told}"))
    return issues


def _faults(first: Part, part: Part, *, allowed: set[str], stated: set[str]) -> list[tuple[str, str]]:
    missing = [name for name in first.columns if name not in part.columns and name not in allowed]
    strange = [name for name in part.columns if name not in first.columns and name not in allowed]
    if missing:
        has = f"; it has {', '.join(strange)}" if strange else ""
        near = did_you_mean(missing[0], strange)
        told = f"has no column {', '.join(missing)}, which {first.name} has{has}. Expected the same columns in every file.{near}"
        return [
            (
                "D003",
                f"{told} Make files of another form a source of their own, or list under options.optional what may be missing",
            )
        ]
    if strange:
        told = (
            f"has the column {', '.join(strange)}, which {first.name} has not. Expected the same columns in every file"
        )
        return [("D003", f"{told}; list under options.optional what may be missing, null is read there")]
    changed = [name for name, kind in part.columns.items() if name not in stated and _differs(first, name, kind)]
    return [
        (
            "D023",
            f"has {name} as {part.columns[name]}, {first.name} as {first.columns[name]}; expected one type in every file, "
            f"or the type to read it as under options.columns",
        )
        for name in changed
    ]


def _differs(first: Part, name: str, kind: str) -> bool:
    return NULLS not in (kind, first.columns.get(name, kind)) and kind != first.columns.get(name, kind)
