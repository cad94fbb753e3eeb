"""A cut-off scored by every champion of a bank."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import bundle, files, registry
from crmml.abt import in_population
from crmml.bundle import Bundle
from crmml.config import Model
from crmml.errors import NotFoundError, SourceError
from crmml.evaluation.drift import batch_summary
from crmml.explain import Voice
from crmml.files import digest_of
from crmml.labels import build_labels
from crmml.peers import read_peers
from crmml.scoring import Scorer, ScoreReport, score
from crmml.sources.movements import without_history
from crmml.stages.features import features_at, features_digest
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.provisioning import write_page, write_provision
from crmml.stages.tables import stale_of

# A customer without the label's exclusions (gone, in default, holds the product) is scored; the future is not known yet.
SCORED = ("ok", "immature")
EXPECTED_KNOWN = 20


@dataclass(frozen=True)
class Champion:
    """A model in use: its config, its version, where its bundle lies."""

    model: Model
    version: str
    bundle: Bundle


def champions(project: Project) -> list[Champion]:
    """The champion of every calendar model that has one, each bundle verified.

    Raises
    ------
    NotFoundError
        If no model of the bank has a champion, or one is of another target than its config.
    """
    found = []
    for model in project.config.models.values():
        if model.event is not None:
            continue
        try:
            resolved = registry.resolve(f"{model.spec.name}@champion", models=project.workspace.models)
        except NotFoundError:
            continue  # a model without a champion is not served
        serving = bundle.load(resolved.bundle_dir)
        if serving.target != model.spec.kind:
            raise NotFoundError(
                f"the champion of {model.spec.name}, version {resolved.version}, is a model of {serving.target}; "
                f"{model.path} asks for {model.spec.kind}. Train it and promote the new version, or give it another name",
                code="M004",
            )
        found.append(Champion(model, resolved.version, serving))
    if not found:
        raise NotFoundError(
            f"{project.spec.name} has no champion; train a model (crmml train) and promote it (crmml models promote)",
            code="M001",
        )
    return found


def make_scores(project: Project, *, cutoff: date | None = None, force: bool = False, say: Say) -> Path:
    """Scores and reasons of a cut-off, one Parquet file per champion; the folder that holds them.

    One version per model is resolved at the start: a promotion during the run
    does not mix versions.

    Raises
    ------
    SourceError
        If a feature a model needs has vanished from the data.
    IntegrityError
        If a row's reasons do not add up to its score, to 1e-9.
    """
    day = project.scored_cutoff(cutoff)
    serving = champions(project)
    bank, ledger, features = features_at(project, day, say=say)
    inputs = {f"model {champion.model.key}": f"{champion.version} {champion.bundle.digest}" for champion in serving}
    inputs |= {"features": features_digest(features), "cutoff": str(day)}
    if any(champion.model.spec.kind == "default" for champion in serving):
        inputs["economics"] = digest_of(repr(project.spec.economics))
    step = Step("scores", project.workspace.of("scores", str(day)), inputs)
    if not needs_making(step, force=force, say=say):
        return step.folder
    rows = pd.read_parquet(features / "features" / f"{day}.parquet")
    snapshots = bank.connection.read_parquet(
        str(features / "snapshots" / f"{day}.parquet"), table_name="crmml_scored_snapshots"
    )
    peers = read_peers(features / "peers" / f"{day}.parquet")
    thin = without_history(bank, day)
    served: dict[str, Any] = {}
    about = {"stale": stale_of(project)}
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs, about=about) as staged:
        for champion in serving:
            key, spec = champion.model.key, champion.model.spec
            labels = build_labels(bank, snapshots, spec.target, spec.horizon, ledger=ledger)
            keys = who_is_scored(champion, rows, snapshots.to_pandas(), labels.to_pandas())
            scored = rows[rows["customer_id"].isin(keys["customer_id"])]
            require_known(champion, scored)
            scorer = Scorer(
                champion.bundle,
                spec.name,
                champion.version,
                peers=peers,
                voice=Voice(currency=project.spec.currency),
                thin=thin,
            )
            path = staged.path(f"{key}.parquet")
            report = score(features / "features" / f"{day}.parquet", scorer, out=path, keys=keys)
            staged.rows[path.name] = report.rows
            if spec.kind == "default":
                gone = status_is(labels.to_pandas(), "in_default")
                write_provision(staged, bank, champion.model, day, in_default=gone, say=say)
            served[key] = {
                "name": spec.name,
                "version": champion.version,
                "target": spec.kind,
                "product": product_of(champion.model),
                "rows": report.rows,
                "worst_difference": report.worst_difference,
                "unseen": dict(report.unseen),
                "thin_files": int(scored["customer_id"].isin(thin).sum()),
            }
            write_batch(staged, key, report)
            flagged = served[key]["thin_files"]
            without = f"; {flagged:,} without any history (thin_file)" if flagged else ""
            say(f"          {said_of(spec.name, champion.version, report)}{without}")
        staged.path("models.json").write_text(json.dumps(served, indent=1) + "\n", encoding="utf-8")
    for champion in serving:
        write_page(project, step.folder, champion.model, champion.version)
    return step.folder


def status_is(labels: pd.DataFrame, status: str) -> list[str]:
    """The customers whom a label leaves out for one reason."""
    return labels.loc[labels["status"] == status, "customer_id"].astype(str).tolist()


def require_known(champion: Champion, rows: pd.DataFrame) -> None:
    """What the model splits on is still there: a column that vanished would be scored as if nobody had it.

    A feature that had a value for so many of the reference population that at
    least 20 would be expected here, and has none, did not vanish by chance (e^-20).

    Raises
    ------
    SourceError
        D016, naming the features and their source tables.
    """
    gone = [
        f"{info.name} (from {info.source}, {share:.0%} known in training)"
        for info, share in champion.bundle.known_shares()
        if share * len(rows) >= EXPECTED_KNOWN and rows[info.name].isna().all()
    ]
    if gone:
        raise SourceError(
            f"{champion.model.spec.name} version {champion.version} needs {len(gone)} features that have no value on any "
            f"of {len(rows):,} rows: {'; '.join(gone[:3])}{' …' if len(gone) > 3 else ''}. Mend the source or its "
            "mapping (`crmml check`), or train without them",
            code="D016",
        )


def write_batch(staged: files.Staged, key: str, report: ScoreReport) -> None:
    """How the scored rows differ from those trained on, beside the scores and in short in the manifest."""
    told = {"rows": report.rows, "features": list(report.batch)}
    staged.path(f"{key}.batch.json").write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    staged.about.setdefault("batch", {})[key] = batch_summary(report.batch) or "like the training rows"


def said_of(name: str, version: str, report: ScoreReport) -> str:
    """A scored batch in one line."""
    noticed = batch_summary(report.batch)
    return f"{name} version {version}: {report.rows:,} rows" + (f"; {noticed}" if noticed else "")


def who_is_scored(
    champion: Champion, features: pd.DataFrame, snapshots: pd.DataFrame, labels: pd.DataFrame
) -> pd.DataFrame:
    """The snapshots a model speaks of: its population, without those its label leaves out."""
    statuses = labels.set_index("customer_id")["status"]
    columns = ["customer_id", *[name for name in snapshots.columns if name not in features.columns]]
    rows = features.merge(snapshots[columns], on="customer_id", how="left", validate="one_to_one")
    kept = rows[
        rows["customer_id"].map(statuses).isin(SCORED).to_numpy() & in_population(rows, champion.model.spec.population)
    ]
    return kept[["customer_id", "cutoff_date"]].reset_index(drop=True)


def product_of(model: Model) -> str | None:
    """The product or family whose taking a model foresees, as an offer names it."""
    target = model.spec.target
    names = ("product_id", "product_family", "product")
    return next((found for name in names if (found := getattr(target, name, None))), None)


def read_served(folder: Path) -> Mapping[str, Any]:
    """Which models a folder of scores was made by, and how well their reasons added up."""
    return dict(json.loads((folder / "models.json").read_text(encoding="utf-8")))


def score_bank(folder: str | Path, *, cutoff: date | None, strict: bool = False, say: Say) -> list[dict[str, Any]]:
    """Score a bank; one row per model for people. `strict` refuses sources that lack a day or a branch."""
    project = open_project(folder, strict=strict)
    with project.alone():
        scores = make_scores(project, cutoff=cutoff, say=say)
    return [
        {
            "model": model["name"],
            "version": model["version"],
            "rows": model["rows"],
            "worst_difference": model["worst_difference"],
            "file": str(scores / f"{key}.parquet"),
        }
        for key, model in read_served(scores).items()
    ]


def read_scores(project: Project, key: str, cutoff: date) -> pd.DataFrame | None:
    """The scores of one model at a cut-off, where they were made."""
    path = project.workspace.of("scores", str(cutoff)) / f"{key}.parquet"
    return pd.read_parquet(path) if path.exists() else None
