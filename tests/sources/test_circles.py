"""Circles that cannot be, told at the door; circles that are facts, left alone."""

from __future__ import annotations

import duckdb

from crmml.sources.circles import branches_in_circles, owners_in_circles


def kept(table: str, columns: str, *rows: str) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("CREATE SCHEMA kept")
    connection.execute(f"CREATE TABLE kept.{table} AS SELECT * FROM (VALUES {', '.join(rows)}) AS t({columns})")
    return connection


def owners(*rows: str) -> list[str]:
    connection = kept("relations", "customer_id, related_id, relation, since, until", *rows)
    return [str(issue) for issue in owners_in_circles(connection)]


def test_owners_over_three_steps_are_told_once_with_their_steps() -> None:
    (told,) = owners(
        "('c01','c02','owner',NULL::DATE,NULL::DATE)",
        "('c02','c03','owner',NULL,NULL)",
        "('c03','c01','owner',NULL,NULL)",
    )
    assert "owner goes in a circle of 3 customers, ***c01 -> ***c02 -> ***c03 -> ***c01" in told
    assert told.endswith("[D030]")


def test_a_subsidiary_of_two_parents_is_no_circle() -> None:
    none = "NULL::DATE,NULL::DATE)"
    assert not owners(*(f"('{a}','{b}','parent',{none}" for a, b in (("a", "b"), ("a", "c"), ("b", "d"), ("c", "d"))))


def test_spouses_and_guarantors_may_go_in_circles() -> None:
    none = "NULL::DATE,NULL::DATE)"
    assert not owners(*(f"('{a}','{b}','guarantor',{none}" for a, b in (("a", "b"), ("b", "c"), ("c", "a"))))


def test_owners_who_changed_places_are_no_circle() -> None:
    rows = ["('a','b','控股',DATE '2010-01-01',DATE '2015-01-01')", "('b','a','控股',DATE '2015-01-01',NULL)"]
    assert not owners(*rows)
    assert owners(rows[0].replace("2015-01-01", "2015-06-01"), rows[1])


def test_branches_under_themselves_are_told_with_their_steps() -> None:
    connection = kept("branches", "branch_id, parent_id", "('H',NULL)", "('B1','B2')", "('B2','B1')", "('B3','H')")
    (issue,) = branches_in_circles(connection)
    assert "B1 -> B2 -> B1; expected a tree" in issue.message
