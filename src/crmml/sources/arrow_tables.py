"""Rows of a database kept in the connection, batch by batch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from crmml.sources.sql import identifier

_ARRIVING = "crmml arriving"


def keep_batches(
    connection: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema, batches: Iterable[pa.RecordBatch]
) -> None:
    """Make a table `name` of the batches; one batch is in memory at a time."""
    with _registered(connection, schema.empty_table()):
        connection.execute(f"CREATE TABLE {identifier(name)} AS SELECT * FROM {identifier(_ARRIVING)}")
    for batch in batches:
        with _registered(connection, pa.Table.from_batches([batch], schema)):
            connection.execute(f"INSERT INTO {identifier(name)} SELECT * FROM {identifier(_ARRIVING)}")


@contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, rows: pa.Table) -> Iterator[None]:
    connection.register(_ARRIVING, rows)
    try:
        yield
    finally:
        connection.unregister(_ARRIVING)
