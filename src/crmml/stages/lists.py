"""A target list from the scores of the champions and the newest data."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from crmml import files
from crmml.config import load_config
from crmml.errors import ConfigError, NotFoundError, did_you_mean
from crmml.files import digest_of, write_atomic
from crmml.peers import deposit_tier_of
from crmml.scoring import score_column
from crmml.stages.directory import make_directory, suppress_as_of
from crmml.stages.features import features_at
from crmml.stages.kept_lists import KeptList, find_list, list_id_of, newest_frozen, require_unchanged
from crmml.stages.list_effects import GONE, gone_of, has_churn, kept_by, speakers_of, with_effects
from crmml.stages.list_files import opened, write_for_people, write_results
from crmml.stages.list_page import page_of
from crmml.stages.list_snapshot import FOLDER, keep_snapshot
from crmml.stages.making import Say, Step, digest_of_result, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.scores import make_scores, read_served
from crmml.stages.uplift import EFFECTS, make_effects
from crmml.targeting import Inputs, ListSpec, TargetList, build_list, changes_between
from crmml.targeting.changes import counts, kept_rows
from crmml.targeting.keeping import CARE, RETAIN, SELL, WIN_BACK

# Ten grades of probability, from below 0.25 % to 64 % and more, as five bands that people remember.
BANDS = {str(grade): band for grade, band in zip(range(1, 11), "AABBCCDDEE", strict=True)}


def make_list(
    project: Project,
    name: str,
    *,
    cutoff: date | None = None,
    against: str | None = None,
    force: bool = False,
    say: Say,
) -> TargetList | None:
    """Build one list and write its files; None where it is up to date.

    What changed is told against the list, or frozen campaign, of the name or id `against`; without one, against the
    newest frozen campaign of this list.

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
    effects = make_effects(project, day, features, scores, say=say)
    gone = gone_of(project, spec, bank, ledger, directory, day)
    inputs = {
        "scores": digest_of_result(scores, what="the scores", do="run `crmml score` first"),
        "directory": digest_of_result(directory, what="the directory", do="run `crmml run` first"),
        "features": digest_of_result(features, what="the features", do="run `crmml run` first"),
        "spec": digest_of(dataclasses.asdict(spec)),
        "cutoff": str(day),
    }
    if effects is not None:
        inputs["effects"] = digest_of_result(effects, what="the effects of contacts", do="run `crmml run` first")
    folder, as_of = project.workspace.of("lists", name), suppress_as_of(project)
    last = earlier_list(project, name, as_of=as_of, against=against, but=list_id_of(folder))
    step = Step("list", folder, {**inputs, "against": _id_or_none(last)})
    if not needs_making(step, force=force, say=say) and all(path.exists() for path in opened(project, name)):
        return None
    given = list_inputs(project, spec, features, scores, directory, day, effects=effects, gone=gone)
    targets = build_list(spec, given, suppress_as_of=as_of, currency=project.spec.currency)
    last = earlier_list(project, name, as_of=as_of, against=against, but=targets.list_id)
    targets = with_changes(targets, last, given)
    step = Step("list", folder, {**inputs, "against": _id_or_none(last)})
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        write_results(staged, targets)
        keep_snapshot(
            staged,
            project,
            spec,
            customers=targets.candidates["customer_id"].unique(),
            sources=(features, scores, directory),
            effects=effects,
            cutoff=day,
            suppress_as_of=as_of,
        )
        if gone is not None:
            gone.to_parquet(staged.path(f"{FOLDER}/directory/{GONE}"), index=False)
    written = write_for_people(project, targets)
    served = read_served(scores)
    *tables, page = opened(project, name)
    write_atomic(page, page_of(project, bank, targets, given, served))
    if len(written) > len(tables):
        say(f"          {targets.rows:,} rows are more than a file holds; written: {', '.join(map(str, written))}")
    return targets


def earlier_list(project: Project, name: str, *, as_of: date, against: str | None, but: str | None) -> KeptList | None:
    """The list to compare with: the one asked for, else the newest frozen campaign of this list that is not `but`."""
    if against is not None:
        return find_list(project, against)
    found = newest_frozen(project.workspace, name, as_of=str(as_of), but=but)
    if found is not None:
        require_unchanged(found)
    return found


def _id_or_none(last: KeptList | None) -> str:
    return "none" if last is None else last.list_id


def with_changes(targets: TargetList, last: KeptList | None, given: Inputs) -> TargetList:
    """The list with what changed since an earlier one, and in its `about` which one and how many."""
    if last is None:
        return targets
    before = last.targets()
    changes = changes_between(targets, before, given.holdings)
    told = {
        "against": last.list_id,
        "against_as_of": str(last.about["suppress_as_of"]),
        "changes": {change: count for change, _, _, count in counts(changes, kept_rows(targets, before))},
    }
    return dataclasses.replace(targets, changes=changes, about={**targets.about, **told})


def with_champions(spec: ListSpec, served: Mapping[str, Any], *, say: Say) -> ListSpec:
    """The list without the offers that no uptake champion speaks for, each said.

    Raises
    ------
    ConfigError
        C013 if no offer is left.
    """
    by_product = {model["product"] for model in served.values() if model["product"]}
    keeps = by_product | (
        {offer.product for offer in spec.offers if offer.kind in (RETAIN, CARE)} if has_churn(served) else set()
    )
    keeps |= {offer.product for offer in spec.offers if offer.kind == WIN_BACK}
    absent = [offer.product for offer in spec.offers if offer.product not in keeps]
    if len(absent) == len(spec.offers):
        raise ConfigError(
            f"list {spec.name} offers {', '.join(absent)} without an uptake champion; expected one of "
            f"{', '.join(sorted(by_product)) or 'none'}. Train and promote its model, or drop the offer",
            code="C013",
        )
    for product in absent:
        model = "uptake model" if spec.offer(product).kind == SELL else "model of churn"
        say(f"          {product} is left out of the list: its {model} has no champion")
    demanded = [product for product in absent if spec.capacities.minimum_per_product.get(product)]
    if demanded:
        raise ConfigError(
            f"list {spec.name}: minimum_per_product asks for {demanded[0]}, whose uptake model has no champion; "
            "train and promote it, or drop the minimum",
            code="C013",
        )
    return spec.without(absent)


def list_inputs(
    project: Project,
    spec: ListSpec,
    features: Path,
    scores: Path,
    directory: Path,
    day: date,
    *,
    effects: Path | None = None,
    gone: pd.DataFrame | None = None,
) -> Inputs:
    """The files of scores, features, names and suppression as tables.

    What contacts change, and who has left, lie beside the names in a snapshot.
    """
    served = read_served(scores)
    path = (directory if effects is None else effects) / EFFECTS
    uplift = pd.read_parquet(path) if path.exists() else None
    if gone is None and (directory / GONE).exists():
        gone = pd.read_parquet(directory / GONE)
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
    churn, contribution = _churn(one("churn"), served, scores), one("contribution")
    frame = _features(features, day)
    uptake = _uptake(spec, served, scores) | kept_by(spec, churn, contribution, frame, gone)
    return Inputs(
        customers=pd.read_parquet(directory / "customers.parquet"),
        uptake=with_effects(uptake, uplift),
        suppression=pd.read_parquet(directory / "suppression.parquet"),
        holdings=pd.read_parquet(directory / "holdings.parquet"),
        churn=churn,
        default=default,
        contribution=contribution,
        features=frame,
        takers=pd.read_parquet(takers) if takers.exists() else None,
        models={model["name"]: model["version"] for model in served.values()} | speakers_of(uplift),
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


def list_from_config(
    config: Path, *, cutoff: date | None, against: str | None = None, say: Say
) -> tuple[list[dict[str, Any]], list[Path]]:
    """Build the list of a config file; its waterfall for people and the files to open."""
    spec = load_config(config)
    if not isinstance(spec, ListSpec):
        raise ConfigError(f"{config} is a model; expected a list, a file with 'offers'", code="C012")
    project = open_project(config.parent)
    with project.alone():
        make_list(project, spec.name, cutoff=cutoff, against=against, say=say)
    waterfall = pq.read_table(project.workspace.of("lists", spec.name) / "waterfall.parquet").to_pylist()
    return waterfall, opened(project, spec.name)


__all__ = ["list_from_config", "list_inputs", "make_list", "opened"]
