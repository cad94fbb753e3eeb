"""From tables, ledger and features to the table a model is trained from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.parquet as pq
from ibis import _

from crmml.abt import Abt, join_abt
from crmml.config import Model
from crmml.errors import ConfigError, did_you_mean
from crmml.features import FeatureInfo, askable_names, build_features, catalogue
from crmml.labels import build_labels
from crmml.modelling.spec import ModelSpec
from crmml.periods import Interval
from crmml.snapshots import take_event_snapshots
from crmml.sources.bank import Bank
from crmml.stages.features import make_features, read_catalogue
from crmml.stages.ledger import make_ledger
from crmml.stages.making import Say
from crmml.stages.project import Project
from crmml.stages.tables import make_tables

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Ground:
    """What every model of a bank is trained from."""

    bank: Bank
    ledger: ir.Table | None
    features: Path


def lay_ground(project: Project, *, force: bool = False, say: Say) -> Ground:
    """Tables, ledger and features of the bank, made if need be."""
    bank = make_tables(project, force=force, say=say)
    ledger = make_ledger(project, bank, force=force, say=say)
    return Ground(bank, ledger, make_features(project, bank, ledger, force=force, say=say))


def make_abt(project: Project, model: Model, ground: Ground) -> Abt:
    """Snapshots, features and labels of a model's cut-offs, joined."""
    if model.event is not None:
        snapshots, features, infos = _events(model, ground)
    else:
        days = [str(day) for day in model.cutoffs]
        snapshots = _read_snapshots(ground, days)
        features = pa.concat_tables(
            [pq.read_table(ground.features / "features" / f"{day}.parquet") for day in days], promote_options="default"
        )
        infos = read_catalogue(ground.features)
    labels = _labels(model, ground, snapshots)
    return join_abt(
        snapshots,
        features,
        labels,
        population=model.spec.population,
        catalogue=infos,
        select=select_features(model.spec, infos, where=str(model.path)),
    )


def _labels(model: Model, ground: Ground, snapshots: ir.Table) -> ir.Table:
    """The labels of a model's snapshots; those it learns from may be of a shorter window than those it is tested on."""
    spec, horizon = model.spec, model.spec.horizon
    if horizon.learned.months == horizon.months:
        return build_labels(ground.bank, snapshots, spec.target, horizon, ledger=ground.ledger)
    is_learned = _.cutoff_date.isin(list(spec.split.train))
    learned = build_labels(
        ground.bank, snapshots.filter(is_learned), spec.target, horizon.learned, ledger=ground.ledger
    )
    tested = build_labels(ground.bank, snapshots.filter(~is_learned), spec.target, horizon, ledger=ground.ledger)
    return learned.union(tested)


def _read_snapshots(ground: Ground, days: list[str]) -> ir.Table:
    paths = [str(ground.features / "snapshots" / f"{day}.parquet") for day in days]
    return ground.bank.connection.read_parquet(paths, table_name="crmml_snapshots")


def _events(model: Model, ground: Ground) -> tuple[ir.Table, pa.Table, tuple[FeatureInfo, ...]]:
    split = model.spec.split
    between = Interval(split.train[0] - _ONE_DAY, split.tested[-1] + _ONE_DAY)
    snapshots = take_event_snapshots(ground.bank, model.event, between, model.terms)  # type: ignore[arg-type]
    families = sorted({entry.split(".")[0] for entry in model.spec.families}, key=askable_names().index)
    features = build_features(ground.bank, snapshots, families, ledger=ground.ledger)
    return snapshots, features, catalogue(ground.bank, families, ledger=ground.ledger, snapshots=snapshots)


def select_features(spec: ModelSpec, infos: tuple[FeatureInfo, ...], *, where: str) -> list[str]:
    """The features of the families (or `family.feature`) a config names, and the terms of an event.

    Raises
    ------
    ConfigError
        If a family or a feature is not known.
    """
    chosen: set[str] = {info.name for info in infos if info.concept == "terms"}
    for entry in spec.families:
        family, _, feature = entry.partition(".")
        of_family = [info.name for info in infos if info.family == family]
        if feature and feature not in of_family:
            raise ConfigError(
                f"{where}: features has '{entry}'; {family} has no feature {feature}.{did_you_mean(feature, of_family)}",
                code="C002",
            )
        chosen |= {feature} if feature else set(of_family)
    return [info.name for info in infos if info.name in chosen]
