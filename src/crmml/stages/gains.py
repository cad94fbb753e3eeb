"""The gain of every feature family for one model: measured, kept beside the model's training, and listed."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from crmml import bundle as bundles
from crmml import files
from crmml.config import Model
from crmml.errors import NotFoundError
from crmml.features import askable_names, family_names
from crmml.modelling.gains import Gain, Held, beyond_luck, measure_gains
from crmml.stages.abts import Ground, make_abt, select_features
from crmml.stages.features import families_of, make_features, read_catalogue
from crmml.stages.ledger import make_ledger
from crmml.stages.making import Say
from crmml.stages.project import Project, models_of
from crmml.stages.tables import make_tables


def gains_of_config(
    config: Path, *, product: str | None, stepwise: bool, say: Say
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A heading and one row per family, for each model of a config file."""
    for project, model in models_of(config, product):
        with project.alone():
            measured = measure(project, model, stepwise=stepwise, say=say)
        heading = (
            f"{measured['model']}: {measured['measure']} {measured['value']:.4f} with the families of {model.path.name}, "
            f"{measured['rows']:,} test rows; gains are differences on the same rows"
        )
        yield heading, measured["families"]


def measure(project: Project, model: Model, *, stepwise: bool, say: Say) -> dict[str, Any]:
    """Measure a model's families and keep the result in `data/<bank>/gains/<model>/gains.json`."""
    held = _held(project, model)
    ground = _whole_ground(project, say=say)
    everything = dataclasses.replace(model, spec=dataclasses.replace(model.spec, families=tuple(_families(ground))))
    abt = make_abt(project, everything, ground)
    used = select_features(model.spec, abt.features, where=str(model.path))
    measured = measure_gains(abt, everything.spec, used, held, stepwise=stepwise)
    told = {
        "model": model.spec.name,
        "target": model.spec.kind,
        "measure": "normalised_gini" if model.spec.is_money else "auc",
        "value": round(measured.value, 6),
        "rows": measured.rows,
        "params": dict(held.params),
        "trees": dict(held.trees),
        "families": rows_of(measured.gains),
    }
    with files.publish(project.workspace.of("gains", model.key), kind="gains", inputs={}) as staged:
        text = json.dumps(told, indent=1, ensure_ascii=False, default=str)
        staged.path("gains.json").write_text(text + "\n", encoding="utf-8")
    return told


def rows_of(gains: Sequence[Gain]) -> list[dict[str, Any]]:
    """One flat row per family, the largest gain first; the verdict allows for how many were tried."""
    kept = dict(zip([gain.family for gain in gains], beyond_luck(gain.chance for gain in gains), strict=True))
    ordered = sorted(gains, key=lambda gain: (-(gain.gain.value or 0.0), gain.family))
    return [
        {
            "family": gain.family,
            "state": "in the config" if gain.is_used else "not in it",
            "columns": gain.columns,
            "with": round(gain.with_it, 5),
            "without": round(gain.without_it, 5),
            "gain": _rounded(gain.gain.value),
            "low": _rounded(gain.gain.low),
            "high": _rounded(gain.gain.high),
            "chance": float(f"{gain.chance:.3g}"),
            "verdict": "gains" if kept[gain.family] else "inside noise",
            **_step(gain),
            "seconds": round(gain.seconds, 1),
        }
        for gain in ordered
    ]


def _step(gain: Gain) -> dict[str, Any]:
    """What the family adds to those before it, where that was asked for."""
    if gain.added is None or gain.added_chance is None:
        return {}
    figure = {"added": gain.added.value, "added_low": gain.added.low, "added_high": gain.added.high}
    told = {name: _rounded(value) for name, value in figure.items()}
    return {**told, "added_chance": float(f"{gain.added_chance:.3g}")}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 5)


def _held(project: Project, model: Model) -> Held:
    """The parameters and trees of the model's last training.

    Raises
    ------
    NotFoundError
        M001 if it was never trained.
    """
    folder = project.workspace.of("bundles", model.key)
    if not folder.is_dir():
        raise NotFoundError(
            f"{model.spec.name} has not been trained, and gains are measured with the parameters of a tuned model; "
            f"run crmml train {model.path} first",
            code="M001",
        )
    tuning = bundles.load(folder).card["tuning"]
    return Held(tuning["params"], tuning["trees"])


def _whole_ground(project: Project, *, say: Say) -> Ground:
    """Tables, ledger, and the features of all families, at the cut-offs of all models."""
    bank = make_tables(project, say=say)
    ledger = make_ledger(project, bank, say=say)
    folder = project.workspace.of("gains", "features")
    families = [name for name in askable_names() if name in {*family_names(), *families_of(project)}]
    return Ground(
        bank,
        ledger,
        make_features(project, bank, ledger, cutoffs=project.cutoffs(), families=families, folder=folder, say=say),
    )


def _families(ground: Ground) -> list[str]:
    return list(dict.fromkeys(info.family for info in read_catalogue(ground.features)))
