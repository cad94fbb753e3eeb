"""The public data of Santander as they come, when `CRMML_DATA` says where they are: padded cells, NA, months as columns."""

from __future__ import annotations

import os
from datetime import date
from pathlib import Path

import pytest

from crmml.config.bank_file import load_bank
from crmml.errors import SourceError
from crmml.sources.bank import open_tables
from crmml.sources.ingest import ingest

FOLDER = Path(__file__).parents[2] / "configs/santander"
RAW = """
bank: {name: raw, zh: 原始格式, en: the original format}
sources: {raw: {path: "${CRMML_DATA}/santander/trainsubset.csv.gz"}}
tables:
  customers: |
    SELECT ncodpers AS customer_id, 'person' AS kind, sexo AS gender, nomprov AS region, renta AS income,
           fecha_alta AS joined_on FROM raw
  activity: |
    SELECT ncodpers AS customer_id, fecha_dato AS period_end, measure, VALUE_ AS value
    FROM (UNPIVOT raw ON COLUMNS('^ind_.*_ult1$') INTO NAME measure VALUE held)
observed_until: {default: 2015-01-31}
activity:
  - {name: ind_nomina_ult1, kind: level, unit: count, zh: 代发工资, en: payroll}
"""

pytestmark = [
    pytest.mark.realdata,
    pytest.mark.skipif(
        not (Path(os.environ.get("CRMML_DATA", "/nowhere")) / "santander").is_dir(),
        reason="CRMML_DATA does not name a folder that holds santander",
    ),
]


@pytest.fixture(scope="module")
def santander(tmp_path_factory):
    directory = tmp_path_factory.mktemp("santander") / "tables"
    report = ingest(load_bank(FOLDER), directory)
    return report, open_tables(load_bank(FOLDER), directory)


def test_months_of_flags_become_holdings_with_a_beginning_and_an_end(santander):
    report, bank = santander
    assert not report.errors
    assert {table.name: table.kept for table in report.tables} == {
        "customers": 27_875,
        "accounts": 137_494,
        "activity": 128_808,
        "products": 24,
    }
    # One row of the source is one product added in May; none of them was held in April.
    counted = bank.connection.con.sql(
        "SELECT count(*), count(DISTINCT customer_id) FROM accounts WHERE opened_on = DATE '2016-05-31'"
    )
    assert counted.to_arrow_table().to_pylist() == [{"count_star()": 35_843, "count(DISTINCT customer_id)": 27_875}]


def test_a_customer_whose_payroll_came_and_went_has_a_holding_for_each_time(santander):
    _, bank = santander
    spells = bank.connection.con.sql(
        "SELECT opened_on, closed_on FROM accounts WHERE customer_id = '17458' AND product_id = 'cco' ORDER BY opened_on"
    )
    # Flags of December to April: 1, 1, 1, 0, 0; added in May.
    assert [tuple(row.values()) for row in spells.to_arrow_table().to_pylist()] == [
        (date(2015, 12, 31), date(2016, 3, 31)),
        (date(2016, 5, 31), None),
    ]


def raw(folder: Path, *, value: str, more: str = "") -> Path:
    folder.mkdir()
    (folder / "bank.yaml").write_text(RAW.replace("VALUE_", value) + more, encoding="utf-8")
    return folder


def test_padded_numbers_and_cells_that_say_na_are_refused_and_counted(tmp_path):
    spec = load_bank(raw(tmp_path / "raw", value="held"))
    # Two of 24 flags are padded (' 0') or say NA in all 9,999 rows; nothing is mended silently.
    with pytest.raises(SourceError, match="value is no plain number on 19,998 of 239,976 rows"):
        ingest(spec, tmp_path / "tables")


def test_cells_that_say_na_can_be_set_aside_and_reconcile(tmp_path):
    spec = load_bank(raw(tmp_path / "raw", value="trim(held)", more="quarantine: {tolerance: 0.001}\n"))
    checks = {check.name: check for check in ingest(spec, tmp_path / "tables").tables}
    assert (checks["activity"].rows, checks["activity"].kept, checks["activity"].quarantined) == (239_976, 239_954, 22)
    assert checks["customers"].kept == 9_999


def test_a_mapping_that_trims_and_names_the_missing_loses_no_row(tmp_path):
    spec = load_bank(raw(tmp_path / "raw", value="coalesce(NULLIF(trim(held), 'NA'), '0')"))
    report = ingest(spec, tmp_path / "tables")
    assert not report.errors
    bank = open_tables(spec, tmp_path / "tables")
    found = bank.connection.con.sql(
        "SELECT count(*) FILTER (WHERE joined_on IS NULL) AS unknown, count(income) AS incomes FROM customers"
    )
    assert found.to_arrow_table().to_pylist() == [{"unknown": 50, "incomes": 9_999 - 1_899}]
    paid = bank.connection.con.sql("SELECT sum(value)::INTEGER AS n FROM activity WHERE measure = 'ind_nomina_ult1'")
    assert paid.to_arrow_table().to_pylist() == [{"n": 218}]
