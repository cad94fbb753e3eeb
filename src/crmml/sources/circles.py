"""Chains that must end somewhere and come back to where they began: branches, and who owns whom."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import duckdb

from crmml.errors import mask
from crmml.sources.report import EXAMPLES, Issue

# Relations with a top and a bottom. Spouses, guarantors and the like are facts in either direction.
_OWNERSHIP = re.compile(r"parent|subsidiar|\bown|owner|owned|control|holding|母公司|子公司|控股|控制", re.IGNORECASE)


def branches_in_circles(connection: duckdb.DuckDBPyConnection) -> list[Issue]:
    """Branches that lie, over several steps, under themselves."""
    rows = connection.execute("SELECT branch_id, parent_id FROM kept.branches ORDER BY ALL").fetchall()
    issues = []
    for circle in _circles({branch: [parent] if parent else [] for branch, parent in rows}):
        told = (
            f"branches: parent_id goes in a circle, {' -> '.join([*circle, circle[0]])}; expected a tree. "
            "Leave parent_id of the head office empty"
        )
        issues.append(Issue("error", "D030", "branches", "parent_id", len(circle), told, tuple(circle[:EXAMPLES])))
    return issues


def owners_in_circles(connection: duckdb.DuckDBPyConnection) -> list[Issue]:
    """Customers who, over several steps of one relation of ownership in force at one time, own themselves."""
    words = [
        word for (word,) in connection.execute("SELECT DISTINCT relation FROM kept.relations ORDER BY 1").fetchall()
    ]
    issues = []
    for word in words:
        if word and _OWNERSHIP.search(word):
            issues += _owners_in_circles(connection, word)
    return issues


def _owners_in_circles(connection: duckdb.DuckDBPyConnection, word: str) -> list[Issue]:
    rows = connection.execute(
        "SELECT customer_id, related_id, coalesce(since, DATE '0001-01-01'), coalesce(until, DATE '9999-12-31') "
        "FROM kept.relations WHERE relation = ? AND customer_id <> related_id ORDER BY ALL",
        [word],
    ).fetchall()
    for circle in _circles(_lists((first, second) for first, second, _since, _until in rows)):
        held = [row for row in rows if row[0] in circle and row[1] in circle]
        # Two companies may have changed places: a circle is one only among what held on one day.
        for day in sorted({since for _first, _second, since, _until in held}):
            now = _lists((first, second) for first, second, since, until in held if since <= day < until)
            if found := next(_circles(now), None):
                steps = " -> ".join(mask(customer) for customer in [*found, found[0]])
                told = (
                    f"relations: {word} goes in a circle of {len(found)} customers, {steps}; expected a chain of owners "
                    "that ends: nobody owns himself. Mend a row, or end it with until; relations without an owner "
                    "(guarantor, spouse) may go in circles"
                )
                examples = tuple(mask(customer) for customer in found[:EXAMPLES])
                return [Issue("error", "D030", "relations", "relation", len(found), told, examples)]
    return []


def _lists(pairs: Iterator[tuple[str, str]]) -> dict[str, list[str]]:
    following: dict[str, list[str]] = {}
    for first, second in pairs:
        following.setdefault(first, []).append(second)
    return following


def _circles(following: Mapping[str, list[str]]) -> Iterator[list[str]]:
    """One circle of each part of the graph that has one, found by walking it depth first."""
    done: set[str] = set()
    for start in following:
        path, waiting = [start], [iter(following[start])]
        if start in done:
            continue
        while path:
            step = next((node for node in waiting[-1] if node in following and node not in done), None)
            if step is None:
                done.add(path.pop())
                waiting.pop()
            elif step in path:
                yield path[path.index(step) :]
                done.update(path)
                path, waiting = [], []
            else:
                path.append(step)
                waiting.append(iter(following[step]))
