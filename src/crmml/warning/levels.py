"""Red, amber and watch: the likeliest to leave, as far as the managers' capacity goes, without flapping."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmml.warning.spec import AMBER, LEVELS, RED, WarningSpec

NO_LEVEL = ""


def odds(probability: np.ndarray) -> np.ndarray:
    """p / (1 - p).

    >>> odds(np.array([0.5, 0.2])).round(4).tolist()
    [1.0, 0.25]
    """
    kept = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(kept / (1 - kept))


def give_levels(rows: pd.DataFrame, spec: WarningSpec, *, before: Mapping[str, str] | None = None) -> np.ndarray:
    """The level of each customer at one cut-off, `""` for none.

    Levels fill up in order: red until its multiple of the capacity is reached,
    then amber, then watch. A customer who was on the level (or a worse one) at
    the cut-off before counts `hold` times, so the place is lost only to one who
    is that much likelier: while no odds change by more than the square root of
    `hold` either way, no level changes.

    Parameters
    ----------
    rows : DataFrame
        One row per scored customer: `customer_id`, `branch_id`, `manager_id`, `prob_churn`, `value_at_risk`.
    before : mapping, optional
        Customer to the level at the cut-off before; customers without a level may be absent.

    Returns
    -------
    ndarray of str
        In the order of `rows`.
    """
    given = np.full(len(rows), NO_LEVEL, dtype=object)
    if not len(rows):
        return given
    probability = rows["prob_churn"].to_numpy(dtype=float)
    likely = odds(probability)
    least = spec.least_times_average * float(odds(np.array([probability.mean()]))[0])
    order = likely if spec.order == "probability" else np.nan_to_num(rows["value_at_risk"].to_numpy(dtype=float))
    past = _levels_before(rows, before or {})
    ids = rows["customer_id"].astype(str).to_numpy()
    room = Room(rows, spec)
    for place, level in enumerate(LEVELS):
        held = np.where(np.isin(past, LEVELS[: place + 1]), spec.hold, 1.0)
        free = np.flatnonzero((given == NO_LEVEL) & (likely * held >= least))
        ranked = free[np.lexsort((ids[free], -(order * held)[free]))]
        given[room.fill(ranked, times=spec.levels.share(level))] = level
    return given


def _levels_before(rows: pd.DataFrame, before: Mapping[str, str]) -> np.ndarray:
    return np.array([before.get(customer, NO_LEVEL) for customer in rows["customer_id"]], dtype=object)


class Room:
    """What managers, branches and the bank can still take."""

    def __init__(self, rows: pd.DataFrame, spec: WarningSpec) -> None:
        capacity = spec.capacity
        self._units = (teams(rows), branches(rows), np.full(len(rows), "", dtype=object))
        self._limits = (
            {unit: capacity.per_manager.of(unit) for unit in set(self._units[0])},
            {unit: capacity.per_branch.of(unit) for unit in set(self._units[1])},
            {"": math.inf if capacity.total is None else float(capacity.total)},
        )
        self._used: tuple[dict[str, int], ...] = ({}, {}, {})

    def fill(self, ranked: Iterable[int], *, times: float) -> list[int]:
        """The first of `ranked` (positions of rows) for whom there is room in `times` the capacity, rounded up."""
        ends = [{unit: _ceil(limit * times) for unit, limit in limits.items()} for limits in self._limits]
        taken = []
        for row in ranked:
            keys = [units[row] for units in self._units]
            places = list(zip(self._used, keys, ends, strict=True))
            if all(used.get(key, 0) < end[key] for used, key, end in places):
                taken.append(int(row))
                for used, key, _ in places:
                    used[key] = used.get(key, 0) + 1
        return taken


def _ceil(limit: float) -> float:
    return limit if math.isinf(limit) else math.ceil(round(limit, 9))


def teams(rows: pd.DataFrame) -> np.ndarray:
    """Who cares for each customer: the manager, or one more manager of the branch where there is none."""
    managers = rows["manager_id"].astype(object).to_numpy()
    return np.where(rows["manager_id"].isna().to_numpy(), "-" + branches(rows), managers)


def branches(rows: pd.DataFrame) -> np.ndarray:
    """The branch of each customer, `""` where it is not known."""
    known = rows["branch_id"].astype(object)
    return np.asarray(known.where(known.notna(), ""))


def replay(history: Mapping[date, pd.DataFrame], spec: WarningSpec) -> pd.DataFrame:
    """Levels at every cut-off, each knowing the one before, as a bank would have given them.

    Parameters
    ----------
    history : mapping of date to DataFrame
        The rows of `give_levels` by cut-off.

    Returns
    -------
    DataFrame
        All rows, oldest cut-off first, with `level`, `level_before` and the day since which the customer has been
        alerted without a break, by the level it reached: `alerted_since` (any), `called_since` (amber or red), `red_since`.
    """
    parts, before, since = [], {}, {name: {} for name in _SINCE}  # type: ignore[var-annotated]
    for day in sorted(history):
        rows = history[day]
        level = give_levels(rows, spec, before=before)
        ids = rows["customer_id"].to_numpy(dtype=object)
        added: dict[str, Any] = {"cutoff_date": pd.Timestamp(day).as_unit("s"), "level": level}
        added["level_before"] = _levels_before(rows, before)
        for name, levels in _SINCE.items():
            on = ids[np.isin(level, levels)]
            since[name] = {customer: since[name].get(customer, day) for customer in on}
            added[name] = pd.to_datetime(pd.Series(ids).map(since[name])).astype("datetime64[s]").to_numpy()
        before = {customer: found for customer, found in zip(ids, level, strict=True) if found}
        parts.append(rows.assign(**added))
    return pd.concat(parts, ignore_index=True)


_SINCE = {"alerted_since": LEVELS, "called_since": (RED, AMBER), "red_since": (RED,)}


def changed_share(replayed: pd.DataFrame, spec: WarningSpec) -> pd.DataFrame:
    """How much levels move from one cut-off to the next, with the hysteresis and without it.

    Returns
    -------
    DataFrame
        Per cut-off after the first: `customers` scored at it who are alerted at it or were before, the share that `moved` to
        another level, and the share that `flapped`: had come or gone at the cut-off before and is back where it was; and
        both `_without` the hysteresis.
    """
    days = replayed["cutoff_date"].dt.date
    history = {day: replayed[days == day].drop(columns=_GIVEN) for day in sorted(days.unique())}
    plain = replay(history, dataclasses.replace(spec, hold=1.0))
    held, free = _moves(replayed), _moves(plain)
    return held.merge(free, on="cutoff_date", suffixes=("", "_without"))


_GIVEN = ["cutoff_date", "level", "level_before", *_SINCE]


def _moves(replayed: pd.DataFrame) -> pd.DataFrame:
    days = sorted(replayed["cutoff_date"].unique())
    wide = replayed.pivot(index="customer_id", columns="cutoff_date", values="level")
    rows = []
    for place, day in enumerate(days[1:], start=1):
        now, before = wide[day].dropna(), wide[days[place - 1]].fillna(NO_LEVEL)
        pair = pd.DataFrame({"now": now, "before": before.reindex(now.index).fillna(NO_LEVEL)})
        seen = pair[(pair["now"] != NO_LEVEL) | (pair["before"] != NO_LEVEL)]
        flapped = np.zeros(len(seen), dtype=bool)
        if place > 1:
            first = wide[days[place - 2]].reindex(seen.index).fillna(NO_LEVEL)
            flapped = ((first != NO_LEVEL) == (seen["now"] != NO_LEVEL)) & (
                (first != NO_LEVEL) != (seen["before"] != NO_LEVEL)
            )
        count = max(len(seen), 1)
        moved = float((seen["now"] != seen["before"]).sum()) / count
        rows.append(
            {"cutoff_date": day, "customers": len(seen), "moved": moved, "flapped": float(flapped.sum()) / count}
        )
    return pd.DataFrame(rows, columns=["cutoff_date", "customers", "moved", "flapped"])
