"""Canonical tables on disk: typed, complete, sorted, the same bytes for the same data."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from crmml.errors import NotFoundError, SourceError
from crmml.files import is_fresh, read_manifest
from crmml.sources.bank import open_tables
from crmml.sources.contract import CONTRACT
from crmml.sources.ingest import KIND, ingest, inputs_of
from tests.sources.raw_bank import clean, spoilt
from tests.tables import rows


def test_tables_have_every_column_of_the_contract_with_its_type(tmp_path):
    ingest(spoilt(tmp_path, clean()), tmp_path / "bank/tables")
    schema = pq.read_schema(tmp_path / "bank/tables/transactions.parquet")
    assert schema.names == list(CONTRACT["transactions"].columns)
    assert schema.field("amount").type == pa.decimal128(18, 2)
    assert schema.field("valued_on").type == pa.date32()
    assert schema.field("account_id").type == pa.string()


def test_posted_on_is_the_own_date_where_the_source_has_none(tmp_path):
    tables = clean()
    tables["transactions"][1][2] = ""
    ingest(spoilt(tmp_path, tables), tmp_path / "bank/tables")
    bank = open_tables(spoilt(tmp_path, tables), tmp_path / "bank/tables")
    first = bank.table("transactions").filter(lambda t: t.transaction_id.isin(["T00001", "T00002"]))
    assert rows(first, "posted_on") == [(date(2025, 1, 15),), (date(2025, 2, 16),)]
    assert rows(bank.table("accounts").limit(1), "posted_on") == [(date(2020, 2, 1),)]


def test_labels_are_posted_when_they_became_known(tmp_path):
    labels = [["customer_id", "cutoff_date", "target", "value", "known_on"]]
    labels += [["C000", "2025-03-31", "loss", "1", "2025-06-30"], ["C001", "2025-03-31", "loss", "0", ""]]
    spec = spoilt(tmp_path, clean() | {"labels": labels})
    ingest(spec, tmp_path / "tables")
    bank = open_tables(spec, tmp_path / "tables")
    assert rows(bank.table("labels"), "customer_id", "posted_on") == [
        ("C000", date(2025, 6, 30)),
        ("C001", date(2025, 3, 31)),
    ]


def test_equal_data_in_another_order_give_equal_files(tmp_path):
    digests = []
    for seed in (1, 2):
        tables = clean()
        for content in tables.values():
            body = content[1:]
            random.Random(seed).shuffle(body)
            content[1:] = body
        ingest(spoilt(tmp_path, tables), tmp_path / f"{seed}/tables", threads=seed)
        manifest = read_manifest(tmp_path / f"{seed}/tables")
        digests.append(dict(manifest.files))
    assert digests[0] == digests[1]


def test_bookings_are_stored_by_customer_then_account_then_date(tmp_path):
    tables = clean()
    for number, row in enumerate(tables["accounts"][1:]):
        row[1] = f"C{19 - number:03}"
    spec = spoilt(tmp_path, tables)
    ingest(spec, tmp_path / "tables")
    stored = pq.read_table(tmp_path / "tables/transactions.parquet").select(["account_id", "valued_on"]).to_pylist()
    assert stored == sorted(stored, key=lambda row: (-int(row["account_id"][1:]), row["valued_on"]))


def test_rows_set_aside_are_stored_with_place_and_reason_and_reconcile(tmp_path):
    tables = clean()
    tables["transactions"][5][3] = '"1,234.50"'
    tables["transactions"].append(tables["transactions"][9])
    report = ingest(spoilt(tmp_path, tables, quarantine_tolerance=0.01), tmp_path / "tables")
    aside = pq.read_table(tmp_path / "tables/quarantine/transactions.parquet").to_pylist()
    assert [(row["quarantine_row"], row["quarantine_reason"], row["amount"]) for row in aside] == [
        (5, "D012 amount", "1,234.50"),
        (201, "W105 account_id", "9.50"),
    ]
    stored = pq.read_table(tmp_path / "tables/transactions.parquet").num_rows
    (check,) = (table for table in report.tables if table.name == "transactions")
    assert (check.rows, check.kept, check.quarantined, check.refused) == (201, stored, 2, 1)
    assert read_manifest(tmp_path / "tables").rows["quarantine/transactions.parquet"] == 2


def test_a_refused_bank_leaves_the_earlier_tables_and_shows_the_bad_rows(tmp_path):
    spec = spoilt(tmp_path, clean())
    ingest(spec, tmp_path / "bank/tables")
    before = read_manifest(tmp_path / "bank/tables")
    tables = clean()
    tables["accounts"][3][3] = "31/02/2025"
    with pytest.raises(SourceError, match=r"(?s)opened_on is no date on 1 of 20 rows.*the rows are in .*refused"):
        ingest(spoilt(tmp_path, tables), tmp_path / "bank/tables")
    assert read_manifest(tmp_path / "bank/tables") == before
    assert pq.read_table(tmp_path / "bank/refused/accounts.parquet")["opened_on"].to_pylist() == ["31/02/2025"]
    assert sorted(path.name for path in (tmp_path / "bank").iterdir()) == ["refused", "tables"]
    ingest(spoilt(tmp_path, clean()), tmp_path / "bank/tables")
    assert [path.name for path in (tmp_path / "bank").iterdir()] == ["tables"]


def test_tables_are_fresh_until_a_source_or_a_mapping_changes(tmp_path):
    spec = spoilt(tmp_path, clean())
    ingest(spec, tmp_path / "tables")
    assert is_fresh(tmp_path / "tables", kind=KIND, inputs=inputs_of(spec))
    assert not is_fresh(tmp_path / "tables", kind=KIND, inputs=inputs_of(spoilt(tmp_path, clean(), currency="USD")))
    tables = clean()
    tables["customers"][1][1] = "company"
    assert not is_fresh(tmp_path / "tables", kind=KIND, inputs=inputs_of(spoilt(tmp_path, tables)))


def test_opening_before_ingestion_says_what_to_run(tmp_path):
    with pytest.raises(NotFoundError, match="run `crmml run` first"):
        open_tables(spoilt(tmp_path, clean()), tmp_path / "nothing")


def test_what_a_killed_run_left_behind_is_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = tmp_path / f"bank/.mapping-{ended.pid}-abc"
    left.mkdir(parents=True)
    ingest(spoilt(tmp_path, clean()), tmp_path / "bank/tables")
    assert [path.name for path in (tmp_path / "bank").iterdir()] == ["tables"]
