"""How much of the planted truth the features hold: a booster that is shown the true chances themselves, on the same rows.

A truth that hangs on what no table says (how strained a household is) cannot be found by any learner. What is reached by
learning the truth itself, without the luck of which customers had the event, is about the most that these features allow.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.abt import Abt
from crmml.bundle import HORIZON
from crmml.demo_bank import judge
from crmml.evaluation.discrimination import auc
from crmml.modelling.horizons import stack
from crmml.modelling.spec import ModelSpec
from crmml.stages.abts import lay_ground, make_abt
from crmml.stages.project import open_project

Array = npt.NDArray[np.float64]
PARAMS = {"objective": "regression", "num_leaves": 31, "learning_rate": 0.08, "min_data_in_leaf": 50,
          "feature_fraction": 0.5, "verbosity": -1, "seed": 7, "deterministic": True}  # fmt: skip
TREES = 250
#: A true chance nearer to 0 or 1 than this has the log-odds of this: some customers cannot go, or cannot stay.
SURE = 1e-4


def log_odds(chance: npt.ArrayLike) -> Array:
    """Of chances kept off 0 and 1."""
    kept = np.clip(np.asarray(chance, dtype=float), SURE, 1 - SURE)
    return np.asarray(np.log(kept / (1 - kept)))


def auc_from_truth(home: Path, model: str, target: str, *, months: int | None = None) -> float:
    """The AUC, mean over later cut-offs, of a booster that learned the true log-odds of a model's own training rows.

    Of a curve, the rows of one horizon of `months`.
    """
    with _at(home):
        project = open_project("configs/demo")
        config = project.config.model(model)
        abt = make_abt(project, config, lay_ground(project, say=_silent))
        if months is not None:
            abt = _ahead(abt, config.spec, months)
        chance = judge.true_probability(project.workspace.data / "truth", target, abt.frame)
    known = ~np.isnan(chance)
    frame, target = abt.frame[known].reset_index(drop=True), log_odds(chance[known])
    days, split = pd.to_datetime(frame["cutoff_date"]), config.spec.split
    learned = days.isin(pd.to_datetime(list(split.train))) & (frame["hash_bucket"] >= split.holdout_buckets)
    tested = days.isin(pd.to_datetime(list(split.out_of_time))).to_numpy()
    X = _columns(abt, frame)
    booster = lgb.train(PARAMS, lgb.Dataset(X[learned.to_numpy()], target[learned.to_numpy()]), num_boost_round=TREES)
    rows = frame[tested].assign(found=booster.predict(X[tested]))
    return float(np.mean([auc(part["label"], part["found"]) for _, part in rows.groupby("cutoff_date")]))


def _ahead(abt: Abt, spec: ModelSpec, months: int) -> Abt:
    """The rows of a curve that look so many months ahead, without the column that says so."""
    frame = stack(abt, spec).frame
    return replace(abt, frame=frame[frame[HORIZON] == months].reset_index(drop=True))


def _columns(abt: Abt, frame: pd.DataFrame) -> pd.DataFrame:
    """The features as LightGBM reads them: words as categories."""
    X = frame[abt.names]
    words = [name for name in X if not pd.api.types.is_numeric_dtype(X[name])]
    return X.assign(**{name: X[name].astype(object).where(X[name].notna(), None).astype("category") for name in words})


@contextlib.contextmanager
def _at(home: Path) -> Iterator[None]:
    """A project folder for a while, as `CRMML_HOME` names it."""
    before = os.environ.get("CRMML_HOME")
    os.environ["CRMML_HOME"] = str(home.resolve())
    try:
        with contextlib.chdir(home):
            yield
    finally:
        if before is None:
            del os.environ["CRMML_HOME"]
        else:
            os.environ["CRMML_HOME"] = before


def _silent(line: str) -> None:
    """The run's talk is not part of the figures."""
