"""What is computed once, when a bank's tables are set down: bookings by customer.

Every build of features reads each booking with its holders of the day and with
transfers between own accounts marked. Both follow from the tables alone: each
row carries the day it was known, so no cut-off is spoken of here. A bank whose
tables are replaced (a test, the leak audit) computes the same relation anew.
"""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir

from crmml.files import Staged
from crmml.sources.bank import BOOKINGS, NUMBERS, Bank, connect, view_tables
from crmml.sources.holding import holders
from crmml.sources.movements import customer_transactions
from crmml.sources.spec import BankSpec
from crmml.sources.sql import quoted

#: Rows of a customer lie together and in time, and equal data give equal files.
_ORDER = (
    *("customer_no", "valued_on", "posted_on", "account_id", "amount"),
    *("kind", "channel", "counterparty_account", "is_own_transfer"),
)


def write_prepared(spec: BankSpec, staged: Staged, *, memory_limit: str, threads: int) -> None:
    """Write `bookings_by_customer.parquet` and `customer_numbers.parquet` beside the tables they are made of.

    Bookings: the columns of `customer_transactions` and `customer_no`, one row
    per booking and holder, by customer and date. Numbers: one row per customer
    who holds an account, `customer_no` counting from 0 in the order of ids, so
    that neighbours in one are neighbours in the other.
    """
    files = [path.name for path in staged.folder.glob("*.parquet")]
    if "transactions.parquet" not in files:
        return
    connection = connect(memory_limit=memory_limit, threads=threads, spill=staged.folder.parent / ".spill")
    try:
        bank = view_tables(spec, connection, staged.folder, files)
        numbers = bank.keep(NUMBERS, _numbers(bank))
        bookings = customer_transactions(bank).inner_join(numbers, "customer_id")
        _write(bank, numbers.order_by("customer_no"), staged.path(f"{NUMBERS}.parquet"))
        _write(bank, bookings.order_by(list(_ORDER)), staged.path(f"{BOOKINGS}.parquet"))
    finally:
        connection.disconnect()


def _numbers(bank: Bank) -> ir.Table:
    held = holders(bank).filter(lambda t: t.customer_id.notnull()).select("customer_id").distinct()
    return held.mutate(customer_no=ibis.row_number().over(ibis.window(order_by="customer_id")).cast("int32"))


def _write(bank: Bank, rows: ir.Table, path: Path) -> None:
    sql = ibis.to_sql(rows, dialect="duckdb")
    bank.connection.raw_sql(
        f"COPY ({sql}) TO {quoted(str(path))} (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)"
    )
