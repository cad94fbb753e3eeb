"""A feature table measured: its model as `crmml run` trains it, beside the untuned baseline on the same rows and columns."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.results.baseline import untuned_histgb
from benchmarks.results.intervals import auc_figure, paired_difference
from benchmarks.results.row import Result
from crmml.stages.run import run_bank
from crmml.stages.table_models import read_table, table_project


def measure_table(folder: str, key: str, **told: Any) -> Result:
    """The AUC on the tested rows of one model of `configs/<folder>`; `told` are the words of the result."""
    config = f"configs/{folder}"
    run_bank(config, model=key, say=lambda text: None)
    project = table_project(config)
    if project is None:
        raise RuntimeError(f"{config} configures no feature table")
    model = project.model(key)
    flat = read_table(model)
    predictions = pd.read_parquet(project.workspace.of("training", key) / "predictions.parquet")
    frame = flat.abt.frame.set_index("customer_id", drop=False)
    train, test = frame[frame["part"] == "train"], frame.loc[predictions["customer_id"]]
    baseline = untuned_histgb(train[flat.abt.names], train["label"], test[flat.abt.names])
    y, ours = predictions["label"].to_numpy(), predictions["probability"].to_numpy()
    if not (test["label"].to_numpy() == y).all():
        raise RuntimeError(f"{config}: the baseline was not judged on the tested rows")
    return Result(
        dataset=folder,
        protocol=flat.split.tested_on,
        rows=len(y),
        events=int(y.sum()),
        metric="AUC",
        ours=auc_figure(y, ours),
        baseline=auc_figure(y, baseline),
        difference=paired_difference(y, ours, baseline, "AUC"),
        **told,
    )
