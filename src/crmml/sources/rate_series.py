"""Faults of the table `rates`: curves with holes, percentages, rates of exchange that are none."""

from __future__ import annotations

import itertools
from collections import defaultdict

import duckdb

from crmml.economics.curves import usual_step
from crmml.sources.report import EXAMPLES, Issue
from crmml.sources.spec import BankSpec


def rate_faults(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    """What the ledger would stumble over, told at the door."""
    issues = _values(
        connection,
        "kind = 'ftp' AND abs(rate) >= 1",
        "D031",
        "reads as a percentage; expected a fraction such as 0.035",
    )
    issues += _values(
        connection, "kind = 'fx' AND NOT rate > 0", "D015", "is no rate of exchange; expected a number above 0"
    )
    if spec.economics is not None and spec.economics.curves:
        issues += _curves(connection, spec)
    return issues


def _values(connection: duckdb.DuckDBPyConnection, wrong: str, code: str, told: str) -> list[Issue]:
    found = connection.execute(
        f"SELECT kind, key, valid_from, rate FROM kept.rates WHERE {wrong} ORDER BY ALL"
    ).fetchall()
    if not found:
        return []
    kind, key, day, rate = found[0]
    message = f"rates: rate {told} on {len(found):,} rows (first: {kind} {key} from {day}: {rate})."
    return [Issue("error", code, "rates", "rate", len(found), message, tuple(str(row[3]) for row in found[:EXAMPLES]))]


def _curves(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    assert spec.economics is not None
    rows = connection.execute(
        "SELECT key, valid_from, tenor_months FROM kept.rates WHERE kind = 'ftp' AND tenor_months IS NOT NULL ORDER BY ALL"
    ).fetchall()
    quotes: dict[str, dict[object, set[int]]] = defaultdict(lambda: defaultdict(set))
    for key, day, tenor in rows:
        quotes[key][day].add(tenor)
    issues = []
    for curve in sorted(spec.economics.curves):
        if curve not in quotes:
            told = f"there is no curve {curve}, which economics.ftp names; expected rows of kind ftp, key {curve}, by tenor"
            issues.append(_hole(told, 0))
            continue
        issues += _tenors(curve, quotes[curve]) + _months(curve, list(quotes[curve]), spec.economics.rate_gap_months)
    return issues


def _tenors(curve: str, quotes: dict[object, set[int]]) -> list[Issue]:
    """Tenors that quotes lack and quotes on both sides of them have."""
    days, issues = list(quotes), []
    for tenor in sorted(set().union(*quotes.values())):
        has = [place for place, day in enumerate(days) if tenor in quotes[day]]
        lacking = [days[place] for place in range(has[0], has[-1]) if place not in set(has)]
        if lacking:
            told = (
                f"ftp {curve} has no tenor of {tenor} months on {_shown(lacking)}, which the quotes before and after "
                "have; expected every quote whole. Add the points, or leave the tenor out of all quotes"
            )
            issues.append(_hole(told, len(lacking)))
    return issues


def _months(curve: str, days: list[object], gap: int | None) -> list[Issue]:
    """Months between the first quote and the last that the rhythm of the series, or the gap allowed, leaves open."""
    months = sorted({int(str(day)[:4]) * 12 + int(str(day)[5:7]) - 1 for day in days})
    step = gap + 1 if gap is not None else usual_step(months)
    if step is None:
        return []
    missing = [
        f"{month // 12:04d}-{month % 12 + 1:02d}"
        for before, after in itertools.pairwise(months)
        for month in range(before + step, after, step)
    ]
    if not missing:
        return []
    told = (
        f"ftp {curve} has a hole: no quote for {len(missing)} months ({_shown(missing)}); expected one every {step} "
        "month(s), as elsewhere. Add the quotes, or, if one stands until the next, say how long: economics.rate_gap_months"
    )
    return [_hole(told, len(missing))]


def _hole(told: str, count: int) -> Issue:
    return Issue("error", "D038", "rates", "valid_from", count, f"rates: {told}.", ())


def _shown(items: list[object] | list[str]) -> str:
    return ", ".join(str(item) for item in items[:EXAMPLES]) + (" …" if len(items) > EXAMPLES else "")
