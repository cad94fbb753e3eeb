"""The bank speed is measured on: 500 bookings an account over five years, 1.5 accounts a customer, drawn by SQL.

It has what makes counting by hand go wrong: bookings posted late (1 %),
transfers between own accounts (one booking in thirty), joint holders who join
in mid history and accounts that change hands (1 % each). Bookings lie in no
order. Every draw is a hash of the row's number, so the same size gives the same bank.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import duckdb

from crmml.sources.bank import Bank, canonical, connect
from crmml.sources.contract import CONTRACT
from crmml.sources.spec import BankSpec, Source

PER_ACCOUNT = 500
FIRST, LAST = date(2021, 1, 1), date(2025, 12, 31)
KINDS = ("salary", "fee", "bill", "card_payment", "transfer", "cash")
CHANNELS = ("mobile", "online", "counter")
_DAYS = (LAST - FIRST).days + 1
#: Rows drawn by one query, so that memory stays small.
_CHUNK = 10_000_000


def generate(folder: Path, *, bookings: int) -> None:
    """Write the bank's tables as zstd Parquet into `folder`."""
    accounts = bookings // PER_ACCOUNT
    for name, sql in _small_tables(accounts).items():
        _copy(sql, folder / f"{name}.parquet")
    chunks = folder / "transactions"
    chunks.mkdir()
    for start in range(0, bookings, _CHUNK):
        _copy(_bookings(start, min(start + _CHUNK, bookings), accounts), chunks / f"{start // _CHUNK:03}.parquet")


def spec_of(folder: Path) -> BankSpec:
    """The bank as its `bank.yaml` would declare it."""
    names = [*_small_tables(1), "transactions"]
    paths = {
        name: folder / ("transactions/*.parquet" if name == "transactions" else f"{name}.parquet") for name in names
    }
    return BankSpec(
        name="frozen",
        title_zh="测速银行(合成数据)",
        title_en="Bank for measuring speed (synthetic)",
        folder=folder,
        sources={f"raw_{name}": Source(f"raw_{name}", str(path), "parquet") for name, path in paths.items()},
        tables={name: f"SELECT * FROM raw_{name}" for name in names},
        observed_until={"default": LAST},
        observed_from={"transactions": FIRST},
    )


def open_raw(folder: Path, *, memory_limit: str | None = None) -> Bank:
    """The bank as it arrives: nothing sorted, nothing prepared."""
    spec = spec_of(folder)
    connection = connect(memory_limit=memory_limit, spill=folder / ".spill")
    tables = {}
    for name in spec.tables:
        path = spec.sources[f"raw_{name}"].path
        connection.raw_sql(f"CREATE VIEW raw_{name} AS SELECT * FROM read_parquet('{path}')")
        tables[name] = canonical(connection.table(f"raw_{name}"), CONTRACT[name])
    return Bank(spec, connection, tables)


def _small_tables(accounts: int) -> Mapping[str, str]:
    """Accounts 3k and 3k + 1 belong to customer 2k, account 3k + 2 to customer 2k + 1."""
    every = f"SELECT i, 'A' || lpad(CAST(i AS VARCHAR), 9, '0') AS account_id FROM range({accounts}) t(i)"
    owner = "'C' || lpad(CAST({} AS VARCHAR), 9, '0')"
    some_other = owner.format(f"CAST(hash(i) % {max(accounts * 2 // 3, 1)} AS BIGINT)")
    return {
        "customers": f"SELECT DISTINCT {owner.format('i * 2 // 3')} AS customer_id, 'person' AS kind, "
        f"DATE '{FIRST}' AS joined_on FROM range({accounts}) t(i)",
        "products": "SELECT unnest(['current', 'savings']) AS product_id, unnest(['current', 'savings']) AS family",
        "accounts": f"SELECT account_id, CASE WHEN i % 2 = 0 THEN 'current' ELSE 'savings' END AS product_id, "
        f"DATE '{FIRST}' AS opened_on FROM ({every})",
        "account_holders": f"""
            SELECT account_id, {owner.format("i * 2 // 3")} AS customer_id, 'owner' AS role, DATE '{FIRST}' AS since,
                   CASE WHEN i % 100 = 7 THEN DATE '2024-03-31' END AS until, DATE '{FIRST}' AS posted_on FROM ({every})
            UNION ALL SELECT account_id, {some_other}, 'owner', DATE '2024-04-01', NULL, DATE '2024-04-02'
            FROM ({every}) WHERE i % 100 = 7
            UNION ALL SELECT account_id, {some_other}, 'joint', DATE '2023-07-01', NULL, DATE '2023-07-05'
            FROM ({every}) WHERE i % 100 = 19""",
    }


def _bookings(start: int, end: int, accounts: int) -> str:
    """Bookings `start` to `end`; the account is drawn, so that no file is in order."""
    number = f"CAST(h1 % {accounts} AS BIGINT)"
    day = f"DATE '{FIRST}' + CAST(h2 % {_DAYS} AS INTEGER)"
    kinds, channels = (", ".join(f"'{word}'" for word in words) for words in (KINDS, CHANNELS))
    sibling = f"CASE {number} % 3 WHEN 0 THEN {number} + 1 WHEN 1 THEN {number} - 1 ELSE {number} END"
    return f"""
        SELECT 'A' || lpad(CAST({number} AS VARCHAR), 9, '0') AS account_id, {day} AS valued_on,
               CAST((CASE WHEN h3 % 5 < 2 THEN 1 ELSE -1 END) * (1 + (h3 // 1000) % 200000) / 100.0 AS DECIMAL(18, 2)) AS amount,
               CAST(i AS VARCHAR) AS transaction_id,
               [{kinds}][1 + CAST(h2 // 2000 % {len(KINDS)} AS BIGINT)] AS kind,
               [{channels}][1 + CAST(h2 // 20000 % {len(CHANNELS)} AS BIGINT)] AS channel,
               CASE WHEN h3 // 7 % 20 = 0 THEN 'A' || lpad(CAST({sibling} AS VARCHAR), 9, '0') END AS counterparty_account,
               {day} + CASE WHEN h3 % 100 = 0 THEN CAST(h3 // 100 % 40 AS INTEGER) ELSE 0 END AS posted_on
        FROM (SELECT i, hash(i) AS h1, hash(i + 7777777777) AS h2, hash(i + 99999999999) AS h3
              FROM range({start}, {end}) t(i))"""


def _copy(sql: str, path: Path) -> None:
    with duckdb.connect(":memory:", config={"memory_limit": "2GB"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"COPY ({sql}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
