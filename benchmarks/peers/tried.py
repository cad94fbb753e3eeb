"""`python -m benchmarks.peers.tried [TABLE ...]`: what other settings of the booster are worth, judged on inner folds alone.

Each setting changes what it names and leaves the rest at crmml's defaults; its number of trees is that of the same folds, so
all are a little too high, alike. Nothing of the tested rows is read. Written to `docs/tried.json`, from which the page is made.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmarks.peers.cases import CASES, folds_of
from benchmarks.results.run import ROOT
from crmml.modelling.boosting import Binned, run_folds
from crmml.modelling.fit import inner_folds, make_aims, make_growth
from crmml.modelling.preparation import prepare

STORED = ROOT / "docs" / "tried.json"
TABLES = ("credit_card_default", "bank_marketing_random", "bank_marketing_by_time")
MOST_TREES = 500
SETTINGS: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "num_leaves 2": {"num_leaves": 2, "learning_rate": 0.05},
    "num_leaves 6": {"num_leaves": 6, "learning_rate": 0.05},
    "num_leaves 24": {"num_leaves": 24},
    "learning_rate 0.015": {"learning_rate": 0.015},
    "feature_fraction 0.25": {"feature_fraction": 0.25},
    "feature_fraction 0.7": {"feature_fraction": 0.7},
    "bagging_fraction 0.55": {"bagging_fraction": 0.55},
    "min_data_in_leaf 100": {"min_data_in_leaf": 100},
    "lambda_l2 10": {"lambda_l2": 10.0},
    "lambda_l2 100": {"lambda_l2": 100.0},
    "path_smooth 10": {"path_smooth": 10.0},
    "extra_trees": {"extra_trees": True, "num_leaves": 31, "learning_rate": 0.05, "feature_fraction": 0.8},
    "max_cat_to_onehot 64": {"max_cat_to_onehot": 64},
}
SEEDS = {"defaults, 5 seeds": 5}


def tried(name: str) -> dict[str, dict[str, float]]:
    """The mean AUC over the inner folds and the trees of each setting on the training rows of one table."""
    fold = next(folds_of(CASES[name]))
    prepared = prepare(fold.abt, fold.spec, segments=fold.segments)
    aims = make_aims(prepared, fold.spec)
    folds = inner_folds(prepared, fold.spec, aims).folds
    growth = replace(make_growth(prepared, fold.spec), fixed={}, seeds=1)
    binned = Binned(prepared.X[prepared.train], aims[0].learned, prepared.encoding.categorical, growth)
    found = {}
    for setting, params, seeds in [
        *((name, params, 1) for name, params in SETTINGS.items()),
        *((name, {}, seeds) for name, seeds in SEEDS.items()),
    ]:
        curve = run_folds(binned, folds, params, metric="auc", max_trees=MOST_TREES, seeds=seeds)
        found[setting] = {"auc": round(curve.value, 5), "trees": curve.trees}
        print(f"{name}: {setting}: {curve.value:.5f} with {curve.trees} trees", flush=True)
    return found


def main() -> int:
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    for name in sys.argv[1:] or TABLES:
        stored[name] = tried(name)
        STORED.write_text(json.dumps(stored, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
