"""A target list from the scores of the champions and the newest data."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml import files
from crmml.config import load_config
from crmml.errors import ConfigError, NotFoundError, did_you_mean
from crmml.files import digest_of
from crmml.peers import deposit_tier_of
from crmml.scoring import score_column
from crmml.stages.directory import make_directory, suppress_as_of
from crmml.stages.features import features_at
from crmml.stages.list_snapshot import keep_snapshot
from crmml.stages.making import Say, Step, digest_of_result, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.scores import make_scores, read_served
from crmml.targeting import (
    Inputs,
    ListSpec,
    TargetList,
    build_list,
    write_csv,
    write_parquet,
    write_people_csv,
    write_workbook,
)

# Ten grades of probability, from below 0.25 % to 64 % and more, as five bands that people remember.
BANDS = {str(grade): band for grade, band in zip(range(1, 11), "AABBCCDDEE", strict=True)}


def make_list(
    project: Project, name: str, *, cutoff: date | None = None, force: bool = False, say: Say
) -> TargetList | None:
    """Build one list and write its files; None where it is up to date.

    Raises
    ------
    NotFoundError
        If the bank has no such list, or an offer has no champion.
    """
    if name not in project.config.lists:
        known = ", ".join(project.config.lists) or "none"
        raise NotFoundError(
            f"list {name!r} is not configured for {project.spec.name}; expected one of {known}."
            f"{did_you_mean(name, project.config.lists)}",
            code="M001",
        )
    spec = project.config.lists[name]
    day = project.scored_cutoff(cutoff)
    bank, ledger, features = features_at(project, day, say=say)
    scores = make_scores(project, cutoff=day, say=say)
    directory = make_directory(project, bank, ledger, features, say=say)
    spec = with_champions(spec, read_served(scores), say=say)
    inputs = {
        "scores": digest_of_result(scores, what="the scores", do="run `crmml score` first"),
        "directory": digest_of_result(directory, what="the directory", do="run `crmml run` first"),
        "features": digest_of_result(features, what="the features", do="run `crmml run` first"),
        "spec": digest_of(dataclasses.asdict(spec)),
        "cutoff": str(day),
    }
    step = Step("list", project.workspace.of("lists", name), inputs)
    if not needs_making(step, force=force, say=say) and all(path.exists() for path in opened(project, name)):
        return None
    as_of = suppress_as_of(project)
    targets = build_list(
        spec,
        list_inputs(project, spec, features, scores, directory, day),
        suppress_as_of=as_of,
        currency=project.spec.currency,
    )
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        write_results(staged, targets)
        keep_snapshot(
            staged,
            project,
            spec,
            customers=targets.candidates["customer_id"].unique(),
            sources=(features, scores, directory),
            cutoff=day,
            suppress_as_of=as_of,
        )
    _write_for_people(project, targets)
    return targets


def with_champions(spec: ListSpec, served: Mapping[str, Any], *, say: Say) -> ListSpec:
    """The list without the offers that no uptake champion speaks for, each said.

    Raises
    ------
    ConfigError
        C013 if no offer is left.
    """
    by_product = {model["product"] for model in served.values() if model["product"]}
    absent = [product for product in spec.products if product not in by_product]
    if len(absent) == len(spec.offers):
        raise ConfigError(
            f"list {spec.name} offers {', '.join(absent)} without an uptake champion; expected one of "
            f"{', '.join(sorted(by_product)) or 'none'}. Train and promote its model, or drop the offer",
            code="C013",
        )
    for product in absent:
        say(f"          {product} is left out of the list: its uptake model has no champion")
    demanded = [product for product in absent if spec.capacities.minimum_per_product.get(product)]
    if demanded:
        raise ConfigError(
            f"list {spec.name}: minimum_per_product asks for {demanded[0]}, whose uptake model has no champion; "
            "train and promote it, or drop the minimum",
            code="C013",
        )
    return spec.without(absent)


def list_inputs(project: Project, spec: ListSpec, features: Path, scores: Path, directory: Path, day: date) -> Inputs:
    """The files of scores, features, names and suppression as tables."""
    served = read_served(scores)
    of_target: dict[str, list[str]] = {}
    for key, model in served.items():
        of_target.setdefault(model["target"], []).append(key)

    def one(target: str) -> pd.DataFrame | None:
        keys = of_target.get(target, [])
        return None if not keys else pd.read_parquet(scores / f"{keys[0]}.parquet")

    default = one("default")
    if default is not None:
        default = default.assign(grade=default["grade"].map(BANDS))
    takers = directory / "takers.parquet"
    return Inputs(
        customers=pd.read_parquet(directory / "customers.parquet"),
        uptake=_uptake(spec, served, scores),
        suppression=pd.read_parquet(directory / "suppression.parquet"),
        holdings=pd.read_parquet(directory / "holdings.parquet"),
        churn=_churn(one("churn"), served, scores),
        default=default,
        contribution=one("contribution"),
        features=_features(features, day),
        takers=pd.read_parquet(takers) if takers.exists() else None,
        models={model["name"]: model["version"] for model in served.values()},
    )


def _churn(found: pd.DataFrame | None, served: Mapping[str, Any], scores: Path) -> pd.DataFrame | None:
    """Scores of the churn model; a bank's own label is churn where its config is named so."""
    if found is None and "churn" in served:
        own = pd.read_parquet(scores / "churn.parquet")
        return own.rename(columns={score_column(served["churn"]["target"]): "prob_churn"})
    return found


def _features(folder: Path, day: date) -> pd.DataFrame:
    """The features rules may read, and the tier by which earlier takers are valued."""
    frame = pd.read_parquet(folder / "features" / f"{day}.parquet")
    return frame.assign(deposit_tier=deposit_tier_of(frame))


def _uptake(spec: ListSpec, served: Mapping[str, Any], scores: Path) -> dict[str, pd.DataFrame]:
    """Scores by offered product that has a champion; a bank's own label of a product is its taking."""
    by_product = {model["product"]: key for key, model in served.items() if model["product"]}
    found = {product: by_product[product] for product in spec.products if product in by_product}
    return {
        product: pd.read_parquet(scores / f"{key}.parquet").rename(
            columns={score_column(served[key]["target"]): "prob_take"}
        )
        for product, key in found.items()
    }


def opened(project: Project, name: str) -> list[Path]:
    """The files people open."""
    out = project.workspace.out
    return [out / f"{name}.xlsx", out / f"{name}.csv"]


def write_results(staged: files.Staged, targets: TargetList) -> None:
    """The files of a list for machines: all arms, all candidates, what removed them, what was used."""
    name = targets.spec.name
    write_parquet(targets, staged.path(f"{name}.parquet", rows=len(targets.table)))
    write_csv(targets, staged.path(f"{name}.csv", rows=len(targets.table)))
    write_table(targets.candidates, staged.path("candidates.parquet", rows=len(targets.candidates)))
    write_table(targets.waterfall, staged.path("waterfall.parquet"))
    write_table(targets.capacity_use, staged.path("capacity_use.parquet"))
    about = json.dumps(dict(targets.about), indent=1, ensure_ascii=False, default=str)
    staged.path("about.json").write_text(about + "\n", encoding="utf-8")


def _write_for_people(project: Project, targets: TargetList) -> None:
    workbook, people = opened(project, targets.spec.name)
    write_workbook(targets, workbook, language=project.spec.language, currency=project.spec.currency)  # type: ignore[arg-type]
    write_people_csv(targets, people, language=project.spec.language)  # type: ignore[arg-type]


def write_table(frame: pd.DataFrame, path: Path) -> None:
    """A frame as Parquet, infinite limits as null."""
    pq.write_table(as_stored(frame), path, compression="zstd")


def as_stored(frame: pd.DataFrame) -> pa.Table:
    """A frame as its file holds it, infinite limits as null."""
    return pa.Table.from_pandas(frame.replace([np.inf, -np.inf], np.nan), preserve_index=False)


def list_from_config(config: Path, *, cutoff: date | None, say: Say) -> tuple[list[dict[str, Any]], list[Path]]:
    """Build the list of a config file; its waterfall for people and the files to open."""
    spec = load_config(config)
    if not isinstance(spec, ListSpec):
        raise ConfigError(f"{config} is a model; expected a list, a file with 'offers'", code="C012")
    project = open_project(config.parent)
    with project.alone():
        make_list(project, spec.name, cutoff=cutoff, say=say)
    waterfall = pq.read_table(project.workspace.of("lists", spec.name) / "waterfall.parquet").to_pylist()
    return waterfall, opened(project, spec.name)


__all__ = ["list_from_config", "list_inputs", "make_list", "opened"]
