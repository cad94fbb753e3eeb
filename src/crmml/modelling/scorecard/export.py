"""A scorecard to take away: a CSV of its bins, and SQL that gives the same score."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = (
    "bin_zh", "bin_en", "kind", "low", "high", "levels", "rows", "share", "events", "event_rate", "woe", "iv", "js", "points",
)  # fmt: skip
_HUGE = "1.7976931348623157e308"


def to_csv(tables: Mapping[str, Any]) -> str:
    """One line for each bin of each feature, and one for the base points; numbers in full.

    Parameters
    ----------
    tables : mapping
        What `scorecard_tables` made.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["feature", "zh", "en", "coefficient", *_COLUMNS])
    writer.writerow(["", "基础分", "base points", "", *("" for _ in _COLUMNS[:-1]), repr(float(tables["base_points"]))])
    for feature in tables["features"]:
        for row in feature["rows"]:
            cells = ["|".join(row[name]) if name == "levels" else _cell(row[name]) for name in _COLUMNS]
            writer.writerow([feature["name"], feature["zh"], feature["en"], repr(feature["coefficient"]), *cells])
    return text.getvalue()


def to_sql(tables: Mapping[str, Any], *, model: str) -> str:
    """A SELECT over a table `features` that adds `score`, `log_odds` and `probability` to every row.

    Plain SQL of DuckDB and PostgreSQL. A null, and a number that is not finite, is Missing; categories are
    compared as text.
    """
    points = [_case(feature, tables["special"]) for feature in tables["features"]]
    names = [_quoted("points_" + feature["name"]) for feature in tables["features"]]
    score = " + ".join([repr(float(tables["base_points"])), *names])
    sign = "-" if tables["direction"] == "safer" else ""
    factor = float(tables["points_to_double"]) / 0.6931471805599453
    inner = "".join(f",\n    {case} AS {name}" for case, name in zip(points, names, strict=True))
    offset = f"(score - ({float(tables['base_score'])!r})) / {factor!r}"
    against = f"LN({float(tables['base_odds'])!r})"
    log_odds = f"-({offset} + {against})" if sign else f"({offset} - {against})"
    return (
        f"-- {model}: points scorecard, more points are {tables['direction']}; "
        f"{tables['base_score']:g} points are odds of {tables['base_odds']:g} to 1 against the event, "
        f"{tables['points_to_double']:g} points double the odds.\n"
        f"WITH binned AS (\n  SELECT *{inner}\n  FROM features\n), scored AS (\n"
        f"  SELECT *, {score} AS score\n  FROM binned\n), odds AS (\n"
        f"  SELECT *, {log_odds} AS log_odds\n  FROM scored\n)\n"
        "SELECT *, 1 / (1 + EXP(-log_odds)) AS probability\nFROM odds\n"
    )


def _case(feature: Mapping[str, Any], special: Sequence[float]) -> str:
    """The points of one feature, bin by bin."""
    column = _quoted(feature["name"])
    rows = {row["kind"]: row for row in feature["rows"]}
    if "unseen" in rows:
        whens = [f"WHEN {column} IS NULL THEN {rows['missing']['points']!r}"]
        for row in feature["rows"]:
            if row["kind"] == "levels":
                listed = ", ".join("'" + level.replace("'", "''") + "'" for level in row["levels"])
                whens.append(f"WHEN CAST({column} AS VARCHAR) IN ({listed}) THEN {row['points']!r}")
        return f"CASE {' '.join(whens)} ELSE {rows['unseen']['points']!r} END"
    # Not a number, and infinite: in both engines NaN is greater than every number.
    whens = [f"WHEN {column} IS NULL OR {column} NOT BETWEEN -{_HUGE} AND {_HUGE} THEN {rows['missing']['points']!r}"]
    if special:
        listed = ", ".join(repr(float(code)) for code in special)
        whens.append(f"WHEN {column} IN ({listed}) THEN {rows['special']['points']!r}")
    ranges = [row for row in feature["rows"] if row["kind"] == "range"]
    whens += [f"WHEN {column} < {row['high']!r} THEN {row['points']!r}" for row in ranges[:-1]]
    return f"CASE {' '.join(whens)} ELSE {ranges[-1]['points']!r} END"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _cell(value: Any) -> str:
    return "" if value is None else repr(value) if isinstance(value, float) else str(value)
