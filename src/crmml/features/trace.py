"""The source rows behind one cell of the feature table."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis import _

from crmml.errors import NotFoundError, did_you_mean
from crmml.features.choose import Choice, choose
from crmml.features.compute import Streams
from crmml.features.declare import CustomFamily, Family
from crmml.features.planner import Asked
from crmml.periods import look_back
from crmml.sources.bank import Bank


def explain_cell(
    bank: Bank,
    name: str,
    customer_id: str,
    cutoff: date,
    *,
    families: Sequence[Family | CustomFamily | str] | None = None,
    ledger: ir.Table | None = None,
) -> pa.Table:
    """The rows a feature of a customer at a cut-off was computed from, oldest first.

    Columns: `part` (the measure the row counts for: a derived feature has
    several), then those of the stream: `day`, `posted_on`, what happened, and
    `value`, what the row adds.

    Raises
    ------
    NotFoundError
        If the feature does not exist, or is not computed from rows.
    """
    choice = choose(bank, families, ledger=ledger)
    parts = _parts(choice, name)
    streams = Streams(bank, choice, ledger)
    tables = [_rows(streams, asked, customer_id, cutoff) for asked in parts]
    return pa.concat_tables(tables, promote_options="default")


def _parts(choice: Choice, name: str) -> list[Asked]:
    """The measured columns a feature is made of."""
    measured = {asked.column: asked for asked in choice.asked}
    derived = {one.name: one for one in choice.derived}
    if name in measured:
        return [measured[name]]
    if name in derived:
        return [part for other in derived[name].parts for part in _parts(choice, other)]
    attributes = [attribute.name for attribute in choice.attributes]
    if name in attributes:
        raise NotFoundError(f"{name} is read from the customer's own row; no other rows stand behind it", code="F002")
    known = [*measured, *derived]
    raise NotFoundError(
        f"no feature {name} in what this bank can feed; `crmml features --catalogue` lists them.{did_you_mean(name, known)}",
        code="F001",
    )


def _rows(streams: Streams, asked: Asked, customer_id: str, cutoff: date) -> pa.Table:
    table = streams.tables[asked.family.table]
    rows = table.filter(_.customer_id == customer_id, _.day <= cutoff, _.posted_on <= cutoff)
    if asked.window is not None and not asked.measure.needs_history:
        rows = rows.filter(_.day > look_back(cutoff, asked.window.months).start)
    if asked.measure.where is not None:
        rows = rows.filter(asked.measure.where)
    value = asked.measure.of if asked.measure.of is not None else ibis.literal(1)
    told = rows.mutate(part=ibis.literal(asked.column), value=value)
    others = [
        column for column in table.columns if column not in ("customer_id", "customer_no", "day", "posted_on", "value")
    ]
    return (
        told.select("part", "day", "posted_on", *others, "value").order_by(["day", "posted_on", "value"]).to_pyarrow()
    )
