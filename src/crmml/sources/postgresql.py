"""A table or query of a PostgreSQL server, through ADBC, in Arrow batches.

The address holds a password: it comes from a variable, and neither it nor what
the server answers to it is shown or stored. Needs `pip install 'crmml[postgresql]'`.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from crmml.errors import BackendError, did_you_mean
from crmml.files import digest_of
from crmml.sources.arrow_tables import keep_batches
from crmml.sources.faults import options_of, source_fault
from crmml.sources.folders import repeated_names
from crmml.sources.locations import uri_of
from crmml.sources.report import Issue
from crmml.sources.spec import Source
from crmml.sources.sql import identifier

try:
    from adbc_driver_manager import Error as AdbcError
    from adbc_driver_postgresql import dbapi
except ImportError:  # the extra `postgresql` is not installed
    AdbcError, dbapi = OSError, None  # type: ignore[misc,assignment]

_PATIENCE = "10"  # seconds to wait for a server that does not answer
_REASONS = (
    ("password authentication failed|no password supplied|authentication", "refuses the user or the password"),
    ("does not exist", "has no such database or user"),
    ("no pg_hba.conf entry", "does not let this machine or user in"),
    ("SSL|certificate", "and this machine do not agree on encryption (sslmode in the address)"),
    ("too many clients|remaining connection slots|starting up|shutting down", "takes no connections now"),
    ("invalid|missing|URI", "cannot be addressed: the variable holds no address such as postgresql://user:…@host/bank"),
)
_SAFE = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_date, pa.types.is_timestamp)


def read_postgresql(
    connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path
) -> list[Issue]:
    options_of(source, {})
    with _cursor(source) as cursor:
        try:
            schema = _schema(cursor, source)
            if faults := repeated_names(source, _what(source), schema.names):
                return faults
            cursor.execute(_typed_select(source, schema))
            reader = cursor.fetch_record_batch()
            plain = pa.schema([(field.name, field.type) for field in reader.schema])
            keep_batches(connection, source.name, plain, (_as(batch, plain) for batch in reader))
        except AdbcError as error:
            return [_answer(cursor, source, error)]
    _exact_numbers(connection, source, [field.name for field in schema if _is_numeric(field)])
    return []


def state_of(source: Source) -> str | None:
    """A digest of the rows and columns as they are now, or None if they cannot be read.

    Computed by the server, order-free, in two 64-bit sums of row hashes, so
    that no row travels and a changed, added or missing one shows.

    Raises
    ------
    BackendError
        If the server cannot be reached, or refuses.
    """
    with _cursor(source) as cursor:
        try:
            columns = [(field.name, str(field.type)) for field in _schema(cursor, source)]
            sums = ", ".join(f"sum(hashtextextended(q::text, {seed}))::text" for seed in (0, 1))
            cursor.execute(f"SELECT count(*), {sums} FROM ({_select(source)}) q")
            return digest_of([columns, cursor.fetchone()])
        except AdbcError:
            return None


@contextmanager
def _cursor(source: Source) -> Iterator[Any]:
    """A cursor on one unchanging state of the server, which can only read."""
    if dbapi is None:
        raise BackendError(
            f"sources.{source.name} is a PostgreSQL server, and its driver is not installed; "
            "run pip install 'crmml[postgresql]'",
            code="L007",
        )
    os.environ.setdefault("PGCONNECT_TIMEOUT", _PATIENCE)
    try:
        server = dbapi.connect(uri_of(source), autocommit=True)
    except AdbcError as error:
        # Not chained: the driver's text may hold the address.
        raise _unreached(source, str(error)) from None
    with closing(server), closing(server.cursor()) as cursor:
        for setting in ("timezone TO 'UTC'", "datestyle TO 'ISO'", "extra_float_digits TO 3"):
            cursor.execute(f"SET {setting}")
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield cursor


def _unreached(source: Source, text: str) -> BackendError:
    reason = next((told for pattern, told in _REASONS if re.search(pattern, text)), "cannot be reached")
    return BackendError(
        f"sources.{source.name}: the server of {source.uri} {reason}; expected to read from it. "
        "Check the variable, the network and the server, then run again",
        code="L007",
    )


def _what(source: Source) -> str:
    return source.table or "its query"


def _select(source: Source) -> str:
    if source.query:
        return source.query.strip().rstrip(";")
    return "SELECT * FROM " + ".".join(identifier(part) for part in source.table.split("."))


def _schema(cursor: Any, source: Source) -> pa.Schema:
    cursor.execute(f"SELECT * FROM ({_select(source)}) q LIMIT 0")
    return cursor.fetch_record_batch().schema


def _is_numeric(field: pa.Field) -> bool:
    return (field.metadata or {}).get(b"POSTGRESQL:type") in (b"numeric", b"money")


def _typed_select(source: Source, schema: pa.Schema) -> str:
    """The select with every column in a type that Arrow and the server agree on, else as the server's text.

    Numbers of any length travel as text, so that no digit is lost; char(n) loses its padding.
    """
    columns = []
    for field in schema:
        name = identifier(field.name)
        if (field.metadata or {}).get(b"POSTGRESQL:type") == b"money":
            columns.append(f"{name}::numeric::text AS {name}")
        elif any(test(field.type) for test in _SAFE) or pa.types.is_binary(field.type):
            columns.append(name)
        else:
            columns.append(f"{name}::text AS {name}")
    return f"SELECT {', '.join(columns)} FROM ({_select(source)}) q"


def _as(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """The batch without the driver's remarks on its columns."""
    return pa.record_batch(batch.columns, schema)


def _exact_numbers(connection: duckdb.DuckDBPyConnection, source: Source, names: list[str]) -> None:
    """Give numbers the decimal type that holds all of them; what no decimal holds (NaN, 40 digits) stays text."""
    table = identifier(source.name)
    for name in names:
        column = identifier(name)
        found = connection.execute(
            f"SELECT count(*) FILTER (WHERE NOT regexp_full_match({column}, '-?\\d+(\\.\\d+)?')), "
            f"max(length(ltrim(split_part({column}, '.', 1), '-'))), max(length(split_part({column}, '.', 2))) FROM {table}"
        ).fetchall()
        odd, whole, scale = found[0]
        if odd or (whole or 1) + (scale or 0) > 38:
            continue
        width = 18 if (whole or 1) + (scale or 0) <= 18 else 38
        kind = f"DECIMAL({width},{scale or 0})"
        connection.execute(f"ALTER TABLE {table} ALTER {column} SET DATA TYPE {kind} USING CAST({column} AS {kind})")


def _answer(cursor: Any, source: Source, error: Exception) -> Issue:
    """The fault behind what the server answered, told by its code: its text may quote values."""
    state, key = getattr(error, "sqlstate", None) or "", f"sources.{source.name}"
    if state in ("42P01", "3F000", "42703", "42883", "42601") and source.query:
        problem = re.search(r"ERROR:\s*(.+)", str(error))
        told = f"its query fails on the server ({problem.group(1) if problem else state}); mend {key}.query"
        return source_fault(source, "D003", told)
    if state in ("42P01", "3F000", "42883", "42601", "3D000"):
        return source_fault(source, "D001", _no_table(cursor, source))
    if state == "42501":
        return source_fault(
            source, "D001", f"the server does not let this user read {_what(source)}; GRANT SELECT on it"
        )
    if state.startswith(("22", "42")):
        return source_fault(
            source, "D003", f"{_what(source)} fails on the server with SQLSTATE {state}; mend {key}.query"
        )
    raise BackendError(
        f"{key}: the server broke off while {_what(source)} was read (SQLSTATE {state or 'unknown'}); run again",
        code="L007",
    ) from None


def _no_table(cursor: Any, source: Source) -> str:
    cursor.execute("ROLLBACK")
    schema, _, table = source.table.rpartition(".")
    cursor.execute(
        "SELECT table_schema, table_name FROM information_schema.tables "
        "WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1, 2"
    )
    found = [(place, name) for place, name in cursor.fetchall()]
    names = [f"{place}.{name}" if schema or place != "public" else name for place, name in found]
    near = did_you_mean(source.table, names) or did_you_mean(table, names)
    return f"the server has no table {source.table}; it has {', '.join(names[:20]) or 'none to read'}.{near}"
