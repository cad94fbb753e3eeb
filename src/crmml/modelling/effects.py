"""Train an uplift model: assignments of a contact log in; bundle, figures on later assignments and card out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml import bundle as bundles
from crmml import files
from crmml.bundle import Bundle, Encoding, Part, Reference, learn_levels
from crmml.bundle.reference import deciles_of, make_peers, quantiles_of
from crmml.errors import GateError, SourceError
from crmml.evaluation import gates
from crmml.evaluation.overlap import Balance, balance
from crmml.evaluation.trials import judge_trial, standing
from crmml.evaluation.uplift import Trial
from crmml.explain import top_groups
from crmml.modelling.card import library_version, plain
from crmml.modelling.preparation import in_order, keep_features
from crmml.modelling.reference import baseline_of
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import assign_rows
from crmml.modelling.uplift import Uplift, fit_uplift, two_models
from crmml.peers import segment_of

if TYPE_CHECKING:
    from crmml.abt import Abt

Array = npt.NDArray[np.float64]
BASE, OFFER, CHANNEL = "prob_take", "term_offer", "term_channel"
PART = "effect"
_NOT_BEFORE = {"treated", "chance", "hash_bucket"}
ROLES = ("offer", "channel", "treated", "chance")
_LIBRARIES = ("crmml", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy")


@dataclass(frozen=True)
class TrainedEffect:
    """A trained uplift model and everything known about it.

    `predictions` has one row per later assignment: `customer_id, cutoff_date,
    event_id, offer, channel, treated, chance, prob_take, label, effect` and
    `effect_t` of the benchmark. `metrics` is what the card tells, `balance` the
    comparison of the arms.
    """

    bundle: Bundle
    metrics: dict[str, Any]
    predictions: pd.DataFrame
    balance: Balance
    waterfall: pd.DataFrame
    learned: Uplift

    def save(self, directory: Path) -> Bundle:
        """Write the bundle; returned with its digest."""
        return bundles.write(directory, self.bundle)


def train_effect(
    abt: Abt, spec: ModelSpec, *, leak_audit: str, told: Mapping[str, Any] | None = None, threads: int = 0
) -> TrainedEffect:
    """Learn and judge what a contact changes.

    Parameters
    ----------
    abt : Abt
        One row per assignment, with `treated`, `chance`, `offer`, `channel` beside features and label; among the
        features may stand `prob_take`, `term_offer` and `term_channel`.

    Raises
    ------
    SourceError
        D039 if no assignment to learn from, or to test on, has both arms.
    GateError
        G012 if the arms were not drawn at random.
    """
    frame = in_order(abt.frame).reset_index(drop=True)
    in_train, in_test = assign_rows(frame, spec.split)
    _require_arms(frame, in_train, in_test, spec)
    infos, dropped = keep_features(abt.features, frame[in_train])
    levels = {
        info.name: learn_levels(frame.loc[in_train, info.name], frame.loc[in_train, "customer_id"])
        for info in infos
        if info.kind == "category"
    }
    encoding = Encoding(tuple(info.name for info in infos), levels)
    X, _ = encoding.encode(frame)
    arms = compare_arms(frame)
    require_random(arms, spec.name, len(frame))
    trial = Trial(frame["label"], frame["treated"], frame["chance"])
    ids = frame["customer_id"].astype(str).to_numpy(str)
    base = encoding.names.index(BASE) if BASE in encoding.names else None
    options: dict[str, Any] = {"categorical": tuple(encoding.categorical), "seed": spec.tuning.seed, "threads": threads}
    learning = trial.rows(in_train)
    learned = fit_uplift(X[in_train], learning, ids[in_train], base=base, **options)
    served = _bundle(learned, infos, encoding, frame, X, in_train, spec)
    contributions, start = served.contributions(X)
    exactness = float(np.abs(start + contributions.sum(axis=1) - served.served(X)).max())
    rows = frame[in_test]
    rival = _benchmark(X, learning, in_train, in_test, learned, options)
    predictions = rows[["customer_id", "cutoff_date", "event_id", *ROLES, "label"]].assign(
        prob_take=rows.get(BASE, np.nan), effect=served.served(X[in_test]), effect_t=rival
    )
    metrics = judge_trial(
        predictions, learned_from=frame[in_train], cost=float(spec.target.cost), seed=spec.tuning.seed
    )
    metrics |= _told(learned, arms, frame, spec) | {"exactness": exactness, "leak_audit": leak_audit}
    metrics["standing"] = standing(metrics["learning"], metrics["headline"])
    metrics["gates"] = [asdict(result) for result in gates.judge(spec.gates, metrics)]
    card = {
        "name": spec.name,
        "target": spec.kind,
        "config": plain(spec),
        "data": files.digest_of({"X": X[in_train].tobytes().hex(), "y": frame.loc[in_train, "label"].tolist()}),
        "rows": {"train": int(in_train.sum()), "test": int(in_test.sum())},
        "columns": {"used": len(infos), "dropped": {**abt.dropped, **dropped}},
        "importance": top_groups(contributions, served.concepts),
        "metrics": metrics,
        "waterfall": abt.waterfall.astype(str).to_dict("records"),
        "versions": {name: library_version(name) for name in _LIBRARIES},
        **(told or {}),
    }
    return TrainedEffect(
        replace(served, card=card), metrics, predictions.reset_index(drop=True), arms, abt.waterfall, learned
    )


def compare_arms(frame: pd.DataFrame) -> Balance:
    """The arms compared in every number that was known beforehand, also in what the model does not read."""
    known = frame.select_dtypes("number")
    names = [name for name in known.columns if name not in _NOT_BEFORE and not str(name).startswith("label")]
    return balance(known[names].to_numpy(np.float64, na_value=np.nan), names, frame["treated"], frame["chance"])


def require_random(arms: Balance, name: str, rows: int) -> None:
    """Refuse a log whose arms differ in what was known beforehand more than chance lets them.

    Raises
    ------
    GateError
        G012, naming the column.
    """
    if not arms.is_random:
        raise GateError(
            f"{name}: the contact log is not a random trial: {arms.worst} differs by {arms.difference:+.2f} standard "
            f"deviations between treated and control of {rows:,} assignments (by chance: {arms.chance_of_worst:.1g}); expected "
            "arms drawn at random within each list and offer. Lists go on with propensity, not causal",
            code="G012",
        )


def _require_arms(frame: pd.DataFrame, in_train: Any, in_test: Any, spec: ModelSpec) -> None:
    for rows, name in ((in_train, "learn from"), (in_test, "test on")):
        found = frame.loc[rows, "treated"].value_counts()
        if len(found) < 2:
            raise SourceError(
                f"{spec.name}: {int(found.get(1.0, 0)):,} treated and {int(found.get(0.0, 0)):,} control assignments to "
                f"{name}; expected both. See `cutoffs`, and which offers the log holds",
                code="D039",
            )


def _bundle(
    learned: Uplift, infos: Any, encoding: Encoding, frame: pd.DataFrame, X: Array, in_train: Any, spec: ModelSpec
) -> Bundle:
    """The served effect: intercept + slope × (per_base × prob_take + trees)."""
    offset = None if learned.base is None or not learned.slope else BASE
    part = Part(PART, learned.text, learned.intercept, learned.slope, offset, learned.per_base)
    draft = Bundle(spec.name, spec.kind, tuple(infos), encoding, (part,), Reference("", {}, (), ()))
    rows = np.flatnonzero(in_train)
    effects = draft.served(X[rows])
    contributions, start = draft.contributions(X[rows])
    reference = Reference(
        cutoff_date=str(frame["cutoff_date"].iloc[rows].max().date()),
        segments=make_peers(segment_of(frame.iloc[rows]).to_numpy(), contributions, start),
        quantiles=quantiles_of(effects),
        grade_bounds=deciles_of(effects),
        baseline=baseline_of(X[rows], X[rows], encoding),
    )
    return replace(draft, reference=reference)


def _benchmark(
    X: Array, learning: Trial, in_train: Any, in_test: Any, learned: Uplift, options: dict[str, Any]
) -> Array:
    """The difference of two outcome models on the tested rows; null where there are too few events for them."""
    if learned.serves != "differences":
        return np.full(int(in_test.sum()), np.nan)
    return two_models(X[in_train], learning, X[in_test], **options)


def _told(learned: Uplift, arms: Balance, frame: pd.DataFrame, spec: ModelSpec) -> dict[str, Any]:
    zh, en = learned.verdict
    return {
        "learning": {
            "rows": learned.rows,
            "events": learned.events,
            "serves": learned.serves,
            "slope": learned.slope,
            "qini": learned.ranking.as_dict(),
            "average_effect": learned.average.as_dict(),
            "share_real": learned.share_real.as_dict(),
            "verdict_zh": zh,
            "verdict_en": en,
        },
        "outcome": spec.target.outcome,
        "offers": sorted(frame["offer"].unique().tolist()),
        "channels": sorted(frame["channel"].dropna().unique().tolist()),
        "overlap": {
            "worst": arms.worst,
            "difference": arms.difference,
            "chance_of_worst": arms.chance_of_worst,
            "is_random": arms.is_random,
            "columns": len(arms.table),
            "above_a_tenth": int((arms.table["difference"].abs() >= 0.1).sum()),
            "lowest_chance": float(frame["chance"].min()),
            "highest_chance": float(frame["chance"].max()),
            "treated": int(frame["treated"].sum()),
            "control": int((1 - frame["treated"]).sum()),
        },
    }
