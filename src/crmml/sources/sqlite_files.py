"""A table or query of a SQLite file, through Python's own sqlite3, in Arrow batches.

SQLite keeps a type with every value, not with a column: "12" and 12 can stand
in one column, and a column declared INTEGER may hold text. So the stored types
are counted first, and a column of several is a fault, not a guess.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path

import duckdb
import pyarrow as pa

from crmml.errors import BackendError, did_you_mean
from crmml.sources.arrow_tables import keep_batches
from crmml.sources.faults import options_of, source_fault
from crmml.sources.folders import repeated_names
from crmml.sources.report import Issue
from crmml.sources.spec import Source
from crmml.sources.sql import identifier

_ROWS = 50_000
_EXACT = 2**53  # a float holds every whole number up to here
_STORED = {"integer": "whole numbers", "real": "fractions", "text": "text", "blob": "bytes"}


def read_sqlite(connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path) -> list[Issue]:
    options_of(source, {})
    name = files[0].name
    try:
        with closing(_open(files[0])) as database:
            database.execute("BEGIN")  # what others write meanwhile is not seen
            if fault := _no_table(database, source, name):
                return [fault]
            names = [column[0] for column in database.execute(f"{_select(source)} LIMIT 0").description]
            # A name that comes twice out of a query is told apart as "name:1".
            faults = repeated_names(source, name, [re.sub(r":\d+$", "", column) for column in names])
            stored = {} if faults else _stored(database, source, names)
            faults += [_mixed(source, name, column, counts) for column, counts in stored.items() if _is_mixed(counts)]
            if not faults:
                schema = pa.schema([(column, _arrow_type(counts)) for column, counts in stored.items()])
                keep_batches(connection, source.name, schema, _batches(database, source, schema))
            return faults
    except UnicodeDecodeError as error:
        told = f"{name} holds text that is not utf-8 ({error.reason}); store it as text, or CAST it in query:"
        return [source_fault(source, "D025", told)]
    except sqlite3.Error as error:
        return [_database_fault(source, name, error)]


def state_files(path: Path) -> list[Path]:
    """The files that hold what a SQLite database says: itself, and its log of late changes if that holds any."""
    log = path.with_name(path.name + "-wal")
    return [path, *([log] if log.is_file() and log.stat().st_size else [])]


def _open(path: Path) -> sqlite3.Connection:
    with open(path, "rb") as file:
        has_log = file.read(20)[18:20] == b"\x02\x02"
    # A database with a log wants to write beside it even to read; where nobody can, it does not change either.
    still = "&immutable=1" if has_log and not os.access(path.parent, os.W_OK) and len(state_files(path)) == 1 else ""
    database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro{still}", uri=True, timeout=10, isolation_level=None)
    database.text_factory = bytes.decode
    return database


def _select(source: Source) -> str:
    query = source.query.strip().rstrip(";")
    return f"SELECT * FROM {identifier(source.table) if source.table else f'({query})'}"


def _no_table(database: sqlite3.Connection, source: Source, name: str) -> Issue | None:
    if not source.table:
        return None
    listed = database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'view') ORDER BY name").fetchall()
    tables = [table for (table,) in listed]
    if source.table.lower() in (table.lower() for table in tables):
        return None
    told = f"{name} has no table {source.table}; it has {', '.join(tables[:20]) or 'none'}.{did_you_mean(source.table, tables)}"
    return source_fault(source, "D001", told)


def _stored(database: sqlite3.Connection, source: Source, names: list[str]) -> dict[str, dict[str, int]]:
    """Column to the stored types of its values, with their numbers; large whole numbers are `huge`."""
    counts = ", ".join(
        f"coalesce(sum(typeof({column}) = '{kind}'), 0)" for column in map(identifier, names) for kind in _STORED
    )
    huge = ", ".join(
        f"coalesce(sum(typeof({column}) = 'integer' AND {column} NOT BETWEEN {-_EXACT} AND {_EXACT}), 0)"
        for column in map(identifier, names)
    )
    found = database.execute(f"SELECT {counts}, {huge} FROM ({_select(source)})").fetchone()
    stored = {}
    for place, name in enumerate(names):
        kinds = dict(zip(_STORED, found[place * len(_STORED) :], strict=False))
        stored[name] = {**{kind: n for kind, n in kinds.items() if n}, "huge": found[len(names) * len(_STORED) + place]}
    return stored


def _is_mixed(counts: Mapping[str, int]) -> bool:
    kinds = {kind for kind in counts if kind != "huge"}
    # A column declared DECIMAL keeps 12.00 as the whole number 12: the two are one type, as far as a float is exact.
    return len(kinds) > 1 and (kinds != {"integer", "real"} or counts["huge"] > 0)


def _mixed(source: Source, name: str, column: str, counts: Mapping[str, int]) -> Issue:
    listed = " and ".join(f"{_STORED[kind]} on {n:,}" for kind, n in counts.items() if kind != "huge")
    told = (
        f"{column} of {name} holds {listed} rows; expected one type. Say which in query:, e.g. "
        f"SELECT CAST({column} AS TEXT) AS {column}, or NULLIF({column}, '') where empty text stands for nothing"
    )
    return source_fault(source, "D023", told, column=column)


def _arrow_type(counts: Mapping[str, int]) -> pa.DataType:
    if "real" in counts:
        return pa.float64()
    if "integer" in counts:
        return pa.int64()
    return pa.binary() if "blob" in counts else pa.string()


def _batches(database: sqlite3.Connection, source: Source, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    cursor = database.execute(_select(source))
    while rows := cursor.fetchmany(_ROWS):
        columns = zip(*rows, strict=True)
        yield pa.record_batch(
            [pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)], schema
        )


def _database_fault(source: Source, name: str, error: sqlite3.Error) -> Issue:
    text = str(error)
    if "locked" in text or "busy" in text:
        raise BackendError(
            f"sources.{source.name}: {name} is held by another program; expected to read it within 10 seconds. "
            "Wait until it ends, or read a copy",
            code="L007",
        ) from error
    if isinstance(error, sqlite3.OperationalError) and source.query:
        return source_fault(
            source, "D003", f"its query fails on {name}: {text}; expected one SELECT in the SQL of SQLite"
        )
    return source_fault(source, "D027", f"{name} is not a readable SQLite file ({text}); copy it again")
