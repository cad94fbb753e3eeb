"""What a contact changes: learned from the bank's own contact log, and foretold for a cut-off."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from crmml import bundle, files, registry
from crmml.abt import Abt, join_abt, require_no_copies
from crmml.bundle import Bundle
from crmml.config import Model
from crmml.errors import GateError, NotFoundError, SourceError
from crmml.evaluation.overlap import chances
from crmml.explain import Voice
from crmml.features import FeatureInfo, askable_names, build_features, catalogue
from crmml.features.terms import term_infos
from crmml.files import digest_of
from crmml.labels import assignments, build_labels
from crmml.modelling.effects import BASE, CHANNEL, OFFER, TrainedEffect, train_effect
from crmml.peers import read_peers
from crmml.periods import Interval
from crmml.reporting.uplift_page import uplift_page
from crmml.scoring import Scorer, score_frame
from crmml.snapshots import take_event_snapshots
from crmml.stages.abts import Ground, select_features
from crmml.stages.audit import audit_state, make_audit
from crmml.stages.chances import Taking, base_of, uptake_champions
from crmml.stages.features import features_digest, read_catalogue
from crmml.stages.making import Say, Step, digest_of_result, needs_making
from crmml.stages.project import Project
from crmml.stages.reports import write_report
from crmml.stages.scores import read_served
from crmml.stages.summaries import summary_of
from crmml.stages.tables import tables_digest

EFFECTS = "effects.parquet"
FOR_LISTS = ("customer_id", "offer", "channel", "effect", "model", "version")
"""What lists read of the effects."""
_ONE_DAY = timedelta(days=1)
BASE_INFO = FeatureInfo(
    name=BASE,
    family="scores",
    concept="propensity",
    zh="不联系时的购买概率",
    en="chance to take without a contact",
    unit="share",
    formula="prob_take of the offered product, by the champion of its uptake model",
    window="",
    source="uptake scores",
    null_meaning="no uptake model of this product",
    null_meaning_zh="该产品没有购买模型",
)


def make_uplift(
    project: Project, model: Model, ground: Ground, *, force: bool = False, say: Say
) -> dict[str, Any] | None:
    """Train, report and register an uplift model; None where it is up to date.

    Raises
    ------
    SourceError
        If there is no contact log, or it has too few assignments in an arm.
    GateError
        If the arms of the log were not drawn at random.
    """
    state = audit_state(make_audit(project, ground.bank, ground.ledger, say=say))
    takers = uptake_champions(project, model.spec.target.products)
    inputs = {
        "tables": tables_digest(project),
        "spec": digest_of(dataclasses.asdict(model.spec)),
        "leak_audit": state,
        "uptake": digest_of({offer: found.identity for offer, found in takers.items()}),
    }
    step = Step(f"train {model.key}", project.workspace.of("training", model.key), inputs)
    if not needs_making(step, force=force, say=say):
        return None
    abt = make_trial(project, model, ground, takers)
    require_no_copies(abt)
    told = {"uptake": {offer: found.bundle.digest for offer, found in takers.items()}}
    trained = train_effect(abt, model.spec, leak_audit=state, told=told)
    folder = project.workspace.of("bundles", model.key)
    digest = trained.save(folder).digest
    version = registry.register(folder, models=project.workspace.models, name=model.spec.name).version
    summary = summary_of(model.spec, trained.metrics, version=version, digest=digest)
    kept = _publish(project, model, step, trained, summary, read_catalogue(ground.features))
    for line in sentences_of(summary, trained.metrics):
        say(f"          {line}")
    say(f"          report: {kept}")
    return summary


def _publish(
    project: Project,
    model: Model,
    step: Step,
    trained: TrainedEffect,
    summary: dict[str, Any],
    infos: tuple[FeatureInfo, ...],
) -> Path:
    """Figures and report of a version; where its report is kept."""
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        rows = trained.predictions
        rows.to_parquet(staged.path("predictions.parquet", rows=len(rows)), index=False)
        trained.balance.table.to_parquet(staged.path("balance.parquet"), index=False)
        trained.waterfall.to_parquet(staged.path("waterfall.parquet"), index=False)
        for name, told in (("summary", summary), ("metrics", trained.metrics)):
            text = json.dumps(told, indent=1, ensure_ascii=False, default=str) + "\n"
            staged.path(f"{name}.json").write_text(text, encoding="utf-8")
    page = uplift_page(
        (project.spec.title_zh, project.spec.title_en),
        (model.zh, model.en),
        trained.metrics,
        balance=trained.balance.table,
        waterfall=trained.waterfall,
        version=str(summary["version"]),
        name=model.spec.name,
        feature_words={info.name: (info.zh, info.en) for info in infos} | {BASE: (BASE_INFO.zh, BASE_INFO.en)},
    )
    return write_report(project.workspace, model.key, page, name=model.spec.name, version=str(summary["version"]))


def sentences_of(summary: Mapping[str, Any], metrics: Mapping[str, Any]) -> list[str]:
    """A trained uplift model in three lines."""
    head, overlap, learning = metrics["headline"], metrics["overlap"], metrics["learning"]
    failed = ", ".join(summary["gates_failed"])
    average, ranking = head["average_effect"], head["qini"]
    return [
        f"{summary['model']} version {summary['version']}: {overlap['treated']:,} treated and {overlap['control']:,} control; on "
        f"later assignments a contact adds {_figure(average)}, Qini {_figure(ranking)}",
        f"{learning['verdict_en']}; " + (f"gates failed: {failed}" if failed else "all gates passed"),
        metrics["standing"]["en"],
    ]


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return "unknown"
    value = f"{figure['value']:.4f}"
    return value if figure["low"] is None else f"{value} [{figure['low']:.4f}, {figure['high']:.4f}]"


def make_trial(project: Project, model: Model, ground: Ground, takers: Mapping[str, Taking]) -> Abt:
    """Assignments with what was known the day before, arm, chance and outcome."""
    spec, bank = model.spec, ground.bank
    asked = assignments(bank, spec.target)
    log = asked.to_pandas()
    between = Interval(spec.split.train[0] - _ONE_DAY, spec.split.tested[-1] + _ONE_DAY)
    snapshots = take_event_snapshots(bank, "contacts", between)
    snapshots = bank.keep("assignments", snapshots.semi_join(asked.filter(asked.offer.notnull()), "event_id"))
    families = _families(project, model, takers)
    features = build_features(bank, snapshots, families, ledger=ground.ledger)
    infos = catalogue(bank, families, ledger=ground.ledger, snapshots=snapshots)
    labels = build_labels(bank, snapshots, spec.target, spec.horizon, ledger=ground.ledger)
    chosen = select_features(spec, infos, where=str(model.path))
    abt = join_abt(
        snapshots, features, labels, population=spec.population, catalogue=infos, select=[info.name for info in infos]
    )
    frame = abt.frame.merge(arms_of(log), on="event_id", how="left", validate="one_to_one")
    frame[BASE] = base_of(project, ground, frame, takers)
    has_overlap = frame["chance"].notna()
    waterfall = _with_step(abt.waterfall, frame[~has_overlap])
    frame = frame[has_overlap].assign(**{OFFER: frame["offer"], CHANNEL: frame["channel"]}).reset_index(drop=True)
    terms = [OFFER, CHANNEL] if frame["channel"].notna().all() and frame["channel"].nunique() > 1 else [OFFER]
    own = tuple(info for info in infos if info.name in chosen)
    base = (BASE_INFO,) if takers else ()
    return Abt(frame, (*own, *term_infos(terms), *base), waterfall, abt.dropped)


def _families(project: Project, model: Model, takers: Mapping[str, Taking]) -> list[str]:
    """The families this model reads, and those the uptake champions read."""
    wanted = {entry.split(".")[0] for entry in model.spec.families}
    for taking in takers.values():
        wanted |= {info.family for info in taking.bundle.features}
    return [name for name in askable_names() if name in wanted]


def arms_of(log: pd.DataFrame) -> pd.DataFrame:
    """One row per assignment of an offer: event_id, offer, channel, treated, chance.

    A control row has the channel that all treated rows of its list and offer
    share; where they share none it is null.
    """
    kept = log[log["offer"].notna() & log["arm"].notna()].copy()
    named = kept["list_id"].astype("str")
    drawn_on = pd.to_datetime(kept["assigned_on"]).dt.strftime("%Y-%m")
    stratum = named.where(kept["list_id"].notna(), drawn_on) + "/" + kept["offer"].astype("str")
    treated = (kept["arm"] == "treated").astype(float)
    made = kept["channel"].where(treated == 1).groupby(stratum)
    only = made.transform("first").where(made.transform("nunique") == 1)
    chance = chances(stratum, treated, kept["offer"])
    channel = kept["channel"].where(treated == 1).fillna(only)
    found = pd.DataFrame({"event_id": kept["event_id"], "offer": kept["offer"], "channel": channel})
    return found.assign(treated=treated, chance=chance)


def _with_step(waterfall: pd.DataFrame, left_out: pd.DataFrame) -> pd.DataFrame:
    """The waterfall with the assignments of lists without overlap taken out of the sample."""
    if left_out.empty:
        return waterfall
    days = left_out["cutoff_date"]
    lost = {"sample": days.value_counts(), "events": days[left_out["label"] > 0].value_counts()}
    kept = waterfall.copy()
    for step, counts in lost.items():
        is_step = kept["step"] == step
        kept.loc[is_step, "rows"] -= kept.loc[is_step, "cutoff_date"].map(counts).fillna(0).astype(int)
    added = lost["sample"].rename("rows").rename_axis("cutoff_date").reset_index().assign(step="no_overlap")
    return pd.concat([kept, added[["cutoff_date", "step", "rows"]]], ignore_index=True)


def train_uplifts(project: Project, ground: Ground, models: list[Model], *, force: bool, say: Say) -> None:
    """Train uplift models in a run; where the log does not allow one, it is said and lists go on with propensity."""
    from crmml.stages.promoting import promote_first

    for model in models:
        try:
            make_uplift(project, model, ground, force=force, say=say)
        except (SourceError, GateError) as error:
            say(f"          {model.key} left out, lists rank by propensity (not causal): {error}")
            continue
        promote_first(project.workspace, model.key, model.spec.name, say=say)


def effect_champions(project: Project) -> dict[str, tuple[Model, str, Bundle]]:
    """The champion of every uplift model of taking that has one, by key."""
    found = {}
    for key, model in project.config.models.items():
        if model.spec.kind != "uplift" or model.spec.target.is_money:
            continue
        try:
            resolved = registry.resolve(f"{model.spec.name}@champion", models=project.workspace.models)
        except NotFoundError:
            continue  # lists rank by propensity, and say so
        found[key] = (model, resolved.version, bundle.load(resolved.bundle_dir))
    return found


def make_effects(project: Project, day: date, features: Path, scores: Path, *, say: Say) -> Path | None:
    """What a contact changes for every customer and offer at a cut-off; None without an uplift champion.

    `effects.parquet` holds what lists read of all models (`customer_id, offer, channel, effect, model, version`);
    `<model>.parquet` has one row per customer, offer and (where the model knows
    several) channel: the columns of a score file, `offer` and `channel`;
    `about.json` says which model speaks for which offer.

    Raises
    ------
    IntegrityError
        If a row's reasons do not add up to its effect, to 1e-9.
    """
    serving = effect_champions(project)
    if not serving:
        return None
    inputs = {f"model {key}": f"{version} {found.digest}" for key, (_, version, found) in serving.items()}
    inputs |= {"features": features_digest(features), "cutoff": str(day)}
    inputs["scores"] = digest_of_result(scores, what="the scores", do="run `crmml score` first")
    step = Step("effects", project.workspace.of("effects", str(day)), inputs)
    if not needs_making(step, force=False, say=say):
        return step.folder
    rows = pd.read_parquet(features / "features" / f"{day}.parquet")
    peers = read_peers(features / "peers" / f"{day}.parquet")
    told: dict[str, Any] = {}
    for_lists: list[pd.DataFrame] = []
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        for key, (model, version, served) in serving.items():
            voice = Voice(currency=project.spec.currency)
            scorer = Scorer(served, model.spec.name, version, peers=peers, voice=voice)
            frame, worst, offers = foretold(rows, scorer, scores)
            frame.to_parquet(staged.path(f"{key}.parquet", rows=len(frame)), index=False)
            speaks = frame[list(FOR_LISTS)] if len(frame) else pd.DataFrame(columns=list(FOR_LISTS))
            for_lists.append(speaks)
            told[key] = {"name": model.spec.name, "version": version, "offers": offers, "worst_difference": worst}
            say(f"          {model.spec.name} version {version}: {len(frame):,} effects for {', '.join(offers)}")
        together = pd.concat(for_lists, ignore_index=True).astype({"channel": "str"})
        together.to_parquet(staged.path(EFFECTS, rows=len(together)), index=False)
        staged.path("about.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    return step.folder


def foretold(rows: pd.DataFrame, scorer: Scorer, scores: Path) -> tuple[pd.DataFrame, float, list[str]]:
    """The effects of one model for rows of features, the worst gap between parts and whole, and the offers it speaks of.

    `scores` is the folder with the chances of taking that the model reads.
    """
    card = scorer.bundle.card["metrics"]
    names = scorer.bundle.names
    channels = card["channels"] if CHANNEL in names else [None]
    by_product = {model["product"]: key for key, model in read_served(scores).items() if model["product"]}
    parts, worst, offers = [], 0.0, [offer for offer in card["offers"] if offer in by_product]
    for offer in offers:
        taking = pq.read_table(
            scores / f"{by_product[offer]}.parquet", columns=["customer_id", "prob_take"]
        ).to_pandas()
        frame = rows.drop(columns=BASE, errors="ignore").merge(taking, on="customer_id")
        for channel in channels if len(frame) else []:
            asked = frame.assign(**{OFFER: offer, CHANNEL: channel})
            found, gap = score_frame(asked, scorer)
            parts.append(found.assign(offer=offer, channel=channel))
            worst = max(worst, gap)
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(), worst, offers
