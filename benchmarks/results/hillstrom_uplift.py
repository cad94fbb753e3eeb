"""Whom Hillstrom's e-mails make visit or spend: the effect of each mail against none, from its random arms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.results.row import Figure, Goal, Published, Result
from crmml.evaluation.uplift import Trial, qini
from crmml.modelling.uplift import Uplift, fit_uplift

DATA = "hillstrom"
SEEDS = range(5)
COLUMNS = ("recency", "history_segment", "history", "mens", "womens", "zip_code", "newbie", "channel")
LEVELS = ("history_segment", "zip_code", "channel")
QUESTIONS = (("Womens E-Mail", "visit"), ("Mens E-Mail", "visit"), ("Womens E-Mail", "spend"), ("Mens E-Mail", "spend"))
_WORDS = {"Womens E-Mail": ("女装邮件", "women's e-mail"), "Mens E-Mail": ("男装邮件", "men's e-mail")}
_OUTCOMES = {"visit": ("访问", "visit"), "spend": ("消费", "spend")}
_PUBLISHED = Published(
    "usable for women's visits, little beyond noise for men's",
    "Radcliffe, Hillstrom's MineThatData Email Analytics Challenge, 2008",
    "Qini figures in papers are scaled in different ways, none is comparable",
)


def measure() -> list[Result]:
    """Qini on the other half of the customers, mean of five random halves, for two mails and two outcomes."""
    frame = pd.read_csv(Path(os.environ["CRMML_DATA"]) / "hillstrom" / "hillstrom_data.csv.gz")
    return [_result(frame, arm, outcome) for arm, outcome in QUESTIONS]


def _result(frame: pd.DataFrame, arm: str, outcome: str) -> Result:
    rows = frame[frame["segment"].isin([arm, "No E-Mail"])].reset_index(drop=True)
    judged = list(_halves(rows, arm, outcome))
    figures = [figure for _, figure in judged]
    usable = sum(learned.is_usable for learned, _ in judged)
    mail_zh, mail = _WORDS[arm]
    change_zh, change = _OUTCOMES[outcome]
    return Result(
        dataset="hillstrom_uplift",
        question=f"whom the {mail} makes {change}",
        question_zh=f"{mail_zh}带来的{change_zh}增量",
        protocol="half of the customers at random to learn, the other half to test, five times; arms drawn at random",
        rows=len(rows) // 2,
        events=int(rows["visit"].sum() // 2) if outcome == "visit" else None,
        metric="Qini per customer",
        ours=Figure(*(float(np.mean([getattr(one, end) for one in figures])) for end in ("value", "low", "high"))),
        baseline=None,
        difference=None,
        published=(_PUBLISHED,),
        differs="the area above contacting at random, per customer, in units of the outcome",
        note="means over five halves, of the ends of the intervals too; "
        + f"{usable} of 5 learning halves call it usable"
        + (", the others say 'no usable uplift' and give everybody the average effect" if usable < len(SEEDS) else ""),
        goals=(Goal(0.0068), Goal(0.0, of="low")) if (arm, outcome) == QUESTIONS[0] else (),
    )


def _halves(rows: pd.DataFrame, arm: str, outcome: str) -> Iterator[tuple[Uplift, Figure]]:
    coded = rows.assign(**{name: rows[name].astype("category").cat.codes for name in LEVELS})
    X, positions = coded[list(COLUMNS)].to_numpy(float), tuple(COLUMNS.index(name) for name in LEVELS)
    # Thirds were drawn at random, so among two of the three arms each is as likely as the other.
    trial = Trial(rows[outcome], rows["segment"] == arm, 0.5)
    for seed in SEEDS:
        learns = np.random.default_rng(seed).random(len(rows)) < 0.5
        ids = np.flatnonzero(learns).astype(str)
        learned = fit_uplift(X[learns], trial.rows(learns), ids, categorical=positions, seed=seed)
        found = qini(trial.rows(~learns), learned.effect(X[~learns]))
        assert found.value is not None
        assert found.low is not None
        assert found.high is not None
        yield learned, Figure(found.value, found.low, found.high)
