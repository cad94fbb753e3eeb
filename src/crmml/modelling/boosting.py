"""Boosted trees grown with settings that make the same model everywhere.

One binned Dataset holds all training rows; every fold and every trial takes a
subset of it, so bins are found once and on training rows only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

from crmml.bundle.booster import canonical_text
from crmml.evaluation.discrimination import Ranked
from crmml.modelling.splits import Fold, Rows

Array = npt.NDArray[np.float64]
PATIENCE = 30
DEFAULTS: Mapping[str, Any] = {
    "learning_rate": 0.06,
    "num_leaves": 15,
    "min_data_in_leaf": 40,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "lambda_l2": 1.0,
}
# Same data and settings, same trees: on any number of threads.
_PINNED: Mapping[str, Any] = {
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "bagging_freq": 1,
    "max_bin": 127,
    "metric": "None",
    "verbosity": -1,
}


@dataclass(frozen=True)
class Growth:
    """How trees are grown: settings shared by every fit of one model.

    `is_binary` chooses the log loss on 0/1 labels, else squared error on amounts.
    `is_shallow` keeps trees small, for models whose every sign must be plausible.
    """

    is_binary: bool
    fixed: Mapping[str, Any]
    seed: int
    monotone: tuple[int, ...] = ()
    is_shallow: bool = False
    threads: int = 0

    @property
    def defaults(self) -> Mapping[str, Any]:
        return {**DEFAULTS, "num_leaves": 6} if self.is_shallow else DEFAULTS

    def params(self, found: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """LightGBM parameters: defaults, then what a search found, then what the config fixes."""
        params = {**self.defaults, **(found or {}), **self.fixed, **_PINNED}
        params |= {"objective": "binary" if self.is_binary else "regression", "seed": self.seed}
        params |= {"num_threads": self.threads}
        goss = "goss" in (params.get("boosting"), params.get("data_sample_strategy"))
        if goss:
            params |= {"bagging_freq": 0, "bagging_fraction": 1.0}
        if any(self.monotone):
            params["monotone_constraints"] = list(self.monotone)
        return params


class Binned:
    """Training rows binned once.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Float64, in canonical order.
    y : ndarray of shape (n_rows,)
    categorical : sequence of int
        Positions of the columns that hold codes.
    """

    def __init__(self, X: Array, y: Array, categorical: Sequence[int], growth: Growth) -> None:
        self.X, self.y, self.growth = X, y, growth
        self._whole = lgb.Dataset(
            X, label=y, categorical_feature=list(categorical), params=growth.params(), free_raw_data=True
        ).construct()
        self._parts: dict[tuple[int, int], lgb.Dataset] = {}

    def subset(self, rows: Rows) -> lgb.Dataset:
        """A part of the rows, in the same bins; kept, because every trial asks for the same parts."""
        if len(rows) == len(self.y):
            return self._whole
        key = (len(rows), hash(rows.tobytes()))
        if key not in self._parts:
            self._parts[key] = self._whole.subset(np.sort(rows).tolist()).construct()
        return self._parts[key]

    def grow(self, rows: Rows, found: Mapping[str, Any], trees: int) -> lgb.Booster:
        """A booster of `trees` trees on some rows (fewer if no split is left)."""
        booster = lgb.Booster(params=self.growth.params(found), train_set=self.subset(rows))
        for _ in range(trees):
            if booster.update():
                break
        return booster

    def fit(self, found: Mapping[str, Any], trees: int) -> str:
        """The text of a booster on all rows."""
        return canonical_text(self.grow(np.arange(len(self.y)), found, trees))


@dataclass(frozen=True)
class Curve:
    """The best mean value over folds and the number of trees that gave it."""

    value: float
    trees: int


def run_folds(
    binned: Binned,
    folds: Sequence[Fold],
    found: Mapping[str, Any],
    *,
    metric: str,
    max_trees: int,
    on_step: Callable[[int, float], None] | None = None,
) -> Curve:
    """Grow all folds tree by tree, side by side, until their mean value stops rising.

    Parameters
    ----------
    metric : {"auc", "gini", "log_loss", "rmse"}
        Values are turned so that higher is better.
    on_step : callable, optional
        Called with the number of trees and the best mean so far; may raise to stop a trial.
    """
    boosters = [_with_valid(binned, fold, found) for fold in folds]
    judges = [_judge(metric, binned.y[np.sort(fold.valid)]) for fold in folds]
    best = Curve(-np.inf, 0)
    for tree in range(1, max_trees + 1):
        stopped = [booster.update() for booster in boosters]
        value = float(np.mean([_value(booster, judge) for booster, judge in zip(boosters, judges, strict=True)]))
        if value > best.value + 1e-7:
            best = Curve(value, tree)
        if on_step is not None:
            on_step(tree, best.value)
        if tree - best.trees >= PATIENCE or all(stopped):
            break
    return best


def _with_valid(binned: Binned, fold: Fold, found: Mapping[str, Any]) -> lgb.Booster:
    booster = lgb.Booster(params=binned.growth.params(found), train_set=binned.subset(fold.train))
    booster.add_valid(binned.subset(fold.valid), "valid")
    return booster


def _value(booster: lgb.Booster, judge: Callable[[Array], float]) -> float:
    # LightGBM's own metrics add in parallel, in an order that depends on the threads.
    results = booster.eval_valid(feval=lambda predicted, _: ("value", judge(predicted), True))
    return float(results[0][2])


def _judge(metric: str, y: Array) -> Callable[[Array], float]:
    if metric in ("auc", "gini"):
        return lambda predicted: float(Ranked(y, predicted).auc()[0])
    if metric == "log_loss":
        return lambda predicted: float(
            np.mean(np.log(np.clip(np.where(y == 1, predicted, 1 - predicted), 1e-15, None)))
        )
    return lambda predicted: -float(np.sqrt(np.mean((predicted - y) ** 2)))
