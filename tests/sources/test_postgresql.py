"""Tables of a real PostgreSQL server arrive as they are, and its address never leaves the process."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from crmml.errors import BackendError
from crmml.files import read_manifest
from crmml.sources import postgresql
from crmml.sources.ingest import ingest, inputs_of
from crmml.sources.readers import attach
from crmml.sources.spec import BankSpec, Source
from tests.postgresql_server import PASSWORD, server
from tests.sources.front_door import crmml, lay_bank
from tests.sources.raw_bank import clean, spoilt

dbapi = pytest.importorskip("adbc_driver_postgresql.dbapi", reason="the extra postgresql is not installed")
TYPES = {"joined_on": "date", "opened_on": "date", "valued_on": "date", "posted_on": "date", "amount": "numeric(18,2)"}


@pytest.fixture(scope="module")
def uri():
    with server() as address, dbapi.connect(address, autocommit=True) as connection:
        with connection.cursor() as cursor:
            cursor.execute("CREATE SCHEMA core")
            for name, (header, *rows) in clean().items():
                columns = ", ".join(f"{column} {TYPES.get(column, 'text')}" for column in header)
                cursor.execute(f"CREATE TABLE core.{name} ({columns})")
                values = ", ".join("(" + ", ".join(f"'{cell}'" for cell in row) + ")" for row in rows)
                cursor.execute(f"INSERT INTO core.{name} VALUES {values}")
        yield address


@pytest.fixture
def execute(uri):
    def run(*statements):
        with dbapi.connect(uri, autocommit=True) as connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    return run


@pytest.fixture(autouse=True)
def variable(uri, monkeypatch):
    monkeypatch.setenv("CORE_URI", uri)


def source(**selected: str) -> Source:
    return Source("raw", "", "postgresql", uri="${CORE_URI}", **selected)


def read(tmp_path, **selected: str):
    """The relation of a source, or its faults."""
    connection = duckdb.connect()
    issues = attach(connection, {"raw": source(**selected)}, tmp_path)
    return [str(issue) for issue in issues] or connection.sql("FROM raw")


def from_server(spec: BankSpec) -> BankSpec:
    sources = {
        name: Source(name, "", "postgresql", uri="${CORE_URI}", table=f"core.{name.removeprefix('raw_')}")
        for name in spec.sources
    }
    return BankSpec(**{**spec.__dict__, "sources": sources})


def from_parquet(spec: BankSpec, folder: Path) -> BankSpec:
    for name in clean():
        casts = ", ".join(f"CAST({c} AS {TYPES.get(c, 'text')}) AS {c}" for c in clean()[name][0])
        table = duckdb.sql(f"SELECT {casts} FROM read_csv('{folder}/{name}.csv', all_varchar = true)").to_arrow_table()
        pq.write_table(table, folder / f"{name}.parquet")
    sources = {
        name: Source(name, str(folder / f"{name.removeprefix('raw_')}.parquet"), "parquet") for name in spec.sources
    }
    return BankSpec(**{**spec.__dict__, "sources": sources})


def test_a_bank_on_a_server_gives_the_same_tables_as_from_parquet(tmp_path):
    spec = spoilt(tmp_path, clean())
    served = ingest(from_server(spec), tmp_path / "served/tables")
    filed = ingest(from_parquet(spec, tmp_path), tmp_path / "filed/tables")
    assert [(table.name, table.kept) for table in served.tables] == [(table.name, table.kept) for table in filed.tables]
    manifests = [read_manifest(tmp_path / place / "tables") for place in ("served", "filed")]
    assert manifests[0].files == manifests[1].files
    assert manifests[0].rows["transactions.parquet"] == 200


def test_no_digit_and_no_leading_zero_is_lost(tmp_path, execute):
    execute(
        "CREATE TABLE exact (id text, code char(6), money numeric(18,2), rate numeric, big bigint, day date, at timestamp)",
        "INSERT INTO exact VALUES ('007', 'ab', 1234567890123456.78, 0.12345678901234567890, 9007199254740993,"
        " '2025-02-28', '2025-02-28 23:59:59.999999'), (NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    )
    relation = read(tmp_path, table="exact")
    assert [str(kind) for kind in relation.types] == [
        "VARCHAR", "VARCHAR", "DECIMAL(18,2)", "DECIMAL(38,20)", "BIGINT", "DATE", "TIMESTAMP"
    ]  # fmt: skip
    assert relation.fetchall() == [
        (
            "007",
            "ab",
            Decimal("1234567890123456.78"),
            Decimal("0.12345678901234567890"),
            9007199254740993,
            date(2025, 2, 28),
            datetime(2025, 2, 28, 23, 59, 59, 999999),
        ),
        (None,) * 7,
    ]


def test_what_is_no_decimal_stays_text_for_the_checks(tmp_path):
    relation = read(tmp_path, query="SELECT 'NaN'::numeric AS x, repeat('9', 50)::numeric AS y")
    assert relation.fetchall() == [("NaN", "9" * 50)]


def test_a_time_with_zone_keeps_its_zone_so_that_a_date_of_it_must_be_chosen(tmp_path):
    relation = read(tmp_path, query="SELECT '2025-01-31 20:00+00'::timestamptz AS at")
    assert str(relation.types[0]) == "TIMESTAMP WITH TIME ZONE"


def test_a_long_table_arrives_in_more_than_one_batch(tmp_path):
    query = "SELECT i, repeat('x', 200) AS t FROM generate_series(1, 200000) i"
    assert read(tmp_path, query=query).aggregate("count(*), sum(i), max(length(t))").fetchall() == [
        (200_000, 20_000_100_000, 200)
    ]


@pytest.mark.parametrize(
    ("selected", "told"),
    [
        ({"table": "core.custmers"}, "no table core.custmers; it has core.accounts"),
        ({"table": "core.custmers"}, "Did you mean 'core.customers'? [D001]"),
        ({"table": "customers"}, "it has core.accounts"),
        ({"query": "SELECT no FROM core.customers"}, 'column "no" does not exist'),
        ({"query": "SELECT FROM WHERE"}, "its query fails on the server"),
        ({"query": "SELECT 'C001'::int AS x"}, "SQLSTATE 22P02"),
        ({"query": "SELECT 1 AS a, 2 AS a"}, "repeats a; expected each name once [D004]"),
        ({"query": "DELETE FROM core.customers RETURNING customer_id"}, "its query fails on the server"),
        ({"query": "SELECT 1 AS a) q; DROP TABLE core.customers; --"}, "[D003]"),
    ],
)
def test_what_the_server_cannot_give_is_told_without_its_values(tmp_path, selected, told):
    issues = read(tmp_path, **selected)
    assert told in issues[0]
    assert "C001" not in issues[0]
    assert len(read(tmp_path, table="core.customers")) == 20


def test_a_table_this_user_may_not_read_says_so(tmp_path, uri, execute, monkeypatch):
    execute("CREATE USER guest PASSWORD 'guest'", "GRANT USAGE ON SCHEMA core TO guest")
    monkeypatch.setenv("CORE_URI", uri.replace(uri.split("//")[1].split("@")[0], "guest:guest"))
    assert (
        "does not let this user read core.customers; GRANT SELECT on it [D001]"
        in read(tmp_path, table="core.customers")[0]
    )


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda uri: uri.replace("s3cret", "wrong"), "refuses the user or the password"),
        (lambda uri: uri.replace("/postgres", "/nodatabase"), "has no such database or user"),
        (lambda uri: uri.rsplit(":", 1)[0] + ":1/postgres", "cannot be reached"),
        (lambda uri: "rubbish s3cret#pass", "cannot be addressed"),
    ],
)
def test_a_server_that_does_not_answer_ends_with_9_and_shows_no_address(
    tmp_path, monkeypatch, capsys, uri, spoil, told
):
    lay_bank(tmp_path, {"raw_customers": {"uri": "${CORE_URI}", "table": "core.customers"}})
    monkeypatch.setenv("CORE_URI", spoil(uri))
    code, out, err = crmml(monkeypatch, capsys, tmp_path, "--debug", "check", "configs/small")
    assert code == 9
    assert told in err
    assert "sources.raw_customers" in err
    assert "${CORE_URI}" in err
    for secret in ("s3cret", "wrong", "127.0.0.1", "rubbish"):
        assert secret not in out + err


def test_the_address_is_in_no_file_and_no_output(tmp_path, monkeypatch, capsys):
    lay_bank(tmp_path, {"raw_customers": {"uri": "${CORE_URI}", "table": "core.customers"}})
    assert crmml(monkeypatch, capsys, tmp_path, "check", "configs/small")[0] == 0
    code, out, err = crmml(monkeypatch, capsys, tmp_path, "run", "configs/small", "--stage", "tables")
    assert code == 0, err
    shown = crmml(monkeypatch, capsys, tmp_path, "config", "configs/small")[1]
    assert "${CORE_URI}" in shown
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    for secret in (PASSWORD, "s3cret", "127.0.0.1"):
        assert secret not in out + err + shown
        assert secret.encode() not in written


def test_a_literal_address_in_a_config_is_refused_and_not_repeated(tmp_path, monkeypatch, capsys, uri):
    lay_bank(tmp_path, {"raw_customers": {"uri": uri, "table": "core.customers"}})
    code, out, err = crmml(monkeypatch, capsys, tmp_path, "check", "configs/small")
    assert (code, "s3cret" in out + err) == (3, False)
    assert "sources.raw_customers.uri is not one ${VARIABLE}" in err


def test_the_tables_are_made_anew_when_a_row_changed_and_only_then(tmp_path, execute):
    spec = from_server(spoilt(tmp_path, clean()))
    before = inputs_of(spec)
    execute("VACUUM core.transactions")
    assert inputs_of(spec) == before
    execute("CREATE TABLE core.copy AS SELECT * FROM core.transactions ORDER BY random()")
    assert postgresql.state_of(source(table="core.copy")) == before["raw_transactions"]  # order does not matter
    execute("UPDATE core.copy SET amount = amount + 0.01 WHERE transaction_id = 'T00001'")
    changed = postgresql.state_of(source(table="core.copy"))
    assert changed != before["raw_transactions"]
    execute("INSERT INTO core.copy SELECT * FROM core.copy WHERE transaction_id = 'T00001'")
    assert postgresql.state_of(source(table="core.copy")) != changed  # a row twice is another state


def test_without_the_driver_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(postgresql, "dbapi", None)
    with pytest.raises(BackendError, match=r"pip install 'crmml\[postgresql\]' \[L007\]"):
        read(tmp_path, table="core.customers")
