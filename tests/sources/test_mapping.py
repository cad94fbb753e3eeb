"""A mapping reads the declared sources and nothing else, and only renames, casts, unpivots and filters."""

from __future__ import annotations

from typing import Any

import pytest

from crmml.errors import ConfigError
from crmml.sources.checks import check_sources
from crmml.sources.spec import BankSpec
from tests.sources.raw_bank import clean, spoilt


def mapped(tmp_path, table: str, sql: str, tables: Any = None) -> BankSpec:
    spec = spoilt(tmp_path, tables or clean())
    return BankSpec(**{**spec.__dict__, "tables": {**spec.tables, table: sql}})


def faults(spec: BankSpec) -> str:
    return "\n".join(str(issue) for issue in check_sources(spec).errors)


@pytest.mark.parametrize(
    ("sql", "warned"),
    [
        ("SELECT customer_id, min(joined_on) AS joined_on FROM raw_customers GROUP BY ALL", True),
        ("SELECT customer_id, first_value(kind) OVER (ORDER BY joined_on) AS kind FROM raw_customers", True),
        ("SELECT customer_id, (SELECT max(joined_on) FROM raw_customers) AS joined_on FROM raw_customers", True),
        ("SELECT customer_id, kind FROM raw_customers WHERE kind <> 'x' ORDER BY 1", False),
        ("SELECT DISTINCT customer_id, upper(NULL) AS name FROM raw_customers", False),
    ],
)
def test_a_mapping_that_computes_over_rows_may_know_the_future(tmp_path, sql, warned):
    codes = [issue.code for issue in check_sources(mapped(tmp_path, "customers", sql)).warnings]
    assert ("W130" in codes) is warned


def test_a_mapping_that_reads_the_clock_is_warned_of(tmp_path):
    sql = "SELECT customer_id, current_date AS joined_on FROM raw_customers"
    assert "W131" in [issue.code for issue in check_sources(mapped(tmp_path, "customers", sql)).warnings]


def test_a_mapping_may_unpivot(tmp_path):
    tables = clean() | {"wide": [["no", "m1", "m2"], ["C000", "1", "2"], ["C001", "3", ""]]}
    spec = spoilt(tmp_path, tables)
    sql = (
        "SELECT no AS customer_id, DATE '2025-01-31' AS period_end, measure, value "
        "FROM raw_wide UNPIVOT (value FOR measure IN (m1, m2))"
    )
    names = {name: text for name, text in spec.tables.items() if name != "wide"}
    report = check_sources(BankSpec(**{**spec.__dict__, "tables": {**names, "activity": sql}}))
    assert [table.rows for table in report.tables if table.name == "activity"] == [3]


def test_a_mapping_cannot_read_other_files(tmp_path):
    (tmp_path / "secret.csv").write_text("customer_id\nC1\n")
    sql = f"SELECT * FROM read_csv('{tmp_path}/secret.csv')"
    assert "customers: its mapping reads what is not one of the sources" in faults(mapped(tmp_path, "customers", sql))


def test_a_mapping_cannot_read_variables_of_the_program(tmp_path):
    import pandas as pd

    secret = pd.DataFrame({"customer_id": ["C1"]})
    text = faults(mapped(tmp_path, "customers", "SELECT * FROM secret"))
    assert "customers: its mapping reads secret, which is no source" in text
    assert len(secret) == 1


@pytest.mark.parametrize("sql", ["DROP TABLE x", "SELECT 1; SELECT 2", "COPY raw_customers TO 'x.csv'", ""])
def test_a_mapping_is_one_select(tmp_path, sql):
    with pytest.raises(ConfigError, match=r"tables\.customers is not one SELECT.*\[C003\]"):
        check_sources(mapped(tmp_path, "customers", sql))


def test_an_unknown_table_is_refused_with_the_nearest_name(tmp_path):
    with pytest.raises(ConfigError, match=r"tables\.custmers is not a canonical table.*Did you mean 'customers'\?"):
        check_sources(mapped(tmp_path, "custmers", "SELECT * FROM raw_customers"))


def test_an_unknown_source_or_column_is_named(tmp_path):
    text = faults(mapped(tmp_path, "customers", "SELECT * FROM raw_custmers"))
    assert "reads raw_custmers, which is no source" in text
    assert "Did you mean 'raw_customers'? [D003]" in text
    text = faults(mapped(tmp_path, "customers", "SELECT cust_id AS customer_id FROM raw_customers"))
    assert 'customers: its mapping fails: Binder Error: Referenced column "cust_id" not found' in text


def test_a_cast_that_fails_inside_a_mapping_is_told_with_its_value(tmp_path):
    tables = clean()
    tables["customers"][1][2] = "31.12.2020"
    sql = "SELECT customer_id, CAST(joined_on AS DATE) AS joined_on FROM raw_customers"
    text = faults(mapped(tmp_path, "customers", sql, tables))
    assert "31.12.2020" in text
    assert "so that the row can be set aside [D008]" in text


def test_a_cast_of_what_was_computed_is_told_with_its_value(tmp_path):
    sql = "SELECT customer_id, CAST(kind || joined_on AS DATE) AS joined_on FROM raw_customers"
    text = faults(mapped(tmp_path, "customers", sql))
    assert "person2020-01-01" in text
    assert "the contract casts it and sets bad rows aside [D008]" in text


def test_faults_of_a_file_are_told_once_under_its_source(tmp_path):
    spec = spoilt(tmp_path, clean())
    (tmp_path / "customers.csv").unlink()
    text = faults(spec)
    assert "expected one at sources.raw_customers.path [D001]" in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('customer_id,kind\nC000,"person\nC001,person\n', "a quote opens in line 2 of"),
        ("customer_id,kind\nC000,person\nC001\n", "line 3 of"),
        ("customer_id,kind\nC000,person,x\n", "has 3 cells, expected 2"),
    ],
)
def test_a_ragged_file_is_refused_by_line_and_without_its_contents(tmp_path, content, told):
    spec = spoilt(tmp_path, clean())
    (tmp_path / "customers.csv").write_text(content)
    text = faults(spec)
    assert told in text
    assert "[D026]" in text
    assert "C001" not in text


def test_customers_and_one_history_are_required(tmp_path):
    spec = spoilt(tmp_path, clean())
    only = {"products": spec.tables["products"]}
    text = faults(BankSpec(**{**spec.__dict__, "tables": only}))
    assert "customers: no mapping; expected one under tables.customers [D001]" in text
    assert "expected at least one of transactions, balances, activity" in text
