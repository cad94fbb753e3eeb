"""Champions on several cut-offs in one go: what is served, without reasons, for those who compare cut-offs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmml.labels import build_labels
from crmml.periods import Horizon, label_window, parse_day, shift_months
from crmml.sources.bank import Bank
from crmml.stages.features import features_digest, make_features
from crmml.stages.making import Say
from crmml.stages.project import Project
from crmml.stages.scores import Champion, who_is_scored


@dataclass(frozen=True)
class Past:
    """The features of several cut-offs: which folder holds each day."""

    days: tuple[date, ...]
    folders: Mapping[date, Path]

    def path(self, what: str, day: date) -> Path:
        """The file of `features`, `snapshots` or `peers` of a day."""
        return self.folders[day] / what / f"{day}.parquet"

    @property
    def digest(self) -> str:
        return " ".join(sorted({features_digest(folder) for folder in self.folders.values()}))


def lay_past(project: Project, bank: Bank, ledger: ir.Table | None, days: Sequence[date], *, say: Say) -> Past:
    """Features of the days: those of the models' own cut-offs, and the others made together in a folder of their own."""
    own = set(project.cutoffs())
    folders = {}
    if own & set(days):
        folders = dict.fromkeys(sorted(own & set(days)), make_features(project, bank, ledger, say=say))
    others = [day for day in days if day not in own]
    if others:
        folder = project.workspace.of("features_at", f"{min(others)}-{max(others)}-{len(others)}")
        made = make_features(project, bank, ledger, cutoffs=others, folder=folder, say=say)
        folders |= dict.fromkeys(others, made)
    return Past(tuple(sorted(days)), folders)


def read_snapshots(bank: Bank, past: Past) -> ir.Table:
    """The snapshots of all days as one table."""
    paths = [str(past.path("snapshots", day)) for day in past.days]
    return bank.connection.read_parquet(paths)


def past_scores(
    champion: Champion, bank: Bank, ledger: ir.Table | None, past: Past, snapshots: ir.Table
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What a champion serves at every day of the past, and the labels it was asked for.

    Returns
    -------
    (DataFrame, DataFrame)
        `customer_id, cutoff_date, served, log_odds` (null for money), of the scored customers; and `build_labels` of all.
    """
    spec = champion.model.spec
    labels = build_labels(bank, snapshots, spec.target, spec.horizon, ledger=ledger).to_pandas()
    of_day = pd.to_datetime(labels["cutoff_date"]).dt.date
    parts = []
    for day in past.days:
        rows = pd.read_parquet(past.path("features", day))
        taken = pd.read_parquet(past.path("snapshots", day))
        keys = who_is_scored(champion, rows, taken, labels[of_day == day])
        frame = rows[rows["customer_id"].isin(keys["customer_id"])].reset_index(drop=True)
        X = champion.bundle.encode(frame)
        parts.append(
            pd.DataFrame(
                {
                    "customer_id": frame["customer_id"].astype(str).to_numpy(),
                    "cutoff_date": np.full(len(frame), np.datetime64(day, "s")),
                    "served": champion.bundle.served(X) if len(frame) else np.empty(0),
                }
            )
        )
    return pd.concat(parts, ignore_index=True), labels


def learned_until(champion: Champion) -> date:
    """The last day of any label the champion was trained on: at a cut-off before it, its scores have seen the future."""
    config = champion.bundle.card["config"]
    horizon = Horizon(**config["horizon"])
    return label_window(max(parse_day(day) for day in config["split"]["train"]), horizon).end


def out_of_time(champion: Champion) -> tuple[date, ...]:
    """The cut-offs the champion was tested on after its training; none where it was tested on other customers only."""
    return tuple(sorted(parse_day(day) for day in champion.bundle.card["config"]["split"]["out_of_time"]))


def history_days(champion: Champion, cutoff: date, *, every: int | None) -> tuple[date, ...]:
    """The cut-offs up to `cutoff` that the champion may be judged on, and `cutoff` itself.

    Its out-of-time cut-offs; with `every`, those so many months before `cutoff`, back to the first out-of-time one (or, where
    there is none, to the end of the labels it learned from).
    """
    tested = out_of_time(champion)
    if every is None:
        return (*(day for day in tested if day < cutoff), cutoff)
    first, days = min(tested, default=learned_until(champion)), [cutoff]
    while shift_months(days[-1], -every) >= first:
        days.append(shift_months(days[-1], -every))
    return tuple(reversed(days))
