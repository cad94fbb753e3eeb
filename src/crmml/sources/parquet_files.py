"""Parquet files as views, with the same columns of the same kinds in every file of a set."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from crmml.sources.faults import options_of, source_fault
from crmml.sources.folders import NULLS, Part, columns_of, differences, repeated_names
from crmml.sources.locations import names_of
from crmml.sources.report import Issue
from crmml.sources.spec import Source
from crmml.sources.sql import identifier, paths, quoted

OPTIONS: Mapping[str, Any] = {"columns": {}, "optional": (), "file_column": ""}


def read_parquet(
    connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path
) -> list[Issue]:
    options = options_of(source, OPTIONS)
    parts, issues = [], []
    for name, path in zip(names_of(files), files, strict=True):
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            told = f"{name} is not a readable Parquet file ({str(error).splitlines()[0]}); copy it again"
            issues.append(source_fault(source, "D027", told))
            continue
        issues += repeated_names(source, name, [*schema.names, *filter(None, [options["file_column"]])])
        parts.append(Part(name, path, {field.name: _kind(field.type) for field in schema}))
    issues += differences(source, parts, optional=options["optional"], stated=options["columns"]) if parts else []
    if not issues:
        _make_view(connection, source, parts, options)
    return issues


def _kind(given: pa.DataType) -> str:
    """What a column holds, in a word; widths and units do not matter, as they can be brought together exactly."""
    kind = given.value_type if pa.types.is_dictionary(given) else given
    tests = {
        NULLS: pa.types.is_null,
        "text": lambda t: pa.types.is_string(t) or pa.types.is_large_string(t) or pa.types.is_string_view(t),
        "whole number": pa.types.is_integer,
        "decimal": pa.types.is_decimal,
        "float": pa.types.is_floating,
        "boolean": pa.types.is_boolean,
        "date": pa.types.is_date,
        "time with zone": lambda t: pa.types.is_timestamp(t) and t.tz is not None,
        "time": pa.types.is_timestamp,
    }
    return next((word for word, test in tests.items() if test(kind)), str(kind))


def _make_view(
    connection: duckdb.DuckDBPyConnection, source: Source, parts: list[Part], options: Mapping[str, Any]
) -> None:
    columns = columns_of(parts, optional=options["optional"])
    groups: dict[tuple[Any, ...], list[Part]] = {}
    for part in parts:
        # DuckDB would cast later files to the types of the first one.
        key = (part.name if options["file_column"] else "", *sorted(part.columns.items()))
        groups.setdefault(key, []).append(part)
    selects = [_select(group, columns, options) for group in groups.values()]
    connection.execute(f"CREATE VIEW {identifier(source.name)} AS {' UNION ALL '.join(selects)}")


def _select(group: list[Part], columns: list[str], options: Mapping[str, Any]) -> str:
    values = [_value(name, group[0], options) + f" AS {identifier(name)}" for name in columns]
    if options["file_column"]:
        values.append(f"{quoted(group[0].name)} AS {identifier(options['file_column'])}")
    return (
        f"SELECT {', '.join(values)} FROM read_parquet({paths(part.path for part in group)}, union_by_name = true, "
        "hive_partitioning = false)"
    )


def _value(name: str, part: Part, options: Mapping[str, Any]) -> str:
    value = "NULL" if part.columns.get(name, NULLS) == NULLS else identifier(name)
    return f"CAST({value} AS {options['columns'][name]})" if name in options["columns"] else value
