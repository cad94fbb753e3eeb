"""Boosted trees grown with settings that make the same model everywhere.

One binned Dataset holds all training rows; every fold and every trial takes a
subset of it, so bins are found once and on training rows only.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle.booster import canonical_text, lgb
from crmml.evaluation.discrimination import Ranked
from crmml.modelling.averaging import average
from crmml.modelling.splits import Fold, Rows

Array = npt.NDArray[np.float64]
PATIENCE = 30
DEFAULTS: Mapping[str, Any] = {
    "learning_rate": 0.03,
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
# `seed` itself also chooses the rows that bins are found on, and those are shared.
_DRAWS = ("bagging_seed", "feature_fraction_seed", "extra_seed")
_SEED_STEP = 1_000_003


@dataclass(frozen=True)
class Growth:
    """How trees are grown: settings shared by every fit of one model.

    `is_binary` chooses the log loss on 0/1 labels, else `objective` (squared error, or Tweedie) on amounts.
    `is_shallow` keeps trees small, for models whose every sign must be plausible.
    `seeds` boosters that differ in their random draws are averaged into the one served.
    """

    is_binary: bool
    fixed: Mapping[str, Any]
    seed: int
    monotone: tuple[int, ...] = ()
    is_shallow: bool = False
    threads: int = 0
    seeds: int = 1
    objective: str = "regression"

    @property
    def defaults(self) -> Mapping[str, Any]:
        return {**DEFAULTS, "max_depth": 4} if self.is_shallow else DEFAULTS

    @property
    def cores(self) -> int:
        """Threads to use: those asked for, or all there are."""
        return self.threads or len(os.sched_getaffinity(0))

    def params(
        self, found: Mapping[str, Any] | None = None, *, side_by_side: int = 1, member: int = 0
    ) -> dict[str, Any]:
        """LightGBM parameters: defaults, then what a search found, then what the config fixes.

        Boosters grown `side_by_side` share the cores between them; each `member` of
        those that are averaged draws rows and columns of its own.
        """
        params = {**self.defaults, **(found or {}), **self.fixed, **_PINNED}
        params |= {"objective": "binary" if self.is_binary else self.objective, "seed": self.seed}
        params |= {"num_threads": max(1, self.cores // side_by_side)}
        goss = "goss" in (params.get("boosting"), params.get("data_sample_strategy"))
        if goss:
            params |= {"bagging_freq": 0, "bagging_fraction": 1.0}
        if any(self.monotone):
            params["monotone_constraints"] = list(self.monotone)
        if member:
            params |= dict.fromkeys(_DRAWS, _SEED_STEP * member + self.seed)
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
    weight : ndarray of shape (n_rows,), optional
        How much each row counts.
    start : ndarray of shape (n_rows,), optional
        The raw score each row begins at; what trees say is added to it.
    judge : callable, optional
        How predictions of some rows are judged, in place of a metric.
    """

    def __init__(
        self,
        X: Array,
        y: Array,
        categorical: Sequence[int],
        growth: Growth,
        *,
        weight: Array | None = None,
        start: Array | None = None,
        judge: Callable[[Rows], Callable[[Array], float]] | None = None,
    ) -> None:
        self.X, self.y, self.growth, self.weight, self.start = X, y, growth, weight, start
        self.judge = judge
        self._whole = lgb.Dataset(
            X,
            label=y,
            weight=weight,
            init_score=start,
            categorical_feature=list(categorical),
            params=growth.params(),
            free_raw_data=True,
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

    def of_rows(self, rows: Rows, y: Array, weight: Array | None = None) -> Binned:
        """Some of the rows with a label and weights of their own, in the same bins."""
        part = object.__new__(Binned)
        part.X, part.y, part.growth, part.weight = self.X[rows], y, self.growth, weight
        part.judge = None
        part._whole = self._whole.subset(rows.tolist()).construct()
        part._whole.set_label(y)
        part._whole.set_weight(weight)
        part._parts = {}
        return part

    def fit(self, found: Mapping[str, Any], trees: int) -> str:
        """The text of the booster on all rows, of at most `trees` trees for each seed."""
        everything = np.arange(len(self.y))
        members = range(self.growth.seeds)
        with self.workers(len(members)) as pool:
            grown = pool.map(
                lambda member: canonical_text(
                    self._grow(everything, found, trees, side_by_side=len(members), member=member)
                ),
                members,
            )
            return average(list(grown))

    def raw_scores(self, folds: Sequence[Fold], found: Mapping[str, Any], trees: int) -> list[Array]:
        """Raw scores of each fold's valid rows, by a booster like that of `fit` on its training rows."""
        jobs = [(fold, member) for fold in folds for member in range(self.growth.seeds)]
        for fold in folds:
            self.subset(fold.train)

        def score(job: tuple[Fold, int]) -> Array:
            fold, member = job
            booster = self._grow(fold.train, found, trees, side_by_side=len(jobs), member=member)
            raw = np.asarray(booster.predict(self.X[fold.valid], raw_score=True, num_threads=1), dtype=float)
            return raw if self.start is None else raw + self.start[fold.valid]

        with self.workers(len(jobs)) as pool:
            scores = list(pool.map(score, jobs))
        seeds = self.growth.seeds
        return [np.mean(scores[first : first + seeds], axis=0) for first in range(0, len(jobs), seeds)]

    def _grow(self, rows: Rows, found: Mapping[str, Any], trees: int, *, side_by_side: int, member: int) -> lgb.Booster:
        """A booster of `trees` trees, fewer if no split is left."""
        params = self.growth.params(found, side_by_side=side_by_side, member=member)
        booster = lgb.Booster(params=params, train_set=self.subset(rows))
        for _ in range(trees):
            if booster.update():
                break
        return booster

    def workers(self, count: int) -> ThreadPoolExecutor:
        """Threads that grow boosters side by side.

        One thread for each booster beats all threads on one after the other: on
        busy cores LightGBM's threads spend their time waiting for each other.
        """
        return ThreadPoolExecutor(max_workers=min(count, self.growth.cores), initializer=_keep_quiet)


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
    seeds: int = 1,
    on_step: Callable[[int, float], None] | None = None,
) -> Curve:
    """Grow all folds tree by tree, side by side, until their mean value stops rising.

    Parameters
    ----------
    metric : {"auc", "gini", "log_loss", "rmse"}
        Values are turned so that higher is better.
    seeds : int
        Boosters averaged in each fold.
    on_step : callable, optional
        Called with the number of trees and the best mean so far; may raise to stop a trial.
    """
    growing = [_Growing(binned, fold, found, metric, seeds=seeds, side_by_side=len(folds)) for fold in folds]
    best = Curve(-np.inf, 0)
    with binned.workers(len(folds)) as pool:
        for tree in range(1, max_trees + 1):
            steps = list(pool.map(_Growing.step, growing))
            value = float(np.mean([value for value, _ in steps]))
            if value > best.value + 1e-7:
                best = Curve(value, tree)
            if on_step is not None:
                on_step(tree, best.value)
            if tree - best.trees >= PATIENCE or all(stopped for _, stopped in steps):
                break
    return best


class _Growing:
    """The boosters of one fold while they grow, and the value of their mean on its valid rows."""

    def __init__(
        self,
        binned: Binned,
        fold: Fold,
        found: Mapping[str, Any],
        metric: str,
        *,
        seeds: int,
        side_by_side: int,
    ) -> None:
        train, valid = binned.subset(fold.train), binned.subset(fold.valid)
        rows = np.sort(fold.valid)
        weight = None if binned.weight is None else binned.weight[rows]
        self._judge = binned.judge(rows) if binned.judge else _judge(metric, binned.y[rows], weight)
        self._is_binary = binned.growth.is_binary
        self._boosters = []
        for member in range(seeds):
            params = binned.growth.params(found, side_by_side=side_by_side, member=member)
            booster = lgb.Booster(params=params, train_set=train)
            self._boosters.append(booster.add_valid(valid, "valid"))

    def step(self) -> tuple[float, bool]:
        """One more tree each: the value on the valid rows, and whether no split was left."""
        stopped = [bool(booster.update()) for booster in self._boosters]
        predicted = [_predicted(booster) for booster in self._boosters]
        if len(predicted) == 1:
            mean = predicted[0]
        elif self._is_binary:
            mean = _probability(np.mean([_log_odds(values) for values in predicted], axis=0))
        else:
            mean = np.mean(predicted, axis=0)
        return self._judge(mean), all(stopped)


def _predicted(booster: lgb.Booster) -> Array:
    """What a booster says of its valid rows, without walking its trees again."""
    held: list[Array] = []

    # LightGBM's own metrics add in parallel, in an order that depends on the threads.
    def hold(predicted: Array, _: lgb.Dataset) -> tuple[str, float, bool]:
        held.append(np.array(predicted))
        return "held", 0.0, True

    booster.eval_valid(feval=hold)
    return held[0]


def _log_odds(probability: Array) -> Array:
    inside = np.clip(probability, 1e-15, 1 - 1e-15)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _probability(log_odds: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def _keep_quiet() -> None:
    """LightGBM's verbosity holds for one thread only, and is set by whatever reads parameters there first."""
    lgb.Dataset(np.arange(2.0)[:, None], label=[0.0, 1.0], params={"verbosity": -1, "num_threads": 1}).construct()


def _judge(metric: str, y: Array, weight: Array | None = None) -> Callable[[Array], float]:
    if metric in ("auc", "gini"):
        return lambda predicted: float(Ranked(y, predicted).auc(weight)[0])
    if metric == "log_loss":
        return lambda predicted: float(
            np.average(np.log(np.clip(np.where(y == 1, predicted, 1 - predicted), 1e-15, None)), weights=weight)
        )
    return lambda predicted: -float(np.sqrt(np.average((predicted - y) ** 2, weights=weight)))
