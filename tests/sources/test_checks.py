"""Every kind of fault is reported, all at once, with as many rows as were spoilt."""

from __future__ import annotations

import re

import pytest

from crmml.errors import SourceError
from crmml.sources.checks import check_sources
from crmml.sources.spec import ActivityMeasure, BankSpec
from tests.sources.raw_bank import Rows, clean, spoilt


def set_cells(table: str, column: str, value: str, count: int):
    """Spoil the first `count` rows of a column."""

    def spoil(tables: dict[str, Rows]) -> None:
        rows = tables[table]
        if column not in rows[0]:
            rows[0].append(column)
            for row in rows[1:]:
                row.append("")
        place = rows[0].index(column)
        for row in rows[1 : count + 1]:
            row[place] = value

    return spoil


def repeat_rows(table: str, count: int, change: dict[str, str] | None = None):
    """Append copies of the first rows, with some cells changed."""

    def spoil(tables: dict[str, Rows]) -> None:
        rows = tables[table]
        for row in [list(row) for row in rows[1 : count + 1]]:
            for column, value in (change or {}).items():
                row[rows[0].index(column)] = value
            rows.append(row)

    return spoil


def date_late(tables: dict[str, Rows]) -> None:
    for row in tables["transactions"][1:4]:
        row[1] = row[2] = "2026-02-02"


FAULTS = [
    ("D005", "accounts", 3, repeat_rows("accounts", 3)),
    ("D005", "customers", 2, repeat_rows("customers", 2)),
    ("D006", "transactions", 4, repeat_rows("transactions", 4, {"amount": "5"})),
    ("W105", "transactions", 4, repeat_rows("transactions", 4)),
    ("D007", "transactions", 6, set_cells("transactions", "account_id", "A999", 6)),
    ("D007", "accounts", 2, set_cells("accounts", "customer_id", "C999", 2)),
    ("D008", "transactions", 5, set_cells("transactions", "valued_on", "31/02/2025", 5)),
    ("D008", "customers", 1, set_cells("customers", "joined_on", "2025-02-30", 1)),
    ("D008", "accounts", 1, set_cells("accounts", "opened_on", "0001-01-01", 1)),
    ("W109", "transactions", 3, date_late),
    ("D010", "transactions", 4, set_cells("transactions", "posted_on", "2024-12-31", 4)),
    ("D012", "transactions", 2, set_cells("transactions", "amount", '"1,234.50"', 2)),
    ("D012", "transactions", 2, set_cells("transactions", "amount", "12\uff10", 2)),
    ("D012", "transactions", 2, set_cells("transactions", "amount", "¥12", 2)),
    ("W112", "transactions", 2, set_cells("transactions", "amount", "1.005", 2)),
    ("D013", "transactions", 3, set_cells("transactions", "amount", "NaN", 3)),
    ("D013", "transactions", 3, set_cells("transactions", "amount", "1e308", 3)),
    ("D013", "customers", 1, set_cells("customers", "income", "-Infinity", 1)),
    ("W114", "transactions", 3, set_cells("transactions", "balance", "-1", 3)),
    ("D015", "accounts", 2, set_cells("accounts", "currency", "USD", 2)),
    ("D023", "customers", 2, set_cells("customers", "refuses_marketing", "maybe", 2)),
    ("D024", "transactions", 2, set_cells("accounts", "account_id", "1.5E+18", 2)),
    ("D029", "customers", 2, set_cells("customers", "kind", "persons", 2)),
    ("D031", "products", 1, set_cells("products", "interest_rate", "3.5", 1)),
    ("D033", "accounts", 2, set_cells("accounts", "closed_on", "2019-01-01", 2)),
    ("D034", "products", 1, set_cells("products", "risk_weight", "-0.5", 1)),
    ("D037", "transactions", 10, set_cells("accounts", "opened_on", "2025-12-01", 1)),
    ("D035", "accounts", 3, set_cells("accounts", "product_id", "", 3)),
]


@pytest.mark.parametrize(("code", "table", "count", "spoil"), FAULTS, ids=lambda value: str(value)[:14])
def test_a_fault_is_reported_with_the_number_of_rows_spoilt(tmp_path, code, table, count, spoil):
    tables = clean()
    spoil(tables)
    report = check_sources(spoilt(tmp_path, tables))
    table = "accounts" if code == "D024" else table
    found = {(issue.code, issue.table): issue.count for issue in report.issues}
    assert found[code, table] == count
    assert all(check.rows == check.kept + check.quarantined for check in report.tables)
    if code == "W105" or (code != "D015" and not code.startswith("W")):
        assert next(check for check in report.tables if check.name == table).quarantined == count


def test_a_clean_bank_has_nothing_to_report(tmp_path):
    report = check_sources(spoilt(tmp_path, clean()))
    assert report.issues == ()
    assert [(table.name, table.rows, table.kept) for table in report.tables] == [
        ("customers", 20, 20),
        ("accounts", 20, 20),
        ("transactions", 200, 200),
        ("products", 1, 1),
    ]


def test_all_faults_are_told_in_one_error_whose_code_is_that_of_the_first(tmp_path):
    tables = clean()
    repeat_rows("accounts", 3)(tables)
    set_cells("transactions", "amount", '"1,234.50"', 2)(tables)
    set_cells("customers", "kind", "persons", 1)(tables)
    report = check_sources(spoilt(tmp_path, tables))
    with pytest.raises(SourceError) as caught:
        report.require_clean()
    text = str(caught.value)
    assert "3 faults" in text
    assert (
        "accounts: account_id repeats on 3 of 23 rows (first: ***000). One row per account is expected. [D005]" in text
    )
    assert "amount is no plain number on 2 of 200 rows (first: '1,234.50' in row 1)" in text
    assert "[D029]" in text
    assert caught.value.code == "D029"
    assert caught.value.exit_code == 4


def test_one_fault_reads_as_one_sentence(tmp_path):
    tables = clean()
    repeat_rows("accounts", 3)(tables)
    with pytest.raises(SourceError, match=r"^accounts: account_id repeats on 3 of 23 rows .* is expected\. \[D005\]$"):
        check_sources(spoilt(tmp_path, tables)).require_clean()


def test_ids_are_masked_and_at_most_five_examples_are_kept(tmp_path):
    tables = clean()
    set_cells("transactions", "account_id", "6222001234567890123", 9)(tables)
    (issue,) = check_sources(spoilt(tmp_path, tables)).errors
    assert issue.examples == ("***123",) * 5
    assert "6222" not in str(issue)


def test_a_missing_column_is_named_with_the_nearest_there_is(tmp_path):
    tables = clean()
    tables["customers"][0][0] = "custmer_id"
    text = "\n".join(map(str, check_sources(spoilt(tmp_path, tables)).errors))
    assert re.search(r"customers: customer_id is required and missing.*Did you mean 'custmer_id'\? \[D003\]", text)
    assert re.search(r"custmer_id is not a column of customers\. Did you mean 'customer_id'\?.*\[D028\]", text)


@pytest.mark.parametrize(
    ("sql", "code", "told"),
    [
        ("SELECT 1.5::DOUBLE AS customer_id FROM raw_customers", "D024", "a float has lost the digits"),
        ("SELECT customer_id, 20250131 AS joined_on FROM raw_customers", "D008", "joined_on is INTEGER"),
        ("SELECT customer_id, TIMESTAMPTZ '2025-01-01' AS joined_on FROM raw_customers", "D011", "say whose days"),
        ("SELECT customer_id, [1] AS income FROM raw_customers", "D023", "expected money"),
        ("SELECT * FROM raw_customers WHERE false", "D002", "the table has 0 rows"),
    ],
)
def test_a_column_of_the_wrong_kind_is_refused_as_a_whole(tmp_path, sql, code, told):
    spec = spoilt(tmp_path, clean())
    changed = {**spec.tables, "customers": sql}
    report = check_sources(BankSpec(**{**spec.__dict__, "tables": changed}))
    issue = next(issue for issue in report.errors if issue.code == code)
    assert told in str(issue)
    assert issue in report.refusals


def test_an_empty_optional_table_is_only_noted(tmp_path):
    tables = clean() | {"events": [["customer_id", "happened_on", "kind"]]}
    report = check_sources(spoilt(tmp_path, tables))
    assert [issue.code for issue in report.issues] == ["W102"]


def test_an_empty_column_is_noted(tmp_path):
    tables = clean()
    set_cells("customers", "income", "", 20)(tables)
    (issue,) = check_sources(spoilt(tmp_path, tables)).issues
    assert (issue.code, issue.column) == ("W116", "income")


def test_shares_of_holders_may_not_exceed_the_whole_at_any_time(tmp_path):
    holders = [
        ["account_id", "customer_id", "share", "since", "until"],
        ["A000", "C000", "0.6", "2020-01-01", ""],
        ["A000", "C001", "0.5", "2021-01-01", ""],
        ["A001", "C001", "1", "2020-01-01", "2021-01-01"],
        ["A001", "C002", "1", "2021-01-01", ""],
    ]
    report = check_sources(spoilt(tmp_path, clean() | {"account_holders": holders}))
    assert [(issue.code, issue.count, issue.examples[0]) for issue in report.issues] == [
        ("D032", 1, "***000"),
        ("W134", 18, "***002"),
    ]


def test_another_currency_is_accepted_with_a_rate_and_features_are_said_not_to_use_it(tmp_path):
    tables = clean() | {"rates": [["kind", "key", "valid_from", "rate"], ["fx", "USD", "2020-01-01", "7.1"]]}
    set_cells("accounts", "currency", "USD", 2)(tables)
    (issue,) = check_sources(spoilt(tmp_path, tables)).issues
    assert (issue.severity, issue.code, issue.count) == ("warning", "W144", 2)


def test_undated_attributes_are_said_to_be_for_display_unless_static_or_protected(tmp_path):
    tables = clean()
    set_cells("customers", "industry", "farming", 20)(tables)
    set_cells("customers", "gender", "F", 20)(tables)
    (issue,) = check_sources(spoilt(tmp_path, tables, protected=("gender",))).issues
    assert (issue.code, issue.column) == ("W132", "industry")
    assert check_sources(spoilt(tmp_path, tables, static=("customers.industry", "customers.gender"))).issues == ()


def test_activity_that_is_not_declared_feeds_nothing_and_is_said_so(tmp_path):
    activity = [["customer_id", "period_end", "measure", "value"], ["C000", "2025-01-31", "logins", "3"]]
    declared = ActivityMeasure("visits", "flow", "count", "到访", "visits")
    report = check_sources(spoilt(tmp_path, clean() | {"activity": activity}, activity=(declared,)))
    assert [issue.message for issue in report.issues] == [
        "activity: logins is not declared under activity:, so 1 rows feed nothing",
        "activity: visits is declared under activity: and has no row",
    ]


def test_a_tolerance_lets_a_few_rows_be_set_aside_with_what_refers_to_them(tmp_path):
    tables = clean()
    set_cells("accounts", "opened_on", "soon", 1)(tables)
    strict = check_sources(spoilt(tmp_path, tables))
    assert [issue.code for issue in strict.refusals] == ["D008"]
    lenient = check_sources(spoilt(tmp_path, tables, quarantine_tolerance=0.05))
    assert lenient.refusals == ()
    assert [(issue.code, issue.table, issue.count) for issue in lenient.errors] == [
        ("D008", "accounts", 1),
        ("D036", "transactions", 10),
    ]
    assert [(table.kept, table.quarantined) for table in lenient.tables] == [(20, 0), (19, 1), (190, 10), (1, 0)]
