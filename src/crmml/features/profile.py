"""Attributes of customers as they stood at a cut-off."""

from __future__ import annotations

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from ibis import _

from crmml.features.declare import Attribute
from crmml.features.exact import exact_float
from crmml.features.grid import Grid
from crmml.sources.bank import Bank

_NEVER = np.iinfo(np.int64).min


def usable(bank: Bank, attributes: Sequence[Attribute]) -> list[Attribute]:
    """The attributes that may be features: not protected, and fixed, static or with a history."""
    protected = {name.removeprefix("customers.") for name in bank.spec.protected}
    static = {name.removeprefix("customers.") for name in bank.spec.static}
    allowed = [attribute for attribute in attributes if attribute.column not in protected]
    if has_history(bank):
        return allowed
    return [attribute for attribute in allowed if attribute.is_fixed or attribute.column in static]


def has_history(bank: Bank) -> bool:
    """Whether `customers` says since when its rows are valid."""
    customers = bank.table("customers")
    return bool(customers.valid_from.notnull().any().to_pyarrow().as_py() or False)


def read_attributes(
    customers: ir.Table, attributes: Sequence[Attribute], grid: Grid, units: pa.Array
) -> dict[str, np.ndarray | pa.ChunkedArray]:
    """The attributes at each snapshot: arrays of shape (snapshots, units), text as objects.

    Of several rows of a customer the newest that was valid and known counts.
    """
    read = [attribute for attribute in attributes if attribute.how != "missing"]
    columns = list(dict.fromkeys(attribute.column for attribute in read))
    wanted = customers.select("customer_id", "valid_from", "posted_on", *(name for name in columns))
    bounds = pc.min_max(units).as_py()
    rows = wanted.filter(_.customer_id >= bounds["min"], _.customer_id <= bounds["max"])
    table = rows.order_by(["customer_id", _.valid_from.asc(nulls_first=True)]).to_pyarrow()
    newest = _newest_rows(table, grid, units)
    values = {attribute.name: _value(table[attribute.column], attribute, newest, grid) for attribute in read}
    for attribute in attributes:
        if attribute.how == "missing":
            parts = [values[one.name] for one in read if one.column in attribute.column.split()]
            values[attribute.name] = _missing(parts, newest)
    return values


def _missing(parts: Sequence[np.ndarray], newest: np.ndarray) -> np.ndarray:
    """How many of the attributes are null, of customers who are known."""
    count = np.zeros(newest.shape)
    for part in parts:
        count += ~part.astype(bool) if part.dtype == object else np.isnan(part)
    return np.where(newest >= 0, count, np.nan)


def _newest_rows(table: pa.Table, grid: Grid, units: pa.Array) -> np.ndarray:
    """The row of each unit at each snapshot, -1 where the customer is unknown."""
    valid, posted = _days(table["valid_from"]), _days(table["posted_on"])
    ids, customers = pc.unique(table["customer_id"]), table["customer_id"].combine_chunks()
    code = pc.index_in(customers, ids).to_numpy(zero_copy_only=False)
    unit_code = pc.index_in(units, ids).fill_null(-1).to_numpy(zero_copy_only=False)
    cutoffs = np.broadcast_to(grid.cutoff_day(), (grid.snapshots, grid.units))
    newest = np.full(cutoffs.shape, -1, dtype=np.int64)
    starts = np.searchsorted(code, np.arange(len(ids)))
    depth = np.bincount(code, minlength=len(ids))
    for step in range(int(depth.max(initial=0))):
        has = (unit_code >= 0) & (step < depth[unit_code])
        row = np.where(has, starts[unit_code] + step, 0) if len(ids) else np.zeros(len(unit_code), dtype=np.int64)
        counts = has & (valid[row] <= cutoffs) & (posted[row] <= cutoffs) if len(ids) else np.zeros(cutoffs.shape, bool)
        newest = np.where(counts, row, newest)
    return newest


def _days(column: pa.ChunkedArray) -> np.ndarray:
    """Days since 1970; a null is the beginning of time."""
    days = column.cast(pa.int32()).cast(pa.int64())
    return days.fill_null(_NEVER).to_numpy()


def _value(column: pa.ChunkedArray, attribute: Attribute, newest: np.ndarray, grid: Grid) -> np.ndarray:
    known = newest >= 0
    if attribute.how == "text":
        words = np.array([*column.to_pylist(), None], dtype=object)
        return words[newest]
    if attribute.how == "number":
        values = np.append(exact_float(column).to_numpy(), np.nan)
        return values[newest]
    days = np.append(_days(column), _NEVER)[newest]
    cutoffs = np.broadcast_to(grid.cutoff_day(), newest.shape)
    given = known & (days != _NEVER) & (days <= cutoffs)
    # A relationship is counted to the end of the cut-off, as windows are; an age to the day itself.
    end = cutoffs + 1 if attribute.how == "months" else cutoffs
    months = _whole_months(np.where(given, days, 0), np.where(given, end, 0))
    return np.where(given, months if attribute.how == "months" else months // 12, np.nan)


def _whole_months(begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whole months between two days since 1970."""
    begin_day, end_day = begin.astype("datetime64[D]"), end.astype("datetime64[D]")
    begin_month, end_month = begin_day.astype("datetime64[M]"), end_day.astype("datetime64[M]")
    months = end_month.astype(np.int64) - begin_month.astype(np.int64)
    short = (end_day - end_month.astype("datetime64[D]")) < (begin_day - begin_month.astype("datetime64[D]"))
    return (months - short).astype(np.float64)
