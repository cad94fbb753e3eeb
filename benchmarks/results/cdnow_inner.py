"""`python -m benchmarks.results.cdnow_inner`: how large the trees of `configs/cdnow/orders.yaml` are, chosen inside the 39 weeks.

The question asks for three times the months that labels are learned from. The same is asked here of what was known by the end
of September 1997: one month of label at cut-offs March to May, carried to the three months after June, which are weeks 27 to 39.
Nothing of weeks 40 to 78 is read. Written to `docs/tried.json`; the setting with the least squared error is the config's.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from benchmarks.results.run import ROOT
from crmml.config import Model
from crmml.modelling.spec import LightGBM, Split
from crmml.modelling.train import train
from crmml.peers import segment_of
from crmml.periods import Horizon
from crmml.stages.abts import Ground, lay_ground, make_abt
from crmml.stages.project import Project, open_project
from crmml.stages.run import run_bank

STORED = ROOT / "docs" / "tried.json"
NAME = "cdnow_orders"
LEARNED, TESTED = (date(1997, 3, 31), date(1997, 4, 30), date(1997, 5, 31)), date(1997, 6, 30)
#: The label of the last inner training cut-off ends on the day of the inner test; the test's ends with week 39.
INNER = Horizon(3, learned_months=1)
_SMALL = {"learning_rate": 0.1, "num_leaves": 4, "lambda_l2": 5.0}
SETTINGS: Mapping[str, tuple[Mapping[str, Any], int]] = {
    "defaults": ({}, 600),
    "stumps": ({"learning_rate": 0.1, "num_leaves": 2, "min_data_in_leaf": 500, "lambda_l2": 5.0}, 100),
    **{f"4 leaves of {rows}": ({**_SMALL, "min_data_in_leaf": rows}, 100) for rows in (100, 200, 500, 1000)},
    **{
        f"{leaves} leaves of 200": ({**_SMALL, "num_leaves": leaves, "min_data_in_leaf": 200}, 100)
        for leaves in (8, 16)
    },
}


def tried(project: Project) -> dict[str, dict[str, float]]:
    """Correlation and root mean squared error of the orders of weeks 27 to 39, by setting."""
    model, ground = project.config.model("orders"), lay_ground(project, say=_silent)
    return {name: _judged(project, model, ground, params, trees) for name, (params, trees) in SETTINGS.items()}


def _silent(line: str) -> None:
    """The run's talk is not part of the figures."""


def _judged(
    project: Project, model: Model, ground: Ground, params: Mapping[str, Any], most_trees: int
) -> dict[str, float]:
    spec = replace(
        model.spec,
        name=f"{model.spec.name}_inner",
        horizon=INNER,
        split=Split(train=LEARNED, out_of_time=(TESTED,), holdout_buckets=0),
        lightgbm=LightGBM(params),
        tuning=replace(model.spec.tuning, max_trees=most_trees),
    )
    abt = make_abt(project, replace(model, spec=spec), ground)
    made = train(abt, spec, studies=project.workspace.models / "inner", segments=segment_of(abt.frame))
    found, actual = (made.predictions[name].to_numpy(dtype=float) for name in ("service_cost", "label_service_cost"))
    return {
        "correlation": round(float(np.corrcoef(found, actual)[0, 1]), 5),
        "rmse": round(float(np.sqrt(np.mean((found - actual) ** 2))), 5),
    }


def main() -> int:
    run_bank("configs/cdnow", say=_silent)
    found = tried(open_project("configs/cdnow"))
    for name, figures in found.items():
        print(f"{name}: correlation {figures['correlation']:.4f}, RMSE {figures['rmse']:.4f}")
    stored = json.loads(STORED.read_text(encoding="utf-8")) | {NAME: found}
    STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
