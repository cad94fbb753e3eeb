"""What each feature family adds out of time: the model fitted with it and without it, all else held.

Nothing is searched again: both fits take the parameters and the number of trees
of a model that was tuned before, and the same rows. A family among those of the
config is left out, one that is not is added.

Two families that tell the same both seem useless when each is left out alone.
So beside that gain stands what a family adds to those before it, in the order
of the catalogue: one that adds nothing there can be done without.

Rows and columns are not sampled in these fits. Where they are, a column that no
split ever uses still decides which columns a tree may see, and on a few hundred
events that luck is as large as the gain of a family.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import SIGNS
from crmml.bundle.booster import Booster
from crmml.evaluation.bootstrap import Customers, Figure, figure
from crmml.evaluation.discrimination import Ranked, RankedMoney
from crmml.modelling.boosting import Binned
from crmml.modelling.fit import make_aims, make_growth
from crmml.modelling.preparation import Prepared, prepare
from crmml.modelling.spec import LightGBM, ModelSpec

if TYPE_CHECKING:
    from crmml.abt import Abt

Array = npt.NDArray[np.float64]
RESAMPLES = 500
ALWAYS_THERE = ("terms", "horizon")


@dataclass(frozen=True)
class Held:
    """What is held fixed in every fit: the tuned parameters, and the trees of each part."""

    params: Mapping[str, Any]
    trees: Mapping[str, int]

    @property
    def unsampled(self) -> dict[str, Any]:
        return {**self.params, "feature_fraction": 1.0, "bagging_fraction": 1.0}


@dataclass(frozen=True)
class Measured:
    """The figure of the config's families on `rows` test rows, and what each family adds."""

    value: float
    rows: int
    gains: tuple[Gain, ...]


@dataclass(frozen=True)
class Gain:
    """One family: figure with it less figure without it, on the same test rows.

    `chance` is the one-sided chance of so large a gain where there is none,
    by the standard error of the resamples. `added` is the gain over the families
    before it in the catalogue (null where it was not asked for).
    """

    family: str
    is_used: bool
    columns: int
    with_it: float
    without_it: float
    gain: Figure
    chance: float
    seconds: float
    added: Figure | None = None
    added_chance: float | None = None


def measure_gains(
    abt: Abt,
    spec: ModelSpec,
    used: Sequence[str],
    held: Held,
    *,
    stepwise: bool = False,
    resamples: int = RESAMPLES,
    threads: int = 0,
) -> Measured:
    """The figure of the families in `used`, and the gain of every family of the table.

    Parameters
    ----------
    abt : Abt
        One row per customer and cut-off, with the features of all families that are judged.
    used : sequence of str
        Features (columns) the model has today.

    Raises
    ------
    SourceError
        If there are too few events, as in training.
    """
    spec = replace(spec, lightgbm=LightGBM(_unsampled(spec.lightgbm.params)))
    prepared = prepare(abt, spec)
    judge = _Judge(prepared, spec, held, resamples=resamples, threads=threads)
    names = [info.name for info in prepared.infos]
    chosen = set(used) & set(names)
    base = judge.scores(chosen)
    gains = []
    for family, columns in _by_family(prepared).items():
        started = time.perf_counter()
        is_used = bool(chosen & columns)
        rest = chosen - columns if is_used else chosen | columns
        if not rest:
            continue
        other = judge.scores(rest)
        more, less = (base, other) if is_used else (other, base)
        gain, chance = judge.difference(more, less)
        gains.append(
            Gain(
                family=family,
                is_used=is_used,
                columns=len(chosen & columns if is_used else columns),
                with_it=judge.value(more),
                without_it=judge.value(less),
                gain=gain,
                chance=chance,
                seconds=time.perf_counter() - started,
            )
        )
    if stepwise:
        steps = judge.steps(_by_family(prepared))
        gains = [replace(gain, added=steps[gain.family][0], added_chance=steps[gain.family][1]) for gain in gains]
    return Measured(judge.value(base), len(prepared.test), tuple(gains))


def _unsampled(params: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters a config fixes, but for those that sample."""
    sampling = ("feature_fraction", "bagging_fraction", "boosting", "boosting_type", "data_sample_strategy")
    return {name: value for name, value in params.items() if name not in sampling}


def _by_family(prepared: Prepared) -> dict[str, set[str]]:
    """The columns of each family that vary on training rows; terms of an event are always there."""
    families: dict[str, set[str]] = {}
    for info in prepared.infos:
        if info.concept not in ALWAYS_THERE:
            families.setdefault(info.family, set()).add(info.name)
    return families


class _Judge:
    """Fits on chosen columns, and figures of their scores on the test rows."""

    def __init__(self, prepared: Prepared, spec: ModelSpec, held: Held, *, resamples: int, threads: int) -> None:
        self.prepared, self.spec, self.held, self.threads = prepared, spec, held, threads
        self.customers = Customers(prepared.customers[prepared.test], resamples=resamples, seed=spec.tuning.seed)
        self.label = _actual(prepared, spec)

    def scores(self, columns: set[str]) -> Array:
        """Test scores of a model that sees these columns only."""
        kept = self._only(columns)
        growth = make_growth(kept, self.spec, threads=self.threads)
        codes, total = kept.encoding.categorical, np.zeros(len(kept.test))
        weight = None if kept.weights is None else kept.weights[kept.train]
        for aim in make_aims(kept, self.spec):
            binned = Binned(kept.X[kept.train], aim.learned, codes, growth, weight=weight)
            raw = Booster(binned.fit(self.held.unsampled, self.held.trees[aim.name])).margin(kept.X[kept.test])
            if aim.draft is not None:
                raw = aim.draft.amount(aim.draft.known(kept.X[kept.test], kept.encoding.names), raw)
            total = total + SIGNS.get(aim.name, 1) * raw
        return total

    def steps(self, families: Mapping[str, set[str]]) -> dict[str, tuple[Figure, float]]:
        """What each family adds to those before it; the first to a model that knows nothing."""
        steps, before, scores = {}, set[str](), np.zeros(len(self.label))
        for family, columns in families.items():
            before = before | columns
            richer = self.scores(before)
            steps[family] = self.difference(richer, scores)
            scores = richer
        return steps

    def _only(self, columns: set[str]) -> Prepared:
        prepared = self.prepared
        keep = [
            index for index, info in enumerate(prepared.infos) if info.name in columns or info.concept in ALWAYS_THERE
        ]
        names = tuple(prepared.encoding.names[index] for index in keep)
        levels = {name: codes for name, codes in prepared.encoding.levels.items() if name in names}
        encoding = replace(prepared.encoding, names=names, levels=levels)
        infos = tuple(prepared.infos[index] for index in keep)
        return replace(prepared, X=prepared.X[:, keep], infos=infos, encoding=encoding)

    def value(self, scores: Array) -> float:
        return float(self._ranked(scores)(np.ones((1, len(scores))))[0])

    def difference(self, more: Array, less: Array) -> tuple[Figure, float]:
        """The figure of `more` less that of `less` on the same resamples, and the chance of it."""
        one, other = self._ranked(more), self._ranked(less)
        value, resampled = self.customers.estimate(lambda weights: one(weights) - other(weights))
        error = float(np.nanstd(resampled))
        return figure(value, resampled), _upper_tail(value / error) if error > 0 else 1.0

    def _ranked(self, scores: Array) -> Any:
        return RankedMoney(self.label, scores).gini if self.spec.is_money else Ranked(self.label, scores).auc


def _actual(prepared: Prepared, spec: ModelSpec) -> Array:
    if not spec.is_money:
        return prepared.column("label")[prepared.test]
    total = np.zeros(len(prepared.test))
    for name, sign in SIGNS.items():
        total = total + sign * prepared.column(f"label_{name}")[prepared.test]
    return total


def _upper_tail(z: float) -> float:
    return 0.5 * math.erfc(z / math.sqrt(2))


def beyond_luck(chances: Iterable[float], *, rate: float = 0.05) -> list[bool]:
    """Which of many findings to keep so that at most a share `rate` of those kept is expected to be luck.

    References
    ----------
    .. [1] Benjamini, Hochberg, "Controlling the False Discovery Rate", J. R. Stat. Soc. B 57 (1995), 289-300.

    Examples
    --------
    >>> beyond_luck([0.001, 0.02, 0.03, 0.9])
    [True, True, True, False]
    >>> beyond_luck([0.03, 0.9, 0.8, 0.7])
    [False, False, False, False]
    """
    values = np.asarray(list(chances))
    order = np.argsort(values, kind="stable")
    passed = np.flatnonzero(values[order] <= rate * np.arange(1, len(values) + 1) / max(1, len(values)))
    kept = np.zeros(len(values), dtype=bool)
    kept[order[: passed[-1] + 1 if len(passed) else 0]] = True
    return [bool(one) for one in kept]
