"""Run in the peers' environment: `python learners.py LEARNER FOLDER DIGEST` learns each fold there and saves its predictions.

FOLDER holds `fold-<k>/train.parquet` and `test.parquet` (columns, `label`, `row`) and `budget.json`: for each fold the
wall time and the number of fits that crmml took. DIGEST is what these rows are known by, and is kept beside the
predictions. Nothing of crmml is imported here.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

SEED, CORES = 20_261_123, 2
KEYS = ["label", "row"]


def flaml(train: pd.DataFrame, test: pd.DataFrame, budget: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """FLAML with crmml's wall time and number of fits; it ends with whichever is used up first."""
    from flaml import AutoML

    learner = AutoML()
    started = time.monotonic()
    learner.fit(
        X_train=_categories(train.drop(columns=KEYS)),
        y_train=train["label"].astype(int),
        task="classification",
        metric="roc_auc",
        time_budget=max(5.0, budget["seconds"]),
        max_iter=max(2, budget["fits"]),
        eval_method="cv" if int(train["label"].sum()) < budget["few_events"] else "auto",
        n_splits=5,
        seed=SEED,
        n_jobs=CORES,
        verbose=0,
    )
    told = {"seconds": time.monotonic() - started, "best": str(learner.best_estimator)}
    return learner.predict_proba(_categories(test.drop(columns=KEYS)))[:, 1], told


def autogluon(preset: str, limit: int) -> Callable[..., tuple[Any, dict[str, Any]]]:
    """AutoGluon with a preset, at most `limit` seconds of learning; neural nets are left out with torch."""

    def learn(train: pd.DataFrame, test: pd.DataFrame, budget: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        from autogluon.tabular import TabularPredictor

        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="autogluon-") as scratch:
            predictor = TabularPredictor(label="label", eval_metric="roc_auc", path=scratch, verbosity=0).fit(
                train.drop(columns=["row"]).astype({"label": int}),
                presets=preset,
                time_limit=limit,
                num_cpus=CORES,
                num_gpus=0,
                dynamic_stacking=False,
                excluded_model_types=["NN_TORCH", "FASTAI"],
            )
            told = {
                "seconds": time.monotonic() - started,
                "limit": limit,
                "models": len(predictor.model_names()),
                "best": predictor.model_best,
            }
            return predictor.predict_proba(test.drop(columns=KEYS))[1].to_numpy(), told

    return learn


#: Far above what a quiet machine of two cores takes for these tables: on a busy one nothing is cut off either.
LIMITS = {"autogluon_medium": 900, "autogluon_good": 7_200}
LEARNERS: dict[str, tuple[Callable[..., tuple[Any, dict[str, Any]]], str]] = {
    "flaml": (flaml, "flaml"),
    "autogluon_medium": (autogluon("medium_quality", LIMITS["autogluon_medium"]), "autogluon.tabular"),
    "autogluon_good": (autogluon("good_quality", LIMITS["autogluon_good"]), "autogluon.tabular"),
}


def _cpu_seconds() -> float:
    """Of this process and those it started: what it had of a machine that others use too."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def _categories(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.astype({name: "category" for name in frame.columns if not pd.api.types.is_numeric_dtype(frame[name])})


def main() -> None:
    name, folder, rows = sys.argv[1], Path(sys.argv[2]), sys.argv[3]
    learn, package = LEARNERS[name]
    budgets = json.loads((folder / "budget.json").read_text(encoding="utf-8"))
    parts, told = [], []
    for fold, budget in zip(sorted(folder.glob("fold-*")), budgets, strict=True):
        train, test = (pd.read_parquet(fold / f"{part}.parquet") for part in ("train", "test"))
        used = _cpu_seconds()
        predicted, said = learn(train, test, budget)
        parts.append(test[KEYS].assign(probability=predicted))
        told.append({**said, "cpu_seconds": round(_cpu_seconds() - used, 1)})
    target = folder / "predictions"
    target.mkdir(exist_ok=True)
    pd.concat(parts, ignore_index=True).to_parquet(target / f"{name}.parquet", index=False)
    provenance = {"version": version(package), "rows": rows, "folds": told}
    (target / f"{name}.json").write_text(json.dumps(provenance, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
