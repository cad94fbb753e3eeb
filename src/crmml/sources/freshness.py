"""Days and branches that a source lacks: a load that failed looks like customers who went quiet.

A source is looked at slot by slot: the days of the weekdays on which it usually has
rows (weekends drop out by themselves), or its month ends where it has only those. A run
of empty slots is reported where all of this holds, so that holidays, small branches and
sparse tables stay silent:

- at least 20 rows would be expected (the median of equally long stretches nearby): by
  chance a stretch with that many is empty once in 5e8 (Poisson, e^-20);
- empty slots are no habit: at most 1 % of all, or this run is longer than three times any
  other and, for the source as a whole, than 8 slots, the longest public holiday (China's
  Golden Week). Public holidays empty 4 % of the weekdays in the United States and 7 % in
  China, so a bank that closes on them is told of long outages only.

What a bank knows to be empty is listed under `days_off:` in its `bank.yaml`.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.periods import month_end, shift_months
from crmml.sources.consistency import TABLES_PRESENT
from crmml.sources.contract import CONTRACT
from crmml.sources.report import EXAMPLES, Issue
from crmml.sources.spec import BankSpec
from crmml.sources.sql import identifier

Counts = npt.NDArray[np.int64]
WATCHED = ("transactions", "balances", "activity", "arrears", "events")
EXPECTED = 20
HABIT = 0.01
LONGEST_HOLIDAY = 8
_NEAR = 180  # slots on each side that a run is compared with
_FEWEST_SLOTS = 8
_ACTIVE = 0.5


@dataclass(frozen=True)
class Run:
    """Empty slots from `first` to `last`, and how many rows they would have held."""

    first: date
    last: date
    slots: int
    expected: int

    @property
    def span(self) -> str:
        return str(self.first) if self.slots == 1 else f"{self.first} to {self.last}"

    def __str__(self) -> str:
        return f"{self.span} (about {self.expected:,} rows expected)"


def stale_sources(connection: duckdb.DuckDBPyConnection, spec: BankSpec) -> list[Issue]:
    """What the checked tables of the schema `kept` lack: days, branches, ends, columns of single days."""
    present = {name for (name,) in connection.execute(TABLES_PRESENT).fetchall()}
    issues: list[Issue] = []
    for table in WATCHED:
        if table in present:
            daily = _daily(connection, table, spec, present)
            if len(daily):
                issues += _missing_days(table, daily, spec)
                issues += _missing_branches(connection, table, daily, present)
                issues += _missing_values(table, daily)
    return issues


def _daily(connection: duckdb.DuckDBPyConnection, table: str, spec: BankSpec, present: set[str]) -> pd.DataFrame:
    """Rows, and values of each optional column, by branch and the day on which the bank had them."""
    own = str(CONTRACT[table].date)
    columns = [name for name, column in CONTRACT[table].columns.items() if not column.required and name != "posted_on"]
    counted = "".join(f", count(t.{identifier(name)}) AS {identifier(name)}" for name in columns)
    day = f"coalesce(t.posted_on, t.{identifier(own)})"
    join, branch = _branch_of(table, present)
    first = spec.observed_from.get(table)
    begun = f"AND {day} >= DATE '{first}'" if first else ""
    sql = (
        f"SELECT {branch} AS branch, {day} AS day, count(*) AS rows{counted} FROM kept.{identifier(table)} t {join} "
        f"WHERE {day} <= DATE '{spec.last_day(table)}' {begun} GROUP BY 1, 2 ORDER BY 1, 2"
    )
    frame: pd.DataFrame = connection.sql(sql).to_arrow_table().to_pandas()
    return frame.assign(day=pd.to_datetime(frame["day"]))


def _branch_of(table: str, present: set[str]) -> tuple[str, str]:
    """The join and the expression that give a row its branch; null where nothing tells."""
    if table == "arrears" or ("account_id" in CONTRACT[table].columns and "accounts" in present):
        owned = "accounts"
    else:
        owned = "customers"
    if table == "arrears":
        if not {"loans", "accounts"} <= present:
            return "", "NULL"
        return (
            "LEFT JOIN kept.loans l USING (loan_id) LEFT JOIN kept.accounts o ON o.account_id = l.account_id",
            "o.branch_id",
        )
    key = "account_id" if owned == "accounts" else "customer_id"
    mine = "account_id" if "account_id" in CONTRACT[table].columns else "customer_id"
    people = f"(SELECT {key}, any_value(branch_id) AS branch_id FROM kept.{owned} GROUP BY 1)"
    return f"LEFT JOIN {people} o ON o.{key} = t.{mine}", "o.branch_id"


def _missing_days(table: str, daily: pd.DataFrame, spec: BankSpec) -> Iterator[Issue]:
    """Days of the whole table: empty in the middle (W140), or after its last row (W142)."""
    rows = daily.groupby("day")["rows"].sum()
    slots = expected_slots([_as_date(day) for day in rows.index], spec.last_day(table), spec.days_off)
    runs = empty_runs(slots, rows.reindex(pd.to_datetime(slots), fill_value=0).to_numpy(dtype=np.int64))
    ended = [run for run in runs if run.last == slots[-1]]
    between = [run for run in runs if run.last != slots[-1]]
    if between:
        told = (
            f"{table}: no rows on {_listed(between)}. Load them, or list them under days_off: where the bank was closed"
        )
        yield _issue("W140", table, str(CONTRACT[table].date), between, told)
    if ended:
        told = (
            f"{table}: no rows on {_listed(ended)}, while observed_until says it is complete up to "
            f"{spec.last_day(table)}. Load them, or set observed_until to {_as_date(rows.index.max())}"
        )
        yield _issue("W142", table, str(CONTRACT[table].date), ended, told)


def expected_slots(days: Sequence[date], until: date, off: Sequence[date] = ()) -> list[date]:
    """The days from the first of `days` to `until` on which rows are expected; empty where there is no rhythm."""
    given, first = set(days), min(days)
    if all(day == month_end(day) for day in given):
        return [day for day in _month_slots(sorted(given), until) if day not in off]
    every = [first + timedelta(days=step) for step in range((until - first).days + 1)]
    # Judged up to the last row: a source that ended long ago had its rhythm before.
    seen = [day for day in every if day <= max(given)]
    share = {
        weekday: float(np.mean([day in given for day in seen if day.weekday() == weekday] or [False]))
        for weekday in range(7)
    }
    return [day for day in every if share[day.weekday()] >= _ACTIVE and day not in off]


def _month_slots(days: list[date], until: date) -> list[date]:
    """Month ends at the usual distance, from the first to the last that `until` covers."""
    steps = [(b.year - a.year) * 12 + b.month - a.month for a, b in itertools.pairwise(days)]
    if not steps:
        return []
    step = max(sorted(set(steps)), key=steps.count)
    slots = [days[0]]
    while (following := shift_months(slots[-1], step)) <= until:
        slots.append(following)
    return slots


def empty_runs(slots: Sequence[date], counts: Counts, *, holidays: bool = True) -> list[Run]:
    """The runs of empty slots that are neither chance nor habit, in order.

    `holidays` says that slots may be empty because everything was closed. In a
    source so short that a run is its only one, three days and more in the
    middle are taken for a holiday too.
    """
    if len(counts) < _FEWEST_SLOTS:
        return []
    bounds = _runs(counts == 0)
    habit = (counts == 0).mean() > HABIT
    found = []
    for start, end in bounds:
        length = end - start
        other = max((stop - begin for begin, stop in bounds if begin != start), default=0)
        is_holiday = holidays and length <= LONGEST_HOLIDAY and (other > 0 or 2 < length < len(counts) - start)
        if habit and (length <= 3 * other or is_holiday):
            continue
        expected = _expected(counts, start, end)
        if expected >= EXPECTED:
            found.append(Run(slots[start], slots[end - 1], length, round(expected)))
    return found


def _runs(flags: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and end of every stretch of true flags."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _expected(counts: Counts, start: int, end: int) -> float:
    """The median number of rows in stretches as long as the run, on both sides of it."""
    length = end - start
    sums = []
    for side in (counts[max(0, start - _NEAR - length) : start], counts[end : end + _NEAR + length]):
        if len(side) >= length:
            total = np.concatenate([[0], np.cumsum(side)])
            sums.append(total[length:] - total[:-length])
    return float(np.median(np.concatenate(sums))) if sums else 0.0


def _missing_branches(
    connection: duckdb.DuckDBPyConnection, table: str, daily: pd.DataFrame, present: set[str]
) -> Iterator[Issue]:
    """Branches without rows on days on which the others have some."""
    known = daily.dropna(subset=["branch"])
    if known["branch"].nunique() < 2:
        return
    days = pd.DatetimeIndex(sorted(daily["day"].unique()))
    slots = [_as_date(day) for day in days]
    dead = _branches_without_accounts(connection, slots[-1]) if "accounts" in present else set()
    parts, runs = [], []
    for branch, rows in known.groupby("branch", sort=True):
        counts = rows.set_index("day")["rows"].reindex(days, fill_value=0).to_numpy(dtype=np.int64)
        begun = int(np.flatnonzero(counts)[0])
        for run in empty_runs(slots[begun:], counts[begun:], holidays=False):  # the others have rows on these days
            if not (branch in dead and run.last == slots[-1]):
                runs.append(run)
                parts.append(f"{branch} {run}")
    if parts:
        told = (
            f"{table}: branches have no rows while others do: {', '.join(parts[:EXAMPLES])}"
            f"{', …' if len(parts) > EXAMPLES else ''}. Load them"
        )
        yield _issue("W141", table, "branch_id", runs, told)


def _branches_without_accounts(connection: duckdb.DuckDBPyConnection, day: date) -> set[str]:
    found = connection.execute(
        "SELECT branch_id FROM kept.accounts WHERE branch_id IS NOT NULL GROUP BY 1 "
        f"HAVING count(*) FILTER (WHERE closed_on IS NULL OR closed_on > DATE '{day}') = 0"
    ).fetchall()
    return {branch for (branch,) in found}


def _missing_values(table: str, daily: pd.DataFrame) -> Iterator[Issue]:
    """Days with rows on which a column that is usually filled has no value at all."""
    totals = daily.drop(columns="branch").groupby("day").sum()
    for column in totals.columns.drop("rows"):
        filled, rows = totals[column].to_numpy(), totals["rows"].to_numpy()
        if not filled.any() or filled.sum() < _ACTIVE * rows[filled > 0].sum():
            continue
        begun = int(np.flatnonzero(filled)[0])
        empty = (filled[begun:] == 0) & (rows[begun:] >= EXPECTED)
        if not empty.any() or (filled[begun:] == 0).mean() > max(HABIT, 1 / len(filled)):
            continue
        days = [_as_date(day) for day in totals.index[begun:]]
        runs = [
            Run(days[start], days[end - 1], end - start, int(rows[begun + start : begun + end].sum()))
            for start, end in _runs(empty)
        ]
        spans = ", ".join(f"{run.span} ({run.expected:,} rows)" for run in runs[:EXAMPLES])
        told = f"{table}: {column} has no value on {spans}; on other days it has one. Load it again"
        yield _issue("W143", table, column, runs, told)


def _listed(runs: Sequence[Run]) -> str:
    return ", ".join(map(str, runs[:EXAMPLES])) + (f" and {len(runs) - EXAMPLES} more" if len(runs) > EXAMPLES else "")


def _issue(code: str, table: str, column: str, runs: Sequence[Run], told: str) -> Issue:
    count, examples = sum(run.slots for run in runs), tuple(map(str, runs[:EXAMPLES]))
    return Issue("warning", code, table, column, count, told, examples, is_stale=True)


def _as_date(day: object) -> date:
    return pd.Timestamp(day).date()  # type: ignore[arg-type]
