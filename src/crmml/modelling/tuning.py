"""The search for parameters: Optuna's door.

A search is a function of its data, its settings and its seed. Every trial draws
from a sampler seeded by (seed, number of finished trials), so a search that was
interrupted goes on as if it had not been.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, Trial, TrialState

from crmml import files
from crmml.modelling.boosting import Binned, Curve, Growth, run_folds
from crmml.modelling.spec import Tuning
from crmml.modelling.splits import Fold

_FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)
_REPORT_EVERY = 10
_TREES = "trees"


@dataclass(frozen=True)
class Tuned:
    """What a search found.

    `params` are LightGBM's, `trees` their number, `value` the mean over folds
    (higher is better); `trials` and `pruned` count finished and stopped trials.
    """

    params: Mapping[str, Any]
    trees: int
    value: float
    trials: int
    pruned: int


def tune(
    binned: Binned,
    folds: Sequence[Fold],
    tuning: Tuning,
    *,
    storage: Path,
    fingerprint: str,
    metric: str | None = None,
    on_trial: Callable[[int, float], None] | None = None,
) -> Tuned:
    """Search the parameters the config leaves open, on folds that go forward in time.

    Parameters
    ----------
    storage : Path
        The journal of the search; a search of the same `fingerprint` found there is continued.
    fingerprint : str
        What the search depends on: data, folds and settings. Another one is another study.
    metric : str, optional
        Instead of that of `tuning` (squared error for amounts).
    on_trial : callable, optional
        Told the number of finished trials and the best value after each.

    Raises
    ------
    BusyError
        If another process runs the same search.
    """
    metric = metric or tuning.metric
    if tuning.trials == 0:
        curve = run_folds(binned, folds, {}, metric=metric, max_trees=tuning.max_trees)
        return Tuned({}, curve.trees, curve.value, 0, 0)
    with files.lock(storage.with_suffix(".lock"), what=f"the search {storage.stem}"):
        study = _study(storage, fingerprint)
        while (number := len(study.get_trials(deepcopy=False, states=_FINISHED))) < tuning.trials:
            _run_trial(study, number, binned, folds, tuning, metric=metric)
            if on_trial is not None:
                on_trial(number + 1, _best(study).value or 0.0)
        return _result(study)


def read_trials(storage: Path, fingerprint: str) -> list[dict[str, Any]]:
    """The finished trials of a search in order: `number`, `params`, `value`, `trees`, `state`."""
    finished = _study(storage, fingerprint).get_trials(deepcopy=False, states=_FINISHED)
    return [
        {
            "number": number,
            "params": dict(trial.params),
            "value": trial.value,
            "trees": trial.user_attrs.get(_TREES),
            "state": trial.state.name.lower(),
        }
        for number, trial in enumerate(finished)
    ]


def _study(path: Path, fingerprint: str) -> optuna.Study:
    """The study of a file; a trial that a killed run left open is closed as failed, and drawn again."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path.parent.mkdir(parents=True, exist_ok=True)
    files.drop_torn_line(path)
    study = optuna.create_study(
        storage=JournalStorage(JournalFileBackend(str(path), lock_obj=_Held(str(path)))),
        study_name=fingerprint,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(
            n_startup_trials=3, n_warmup_steps=2 * _REPORT_EVERY, interval_steps=_REPORT_EVERY
        ),
    )
    for trial in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
        study.tell(trial.number, state=TrialState.FAIL)
    return study


class _Held(JournalFileOpenLock):
    """Optuna's own lock outlives a killed process; the search already holds one that does not."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        return None


def _run_trial(
    study: optuna.Study,
    number: int,
    binned: Binned,
    folds: Sequence[Fold],
    tuning: Tuning,
    *,
    metric: str,
) -> None:
    seed = zlib.crc32(f"{tuning.seed}/{number}".encode())
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=min(10, max(3, tuning.trials // 3)))
    growth = binned.growth
    open_ = {name: draw for name, draw in _space(len(folds[0].train), growth).items() if name not in growth.fixed}
    study.sampler = sampler
    if number == 0 and not study.get_trials(deepcopy=False, states=(TrialState.WAITING,)):
        # The defaults are a good first guess, and what the others must beat.
        study.enqueue_trial({name: growth.defaults[name] for name in open_})
    trial = study.ask()
    found = {name: draw(trial) for name, draw in open_.items()}
    try:
        curve = run_folds(binned, folds, found, metric=metric, max_trees=tuning.max_trees, on_step=_pruning(trial))
    except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
        return
    trial.set_user_attr(_TREES, curve.trees)
    study.tell(trial, curve.value)


def _space(rows: int, growth: Growth) -> dict[str, Callable[[Trial], Any]]:
    least, most = (4, 16) if growth.is_shallow else (4, 32)
    largest = max(60, min(500, rows // 50))
    return {
        "learning_rate": lambda trial: trial.suggest_float("learning_rate", 0.03, 0.1, log=True),
        "num_leaves": lambda trial: trial.suggest_int("num_leaves", least, most, log=True),
        "min_data_in_leaf": lambda trial: trial.suggest_int("min_data_in_leaf", 20, largest, log=True),
        "feature_fraction": lambda trial: trial.suggest_float("feature_fraction", 0.2, 0.8),
        "bagging_fraction": lambda trial: trial.suggest_float("bagging_fraction", 0.5, 1.0),
        "lambda_l2": lambda trial: trial.suggest_float("lambda_l2", 0.1, 30.0, log=True),
    }


def _pruning(trial: Trial) -> Callable[[int, float], None]:
    def step(trees: int, best: float) -> None:
        if trees % _REPORT_EVERY == 0:
            trial.report(best, trees)
            if trial.should_prune():
                raise optuna.TrialPruned

    return step


def _best(study: optuna.Study) -> FrozenTrial:
    """The best complete trial; of equals the earliest."""
    complete = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    return max(complete, key=lambda trial: (trial.value if trial.value is not None else -math.inf, -trial.number))


def _result(study: optuna.Study) -> Tuned:
    best = _best(study)
    finished = study.get_trials(deepcopy=False, states=_FINISHED)
    pruned = sum(trial.state == TrialState.PRUNED for trial in finished)
    return Tuned(dict(best.params), int(best.user_attrs[_TREES]), float(best.value or 0.0), len(finished), pruned)


def curve_of(
    binned: Binned,
    folds: Sequence[Fold],
    params: Mapping[str, Any],
    tuning: Tuning,
    *,
    metric: str | None = None,
    seeds: int = 1,
) -> Curve:
    """The number of trees for parameters already found, and their value with so many seeds averaged."""
    return run_folds(binned, folds, params, metric=metric or tuning.metric, max_trees=tuning.max_trees, seeds=seeds)
