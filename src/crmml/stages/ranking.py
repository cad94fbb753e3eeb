"""How well the uptake models of one config rank products against each other."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import files
from crmml.config import Model
from crmml.evaluation.ranking import at_capacity, ranking_report
from crmml.stages.making import Say
from crmml.stages.project import Project

PLACES = 7
_KEY = ["customer_id", "cutoff_date"]


def rank_products(project: Project, models: Sequence[Model], *, say: Say) -> None:
    """Judge every config of two or more uptake models by the order it puts the products in; said, and written down.

    `data/<bank>/training/<config>-ranking.json` holds the figures. The rows are
    the tested ones of all the models: who holds a product has no row of its model.
    """
    for path in sorted({model.path for model in models if model.spec.kind == "uptake" and model.event is None}):
        together = [model for model in models if model.path == path]
        if len(together) > 1:
            report = _judge(project, together)
            text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
            files.write_atomic(ranking_path(project, path), text)
            say(f"rank      {_sentence(path.stem, report)}")


def ranking_path(project: Project, config: Path) -> Path:
    return project.workspace.of("training") / f"{config.stem}-ranking.json"


def _judge(project: Project, models: Sequence[Model]) -> dict[str, Any]:
    label, probability = {}, {}
    for model in models:
        rows = pd.read_parquet(project.workspace.of("training", model.key) / "predictions.parquet").set_index(_KEY)
        label[model.key], probability[model.key] = rows["label"], rows["probability"]
    taken, scores = pd.DataFrame(label).sort_index(), pd.DataFrame(probability).sort_index()
    arrays = taken.fillna(0.0).to_numpy(float), scores.to_numpy(float)
    keys: dict[str, Any] = {
        "customers": scores.index.get_level_values("customer_id").astype(str),
        "cutoffs": scores.index.get_level_values("cutoff_date").astype(str),
        "seed": models[0].spec.tuning.seed,
    }
    report = ranking_report(*arrays, k=PLACES, **keys)
    calls = calls_of(project, models)
    return report if calls is None else report | {"at_capacity": at_capacity(*arrays, calls=calls, **keys)}


def calls_of(project: Project, models: Sequence[Model]) -> int | None:
    """The calls of the largest list that offers one of these products; None where no list says how many it makes."""
    ours = {model.key.removeprefix(f"{model.path.stem}_") for model in models}
    totals = [
        spec.capacities.total
        for spec in project.config.lists.values()
        if ours & set(spec.products) and spec.capacities.total is not None
    ]
    return max(totals, default=None)


def _sentence(name: str, report: dict[str, Any]) -> str:
    ours, popular, lift = report["map"], report["popularity"], report["lift_at_1"]
    if ours["value"] is None:
        return f"{name}: nobody of {report['rows']:,} tested took any of {report['products']} products"
    interval = f" [{ours['low']:.3f}, {ours['high']:.3f}]" if ours["low"] is not None else ""
    return (
        f"{name}: {report['products']} products, MAP@{report['k']} {ours['value']:.3f}{interval}, by how often each is taken "
        f"{popular['value']:.3f}, over {report['takers']:,} who took one; first place taken by "
        f"{report['precision_at_1']:.1%} of {report['rows']:,}, lift {lift:.1f}{_of_calls(report.get('at_capacity'))}"
    )


def _of_calls(found: dict[str, Any] | None) -> str:
    """What the list's own number of calls finds."""
    if found is None or found["precision"]["value"] is None:
        return ""
    precision, lift = found["precision"], found["lift"]
    interval = f" [{precision['low']:.1%}, {precision['high']:.1%}]" if precision["low"] is not None else ""
    return f"; of the list's {found['calls']:,} calls {precision['value']:.1%}{interval} take, lift {lift['value']:.1f}"
