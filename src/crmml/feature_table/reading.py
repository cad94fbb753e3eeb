"""The rows of a flat file, as text or as the file types them, with its faults told in words."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow as pa

from crmml.errors import SourceError, did_you_mean
from crmml.sources.faults import unreadable
from crmml.sources.locations import files_of
from crmml.sources.readers import attach
from crmml.sources.spec import Source
from crmml.sources.sql import identifier
from crmml.sources.text_files import open_text

DELIMITERS = (",", ";", "\t", "|")
_SAID = {"\t": "a tab"}


def read_rows(source: Source, *, relation: str | None = None) -> pa.Table:
    """Every row of a file, or of the `relation` of a database, in its own order.

    Columns of a CSV file are text; blanks at the ends of a cell are cut. Where
    no `delimiter` is given, the one that splits the header is taken.

    Raises
    ------
    SourceError
        If the file is missing, not readable, empty, or has one column only.
    """
    if source.format == "csv" and "delimiter" not in source.options:
        source = replace(source, options={**source.options, "delimiter": _delimiter(source)})
    with tempfile.TemporaryDirectory(prefix="crmml-") as scratch, duckdb.connect(":memory:") as connection:
        # The order of the rows is the order of time where the config says so.
        connection.execute("SET preserve_insertion_order = true")
        issues = attach(connection, {source.name: source}, Path(scratch))
        faults = [issue for issue in issues if issue.severity == "error"]
        if faults:
            raise SourceError(faults[0].message, code=faults[0].code)
        try:
            table = connection.sql(f"SELECT * FROM {_relation(connection, source, relation)}").to_arrow_table()
        except duckdb.Error as error:
            issue = unreadable(source, files_of(source), error)
            raise SourceError(issue.message, code=issue.code) from error
    _require_rows(source, table)
    return table


def _relation(connection: duckdb.DuckDBPyConnection, source: Source, relation: str | None) -> str:
    """The view of a file, or the named table of a database."""
    if source.format != "duckdb":
        return identifier(source.name)
    query = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ? UNION ALL SELECT schema_name, view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal"
    found = connection.sql(query, params=[source.name, source.name]).to_arrow_table().to_pylist()
    schemas = {row["table_name"]: row["schema_name"] for row in found}
    if relation is None and len(schemas) == 1:
        relation = next(iter(schemas))
    if relation is None or relation not in schemas:
        raise SourceError(
            f"{source.path}: relation is {relation!r}; expected one of {', '.join(sorted(schemas)) or 'none'}."
            f"{did_you_mean(str(relation), schemas)} Write table: {{path: …, relation: NAME}}",
            code="D001",
        )
    return f"{identifier(source.name)}.{identifier(schemas[relation])}.{identifier(relation)}"


def _require_rows(source: Source, table: pa.Table) -> None:
    names = table.column_names
    if len(names) == 1:
        used = source.options.get("delimiter", ",")
        advice = f"cells are separated by {_SAID.get(used, repr(used))}" if source.format == "csv" else "it is no table"
        raise SourceError(
            f"{source.path} has one column only ({names[0][:60]!r}), read as if {advice}; expected a label and "
            "features. Write table: {path: …, options: {delimiter: …}}",
            code="D003",
        )
    if table.num_rows == 0:
        raise SourceError(f"{source.path} has a header and no rows; expected rows", code="D002")


def _delimiter(source: Source) -> str:
    """The delimiter that splits the header into most cells; a comma where the file cannot be read."""
    found = files_of(source)
    given = source.options.get("encoding", "utf-8")
    encoding = str(given if isinstance(given, str) else given[0])
    if not found:
        return ","
    with open_text(found[0]) as raw, io.TextIOWrapper(raw, encoding=encoding, errors="replace", newline="") as text:
        try:
            line = text.readline(1 << 20)
        except (EOFError, gzip.BadGzipFile):
            return ","
    cells = {each: len(next(csv.reader([line], delimiter=each), [])) for each in DELIMITERS}
    return max(DELIMITERS, key=lambda each: cells[each])
