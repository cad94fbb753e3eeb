"""Would it have helped? Alerts of past cut-offs against who was lost, and how long before.

Only rows of matured label windows count. Figures stand per cut-off, and as the
mean of the cut-offs; intervals come from resampling customers. Every other way
of choosing customers gets the same number of them from each manager.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmml.evaluation.bootstrap import Customers, Figure, figure
from crmml.warning.levels import teams
from crmml.warning.spec import AMBER, CALLED, LEVELS, RED, WATCH

Array = np.ndarray
CHOSEN: Mapping[str, tuple[str, ...]] = {"capacity": CALLED, RED: (RED,), AMBER: (AMBER,), WATCH: (WATCH,)}
"""Sets of alerts that are judged: all that managers care for, and each level alone."""
RANDOM = "random"
MEAN = "mean"
_SINCE = {RED: "red_since", "capacity": "called_since", "all": "alerted_since"}


@dataclass(frozen=True)
class Backtest:
    """What the alerts of past cut-offs were worth.

    `precision` has one row per cut-off (and `mean`) and way of choosing: `chosen`, `customers`, `lost` (of them), `precision`,
    `low`, `high`, `recall`, `recall_low`, `recall_high`, `lift`, `value_recall`. `differences` has the precision at capacity
    less that of the other ways, with intervals. `lead` has one row per level reached: `lost`, `warned`, `share`, `median`,
    `low`, `high`, `quarter`, `three_quarters`, `usable` (median after the gap). `windows` says per cut-off what was judged.
    """

    precision: pd.DataFrame
    differences: pd.DataFrame
    lead: pd.DataFrame
    windows: pd.DataFrame
    rules: tuple[str, ...] = field(default_factory=tuple)


def back_test(rows: pd.DataFrame, *, rules: tuple[str, ...] = (), seed: int = 0) -> Backtest:
    """Judge replayed alerts.

    Parameters
    ----------
    rows : DataFrame
        `replay` joined with `label` (1 lost in the window, 0 not), `lost_on`, `window_start` (end of the gap), and a
        column for each of `rules`, higher for whom the rule would choose first (null: last).
    rules : tuple of str
        Other ways of choosing, by their columns.
    seed : int
        Of the resampling.

    Returns
    -------
    Backtest
        Without rows where nothing has matured.
    """
    rows = rows.reset_index(drop=True)
    if rows.empty:
        return Backtest(pd.DataFrame(), pd.DataFrame(), pd.DataFrame(), _windows(rows), rules)
    taken = _ways(rows, rules)
    sums = _Sums(rows, taken, seed=seed)
    found = [_row(rows, sums, name, chosen, part) for chosen, part in taken.items() for name in (*sums.masks, MEAN)]
    pairs = [{"against": other, **sums.difference("capacity", other).as_dict()} for other in (RANDOM, *rules)]
    lead = [_lead(rows, name, since, seed) for name, since in _SINCE.items()]
    return Backtest(pd.DataFrame(found), pd.DataFrame(pairs), pd.DataFrame(lead), _windows(rows), rules)


class _Sums:
    """Customers chosen, lost ones chosen and lost ones at all, per cut-off: as they are and in every resample.

    Of each cut-off one array of shape (1 + resamples, 2 × ways + 1), made in one pass over the resamples.
    """

    def __init__(self, rows: pd.DataFrame, taken: Mapping[str, Array], *, seed: int) -> None:
        label = rows["label"].to_numpy(dtype=float)
        parts = np.column_stack([*taken.values(), *(part * label for part in taken.values()), label])
        days = pd.to_datetime(rows["cutoff_date"])
        self.masks = {f"{day:%Y-%m-%d}": (days == day).to_numpy() for day in sorted(days.unique())}
        self._place = {name: place for place, name in enumerate(taken)}
        draws = Customers(rows["customer_id"], seed=seed).draws()
        sums: dict[str, list[Array]] = {name: [parts[mask].sum(axis=0)[None, :]] for name, mask in self.masks.items()}
        for weights in draws:
            for name, mask in self.masks.items():
                sums[name].append(weights[:, mask] @ parts[mask])
        self._of = {name: np.concatenate(blocks) for name, blocks in sums.items()}

    def chosen(self, way: str, cutoff: str) -> float:
        return float(self._of[cutoff][0, self._place[way]])

    def precision(self, way: str, cutoffs: list[str]) -> Array:
        """The share of lost ones among those chosen, mean of the cut-offs; the first value is of all rows."""
        place = self._place[way]
        return self._mean([(self._of[name][:, place + len(self._place)], self._of[name][:, place]) for name in cutoffs])

    def recall(self, way: str, cutoffs: list[str]) -> Array:
        """The share of the lost ones that was chosen, as `precision`."""
        place = self._place[way] + len(self._place)
        return self._mean([(self._of[name][:, place], self._of[name][:, -1]) for name in cutoffs])

    def difference(self, way: str, other: str) -> Figure:
        """Precision of one way less that of another, on the same resamples."""
        used = [name for name in self.masks if self.chosen(way, name) > 0]
        return as_figure(self.precision(way, used) - self.precision(other, used)) if used else Figure(None)

    def _mean(self, pairs: list[tuple[Array, Array]]) -> Array:
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.mean([part / whole for part, whole in pairs], axis=0))


def as_figure(values: Array) -> Figure:
    """The first value with the interval of the others."""
    return figure(float(values[0]), values[1:])


def _ways(rows: pd.DataFrame, rules: tuple[str, ...]) -> dict[str, Array]:
    """How much of each row every way of choosing takes: 1 or 0, or for a random choice its chance."""
    level = rows["level"].to_numpy(dtype=object)
    taken = {name: np.isin(level, levels).astype(float) for name, levels in CHOSEN.items()}
    groups = pd.DataFrame({"day": rows["cutoff_date"], "team": teams(rows)})
    counts = groups.assign(n=taken["capacity"]).groupby(["day", "team"])["n"]
    places = counts.transform("sum").to_numpy(float)
    sizes = counts.transform("size").to_numpy(float)
    taken[RANDOM] = places / np.maximum(sizes, 1.0)
    for rule in rules:
        order = rows[rule].astype(float).fillna(-np.inf)
        by = groups.assign(order=-order, customer=rows["customer_id"]).sort_values(["order", "customer"])
        position = by.groupby(["day", "team"]).cumcount().reindex(rows.index).to_numpy(float)
        taken[rule] = (position < places).astype(float)
    return taken


def _row(rows: pd.DataFrame, sums: _Sums, name: str, chosen: str, part: Array) -> dict[str, Any]:
    label = rows["label"].to_numpy(dtype=float)
    used = [each for each in (sums.masks if name == MEAN else [name]) if sums.chosen(chosen, each) > 0]
    lost = [each for each in used if label[sums.masks[each]].sum() > 0]
    precision = as_figure(sums.precision(chosen, used)) if used else Figure(None)
    recall = as_figure(sums.recall(chosen, lost)) if lost else Figure(None)
    inside = np.any([sums.masks[each] for each in used], axis=0) if used else np.zeros(len(rows), dtype=bool)
    base = float(np.mean([label[sums.masks[each]].mean() for each in used])) if used else 0.0
    stake = np.maximum(np.nan_to_num(rows["value_at_stake"].to_numpy(dtype=float)), 0.0) * label
    at_stake = float(stake[inside].sum())
    return {
        "cutoff": name,
        "chosen": chosen,
        "customers": float(part[inside].sum()),
        "lost": float((part * label)[inside].sum()),
        "precision": precision.value,
        "low": precision.low,
        "high": precision.high,
        "recall": recall.value,
        "recall_low": recall.low,
        "recall_high": recall.high,
        "lift": precision.value / base if precision.value is not None and base > 0 else None,
        "value_recall": float((part * stake)[inside].sum()) / at_stake if at_stake > 0 else None,
    }


def _lead(rows: pd.DataFrame, name: str, since: str, seed: int) -> dict[str, Any]:
    """Days from the first alert of the run that foretold a loss to the loss: the middle one, its interval and quarters.

    A loss is foretold by an alert whose label window it falls in; of several the last one tells, and the run of alerts
    it ends is followed back to its first day.
    """
    lost = rows[rows["label"] == 1]
    everyone = lost["customer_id"].nunique()
    warned = lost[lost[since].notna() & lost["lost_on"].notna()]
    last = warned.sort_values("cutoff_date").drop_duplicates("customer_id", keep="last")
    days = (pd.to_datetime(last["lost_on"]) - pd.to_datetime(last[since])).dt.days.to_numpy(dtype=float)
    gap = (pd.to_datetime(last["window_start"]) - pd.to_datetime(last["cutoff_date"])).dt.days.to_numpy(dtype=float)
    known = bool(lost["lost_on"].notna().any())
    row: dict[str, Any] = {
        "level": name,
        "lost": everyone,
        "warned": int(lost[lost[since].notna()]["customer_id"].nunique()),
    }
    row["share"] = row["warned"] / everyone if everyone else None
    names = ("median", "low", "high", "quarter", "three_quarters", "usable")
    if not (known and len(days)):
        return row | dict.fromkeys(names)
    rng = np.random.default_rng(seed)
    drawn = np.median(rng.choice(days, size=(300, len(days))), axis=1)
    values = (
        np.median(days),
        *np.percentile(drawn, [2.5, 97.5]),
        *np.percentile(days, [25, 75]),
        np.median(days - gap),
    )
    return row | {key: float(value) for key, value in zip(names, values, strict=True)}


def _windows(rows: pd.DataFrame) -> pd.DataFrame:
    """Per cut-off: scored customers whose window has matured, how many were lost, how many alerted by level."""
    columns = ["cutoff_date", "customers", "lost", *LEVELS]
    if not len(rows):
        return pd.DataFrame(columns=columns)
    marks = rows.assign(**{level: rows["level"] == level for level in LEVELS})
    found = marks.groupby("cutoff_date", as_index=False).agg(
        customers=("label", "size"), lost=("label", "sum"), **{level: (level, "sum") for level in LEVELS}
    )
    return found[columns].astype({"lost": int})
