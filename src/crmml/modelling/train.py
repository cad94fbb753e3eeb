"""Train a model: prepared table in; bundle, out-of-time report and card out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from crmml import bundle as bundles
from crmml import files
from crmml.bundle import HORIZON, Bundle
from crmml.evaluation import gates
from crmml.modelling import curves
from crmml.modelling.agreement import Champion, reasons_agreement
from crmml.modelling.benchmark import fit_benchmark
from crmml.modelling.card import data_digest, library_version, make_card, plain
from crmml.modelling.card_words import CardWords
from crmml.modelling.direct import direct_regression
from crmml.modelling.enough import begin_by
from crmml.modelling.fit import Fitted, fit
from crmml.modelling.horizons import of_horizon, without_horizon
from crmml.modelling.monotone import verify_signs
from crmml.modelling.out_of_time import RESAMPLES, measure, predict_test
from crmml.modelling.preparation import Prepared, prepare
from crmml.modelling.reference import make_served, no_reference
from crmml.modelling.scorecard import Scorecard
from crmml.modelling.spec import FEWEST_EVENTS, ModelSpec, TableSplit
from crmml.modelling.splits import check_purge

if TYPE_CHECKING:
    from crmml.abt import Abt


@dataclass(frozen=True)
class Trained:
    """A trained model and everything known about it.

    Attributes
    ----------
    bundle : Bundle
        What is served; `bundle.card` holds config, metrics and versions.
    metrics : dict
        `measure`, `headline`, `per_cutoff`, `never_trained_on`, `benchmark`,
        `exactness`, `leak_audit`, `gates`; figures as value, low, high.
    importance : dict
        Concept group to its share of the model's movement, largest first.
    predictions : DataFrame
        One row per test row: `customer_id, cutoff_date, event_id, segment,
        never_trained_on, label`, `log_odds, probability` or `predicted` with its
        components, and `benchmark`.
    dropped : dict
        Column that is not used to the reason.
    waterfall : DataFrame
        How the population came about, from the table.
    scorecard : Scorecard or None
        The points scorecard of the same training rows; None for money.
    prepared : Prepared
        The rows it was trained and tested on (those of the headline horizon), for whoever looks further into it.
    curve : DataFrame, optional
        For a model of several horizons `predictions` at each of them, with
        `horizon_months`; `predictions` themselves are of the headline horizon.
    """

    bundle: Bundle
    metrics: dict[str, Any]
    importance: dict[str, float]
    predictions: pd.DataFrame
    dropped: dict[str, str]
    waterfall: pd.DataFrame
    prepared: Prepared
    scorecard: Scorecard | None = None
    curve: pd.DataFrame | None = None

    def save(self, directory: Path, *, inputs: Mapping[str, str] | None = None) -> Bundle:
        """Write the bundle; returned with its digest."""
        return bundles.write(directory, self.bundle, inputs=inputs)


def train(
    abt: Abt,
    spec: ModelSpec,
    *,
    studies: Path,
    segments: pd.Series | None = None,
    leak_audit: str = "not run",
    threads: int = 0,
    resamples: int = RESAMPLES,
    told: Mapping[str, Any] | None = None,
    champion: Champion | None = None,
    on_trial: Callable[[int, float], None] | None = None,
) -> Trained:
    """Tune, fit, calibrate and test one model, out of time.

    Parameters
    ----------
    abt : Abt
        One row per customer and cut-off, with features and label.
    studies : Path
        Folder of resumable searches.
    segments : Series, optional
        Peer segment of each row, for reasons.
    leak_audit : str
        What the audit of the features found: `clean`, `not auditable`, `not run`.
    told : mapping, optional
        What the card tells beyond the training itself.
    champion : Champion, optional
        The model in use, with whose reasons those of the new one are compared.
    threads : int
        Threads of LightGBM, 0 for all; the model does not depend on it.

    Raises
    ------
    ConfigError
        If a training label reaches past the first test cut-off.
    SourceError
        If there are too few events, with the counts and dates.
    GateError
        If scores do not rank customers who were not trained on.
    """
    check_purge(spec.split, spec.horizon)
    prepared = prepare(abt, spec, segments=segments)
    data, fitted, draft = _fit_draft(prepared, spec, studies=studies, threads=threads, on_trial=on_trial)
    headline = spec.horizon.months if spec.horizon is not None and spec.steps else None
    served, importance, exactness = make_served(draft, prepared, headline=headline)
    # The scorecard stands beside the headline: points that add up for one horizon at a time.
    view = prepared if headline is None else of_horizon(prepared, headline)
    scorecard = fit_benchmark(view if headline is None else without_horizon(view), spec)
    curve = None
    if isinstance(spec.split, TableSplit) and spec.split.kind == "folds":
        predictions = _predict_folds(abt, spec, segments=segments, studies=studies, threads=threads)
    else:
        direct = direct_regression(prepared, spec, fitted, threads=threads) if spec.is_money else None
        predictions = predict_test(
            served, prepared, holdout_buckets=spec.split.holdout_buckets or 0, scorecard=scorecard, direct=direct
        )
    if headline is not None:
        curve = predictions
        at_headline = curve[HORIZON] == headline
        predictions = curve[at_headline].drop(columns=HORIZON).reset_index(drop=True)
    metrics = measure(predictions, spec, resamples=resamples) | {"exactness": exactness, "leak_audit": leak_audit}
    metrics["monotone"] = verify_signs(served, prepared, spec)
    if curve is not None:
        metrics["horizons"] = curves.measure_horizons(curve, prepared, spec, resamples=resamples)
        metrics["headline_months"] = headline
        metrics["crossings"] = curves.crossings(served, prepared.X[prepared.test])
        metrics["held_up"] = served.held_up(prepared.X[view.test])
        metrics["separate"] = curves.against_separate(curve, prepared, spec, fitted, resamples=resamples)
        curve = curve.drop(columns="benchmark")
    stamp, stamp_zh = few_events_stamp(prepared, spec)
    metrics["tested_on"], metrics["tested_on_zh"] = metrics["tested_on"] + stamp, metrics["tested_on_zh"] + stamp_zh
    metrics["reasons_agreement"] = reasons_agreement(
        served,
        view,
        spec,
        trees=fitted.trees,
        params=fitted.tuned.params,
        champion=champion,
        threads=threads,
    )
    metrics["gates"] = [asdict(result) for result in gates.judge(spec.gates, metrics)]
    card = make_card(
        spec, prepared, fitted, data=data, metrics=metrics, importance=importance, waterfall=abt.waterfall, told=told
    )
    return Trained(
        replace(served, card=card),
        metrics,
        importance,
        predictions,
        dict(prepared.dropped),
        abt.waterfall,
        view,
        scorecard=scorecard,
        curve=curve,
    )


def _fit_draft(
    prepared: Prepared,
    spec: ModelSpec,
    *,
    studies: Path,
    threads: int,
    on_trial: Callable[[int, float], None] | None = None,
) -> tuple[str, Fitted, Bundle]:
    """The digest of the training rows, the fit, and a bundle without its reference."""
    data = data_digest(prepared)
    libraries = {name: library_version(name) for name in ("lightgbm", "optuna")}
    fingerprint = files.digest_of({"data": data, "spec": plain(replace(spec, card=CardWords())), "versions": libraries})
    fitted = fit(prepared, spec, studies=studies, fingerprint=fingerprint, threads=threads, on_trial=on_trial)
    return data, fitted, Bundle(spec.name, spec.kind, prepared.infos, prepared.encoding, fitted.parts, no_reference())


def _predict_folds(
    abt: Abt, spec: ModelSpec, *, segments: pd.Series | None, studies: Path, threads: int
) -> pd.DataFrame:
    """Every row's prediction by a model of the same settings that learned from the other folds alone."""
    told = []
    for name in sorted(abt.frame["part"].unique()):
        parts = np.where(abt.frame["part"] == name, "test", "train")
        fold = replace(abt, frame=abt.frame.assign(part=parts))
        prepared = prepare(fold, spec, segments=segments)
        _, _, draft = _fit_draft(prepared, spec, studies=studies, threads=threads)
        rows = predict_test(draft, prepared, holdout_buckets=0, scorecard=fit_benchmark(prepared, spec))
        told.append(rows.assign(period=name))
    return pd.concat(told, ignore_index=True)


def few_events_stamp(prepared: Prepared, spec: ModelSpec) -> tuple[str, str]:
    """What every figure of a model says, in English and Chinese, that was learned from fewer events than by default.

    With it stands what would be needed: the month in which training would have to begin for so many, at the same rate.
    """
    events = 0 if spec.is_money else int(prepared.column("label")[prepared.train].sum())
    if spec.is_money or events >= FEWEST_EVENTS:
        return "", ""
    first = begin_by(prepared.days[prepared.train], events, FEWEST_EVENTS)
    needs, needs_zh = (
        (f" (for so many, at this rate, it would learn from about {first} on)", f"(按此发生率,须自约 {first} 起学习)")
        if first
        else ("", "")
    )
    return (
        f"; learned from {events} events, fewer than {FEWEST_EVENTS}{needs}",
        f";由 {events} 个事件学得,少于 {FEWEST_EVENTS} 个{needs_zh}",
    )
