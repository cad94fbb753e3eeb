"""Tune, grow and calibrate: the one path every target takes.

An aim is one column to learn. A probability has one; a contribution has five,
one for each component of money, each learned in the way (`money.py`) that
foresees it best on the folds.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import SIGNS, Part
from crmml.modelling.boosting import Binned, Growth
from crmml.modelling.calibration import (
    CURVE_FOLDS,
    ENOUGH_ROWS,
    FOLDS,
    MANY_EVENTS,
    MANY_ROWS,
    Calibrated,
    calibrate_level,
    calibrate_log_odds,
    calibrate_money,
    calibration_folds,
    newest_rows,
    out_of_fold,
)
from crmml.modelling.curve_calibration import HorizonLevel, calibrate_horizons
from crmml.modelling.money import Aim, plain_aim, size_of, ways_of
from crmml.modelling.monotone import expected_signs
from crmml.modelling.preparation import Prepared
from crmml.modelling.spec import FEW_EVENTS_SEEDS, ModelSpec, Tuning
from crmml.modelling.splits import FEW_EVENTS, Fold, Folds, make_folds
from crmml.modelling.tuning import Tuned, curve_of, tune

Array = npt.NDArray[np.float64]
LOG_ODDS = "log_odds"
SEARCH_ROWS = 20_000
_SEARCH_EVENTS = 1_000


@dataclass(frozen=True)
class Fitted:
    """The parts of a bundle, and how they were found."""

    parts: tuple[Part, ...]
    tuned: Tuned
    folds: Folds
    trees: dict[str, int]
    seeds: int
    calibrated: dict[str, Calibrated]
    ways: dict[str, dict[str, float]]


def fit(
    prepared: Prepared,
    spec: ModelSpec,
    *,
    studies: Path,
    fingerprint: str,
    threads: int = 0,
    on_trial: Callable[[int, float], None] | None = None,
) -> Fitted:
    """Boosters and calibration of a prepared table.

    Raises
    ------
    GateError
        If out-of-fold scores do not rank customers.
    """
    growth = make_growth(prepared, spec, threads=threads)
    aims = make_aims(prepared, spec)
    folds = inner_folds(prepared, spec, aims)
    metric = "rmse" if spec.is_money else spec.tuning.metric
    X, codes = prepared.X[prepared.train], prepared.encoding.categorical
    weight = _weights(prepared, aims[0])
    searched = Binned(X, _whole(aims), codes, growth, weight=weight, start=_starts(prepared, aims[0]))
    thinned = thin(folds.folds, prepared.customers[prepared.train], _counted(aims, spec))
    tuned = tune(
        searched,
        thinned,
        spec.tuning,
        storage=studies / f"{spec.name}.journal",
        fingerprint=fingerprint,
        metric=metric,
        on_trial=on_trial,
    )
    counted = _counted(aims, spec)
    judging = growth.seeds if spec.is_money or int(counted.sum()) < MANY_EVENTS else 1
    tuned = confirm(
        tuned, searched, folds, spec.tuning, metric=metric, seeds=judging, is_thinned=thinned is not folds.folds
    )
    if not spec.is_money:
        trees = max(1, tuned.trees)
        part, calibrated = _fit_part(searched, aims[0], prepared, spec, tuned, trees)
        return Fitted((part,), tuned, folds, {LOG_ODDS: trees}, growth.seeds, {LOG_ODDS: calibrated}, {})
    chosen = [_choose(name, prepared, spec, growth, folds, tuned) for name in SIGNS]
    made = [_fit_part(one.binned, one.aim, prepared, spec, tuned, one.trees) for one in chosen]
    return Fitted(
        tuple(part for part, _ in made),
        tuned,
        folds,
        {one.aim.name: one.trees for one in chosen},
        growth.seeds,
        {one.aim.name: calibrated for one, (_, calibrated) in zip(chosen, made, strict=True)},
        {one.aim.name: {one.aim.way: one.value} | one.others for one in chosen},
    )


@dataclass(frozen=True)
class Chosen:
    """The way a component is learned, with its value on the folds and those of the `others` (higher is better)."""

    aim: Aim
    binned: Binned
    trees: int
    value: float
    others: dict[str, float]


def _choose(name: str, prepared: Prepared, spec: ModelSpec, growth: Growth, folds: Folds, tuned: Tuned) -> Chosen:
    """The way with the least squared error over size on the folds; of equals the plain one."""
    size, found = size_of(name, prepared), []
    for aim in ways_of(name, prepared, spec):
        binned = _binned(aim, prepared, growth, size)
        curve = curve_of(binned, folds.folds, tuned.params, spec.tuning, metric="rmse", seeds=growth.seeds)
        found.append(Chosen(aim, binned, max(1, curve.trees), curve.value, {}))
    best = max(found, key=lambda one: one.value)
    return replace(best, others={one.aim.way: one.value for one in found if one is not best})


def _binned(aim: Aim, prepared: Prepared, growth: Growth, size: Array) -> Binned:
    weights = [one for one in (aim.weight, _weights(prepared, aim)) if one is not None]
    return Binned(
        prepared.X[prepared.train],
        aim.learned,
        prepared.encoding.categorical,
        replace(growth, objective=aim.objective),
        weight=np.prod(weights, axis=0) if weights else None,
        start=aim.begin,
        judge=aim.judge(size),
    )


def confirm(
    tuned: Tuned, binned: Binned, folds: Folds, tuning: Tuning, *, metric: str, seeds: int, is_thinned: bool
) -> Tuned:
    """What a search on a part of the rows or one seed found, judged as it will be grown.

    The defaults, with which every search begins, take its place where they are better then.
    """
    if not is_thinned and seeds == 1:
        return tuned
    curve = curve_of(binned, folds.folds, tuned.params, tuning, metric=metric, seeds=seeds)
    defaults = {name: binned.growth.defaults[name] for name in tuned.params}
    if defaults != dict(tuned.params):
        plain = curve_of(binned, folds.folds, defaults, tuning, metric=metric, seeds=seeds)
        if plain.value > curve.value:
            return replace(tuned, params=defaults, trees=plain.trees, value=plain.value)
    return replace(tuned, trees=curve.trees, value=curve.value)


def make_growth(prepared: Prepared, spec: ModelSpec, *, threads: int = 0) -> Growth:
    """How this model's trees are grown: a default model keeps the expected signs of its features, a curve rises."""
    is_risk = spec.kind == "default"
    return Growth(
        is_binary=not spec.is_money,
        fixed=dict(spec.lightgbm.params),
        seed=spec.tuning.seed,
        monotone=expected_signs(prepared, spec),
        is_shallow=is_risk,
        threads=threads,
        seeds=spec.lightgbm.seeds or _seeds(prepared, spec),
    )


def _seeds(prepared: Prepared, spec: ModelSpec) -> int:
    """Boosters to average where the config does not say: some where few events are learned from, each costing little."""
    if spec.is_money:
        return 1
    events = int(prepared.column("label")[prepared.train].sum())
    return FEW_EVENTS_SEEDS if events < FEW_EVENTS else 1


def make_aims(prepared: Prepared, spec: ModelSpec) -> tuple[Aim, ...]:
    """What is learned: the label, or the five components of money."""
    if not spec.is_money:
        label = prepared.column("label")[prepared.train]
        return (Aim(LOG_ODDS, label, label, start=_start_of(prepared, label)),)
    return tuple(plain_aim(name, prepared) for name in SIGNS)


def _start_of(prepared: Prepared, label: Array) -> dict[int, float]:
    """The log-odds of the training rows of each horizon, none below that of a shorter one; nothing for one horizon."""
    if prepared.horizons is None:
        return {}
    months = prepared.horizons[prepared.train]
    steps = np.unique(months)
    rates = np.maximum.accumulate([label[months == step].mean() for step in steps])
    return dict(zip(steps.astype(int).tolist(), np.log(rates / (1 - rates)).tolist(), strict=True))


def _weights(prepared: Prepared, aim: Aim) -> Array | None:
    """How much each training row counts: as the table says, or so that every horizon tells as much.

    A row tells of its chance with variance p (1 - p): without weights the longest
    horizon, where most happens, would decide alone how trees grow and how many.
    """
    if prepared.weights is not None:
        return prepared.weights[prepared.train]
    if prepared.horizons is None:
        return None
    months = prepared.horizons[prepared.train]
    spread = {step: float(aim.served[months == step].var()) for step in np.unique(months)}
    weights = np.array([1 / spread[step] for step in months])
    return np.asarray(weights / weights.mean())


def _starts(prepared: Prepared, aim: Aim) -> Array | None:
    """The raw score that each training row begins at, None where all begin alike."""
    if prepared.horizons is None:
        return None
    return Part(aim.name, "", start=aim.start).begins_at(prepared.horizons[prepared.train])


def _whole(aims: Sequence[Aim]) -> Array:
    """What the search learns: the label, or the change of the whole contribution."""
    if len(aims) == 1:
        return aims[0].learned
    total = np.zeros(len(aims[0].learned))
    for aim in aims:
        total = total + SIGNS[aim.name] * aim.learned
    return total


def _counted(aims: Sequence[Aim], spec: ModelSpec) -> npt.NDArray[np.bool_]:
    """The rows that carry information: events, or all rows of amounts."""
    return np.ones(len(aims[0].served), dtype=bool) if spec.is_money else aims[0].served == 1


def inner_folds(prepared: Prepared, spec: ModelSpec, aims: Sequence[Aim]) -> Folds:
    """The folds of the training rows that settings and the number of trees are judged on."""
    rows = prepared.train
    return make_folds(
        prepared.days[rows],
        prepared.buckets[rows],
        None if spec.is_money else aims[0].served == 1,
        spec.horizon,
        at_most=spec.tuning.folds,
        is_event=prepared.is_event,
        blocks=None if prepared.undated_blocks is None else prepared.undated_blocks[rows],
        months=None if prepared.horizons is None else prepared.horizons[rows],
    )


def thin(folds: tuple[Fold, ...], customers: npt.NDArray[np.str_], counted: npt.NDArray[np.bool_]) -> tuple[Fold, ...]:
    """Folds of fewer customers for the search, where there are more rows than it needs.

    Customers are kept by the hash of their id, so the choice is the same in every run.
    """
    largest = max(len(fold.train) + len(fold.valid) for fold in folds)
    share = max(SEARCH_ROWS / largest, _SEARCH_EVENTS / max(1, int(counted.sum())))
    if share >= 1:
        return folds
    kept = keep_customers(customers, share)
    return tuple(Fold(fold.train[kept[fold.train]], fold.valid[kept[fold.valid]]) for fold in folds)


def keep_customers(customers: npt.NDArray[np.str_], share: float) -> npt.NDArray[np.bool_]:
    """Whether each row's customer belongs to a fixed share of customers."""
    unique, codes = np.unique(customers, return_inverse=True)
    hashes = np.array([zlib.crc32(str(customer).encode()) for customer in unique])
    return np.asarray((hashes < share * 2**32)[codes])


def _fit_part(
    binned: Binned, aim: Aim, prepared: Prepared, spec: ModelSpec, tuned: Tuned, trees: int
) -> tuple[Part, Calibrated]:
    calibrate = _calibrate_probability if aim.name == LOG_ODDS else _calibrate_amount
    intercept, slope, calibrated = calibrate(binned, aim, prepared, spec, tuned, trees)
    text = binned.fit(tuned.params, trees)
    draft = Part(aim.name, text, start=aim.start) if aim.draft is None else replace(aim.draft, text=text)
    levels = {months: (one["intercept"], one["slope"]) for months, one in calibrated.horizons.items()}
    return replace(draft, intercept=intercept, slope=slope, levels=levels), calibrated


def _calibrate_probability(
    binned: Binned, aim: Aim, prepared: Prepared, spec: ModelSpec, tuned: Tuned, trees: int
) -> tuple[float, float, Calibrated]:
    blocks, buckets = prepared.blocks[prepared.train], prepared.buckets[prepared.train]
    is_event = aim.served == 1
    months = None if prepared.horizons is None else prepared.horizons[prepared.train]
    count, times = (FOLDS, 1) if months is None else (CURVE_FOLDS, len(aim.start))
    folds = calibration_folds(buckets, np.arange(len(blocks)), is_event, many=MANY_EVENTS * times, count=count)
    rows, raw = out_of_fold(binned, folds, tuned.params, trees)
    label, weight = aim.served[rows], None if binned.weight is None else binned.weight[rows]
    of = prepared.customers[prepared.train][rows], blocks[rows]
    found = calibrate_log_odds(raw, label, *of, model=spec.name, weight=weight)
    levels: Mapping[int, HorizonLevel] = {}
    if months is not None:
        levels = calibrate_horizons(raw, label, months[rows], *of, pooled=(found.intercept, found.slope))
    told = Calibrated(
        rows=len(rows),
        folds=len(folds),
        events=int(label.sum()),
        level_events=found.level_events,
        slope_error=found.slope_error,
        level_error=found.level_error,
        horizons={step: asdict(one) for step, one in levels.items()},
    )
    return found.intercept, found.slope, told


def _calibrate_amount(
    binned: Binned, aim: Aim, prepared: Prepared, spec: ModelSpec, tuned: Tuned, trees: int
) -> tuple[float, float, Calibrated]:
    blocks, buckets = prepared.blocks[prepared.train], prepared.buckets[prepared.train]
    every = np.ones(len(blocks), dtype=bool)
    newest = newest_rows(blocks, enough=ENOUGH_ROWS)
    folds = calibration_folds(buckets, newest, every, many=MANY_ROWS)
    rows, raw = out_of_fold(binned, folds, tuned.params, trees)
    predicted = aim.amount(raw, rows)
    fit_level = calibrate_level if aim.objective == "tweedie" else calibrate_money
    return *fit_level(predicted, aim.served[rows]), Calibrated(len(rows), len(folds))


def describe(fitted: Fitted) -> dict[str, Any]:
    """How the parts were found, for the card."""
    return {
        "params": dict(fitted.tuned.params),
        "seeds": fitted.seeds,
        "trees": fitted.trees,
        "ways": fitted.ways,
        "trees_by": f"cross-validation, {len(fitted.folds.folds)} folds ({fitted.folds.kind}), then grown on all training rows",
        "calibrated_on": {name: asdict(part) for name, part in fitted.calibrated.items()},
        "trials": fitted.tuned.trials,
        "pruned": fitted.tuned.pruned,
        "value": fitted.tuned.value,
        "folds": fitted.folds.kind,
        "folds_reason": fitted.folds.reason,
    }
