"""What a model config says: frozen specs onto which the YAML is mapped."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from crmml.errors import ConfigError, did_you_mean
from crmml.evaluation.gates import Gates
from crmml.feature_table.spec import TableSplit
from crmml.modelling.card_words import CardWords
from crmml.modelling.scorecard.settings import ScorecardSpec
from crmml.periods import Horizon, Horizons

__all__ = [
    "FEWEST_EVENTS",
    "BankModelSpec",
    "FewEvents",
    "Gates",
    "LightGBM",
    "ModelSpec",
    "ScorecardSpec",
    "Split",
    "TableSplit",
    "Tuning",
]

_BOOSTING = ("gbdt", "goss")
#: Boosters averaged where a config does not say how many, and few events are learned from.
FEW_EVENTS_SEEDS = 5
# Set by crmml in every fit: a config that could change them could change the meaning or the hash of a model.
_RESERVED = {
    "objective": "follows from the target",
    "metric": "belongs under tuning.metric",
    "num_iterations": "is found by early stopping on earlier folds",
    "num_trees": "is found by early stopping on earlier folds",
    "n_estimators": "is found by early stopping on earlier folds",
    "early_stopping_round": "is found by early stopping on earlier folds",
    "is_unbalance": "would spoil the probabilities",
    "scale_pos_weight": "would spoil the probabilities",
    "deterministic": "is always true",
    "force_row_wise": "is always true",
    "force_col_wise": "would change the model hash",
    "num_threads": "belongs to the run, not to the model",
    "seed": "belongs under tuning.seed",
    "monotone_constraints": "comes from the expected signs in the feature catalogue",
    "categorical_feature": "comes from the feature catalogue",
}


# A trial takes seconds to minutes and a seed is a C int in LightGBM: more is a typing error.
_TUNING_RANGES = {"trials": (0, 10_000), "seed": (0, 2**31 - 1), "folds": (1, 20), "max_trees": (1, 20_000)}


# What a config may fix, with LightGBM's own ranges (its Parameters page). Only these names: an alias such as
# `random_state` would get past the list above, and a misspelt name would be ignored in silence.
_FIXABLE: Mapping[str, tuple[float, float]] = {
    "learning_rate": (1e-6, 1),
    "num_leaves": (2, 131_072),
    "max_depth": (-1, 1_000),
    "min_data_in_leaf": (0, 2**31 - 1),
    "min_sum_hessian_in_leaf": (0, math.inf),
    "bagging_fraction": (1e-6, 1),
    "bagging_freq": (0, 1_000),
    "feature_fraction": (1e-6, 1),
    "feature_fraction_bynode": (1e-6, 1),
    "lambda_l1": (0, math.inf),
    "lambda_l2": (0, math.inf),
    "max_delta_step": (-math.inf, math.inf),
    "min_gain_to_split": (0, math.inf),
    "path_smooth": (0, math.inf),
    "top_rate": (0, 1),
    "other_rate": (0, 1),
    "cat_l2": (0, math.inf),
    "cat_smooth": (0, math.inf),
    "max_cat_threshold": (1, 2**31 - 1),
    "max_cat_to_onehot": (1, 2**31 - 1),
    "min_data_per_group": (1, 2**31 - 1),
    "monotone_penalty": (0, math.inf),
}
_WHOLE = {"num_leaves", "max_depth", "min_data_in_leaf", "bagging_freq", "max_cat_threshold", "max_cat_to_onehot"}
_FIXABLE_WORDS = ("boosting", "data_sample_strategy", "extra_trees", "linear_tree", "monotone_constraints_method")


@dataclass(frozen=True)
class LightGBM:
    """LightGBM parameters that are fixed; what is not given here is tuned.

    `seeds` boosters that differ in their random draws alone are averaged into the one served; where it is not given,
    `FEW_EVENTS_SEEDS` where fewer than 300 events are learned from (a booster of few events is mostly its draws), else one.

    Raises
    ------
    ConfigError
        If a parameter would make reasons inexact (linear trees, dart, random
        forest) or belongs elsewhere.
    """

    params: Mapping[str, Any] = field(default_factory=dict)
    seeds: int | None = None

    def __post_init__(self) -> None:
        if self.seeds is not None and (
            isinstance(self.seeds, bool) or not isinstance(self.seeds, int) or not 1 <= self.seeds <= 50
        ):
            raise ConfigError(f"seeds is {self.seeds!r}; expected a whole number from 1 to 50", code="C005")
        boosting = self.params.get("boosting", "gbdt")
        if boosting not in _BOOSTING:
            raise ConfigError(
                f"boosting is {boosting!r}; expected one of {', '.join(_BOOSTING)}, "
                "whose contributions sum to the score",
                code="C010",
            )
        if self.params.get("linear_tree"):
            raise ConfigError(
                "linear_tree is true; expected false, because contributions of linear trees do not sum to the score",
                code="C010",
            )
        for name in self.params:
            if name in _RESERVED:
                raise ConfigError(f"{name} may not be set here, it {_RESERVED[name]}", code="C010")
            _require_fixable(name, self.params[name])


def _require_fixable(name: str, value: Any) -> None:
    if name in _FIXABLE_WORDS:
        return
    if name not in _FIXABLE:
        raise ConfigError(
            f"{name} is not a parameter a config may fix; expected one of {', '.join((*_FIXABLE_WORDS, *_FIXABLE))}."
            f"{did_you_mean(name, (*_FIXABLE_WORDS, *_FIXABLE))}",
            code="C002",
        )
    least, most = _FIXABLE[name]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_number = is_number and (name not in _WHOLE or value == int(value))
    if not is_number or not least <= value <= most:
        raise ConfigError(
            f"{name} is {value!r}; expected a {'whole ' if name in _WHOLE else ''}number from {least:g} to {most:g}",
            code="C005" if is_number else "C003",
        )


@dataclass(frozen=True)
class Tuning:
    """A search on earlier folds: `trials` trials, judged by `metric`, repeatable from `seed`.

    `folds` is the largest number of time-forward folds; `max_trees` bounds a
    trial. Zero trials fit the fixed parameters and the defaults.
    """

    trials: int = 20
    metric: Literal["gini", "auc", "log_loss"] = "gini"
    seed: int = 7
    folds: int = 3
    max_trees: int = 600

    def __post_init__(self) -> None:
        if self.metric not in ("gini", "auc", "log_loss"):
            guess = did_you_mean(self.metric, ("gini", "auc", "log_loss"))
            raise ConfigError(f"metric is {self.metric!r}; expected gini, auc or log_loss.{guess}", code="C003")
        for name, (least, most) in _TUNING_RANGES.items():
            found = getattr(self, name)
            if least <= found <= most:
                continue
            raise ConfigError(f"{name} is {found}; expected {least:,} to {most:,}", code="C005")


@dataclass(frozen=True)
class Split:
    """Cut-offs to learn from and later ones to test on.

    For calendar cut-offs both are the dates themselves. For event cut-offs each
    names a first and a last day, and every event between them counts.
    Customers of the first `holdout_buckets` of 100 hash buckets are never
    trained on; all customers are tested. Without later cut-offs the test is on
    those customers at the training cut-offs, and every figure says so.
    """

    train: tuple[date, ...]
    out_of_time: tuple[date, ...]
    holdout_buckets: int = 20

    def __post_init__(self) -> None:
        object.__setattr__(self, "train", tuple(sorted(self.train)))
        object.__setattr__(self, "out_of_time", tuple(sorted(self.out_of_time)))
        if not self.train or not (self.out_of_time or self.holdout_buckets):
            raise ConfigError(
                "train and out_of_time must each hold at least one date; "
                f"found {len(self.train)} and {len(self.out_of_time)}, and no customers held out",
                code="C005",
            )
        if not 0 <= self.holdout_buckets <= 90:
            raise ConfigError(f"holdout_buckets is {self.holdout_buckets}; expected 0 to 90 of 100", code="C005")

    @property
    def is_out_of_time(self) -> bool:
        """Whether the test is on later cut-offs, as it should be."""
        return bool(self.out_of_time)

    @property
    def tested(self) -> tuple[date, ...]:
        """The cut-offs that are tested on."""
        return self.out_of_time or self.train

    @property
    def tested_on(self) -> str:
        """The test in one sentence."""
        return (
            "later cut-offs, all customers"
            if self.is_out_of_time
            else "other customers of the same cut-offs: not out of time"
        )

    @property
    def tested_on_zh(self) -> str:
        return "较晚截止日的全部客户" if self.is_out_of_time else "同期其他客户,非时间外检验"

    @property
    def stamp(self) -> str:
        """What every figure of this test carries beside it: nothing."""
        return ""


#: Fewer events than these in training are refused, unless the config allows so few.
FEWEST_EVENTS = 50


@dataclass(frozen=True)
class FewEvents:
    """The least events a model may be learned from, where the bank has no more.

    With fewer than 50, figures are wide and a search chooses noise: a config
    that asks for less says so here, and every figure of the model repeats it.
    """

    at_least: int = FEWEST_EVENTS

    def __post_init__(self) -> None:
        if not 10 <= self.at_least <= FEWEST_EVENTS:
            raise ConfigError(
                f"few_events: at_least is {self.at_least}; expected 10 to {FEWEST_EVENTS} (without few_events it is "
                f"{FEWEST_EVENTS})",
                code="C005",
            )


@dataclass(frozen=True)
class ModelSpec:
    """One model: what it predicts, for whom, from what, and how it is judged.

    `name` is the registered name, such as `demo.churn`; `target` and
    `population` are the specs of the rooms `labels` and `snapshots`. A ready
    feature table has a `TableSplit`, and a horizon only where it has cut-offs.
    """

    name: str
    target: Any
    horizon: Horizon | None
    split: Split | TableSplit
    families: tuple[str, ...] = ()
    population: Any = None
    lightgbm: LightGBM = field(default_factory=LightGBM)
    tuning: Tuning = field(default_factory=Tuning)
    gates: Gates = field(default_factory=Gates)
    few_events: FewEvents = field(default_factory=FewEvents)
    scorecard: ScorecardSpec = field(default_factory=ScorecardSpec)
    card: CardWords = field(default_factory=CardWords)

    @property
    def kind(self) -> str:
        """The kind of target: churn, default, contribution, uptake, bookings, given or winback."""
        return type(self.target).__name__.lower()

    @property
    def steps(self) -> tuple[int, ...]:
        """The horizons of a curve in months, rising; empty for a model of one horizon."""
        return self.horizon.steps if isinstance(self.horizon, Horizons) else ()

    @property
    def is_money(self) -> bool:
        """Whether the model serves yuan (contribution) and not a probability."""
        return self.kind == "contribution"


@dataclass(frozen=True)
class BankModelSpec(ModelSpec):
    """A model of a bank's tables: it always has a horizon and cut-offs."""

    horizon: Horizon
    split: Split
