"""Train a model: prepared table in; bundle, out-of-time report and card out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, is_dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml import bundle as bundles
from crmml import files
from crmml.bundle import SIGNS, TOTAL, Bundle, Reference
from crmml.bundle.reference import MASTER_SCALE, deciles_of, make_peers, quantiles_of
from crmml.evaluation import gates
from crmml.evaluation.report import money_report, probability_report
from crmml.evaluation.stability import bin_counts, edges_of
from crmml.explain import top_groups
from crmml.modelling.benchmark import CARRIED_FORWARD, SCORECARD, scorecard_log_odds
from crmml.modelling.calibration import newest_rows
from crmml.modelling.fit import describe, fit, keep_customers
from crmml.modelling.preparation import Prepared, prepare
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import check_purge, quarter_ends

if TYPE_CHECKING:
    from crmml.abt import Abt

Array = npt.NDArray[np.float64]
RESAMPLES = 300
_REFERENCE_ROWS = 1_000
_EXPLAINED_ROWS = 10_000
_LIBRARIES = ("crmml", "lightgbm", "numpy", "optuna", "pandas", "scikit-learn")


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
    """

    bundle: Bundle
    metrics: dict[str, Any]
    importance: dict[str, float]
    predictions: pd.DataFrame
    dropped: dict[str, str]
    waterfall: pd.DataFrame

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
    data = data_digest(prepared)
    fingerprint = files.digest_of(
        {"data": data, "spec": _told(spec), "versions": {name: _version(name) for name in ("lightgbm", "optuna")}}
    )
    fitted = fit(prepared, spec, studies=studies, fingerprint=fingerprint, threads=threads, on_trial=on_trial)
    draft = Bundle(spec.name, spec.kind, prepared.infos, prepared.encoding, fitted.parts, _no_reference())
    reference, importance, exactness = make_reference(draft, prepared)
    served = Bundle(spec.name, spec.kind, prepared.infos, prepared.encoding, fitted.parts, reference)
    predictions = predict_test(served, prepared)
    metrics = measure(predictions, spec, resamples=resamples) | {"exactness": exactness, "leak_audit": leak_audit}
    metrics["gates"] = [asdict(result) for result in gates.judge(spec.gates, metrics)]
    card = {
        "name": spec.name,
        "target": spec.kind,
        "config": _told(spec),
        "data": data,
        "rows": {"train": len(prepared.train), "test": len(prepared.test), "events": _events(prepared, spec)},
        "columns": {"used": len(prepared.infos), "dropped": dict(prepared.dropped)},
        "tuning": describe(fitted),
        "importance": importance,
        "metrics": metrics,
        "waterfall": _records(abt.waterfall),
        "versions": {name: _version(name) for name in _LIBRARIES},
    }
    final = Bundle(spec.name, spec.kind, prepared.infos, prepared.encoding, fitted.parts, reference, card)
    return Trained(final, metrics, importance, predictions, dict(prepared.dropped), abt.waterfall)


def data_digest(prepared: Prepared) -> str:
    """SHA-256 of the training rows: names, levels, features, labels, customers and cut-offs."""
    rows = prepared.train
    hasher = hashlib.sha256()
    head = {"names": prepared.encoding.names, "levels": {k: dict(v) for k, v in prepared.encoding.levels.items()}}
    hasher.update(files.digest_of(head).encode())
    labels = [name for name in prepared.frame.columns if name == "label" or name.startswith("label_")]
    for column in (prepared.X[rows], *(prepared.column(name)[rows] for name in sorted(labels))):
        hasher.update(np.ascontiguousarray(column))
    hasher.update("\n".join(prepared.customers[rows]).encode())
    hasher.update(np.ascontiguousarray(prepared.days[rows].astype("int64")))
    return hasher.hexdigest()


def make_reference(bundle: Bundle, prepared: Prepared) -> tuple[Reference, dict[str, float], float]:
    """The frozen population of the newest training cut-off, the shares of concept groups, the worst gap of sums."""
    days = prepared.days[prepared.train]
    rows = prepared.train[newest_rows(days, np.ones(len(days), dtype=bool), enough=_REFERENCE_ROWS)]
    served = bundle.served(prepared.X[rows])
    few = rows[keep_customers(prepared.customers[rows], min(1.0, _EXPLAINED_ROWS / len(rows)))]
    X = prepared.X[few]
    contributions, base = bundle.contributions(X)
    scale = bundle.scale(X)
    gap = np.abs(base + contributions.sum(axis=1) - scale)
    exactness = float((gap / np.maximum(1.0, np.abs(scale)) if bundle.is_money else gap).max())
    components = None
    if bundle.is_money:
        money = bundle.predict_money(X)
        components = {name: money[name].to_numpy() for name in SIGNS}
    reference = Reference(
        cutoff_date=str(prepared.days[rows].max()),
        segments=make_peers(prepared.segments[few], contributions, base, components),
        quantiles=quantiles_of(served),
        grade_bounds=deciles_of(served) if bundle.is_money else MASTER_SCALE,
        baseline=_baseline(prepared, rows),
    )
    return reference, top_groups(contributions, bundle.concepts), exactness


def predict_test(bundle: Bundle, prepared: Prepared) -> pd.DataFrame:
    """The served figures and the benchmark's on every test row."""
    rows = prepared.test
    names = [name for name in ("customer_id", "cutoff_date", "event_id", "segment") if name in prepared.frame]
    predictions = prepared.frame.iloc[rows][names].reset_index(drop=True)
    trained = set(prepared.customers[prepared.train].tolist())
    predictions["never_trained_on"] = [customer not in trained for customer in prepared.customers[rows]]
    X = prepared.X[rows]
    if bundle.is_money:
        money = bundle.predict_money(X)
        for name in SIGNS:
            predictions[name] = money[name].to_numpy()
            predictions[f"label_{name}"] = prepared.column(f"label_{name}")[rows]
        predictions["label"] = _contribution(predictions, "label_")
        predictions["predicted"] = money[TOTAL].to_numpy()
        predictions["benchmark"] = _last_year(prepared)
    else:
        predictions["label"] = prepared.column("label")[rows]
        predictions["log_odds"] = bundle.log_odds(X)
        predictions["probability"] = bundle.probability(X)
        predictions["benchmark"] = scorecard_log_odds(prepared, prepared.column("label"))
    predictions["period"] = periods_of(prepared).astype(str)
    return predictions


def measure(predictions: pd.DataFrame, spec: ModelSpec, *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """The out-of-time report: later cut-offs with all customers, and beside it customers never trained on."""
    report = _report(predictions, spec, resamples=resamples)
    report["benchmark"] = {"name": CARRIED_FORWARD if spec.is_money else SCORECARD} | report["benchmark"]
    if spec.is_money:
        report["components"] = _component_figures(predictions)
    new = predictions[predictions["never_trained_on"]]
    enough = len(new) > 1 and new["label"].nunique() > 1
    report["never_trained_on"] = _report(new, spec, resamples=resamples)["headline"] if enough else None
    return report


def periods_of(prepared: Prepared) -> npt.NDArray[np.datetime64]:
    """The cut-off of each test row; for events the last day of its quarter, early quarters merged into later ones."""
    days = prepared.days[prepared.test]
    if not prepared.is_event:
        return days
    quarters, labels = quarter_ends(days), prepared.column("label")[prepared.test]
    merged = quarters.copy()
    ends = np.unique(quarters)
    for early, late in pairwise(ends):
        if labels[merged == early].sum() < 20:
            merged[merged == early] = late
    return merged


def _report(predictions: pd.DataFrame, spec: ModelSpec, *, resamples: int) -> dict[str, Any]:
    make = money_report if spec.is_money else probability_report
    return make(
        predictions["label"].to_numpy(dtype=float),
        predictions["predicted" if spec.is_money else "log_odds"].to_numpy(),
        benchmark=predictions["benchmark"].to_numpy(),
        customers=predictions["customer_id"].astype(str).to_numpy(dtype=str),
        cutoffs=predictions["period"].to_numpy(dtype=str),
        resamples=resamples,
        seed=spec.tuning.seed,
    )


def _component_figures(predictions: pd.DataFrame) -> dict[str, dict[str, float]]:
    """Mean prediction and mean outcome of each component, in yuan per customer."""
    return {
        name: {
            "predicted": float(predictions[name].mean()),
            "actual": float(predictions[f"label_{name}"].mean()),
        }
        for name in SIGNS
    }


def _contribution(frame: pd.DataFrame, prefix: str) -> Array:
    total = np.zeros(len(frame))
    for name, sign in SIGNS.items():
        total = total + sign * frame[f"{prefix}{name}"].to_numpy(dtype=float)
    return total


def _last_year(prepared: Prepared) -> Array:
    """Last year's contribution of the test rows: the signed sum of the ledger features there are."""
    total = np.zeros(len(prepared.test))
    for name, sign in SIGNS.items():
        if f"{name}_12m" in prepared.frame:
            total = total + sign * np.nan_to_num(prepared.column(f"{name}_12m")[prepared.test])
    return total


def _baseline(prepared: Prepared, rows: npt.NDArray[np.intp]) -> dict[str, dict[str, list[float]]]:
    """Bins of every feature in the reference population, against which drift is measured."""
    baseline = {}
    for position, name in enumerate(prepared.encoding.names):
        values = prepared.X[rows, position]
        edges = edges_of(values)
        baseline[name] = {"edges": edges.tolist(), "counts": bin_counts(values, edges).tolist()}
    return baseline


def _no_reference() -> Reference:
    return Reference("", {}, (), ())


def _events(prepared: Prepared, spec: ModelSpec) -> dict[str, int] | None:
    if spec.is_money:
        return None
    label = prepared.column("label")
    return {"train": int(label[prepared.train].sum()), "test": int(label[prepared.test].sum())}


def _told(value: Any) -> Any:
    """A spec as plain JSON values; a target also says its kind."""
    if isinstance(value, ModelSpec):
        plain = {name: _told(getattr(value, name)) for name in value.__dataclass_fields__}
        return plain | {"target": {"target": value.kind} | (plain["target"] or {})}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: _told(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): _told(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_told(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _records(waterfall: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): value if isinstance(value, int | float) else str(value) for key, value in row.items()}
        for row in waterfall.to_dict("records")
    ]


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
