"""Relations computed once and dropped when their purpose is served."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend
from ibis.util import gen_name


class Scratch:
    """Temporary tables of one computation."""

    def __init__(self, connection: Backend) -> None:
        self.connection = connection
        self._names: list[str] = []

    def keep(self, table: ir.Table | pa.Table) -> ir.Table:
        """Compute `table` now; reading it again costs a scan."""
        name = gen_name("scratch")
        relation = table if isinstance(table, ir.Table) else ibis.memtable(table)
        kept = self.connection.create_table(name, relation, temp=True)
        self._names.append(name)
        return kept

    def append(self, kept: ir.Table, rows: pa.Table) -> None:
        """Add rows to a table that is kept here."""
        name = gen_name("part")
        self.connection.con.register(name, rows)
        try:
            self.connection.raw_sql(f'INSERT INTO "{kept.op().name}" BY NAME SELECT * FROM "{name}"')
        finally:
            self.connection.con.unregister(name)

    def clear(self) -> None:
        while self._names:
            self.connection.raw_sql(f'DROP TABLE "{self._names.pop()}"')


@contextmanager
def scratch(connection: Backend) -> Iterator[Scratch]:
    """Temporary tables that are dropped at the end of the block."""
    room = Scratch(connection)
    try:
        yield room
    finally:
        room.clear()
