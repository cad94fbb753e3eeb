"""Purchases at CDNOW: the models of `configs/cdnow` beside the published BG/NBD model of purchase histories."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.results.baseline import untuned_histgb, untuned_histgb_amount
from benchmarks.results.intervals import auc_figure, metric_figure, paired_difference
from benchmarks.results.row import Goal, Published, Result
from crmml.modelling.train import train
from crmml.peers import segment_of
from crmml.stages.abts import lay_ground, make_abt
from crmml.stages.project import Project, open_project
from crmml.stages.run import run_bank

Array = npt.NDArray[np.float64]
TURNS, HELD_OUT = 5, 20
PAPER = "Fader, Hardie, Lee, Marketing Science 24 (2005) 275-284"
RERUN = "lifetimes 0.11.3, run again by us"
DIFFERS = (
    "BG/NBD learns from purchases up to 1997-09-30 only; ours has seen the nine months of other customers, so the comparison "
    "favours ours"
)
PUBLISHED = {
    ("sample", "correlation"): (
        Published("0.626", PAPER, "BG/NBD; Pareto/NBD 0.630"),
        Published("0.6256", RERUN, "BG/NBD"),
    ),
    ("sample", "RMSE"): (Published("1.608", RERUN, "BG/NBD"),),
    ("sample", "MAE"): (Published("0.785", RERUN, "BG/NBD"),),
    ("all", "correlation"): (Published("0.669", RERUN, "BG/NBD"),),
    ("all", "RMSE"): (Published("1.733", RERUN, "BG/NBD"),),
}
#: What BG/NBD reaches on the same customers, in our own fit of it.
BARS = {
    ("sample", "correlation"): Goal(0.6256),
    ("sample", "RMSE"): Goal(1.608, at_most=True),
    ("sample", "MAE"): Goal(0.786, at_most=True),
    ("all", "correlation"): Goal(0.669),
    ("all", "RMSE"): Goal(1.733, at_most=True),
}


@dataclass(frozen=True)
class Foreseen:
    """Orders of nine months for every customer, each foreseen by a model that did not learn from him."""

    customers: pd.Series
    actual: Array
    ours: Array
    baseline: Array
    baseline_rft: Array


def measure() -> list[Result]:
    run_bank("configs/cdnow", say=lambda line: None)
    project = open_project("configs/cdnow")
    foreseen = orders(project)
    in_sample = foreseen.customers.isin(sample_customers()).to_numpy()
    whole = np.ones(len(in_sample), dtype=bool)
    return [
        buys_again(project),
        *(_orders(foreseen, whole, "all", metric) for metric in ("correlation", "RMSE")),
        *(_orders(foreseen, in_sample, "sample", metric) for metric in ("correlation", "RMSE", "MAE")),
        _ranked(foreseen),
    ]


def buys_again(project: Project) -> Result:
    """The committed model at its first later cut-off, the end of the published 39 weeks."""
    model = project.config.model("buys_again")
    abt = make_abt(project, model, lay_ground(project, say=lambda line: None))
    found = pd.read_parquet(project.workspace.of("training", model.key) / "predictions.parquet")
    days, first = pd.to_datetime(abt.frame["cutoff_date"]), pd.Timestamp(model.spec.split.out_of_time[0])
    kept = abt.frame["hash_bucket"] >= model.spec.split.holdout_buckets
    learned = abt.frame[days.isin(pd.to_datetime(list(model.spec.split.train))) & kept]
    tested = abt.frame[days == first]
    scores = found[pd.to_datetime(found["cutoff_date"]) == first].set_index("customer_id")["log_odds"]
    ours = scores.reindex(tested["customer_id"]).to_numpy(dtype=float)
    names = [name for name in abt.names if learned[name].notna().any()]
    baseline = untuned_histgb(learned[names], learned["label"], tested[names])
    y = tested["label"].to_numpy(dtype=float)
    return Result(
        dataset="cdnow",
        question="buys again within 3 months",
        question_zh="三个月内再次购买",
        protocol="train cut-offs 1997-03 and 1997-06, test 1997-09: out of time",
        rows=len(y),
        events=int(y.sum()),
        metric="AUC",
        ours=auc_figure(y, ours),
        baseline=auc_figure(y, baseline),
        difference=paired_difference(y, ours, baseline, "AUC"),
        differs="a question of our own: nothing after the 39 weeks is learned from, so the horizon is 3 months and not 9",
    )


def orders(project: Project) -> Foreseen:
    """Five models as `orders.yaml` configures them, each for the fifth of the customers it held out."""
    model = project.config.model("orders")
    abt = make_abt(project, model, lay_ground(project, say=lambda line: None))
    spec = replace(model.spec, split=replace(model.spec.split, holdout_buckets=HELD_OUT))
    frame, buckets = abt.frame, abt.frame["hash_bucket"].to_numpy(dtype=int)
    names = [name for name in abt.names if frame[name].notna().any()]
    actual = frame["label_service_cost"].to_numpy(dtype=float)
    rft = recency_frequency_age().reindex(frame["customer_id"]).reset_index(drop=True)
    ours, baseline, baseline_rft = (np.full(len(frame), np.nan) for _ in range(3))
    for turn in range(TURNS):
        turned = (buckets + turn * HELD_OUT) % 100
        held, table = turned < HELD_OUT, replace(abt, frame=frame.assign(hash_bucket=turned))
        made = train(table, spec, studies=project.workspace.models / "benchmark", segments=segment_of(frame))
        found = made.predictions.set_index("customer_id")["service_cost"]
        ours[held] = found.reindex(frame.loc[held, "customer_id"]).to_numpy(dtype=float)
        baseline[held] = untuned_histgb_amount(frame.loc[~held, names], actual[~held], frame.loc[held, names])
        baseline_rft[held] = untuned_histgb(rft[~held], actual[~held] > 0, rft[held])
    return Foreseen(frame["customer_id"], actual, ours, baseline, baseline_rft)


def recency_frequency_age() -> pd.DataFrame:
    """What BG/NBD reads, in weeks at 1997-09-30: repeat purchases, the last of them, and age; by customer."""
    until = pd.Timestamp(1997, 9, 30)
    days = pd.read_csv(
        _path("CDNOW_master.txt.gz"), sep=r"\s+", usecols=[0, 1], names=["customer_id", "day"], skiprows=1, dtype=str
    ).drop_duplicates()
    days["day"] = pd.to_datetime(days["day"], format="%Y%m%d")
    known = days[days["day"] <= until].groupby("customer_id")["day"].agg(["min", "max", "size"])
    return pd.DataFrame(
        {
            "frequency": known["size"] - 1.0,
            "recency": (known["max"] - known["min"]).dt.days / 7,
            "age": (until - known["min"]).dt.days / 7,
        }
    )


def sample_customers() -> set[str]:
    """The 2,357 customers of the published one-in-ten sample."""
    return set(pd.read_csv(_path("CDNOW_sample.txt.gz"), sep=r"\s+", header=None, dtype=str)[0])


def _orders(found: Foreseen, kept: npt.NDArray[np.bool_], which: str, metric: str) -> Result:
    y, ours, baseline = found.actual[kept], found.ours[kept], found.baseline[kept]
    return Result(
        dataset="cdnow",
        question=f"orders of 9 months, {'all customers' if which == 'all' else 'the published one-in-ten sample'}",
        question_zh=f"九个月订单数({'全部客户' if which == 'all' else '已发表的十分之一样本'})",
        protocol="five folds by customer at 1997-09: other customers of the same months, not out of time",
        rows=len(y),
        events=None,
        metric=metric,
        ours=metric_figure(y, ours, metric),
        baseline=metric_figure(y, baseline, metric),
        difference=paired_difference(y, ours, baseline, metric),
        published=PUBLISHED[which, metric],
        differs=DIFFERS,
        note=f"{ours.sum():,.0f} orders foreseen, {y.sum():,.0f} made; for RMSE and MAE less is better",
        goals=(BARS[which, metric],),
    )


def _ranked(found: Foreseen) -> Result:
    bought = (found.actual > 0).astype(float)
    return Result(
        dataset="cdnow",
        question="buys again within 9 months, ranked by the orders foreseen",
        question_zh="九个月内再次购买(按预计订单数排序)",
        protocol="five folds by customer at 1997-09: other customers of the same months, not out of time",
        rows=len(bought),
        events=int(bought.sum()),
        metric="AUC",
        ours=auc_figure(bought, found.ours),
        baseline=auc_figure(bought, found.baseline_rft),
        difference=paired_difference(bought, found.ours, found.baseline_rft, "AUC"),
        differs="the baseline reads what BG/NBD reads (frequency, recency, age) and learns to buy or not; ours learned orders",
    )


def _path(name: str) -> Path:
    return Path(os.environ["CRMML_DATA"]) / "cdnow" / name
