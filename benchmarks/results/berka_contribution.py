"""What loan customers of a Czech bank bring in 1998, foreseen at the end of 1997: against last year carried forward and one regression.

Two populations whose twelve months before and after every cut-off are whole in the public files: loans that have run for a
year (the committed `configs/berka/contribution.yaml`), and the accounts whose whole history is complete.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.results.intervals import mean_figure, metric_figure, paired_difference
from benchmarks.results.row import Figure, Result
from crmml.abt import Abt
from crmml.bundle import SIGNS
from crmml.evaluation.calibration import decile_table
from crmml.modelling.train import train
from crmml.peers import segment_of
from crmml.snapshots import Population
from crmml.stages.abts import lay_ground, make_abt
from crmml.stages.project import Project, open_project
from crmml.stages.run import run_bank

DATA = "berka"
Array = npt.NDArray[np.float64]
RIVALS = {"last year carried forward": ("carried", "去年照搬"), "one direct regression": ("direct", "单一直接回归")}
METRICS = ("normalised Gini", "MAE")
LOSS = "expected_loss"
PROTOCOL = "learned at cut-offs 1995-03 to 1996-12, whose twelve months ended with 1997, tested on 1998: out of time"


@dataclass(frozen=True)
class Foreseen:
    """The tested customers of one population: what came, ours, and the rivals', in crowns; and what must be known of it."""

    words: str
    words_zh: str
    actual: Array
    ours: Array
    carried: Array
    direct: Array
    #: The same without the expected loss; the direct regression has no parts.
    actual_without_loss: Array
    ours_without_loss: Array
    carried_without_loss: Array
    note: str


def measure() -> list[Result]:
    run_bank("configs/berka", say=_say)
    project = open_project("configs/berka")
    return [result for found in (running_loans(project), complete_accounts(project)) for result in _results(found)]


def _say(line: str) -> None:
    """The run's talk is not part of the results."""


def running_loans(project: Project) -> Foreseen:
    """The committed model, as the run trained it."""
    model = project.config.model("contribution")
    abt = make_abt(project, model, lay_ground(project, say=_say))
    found = pd.read_parquet(project.workspace.of("training", model.key) / "predictions.parquet")
    return _foreseen(abt, found, "loans that have run for a year", "放款满一年的客户")


def complete_accounts(project: Project) -> Foreseen:
    """The same model learned from and tested on the owners of the accounts whose whole history is public."""
    model = project.config.model("contribution")
    everybody = replace(model.spec, population=Population(kinds=("person",), where="tenure_months >= 12"))
    abt = make_abt(project, replace(model, spec=everybody), lay_ground(project, say=_say))
    kept = abt.frame["customer_id"].isin(owners_of_complete_histories()).to_numpy()
    part = replace(abt, frame=abt.frame[kept].reset_index(drop=True))
    made = train(part, everybody, studies=project.workspace.models / "benchmark", segments=segment_of(part.frame))
    return _foreseen(part, made.predictions, "accounts with a complete history", "历史完整的账户")


def owners_of_complete_histories() -> set[str]:
    """The owners of the accounts with loans granted by 1994-03-31 or from 1997 on."""
    loans = pd.read_csv(_path("loan.asc.gz"), sep=";", dtype=str)
    granted = loans["date"].astype(int)
    accounts = set(loans.loc[(granted <= 940331) | (granted >= 970101), "account_id"])
    holders = pd.read_csv(_path("disp.asc.gz"), sep=";", dtype=str)
    return set(holders.loc[holders["account_id"].isin(accounts) & (holders["type"] == "OWNER"), "client_id"])


def _foreseen(abt: Abt, found: pd.DataFrame, words: str, words_zh: str) -> Foreseen:
    last = [f"{name}_12m" for name in SIGNS]
    days = pd.to_datetime(abt.frame["cutoff_date"]).astype("datetime64[s]")
    known = abt.frame.assign(cutoff_date=days)[["customer_id", "cutoff_date", *last]].fillna(dict.fromkeys(last, 0.0))
    dated = found.assign(cutoff_date=pd.to_datetime(found["cutoff_date"]).astype("datetime64[s]"))
    rows = dated.merge(known, on=["customer_id", "cutoff_date"], validate="one_to_one")
    learned = abt.frame[days < days.max()]
    column = {name: rows[name].to_numpy(dtype=float) for name in rows if name not in ("customer_id", "cutoff_date", "segment")
              and pd.api.types.is_numeric_dtype(rows[name])}  # fmt: skip
    without = {name: sign for name, sign in SIGNS.items() if name != LOSS}
    return Foreseen(
        words,
        words_zh,
        column["label"],
        column["predicted"],
        column["benchmark"],
        column["direct"],
        *(
            np.sum([sign * column[shape.format(name)] for name, sign in without.items()], axis=0)
            for shape in ("label_{}", "{}", "{}_12m")
        ),
        f"learned from {len(learned):,} rows of {learned['customer_id'].nunique():,} customers; expected loss a customer: "
        f"{learned[f'label_{LOSS}'].mean():,.0f} crowns in the years learned from, {column[LOSS].mean():,.0f} foreseen for 1998, "
        f"{column[f'label_{LOSS}'].mean():,.0f} came",
    )


def _results(found: Foreseen) -> Iterator[Result]:
    tenths = "; ".join(
        f"{one['predicted']:,.0f} / {one['actual']:,.0f}" for one in decile_table(found.ours, found.actual)
    )
    for rival, (name, zh) in RIVALS.items():
        for metric in METRICS:
            yield _result(found, (found.actual, found.ours, getattr(found, name)), metric, rival, zh)
    parts = found.actual_without_loss, found.ours_without_loss, found.carried_without_loss
    for metric in METRICS:
        yield _result(found, parts, metric, "last year carried forward", "去年照搬", without_loss=True)
    yield replace(
        _result(found, (found.actual, found.ours, found.carried), "MAE", "last year carried forward", "去年照搬"),
        metric="gap of the mean, crowns",
        ours=_gap(found.actual, found.ours),
        baseline=_gap(found.actual, found.carried),
        difference=None,
        note=f"foreseen less what came, a customer; by tenths of the forecast, foreseen / came in crowns: {tenths}",
    )


def _gap(actual: Array, foreseen: Array) -> Figure:
    return mean_figure(foreseen - actual)


def _result(
    found: Foreseen, values: tuple[Array, Array, Array], metric: str, rival: str, zh: str, *, without_loss: bool = False
) -> Result:
    y, ours, other = values
    words, words_zh = (", before expected loss", "(不含预期损失)") if without_loss else ("", "")
    return Result(
        dataset="berka_contribution",
        question=f"contribution of 12 months{words}, {found.words}, against {rival}",
        question_zh=f"未来十二个月贡献{words_zh},{found.words_zh},对比{zh}",
        protocol=f"{PROTOCOL}; baseline: {rival}",
        rows=len(y),
        events=None,
        metric=metric,
        ours=metric_figure(y, ours, metric),
        baseline=metric_figure(y, other, metric),
        difference=paired_difference(y, ours, other, metric),
        note=f"{found.note}; prices are assumptions of the config, the same for all",
    )


def _path(name: str) -> Path:
    return Path(os.environ["CRMML_DATA"]) / "berka" / name
