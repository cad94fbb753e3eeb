"""CSV files as views: typed only where the options say so, looked through before they are read."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from crmml.errors import ConfigError
from crmml.sources.faults import encodings_of, options_of, source_fault, source_warning
from crmml.sources.folders import Part, columns_of, differences, repeated_names
from crmml.sources.locations import names_of
from crmml.sources.report import Issue
from crmml.sources.spec import Source
from crmml.sources.sql import identifier, paths, quoted
from crmml.sources.text_files import Text, TextFileError, open_text, readable

DEFAULTS: Mapping[str, Any] = {
    "delimiter": ",",
    "encoding": "utf-8",  # or utf-8 and one other: each file is exactly one of them
    "header": True,
    "nullstr": "",
    "dateformat": "",
    "decimal": ".",
    "thousands": "",
    "columns": {},  # column to type; all others are read as text, so that no id loses its leading zeros
    "optional": (),  # columns that some files of the set may not have
    "file_column": "",  # the name of a column to make, which holds the name of the file
}
_NUMBERS = ("DECIMAL", "NUMERIC", "DOUBLE", "FLOAT", "REAL", "INTEGER", "BIGINT", "HUGEINT")
_LONGEST_HEADER = 1 << 20
_FULL_WIDTH = ("０１２３４５６７８９．，－＋", "0123456789.,-+")


def read_csv(connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path) -> list[Issue]:
    options = _checked_options(source)
    names, parts, issues, texts = names_of(files), [], [], []
    for name, path in zip(names, files, strict=True):
        try:
            text = readable(path, encodings_of(source, options["encoding"]), scratch)
            header = _header(text.path, options)
        except TextFileError as fault:
            issues.append(source_fault(source, fault.code, f"{name} {fault}"))
            continue
        texts.append(text)
        parts.append(Part(name, text.path, dict.fromkeys(header, "text")))
        issues += _header_faults(source, name, header, options)
    if issues or not parts:
        return issues
    issues = differences(source, parts, optional=options["optional"], stated=())
    if not issues:
        _make_view(connection, source, parts, options)
    return issues + _said(source, parts, texts, options)


def _checked_options(source: Source) -> dict[str, Any]:
    options = options_of(source, DEFAULTS)
    for name, length in (("delimiter", (1, 4)), ("decimal", (1, 1)), ("thousands", (0, 1))):
        if not length[0] <= len(options[name]) <= length[1]:
            told = f"sources.{source.name}.options.{name} is {options[name]!r}; expected one character"
            raise ConfigError(told, code="C003")
    if options["decimal"] == options["thousands"]:
        told = f"sources.{source.name}.options: decimal and thousands are both {options['decimal']!r}"
        raise ConfigError(f"{told}; expected two different characters", code="C003")
    return options


def _header(path: Path, options: Mapping[str, Any]) -> list[str]:
    """The names of the columns: the first line, or `column0`, `column1` … where there is none."""
    with open_text(path) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        line = text.readline(_LONGEST_HEADER)
        # A name in quotes may go over two lines; a quote that never closes would go over all of them.
        while line.count('"') % 2 and len(line) < _LONGEST_HEADER and (more := text.readline(_LONGEST_HEADER)):
            line += more
    lines = io.StringIO(line, newline="") if line.strip() else io.StringIO()
    try:
        first = next(csv.reader(lines, delimiter=str(options["delimiter"]), strict=True), [])
    except csv.Error as error:
        told = 'opens a quote in its header, line 1, that does not close; expected a pair of "'
        raise TextFileError(told, code="D026") from error
    return first if options["header"] else [f"column{number}" for number in range(len(first))]


def _header_faults(source: Source, name: str, header: list[str], options: Mapping[str, Any]) -> list[Issue]:
    if not header:
        return [source_fault(source, "D002", f"{name} is empty; expected a header and rows")]
    if "" in (column.strip() for column in header):
        place = [column.strip() for column in header].index("") + 1
        return [source_fault(source, "D003", f"the header of {name} has no name for column {place}; expected one")]
    return repeated_names(source, name, [*header, *filter(None, [options["file_column"]])])


def _said(source: Source, parts: list[Part], texts: list[Text], options: Mapping[str, Any]) -> list[Issue]:
    """What is to be known about sound files: which are in which encoding, which have no rows."""
    issues = []
    kinds = {text.encoding for text in texts}
    if len(kinds) > 1:
        listed = [
            f"{kind}: {_some([part.name for part, text in zip(parts, texts, strict=True) if text.encoding == kind])}"
            for kind in sorted(kinds)
        ]
        issues.append(source_warning(source, "W136", f"its files are in two encodings, {'; '.join(listed)}"))
    bare = [part.name for part, text in zip(parts, texts, strict=True) if options["header"] and text.lines == 1]
    if bare and len(parts) > 1:
        told = f"{_some(bare)} of {len(parts):,} files hold a header and no rows; is that so?"
        issues.append(source_warning(source, "W103", told))
    return issues


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3:,} more" if len(names) > 3 else "")


def _make_view(
    connection: duckdb.DuckDBPyConnection, source: Source, parts: list[Part], options: Mapping[str, Any]
) -> None:
    columns = columns_of(parts, optional=options["optional"])
    groups: dict[tuple[str, ...], list[Part]] = {}
    for part in parts:
        # Every file by itself where its name becomes a value.
        key = (part.name if options["file_column"] else "", *part.columns)
        groups.setdefault(key, []).append(part)
    selects = [_select(group, columns, options) for group in groups.values()]
    connection.execute(f"CREATE VIEW {identifier(source.name)} AS {' UNION ALL '.join(selects)}")


def _select(group: list[Part], columns: list[str], options: Mapping[str, Any]) -> str:
    present = list(group[0].columns)
    types = {name: str(options["columns"].get(name, "VARCHAR")).upper() for name in columns}
    read = {name: "VARCHAR" if _is_rewritten(types[name], options) else types[name] for name in present}
    listed = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in read.items())
    values = [
        f"{_value(name, types[name], options)} AS {identifier(name)}"
        if name in read
        else f"CAST(NULL AS {'VARCHAR' if _is_rewritten(types[name], options) else types[name]}) AS {identifier(name)}"
        for name in columns
    ]
    if options["file_column"]:
        values.append(f"{quoted(group[0].name)} AS {identifier(options['file_column'])}")
    # Sniffing would take a later row for the header of a ragged file and drop the rows before it.
    return (
        f"SELECT {', '.join(values)} FROM read_csv({paths(part.path for part in group)}, auto_detect = false, "
        f"columns = {{{listed}}}, delim = {quoted(str(options['delimiter']))}, quote = '\"', escape = '\"', "
        f"header = {bool(options['header'])}, nullstr = {quoted(str(options['nullstr']))})"
    )


def _is_rewritten(kind: str, options: Mapping[str, Any]) -> bool:
    """Whether values of this type are brought into plain form as text, so that a bad one reaches the checks."""
    is_number = kind.startswith(_NUMBERS) and (options["decimal"] != "." or options["thousands"] != "")
    return is_number or (kind == "DATE" and options["dateformat"] != "")


def _value(name: str, kind: str, options: Mapping[str, Any]) -> str:
    column = identifier(name)
    if not _is_rewritten(kind, options):
        return column
    if kind == "DATE":
        form = quoted(options["dateformat"])
        return f"coalesce(strftime(try_strptime({column}, {form}), '%Y-%m-%d'), {column})"
    return _plain_number(column, options["decimal"], options["thousands"])


def _plain_number(column: str, decimal: str, thousands: str) -> str:
    """SQL of a number in digits with a point; what is not written as the options say stays as it was.

    With a decimal comma 1.234 is no number: it gets a remark, so that nobody reads it as one and a bit.
    """
    wide, narrow = _FULL_WIDTH
    text = f"translate(trim({column}), {quoted(wide)}, {quoted(narrow)})"
    grouped = rf"\d{{1,3}}({re.escape(thousands)}\d{{3}})+|" if thousands else ""
    form = rf"[+-]?({grouped}\d+)?({re.escape(decimal)}\d+)?"
    plain = f"replace({text}, {quoted(thousands)}, '')" if thousands else text
    if decimal == ".":
        return f"CASE WHEN regexp_full_match({text}, {quoted(form)}) THEN {plain} ELSE {column} END"
    remark = quoted(f" (decimal is {decimal})")
    return (
        f"CASE WHEN regexp_full_match({text}, {quoted(form)}) THEN replace({plain}, {quoted(decimal)}, '.') "
        f"WHEN contains({text}, '.') THEN {column} || {remark} ELSE {column} END"
    )
