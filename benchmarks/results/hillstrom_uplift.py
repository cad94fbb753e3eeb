"""Whom Hillstrom's e-mails make visit or spend: the effect of each mail against none, from its random arms."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.results.row import Figure, Goal, Published, Result
from crmml.evaluation.bootstrap import Customers, figure
from crmml.evaluation.uplift import Trial, qini
from crmml.modelling.arms import choose_arms
from crmml.modelling.uplift import Uplift, fit_uplift

DATA = "hillstrom"
MENS = "Mens E-Mail"
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
    """Qini on the other half of the customers, mean of five random halves, for two mails and two outcomes; two policies."""
    frame = pd.read_csv(Path(os.environ["CRMML_DATA"]) / "hillstrom" / "hillstrom_data.csv.gz")
    return [
        *(_result(frame, arm, outcome) for arm, outcome in QUESTIONS),
        *(_policy(frame, name) for name in _OUTCOMES),
    ]


def _policy(frame: pd.DataFrame, outcome: str) -> Result:
    """The mail each customer should get, against the men's for everybody, on the other half by inverse propensity."""
    found = [_judged_policy(frame, outcome, seed) for seed in SEEDS]
    gains = [gain for gain, _ in found]
    change_zh, change = _OUTCOMES[outcome]
    moved = float(np.mean([share for _, share in found]))
    return Result(
        dataset="hillstrom_uplift",
        question=f"which mail for whom ({change}), against the men's for all",
        question_zh=f"为谁发哪种邮件({change_zh}),与全部发男装邮件相比",
        protocol="half of the customers at random to learn, the other half to test, five times; arms drawn at random",
        rows=len(frame) // 2,
        events=int(frame["visit"].sum() // 2) if outcome == "visit" else None,
        metric=f"{change} per customer, more than men's for all",
        ours=Figure(*(float(np.mean([getattr(one, end) for one in gains])) for end in ("value", "low", "high"))),
        baseline=None,
        difference=None,
        published=(),
        differs="by inverse propensity from customers whose mail was the one wanted; means over five halves",
        note=f"another mail than the best on average only where it is better beyond doubt: {moved:.1%} of customers",
        goals=(Goal(0.0, of="high"),),
    )


def _judged_policy(frame: pd.DataFrame, outcome: str, seed: int) -> tuple[Figure, float]:
    """The gain over the men's mail for all on the half not learned from, and the share that gets another."""
    X, positions = _coded(frame)
    segment, y = frame["segment"].to_numpy(), frame[outcome].to_numpy(float)
    learns = np.random.default_rng(seed).random(len(frame)) < 0.5
    effects = {}
    for arm in _WORDS:
        rows = learns & np.isin(segment, [arm, "No E-Mail"])
        trial = Trial(y[rows], segment[rows] == arm, 0.5)
        effects[arm] = fit_uplift(X[rows], trial, np.flatnonzero(rows).astype(str), categorical=positions, seed=seed)
    chosen, drawn, got = choose_arms(effects, X[~learns]), segment[~learns], y[~learns]
    follows, mens = (np.where(drawn == wanted, 1.0, 0.0) for wanted in (chosen, MENS))

    def gain(weights: np.ndarray) -> np.ndarray:
        return np.asarray((weights * follows) @ got / (weights @ follows) - (weights * mens) @ got / (weights @ mens))

    found = figure(*Customers(np.flatnonzero(~learns), seed=seed).estimate(gain))
    assert found.value is not None
    assert found.low is not None
    assert found.high is not None
    return Figure(found.value, found.low, found.high), float((chosen != MENS).mean())


def _coded(rows: pd.DataFrame) -> tuple[np.ndarray, tuple[int, ...]]:
    coded = rows.assign(**{name: rows[name].astype("category").cat.codes for name in LEVELS})
    return coded[list(COLUMNS)].to_numpy(float), tuple(COLUMNS.index(name) for name in LEVELS)


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
    X, positions = _coded(rows)
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
