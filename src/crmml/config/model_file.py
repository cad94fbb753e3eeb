"""A model's YAML file: one strict file for each model, whatever its target."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any, Literal

from crmml.config.card_file import card_words
from crmml.config.mapping import build, placed, refuse_unknown_keys
from crmml.config.reading import read_yaml
from crmml.economics import FAMILIES, FAMILY_WORDS
from crmml.errors import ConfigError, did_you_mean
from crmml.evaluation.gates import Gates
from crmml.features import DEFAULT, askable_names, expand
from crmml.labels import Bookings, Churn, Contribution, Default, Given, Uplift, Uptake, Winback
from crmml.modelling.spec import BankModelSpec, FewEvents, LightGBM, ScorecardSpec, Split, Tuning
from crmml.modelling.splits import check_purge
from crmml.periods import Horizon, Horizons, month_ends, parse_day
from crmml.snapshots import Population

_FILE_NAME = re.compile(r"\w[\w.-]{0,59}")
TARGETS: Mapping[str, type] = {
    "churn": Churn,
    "default": Default,
    "contribution": Contribution,
    "uptake": Uptake,
    "bookings": Bookings,
    "given": Given,
    "winback": Winback,
    "uplift": Uplift,
}


@dataclass(frozen=True)
class CutoffsFile:
    """Ranges of month ends (`every` so many months), or of the days of an event.

    `out_of_sample` tests on held-out customers of the training cut-offs, where
    the data hold no later ones; every figure is then stamped so.
    """

    train: tuple[str, ...]
    out_of_time: tuple[str, ...] = ()
    out_of_sample: bool = False
    every: int = 1
    event: Literal["loans", "contacts"] | None = None
    holdout_buckets: int = 20

    def __post_init__(self) -> None:
        if bool(self.out_of_time) == self.out_of_sample:
            raise ValueError(
                "expected out_of_time with the later cut-offs to test on, or, where the data hold none, out_of_sample: true"
            )
        if not 1 <= self.every <= 12:
            raise ValueError(f"every is {self.every}; expected a step of 1 to 12 months")
        for name in ("train",) if self.out_of_sample else ("train", "out_of_time"):
            months = getattr(self, name)
            if len(months) != 2:
                raise ValueError(
                    f"{name} has {len(months)} entries; expected the first and the last, as [2024-01, 2024-12]"
                )
            if parse_day(months[0]) > parse_day(months[1]):
                raise ValueError(f"{name} goes from {months[0]} to {months[1]}; expected the earlier first")


@dataclass(frozen=True)
class HorizonsFile:
    """Horizons of one model that draws a curve: `months` rising, and the `headline` that reasons and grades speak of."""

    months: tuple[int, ...]
    headline: int
    gap: int = 0


@dataclass(frozen=True)
class ModelFile:
    """The keys of a model's YAML file. Among `features`, `default` stands for the families that have proved to gain."""

    target: Literal["churn", "default", "contribution", "uptake", "bookings", "given", "winback", "uplift"]
    zh: str
    en: str
    cutoffs: CutoffsFile
    features: tuple[str, ...]
    horizon: Horizon | None = None
    horizons: HorizonsFile | None = None
    label: Mapping[str, Any] = field(default_factory=dict)
    population: Population = field(default_factory=Population)
    terms: tuple[str, ...] = ()
    estimator: Mapping[str, Any] = field(default_factory=dict)
    tuning: Tuning = field(default_factory=Tuning)
    gates: Gates = field(default_factory=Gates)
    few_events: FewEvents = field(default_factory=FewEvents)
    scorecard: ScorecardSpec = field(default_factory=ScorecardSpec)
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "features", expand(self.features))


@dataclass(frozen=True)
class Model:
    """One model of a bank, ready to train. `key` names its files, `spec.name` its place in the registry."""

    key: str
    zh: str
    en: str
    spec: BankModelSpec
    path: Path
    event: str | None = None
    terms: tuple[str, ...] = ()

    @property
    def cutoffs(self) -> tuple[date, ...]:
        """Every calendar cut-off it learns from or is tested on; none for an event model."""
        return () if self.event else (*self.spec.split.train, *self.spec.split.out_of_time)


def load_models(path: Path, *, bank: str) -> tuple[Model, ...]:
    """The models of one YAML file: one, or for uptake one for each product.

    Raises
    ------
    ConfigError
        With the place, what was found, what was expected.
    """
    content = read_yaml(path)
    where = str(path)
    file = build(ModelFile, content, where=where, shorthands={Population: lambda text: {"where": text}})
    _require_families(file.features, has_terms=bool(file.terms), where=f"{where}: features")
    key = path.stem
    spec = BankModelSpec(
        name=f"{bank}.{key}",
        target=None,
        horizon=_horizon(file, where=where),
        split=_split(file.cutoffs, where=f"{where}: cutoffs"),
        families=file.features,
        population=file.population,
        lightgbm=estimator_of(file.estimator, where=f"{where}: estimator"),
        tuning=file.tuning,
        gates=file.gates,
        few_events=file.few_events,
        scorecard=file.scorecard,
        card=card_words(file.card, where=f"{where}: card"),
    )
    with placed(f"{where}: cutoffs"):
        check_purge(spec.split, spec.horizon)
    common: dict[str, Any] = {"path": path, "event": file.cutoffs.event, "terms": file.terms}
    _require_contacts(file, where=where)
    if file.target != "uptake":
        target: Any = build(TARGETS[file.target], dict(file.label), where=f"{where}: label")
        return (Model(key, file.zh, file.en, replace(spec, target=target), **common),)
    products = file.label.get("products")
    refuse_unknown_keys(file.label, ["products"], where=f"{where}: label")
    if not isinstance(products, list) or not products:
        raise ConfigError(
            f"{where}: label.products is {products!r}; expected a list of products or families", code="C003"
        )
    return tuple(
        Model(
            f"{key}_{product}",
            f"{file.zh}:{FAMILY_WORDS.get(product, (product, product))[0]}",
            f"{file.en}: {FAMILY_WORDS.get(product, (product, product))[1]}",
            replace(spec, name=f"{bank}.{key}_{product}", target=_uptake(product, where=f"{where}: label.products")),
            **common,
        )
        for product in products
    )


def _require_contacts(file: ModelFile, *, where: str) -> None:
    """An uplift is learned from assignments of the contact log, and its offer and channel are terms by themselves.

    Raises
    ------
    ConfigError
        C005 if the cut-offs are others, there are terms, or nothing later to test on.
    """
    if file.target != "uplift":
        return
    if file.cutoffs.event != "contacts" or file.cutoffs.out_of_sample or file.terms:
        raise ConfigError(
            f"{where}: an uplift is learned from assignments of the contact log and tested on later ones; expected "
            "cutoffs: {event: contacts, train: [...], out_of_time: [...]} and no terms (offer and channel are read from the log)",
            code="C005",
        )


def _horizon(file: ModelFile, *, where: str) -> Horizon:
    """The one horizon of a model, or those of its curve.

    Raises
    ------
    ConfigError
        If the file gives none or both, or asks for a curve of what has none.
    """
    if file.horizon is not None and file.horizons is not None:
        raise ConfigError(f"{where} has both 'horizon' and 'horizons'; expected one of the two", code="C003")
    if file.horizon is not None:
        return file.horizon
    if file.horizons is None:
        raise ConfigError(f"{where} has no key 'horizon'; it has no default, write it down", code="C011")
    if file.target != "churn" or file.cutoffs.event is not None:
        found = file.target if file.target != "churn" else f"cutoffs: event: {file.cutoffs.event}"
        raise ConfigError(
            f"{where}: horizons with {found}; a curve over horizons is drawn for target: churn at calendar cut-offs. "
            "Write horizon: {months: …} instead",
            code="C003",
        )
    if file.tuning.metric != "log_loss":
        raise ConfigError(
            f"{where}: tuning.metric is {file.tuning.metric}; a model of several horizons is judged over all of them, "
            "where only the log loss is fair: write tuning: {metric: log_loss}",
            code="C003",
        )
    with placed(f"{where}: horizons"):
        return Horizons(file.horizons.headline, file.horizons.gap, file.horizons.months)


def _require_families(entries: Sequence[str], *, has_terms: bool, where: str) -> None:
    """There is something to learn from, and each entry begins with the name of a feature family."""
    known = (*askable_names(), DEFAULT)
    if not entries and not has_terms:
        raise ConfigError(f"{where} is empty; expected one or more of {', '.join(known)}", code="C005")
    for index, entry in enumerate(entries):
        family = entry.partition(".")[0]
        if family not in known:
            raise ConfigError(
                f"{where}[{index}] is '{entry}'; expected one of {', '.join(known)}.{did_you_mean(family, known)}",
                code="C002",
            )


def _uptake(product: object, *, where: str) -> Uptake:
    """Uptake of a product family, or of one product by its id, which also names files."""
    if not isinstance(product, str) or not _FILE_NAME.fullmatch(product):
        raise ConfigError(
            f"{where} has {product!r}; expected a family or a product id of letters, digits, _, - and .", code="C005"
        )
    field = "product_family" if product in FAMILIES else "product_id"
    return build(Uptake, {field: product}, where=where)


def _split(cutoffs: CutoffsFile, *, where: str) -> Split:
    if cutoffs.event is None:
        train, test = (_range(getattr(cutoffs, name), cutoffs.every) for name in ("train", "out_of_time"))
    else:
        train, test = (
            (parse_day(months[0], end_of_month=False), parse_day(months[1])) if months else ()
            for months in (cutoffs.train, cutoffs.out_of_time)
        )
    if test and max(train) >= min(test):
        raise ConfigError(
            f"{where}: train {min(train)} to {max(train)} overlaps out_of_time {min(test)} to {max(test)}; "
            "expected every test cut-off after the last training cut-off",
            code="C006",
        )
    with placed(where):
        return Split(train=train, out_of_time=test, holdout_buckets=cutoffs.holdout_buckets)


def _range(months: tuple[str, ...], every: int) -> tuple[date, ...]:
    if not months:
        return ()
    return tuple(month_ends(parse_day(months[0]), parse_day(months[1]), every))


def estimator_of(estimator: Mapping[str, Any], *, where: str) -> LightGBM:
    """The learner that a file asks for."""
    parameters = dict(estimator)
    kind = parameters.pop("kind", "lightgbm")
    if kind != "lightgbm":
        raise ConfigError(f"{where}.kind is {kind!r}; expected lightgbm", code="C003")
    seeds = parameters.pop("seeds", LightGBM.seeds)
    with placed(where):
        return LightGBM(parameters, seeds)
