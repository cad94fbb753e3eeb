"""Rows of campaigns beside the bank's own contact log: added once, never twice, never of strangers."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pyarrow.parquet as pq

from crmml.sources.bank import open_tables
from crmml.sources.campaign_rows import with_campaigns
from crmml.sources.ingest import ingest, inputs_of
from tests.sources.raw_bank import clean, spoilt
from tests.tables import rows

OWN = [["customer_id", "product_id", "assigned_on", "arm", "is_contacted", "list_id"]]


def campaign_rows(path, customers, *, outcome="taken"):
    count = len(customers)
    columns = {
        "customer_id": customers,
        "product_id": ["p1"] * count,
        "assigned_on": [date(2025, 3, 31)] * count,
        "arm": ["treated"] * count,
        "is_contacted": [True] * count,
        "contacted_on": [date(2025, 4, 2)] * count,
        "list_id": ["L1"] * count,
        "outcome": [outcome] * count,
    }
    pq.write_table(pa.table(columns), path)
    return path


def laid(tmp_path, customers, *, own=None):
    tables = clean()
    if own:
        tables["contacts"] = OWN + own
    path = campaign_rows(tmp_path / "rows.parquet", customers)
    spec = with_campaigns(spoilt(tmp_path, tables), path)
    report = ingest(spec, tmp_path / "bank/tables")
    bank = open_tables(spec, tmp_path / "bank/tables")
    return bank.table("contacts"), report, spec


def test_a_bank_without_a_log_gets_the_table_from_its_campaigns(tmp_path):
    contacts, report, _ = laid(tmp_path, ["C000", "C001"])
    assert rows(contacts, "customer_id", "product_id", "outcome", "posted_on") == [
        ("C000", "p1", "taken", date(2025, 3, 31)),
        ("C001", "p1", "taken", date(2025, 3, 31)),
    ]
    assert not [issue for issue in report.issues if issue.table == "contacts" and issue.severity == "error"]


def test_a_row_the_banks_own_log_has_stays_the_banks(tmp_path):
    own = [
        ["C000", "p1", "2025-03-31", "control", "false", "L1"],
        ["C000", "p1", "2025-01-31", "control", "false", "L0"],
    ]
    contacts, *_ = laid(tmp_path, ["C000", "C001"], own=own)
    assert sorted(rows(contacts, "customer_id", "list_id", "arm")) == [
        ("C000", "L0", "control"),
        ("C000", "L1", "control"),
        ("C001", "L1", "treated"),
    ]


def test_customers_the_bank_no_longer_has_are_left_out_and_counted(tmp_path):
    contacts, report, *_ = laid(tmp_path, ["C000", "gone"])
    assert rows(contacts, "customer_id") == [("C000",)]
    assert [issue.count for issue in report.issues if issue.code == "W150"] == [1]


def test_new_outcomes_make_the_tables_stale(tmp_path):
    _, _, spec = laid(tmp_path, ["C000"])
    before = inputs_of(spec)
    campaign_rows(tmp_path / "rows.parquet", ["C000"], outcome="not_taken")
    assert inputs_of(spec) != before
