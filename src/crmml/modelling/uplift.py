"""What a contact changes for each customer: a DR-learner on LightGBM, from a randomised trial.

Two outcome models (treated, untreated) and the known chances make one unbiased
pseudo-effect a row, every row by models that never saw its customer. A final
stage with identity link learns the pseudo-effects, so its parts add up in the
units of the outcome: points of probability, or money.

Effects are small against the noise of one customer, so the final stage is not
taken at its word. On customers none of its stages saw, the slope of pseudo-effect
on predicted effect says how much of the predicted differences is real; the
served effect keeps that share, and falls back to one average for all where the
ranking does not beat chance.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from crmml.bundle.booster import Booster, canonical_text, lgb
from crmml.errors import SourceError
from crmml.evaluation.bootstrap import Customers, Figure, figure
from crmml.evaluation.uplift import Trial, average_effect, qini

Array = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]
Learner = Literal["dr", "t"]
Serves = Literal["differences", "proportional", "average"]

FOLDS = 5
#: Fewer events or treated customers than this say nothing about differences between customers.
LEAST_EVENTS = 50
_COMMON: Mapping[str, Any] = {
    "learning_rate": 0.03,
    "feature_fraction": 0.5,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "max_bin": 127,
    "deterministic": True,
    "force_row_wise": True,
    "feature_pre_filter": False,
    "verbosity": -1,
}
_OUTCOME_TREES, _EFFECT_TREES = 80, 80
#: Up to so many rows one thread is faster than several that wait for each other.
_ROWS_OF_ONE_THREAD = 50_000


@dataclass(frozen=True)
class Uplift:
    """The effect of one arm against control, learned and judged.

    Served effect = `intercept + slope × (per_base × base + raw score)` of the
    booster `text`, in units of the outcome; `base` is the column at the position
    `base` (the chance to take without a contact), if any. `average` is the mean
    effect, `ranking` the Qini of the cross-fitted effects, `share_real` the slope
    of pseudo-effect on effect, each with its 95 % interval and on customers no
    stage saw. `serves` says what was kept: differences between customers, an
    effect in proportion to the base, or the average for all.
    """

    text: str
    intercept: float
    slope: float
    average: Figure
    ranking: Figure
    share_real: Figure
    rows: int
    events: int | None
    base: int | None = None
    per_base: float = 0.0
    serves: Serves = "differences"

    @property
    def is_usable(self) -> bool:
        """Whether the ranking by effect beats chance on customers it never saw."""
        return self.ranking.low is not None and self.ranking.low > 0

    @property
    def helps(self) -> bool:
        """Whether the arm does good on average beyond chance."""
        return self.average.low is not None and self.average.low > 0

    @property
    def verdict(self) -> tuple[str, str]:
        """One sentence in Chinese and in English."""
        if self.serves == "proportional" and self.helps:
            return (
                "可用:按购买概率成比例的平均效果;其余客户间差异不可用",
                "usable: the average effect in proportion to the chance to take; no other difference is",
            )
        if self.is_usable:
            return "客户间的增量差异可用于排序", "differences of effect between customers are usable"
        if self.helps:
            return "平均有效,但无可用的客户间差异", "no usable uplift: it helps on average, no customer measurably more"
        return "无可用增量:平均效果不能与零区分", "no usable uplift: its average effect cannot be told from none"

    def raw(self, X: Array) -> Array:
        """What is drawn in by `slope`: what follows from the base, and what the trees add."""
        return _on_base(X, self.base, self.per_base) + Booster(self.text).margin(X)

    def effect(self, X: Array) -> Array:
        """The served effect of each row, in units of the outcome."""
        if self.slope == 0.0:
            return np.full(len(X), self.intercept)
        return self.intercept + self.slope * self.raw(X)

    def contributions(self, X: Array) -> tuple[Array, float]:
        """What each feature adds (n_rows, n_features) and the base; together they are `effect`."""
        parts, start = Booster(self.text).contributions(X)
        if self.base is not None:
            parts[:, self.base] += _on_base(X, self.base, self.per_base)
        return self.slope * parts, self.intercept + self.slope * start


def fit_uplift(
    X: Array,
    trial: Trial,
    customers: npt.ArrayLike,
    *,
    categorical: tuple[int, ...] = (),
    base: int | None = None,
    seed: int = 7,
    learner: Learner = "dr",
    threads: int = 0,
) -> Uplift:
    """Learn the effect of an arm from a trial and judge it on customers no stage saw.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        Float64, as of the assignment; null is allowed, codes at `categorical` positions.
    trial : Trial
        Outcome, assignment and chance of each row; an outcome of 0 and 1 only is taken as binary.
    customers : array-like of shape (n_rows,)
        Rows of one customer stay together in every fold and resample.
    base : int, optional
        The column with the chance to take without a contact. Effects begin in
        proportion to it, and the trees learn what differs; where an arm holds
        too few events for trees, that proportion is all that is learned.
    learner : {"dr", "t"}
        The doubly robust learner, or the difference of two outcome models as its benchmark.

    Raises
    ------
    SourceError
        If an arm holds too few events or customers (D019), and no base is given.

    References
    ----------
    .. [1] Kennedy, Towards optimal doubly robust estimation of heterogeneous
       causal effects, Electronic Journal of Statistics 17, 2023.
    .. [2] Chernozhukov, Demirer, Duflo and Fernandez-Val, Generic machine
       learning inference on heterogeneous treatment effects in randomized
       experiments, 2018 (the slope of the best linear predictor).
    """
    ids = np.asarray(customers, dtype=str)
    order = np.lexsort((*X.T[::-1], trial.outcome, trial.treated, ids))
    X, trial, ids = np.ascontiguousarray(X[order]), trial.rows(order), ids[order]
    if base is not None and _short_of(trial):
        return _fit_proportion(X, trial, ids, base, seed)
    events = _require_enough(trial)
    threads = threads or (1 if len(ids) <= _ROWS_OF_ONE_THREAD else 0)
    grower = _Grower(categorical, base, seed, threads, learner, is_binary=events is not None)
    folds = fold_of(ids)
    out_of_fold, pseudo = np.empty(len(ids)), np.empty(len(ids))
    for inside, outside in _splits(folds):
        text, per_base = grower.learn(X[inside], trial.rows(inside), folds[inside])
        out_of_fold[outside] = _on_base(X[outside], base, per_base) + Booster(text).margin(X[outside])
        pseudo[outside] = grower.pseudo_effects(X, trial, inside, outside)
    text, per_base = grower.learn(X, trial, folds)
    ranking = qini(trial, out_of_fold, customers=ids, seed=seed)
    average = average_effect(trial, customers=ids, seed=seed)
    share = _share_real(pseudo, out_of_fold, ids, seed)
    slope = _kept_share(ranking, share)
    if not slope and base is not None:
        return replace(_fit_proportion(X, trial, ids, base, seed), events=events)
    mean = float(pseudo.mean())
    raw = _on_base(X, base, per_base) + Booster(text).margin(X)
    intercept = mean - slope * float(raw.mean()) if slope else mean
    serves: Serves = "differences" if slope else "average"
    return Uplift(text, intercept, slope, average, ranking, share, len(ids), events, base, per_base, serves)


def _fit_proportion(X: Array, trial: Trial, ids: npt.NDArray[np.str_], base: int, seed: int) -> Uplift:
    """The average effect, and beyond chance the share of its proportion to the base that is real; else the average for all."""
    average = average_effect(trial, customers=ids, seed=seed)
    known = np.nan_to_num(X[:, base])
    ranking = qini(trial, known, customers=ids, seed=seed)
    per_base = float(average.value or 0.0) / float(known.mean()) if known.mean() > 0 else 0.0
    share = _share_real(trial.scores, per_base * known, ids, seed)
    is_binary = bool(np.isin(trial.outcome, (0.0, 1.0)).all())
    events = int(trial.outcome.sum()) if is_binary else None
    slope = min(_kept_share(ranking, share), 1.0) if per_base > 0 else 0.0
    intercept = (1 - slope) * float(average.value or 0.0)
    return Uplift(
        nothing(X.shape[1]), intercept, slope, average, ranking, share, len(ids), events, base, per_base,
        "proportional" if slope else "average",
    )  # fmt: skip


def nothing(columns: int) -> str:
    """A booster that adds nothing to any row."""
    data = lgb.Dataset(np.zeros((2, columns)), label=[0.0, 0.0], params={"verbosity": -1, "min_data_in_bin": 1})
    return canonical_text(lgb.train({"objective": "regression", "verbosity": -1, "num_threads": 1}, data, 1))


def _on_base(X: Array, base: int | None, per_base: float) -> Array:
    """What follows from the base alone; nothing where it is not known."""
    return np.zeros(len(X)) if base is None else per_base * np.nan_to_num(X[:, base])


def two_models(
    X: Array, trial: Trial, asked: Array, *, categorical: tuple[int, ...] = (), seed: int = 7, threads: int = 0
) -> Array:
    """The T-learner: expected outcome with the contact less that without, each by a model of its own arm."""
    is_binary = bool(np.isin(trial.outcome, (0.0, 1.0)).all())
    threads = threads or (1 if len(X) <= _ROWS_OF_ONE_THREAD else 0)
    grower = _Grower(categorical, None, seed, threads, "t", is_binary)
    order = np.lexsort((*X.T[::-1], trial.outcome, trial.treated))
    X, trial = np.ascontiguousarray(X[order]), trial.rows(order)
    without, with_ = (grower.outcome(X, trial, np.flatnonzero(trial.treated == arm)) for arm in (0, 1))
    return np.asarray(with_(asked) - without(asked))


def fold_of(customers: npt.NDArray[np.str_], count: int = FOLDS) -> npt.NDArray[np.int64]:
    """The fold of each row, by the hash of its customer: the same in every run and order of rows."""
    unique, codes = np.unique(customers, return_inverse=True)
    return np.array([zlib.crc32(str(one).encode()) % count for one in unique], dtype=np.int64)[codes]


def _short_of(trial: Trial) -> bool:
    """Whether an arm holds too few events or rows to tell customers apart."""
    try:
        _require_enough(trial)
    except SourceError:
        return True
    return False


def _require_enough(trial: Trial) -> int | None:
    """The number of events of a binary outcome (null for money), enough of them in each arm."""
    is_binary = bool(np.isin(trial.outcome, (0.0, 1.0)).all())
    for arm, rows in (("treated", trial.treated == 1), ("control", trial.treated == 0)):
        found = int(trial.outcome[rows].sum()) if is_binary else int(rows.sum())
        if found < LEAST_EVENTS:
            what = "events" if is_binary else "rows"
            raise SourceError(
                f"uplift: the {arm} arm holds {found} {what} of {int(rows.sum()):,} customers; expected at least "
                f"{LEAST_EVENTS}. Wait for more contacts, or pool offers",
                code="D019",
            )
    return int(trial.outcome.sum()) if is_binary else None


def _splits(folds: npt.NDArray[np.int64]) -> Iterator[tuple[Rows, Rows]]:
    """For each fold that is there: the rows outside it, and its own."""
    for fold in np.unique(folds):
        yield np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)


def _share_real(pseudo: Array, effect: Array, customers: npt.NDArray[np.str_], seed: int) -> Figure:
    """Least-squares slope of pseudo-effect on predicted effect, with its interval."""

    def slope(weights: Array) -> Array:
        total = weights.sum(axis=1)
        mean = weights @ effect / total
        moved = weights @ (effect * pseudo) / total - mean * (weights @ pseudo / total)
        spread = weights @ effect**2 / total - mean**2
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(moved / spread)

    return figure(*Customers(customers, seed=seed).estimate(slope))


def _kept_share(ranking: Figure, share: Figure) -> float:
    """How much of the predicted differences is served: none where the ranking does not beat chance.

    Differences are drawn in as far as the estimate says, and widened only as
    far as its whole interval does.
    """
    if ranking.low is None or ranking.low <= 0 or share.value is None or share.low is None:
        return 0.0
    return float(min(max(share.value, 0.0), max(1.0, share.low)))


@dataclass(frozen=True)
class _Grower:
    """Grows the stages of one learner, every one with the same settings."""

    categorical: tuple[int, ...]
    base: int | None
    seed: int
    threads: int
    learner: Learner
    is_binary: bool

    def learn(self, X: Array, trial: Trial, folds: npt.NDArray[np.int64]) -> tuple[str, float]:
        """The final stage on these rows, and the effect per unit of the base that it begins at.

        Its pseudo-effects come from models that saw other customers.
        """
        pseudo = np.empty(len(X))
        for inside, outside in _splits(folds):
            pseudo[outside] = self.pseudo_effects(X, trial, inside, outside)
        mean = 0.0 if self.base is None else float(np.nan_to_num(X[:, self.base]).mean())
        per_base = float(pseudo.mean()) / mean if mean > 0 else 0.0
        return canonical_text(self._effect(X, pseudo - _on_base(X, self.base, per_base))), per_base

    def pseudo_effects(self, X: Array, trial: Trial, inside: Rows, outside: Rows) -> Array:
        """One estimate of the effect for each row outside, by outcome models of the rows inside."""
        untreated, treated = (self.outcome(X, trial, inside[trial.treated[inside] == arm]) for arm in (0, 1))
        without, with_ = untreated(X[outside]), treated(X[outside])
        if self.learner == "t":
            return with_ - without
        rest = trial.rows(outside) if len(outside) else trial
        seen = np.where(rest.treated == 1, with_, without)
        weight = rest.treated / rest.chance - (1 - rest.treated) / (1 - rest.chance)
        return with_ - without + weight * (rest.outcome - seen)

    def outcome(self, X: Array, trial: Trial, rows: Rows):  # type: ignore[no-untyped-def]
        """A function from rows to the expected outcome in one arm."""
        settings = {"num_leaves": 15, "min_data_in_leaf": 40, "objective": "binary" if self.is_binary else "regression"}
        booster = self._grow(X[rows], trial.outcome[rows], settings, _OUTCOME_TREES)
        return lambda some: np.asarray(booster.predict(some), dtype=float)

    def _effect(self, X: Array, pseudo: Array) -> lgb.Booster:
        least = max(50, len(X) // 50)
        settings = {"num_leaves": 4, "min_data_in_leaf": least, "objective": "regression"}
        return self._grow(X, pseudo, settings, _EFFECT_TREES)

    def _grow(self, X: Array, y: Array, settings: Mapping[str, Any], trees: int) -> lgb.Booster:
        params = {**_COMMON, **settings, "seed": self.seed, "num_threads": self.threads}
        data = lgb.Dataset(X, label=y, categorical_feature=list(self.categorical), params=params)
        return lgb.train(params, data, trees)
