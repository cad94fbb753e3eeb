"""The Python API's verbs that need a project's folders: train, register, score, and what a list is made from."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pandas as pd

from crmml import bundle, registry
from crmml.abt import Abt
from crmml.config import Model, load_config
from crmml.errors import ConfigError
from crmml.explain import Voice
from crmml.labels import build_labels
from crmml.modelling.spec import ModelSpec
from crmml.modelling.train import Trained
from crmml.modelling.train import train as train_spec
from crmml.peers import read_peers, segment_of
from crmml.periods import parse_day
from crmml.registry import Registered
from crmml.scoring import PLACES, Scorer, score_frame
from crmml.sources.bank import Bank
from crmml.stages.champion import champion_of
from crmml.stages.directory import make_directory, suppress_as_of
from crmml.stages.features import features_at, with_snapshot
from crmml.stages.list_effects import gone_of
from crmml.stages.lists import list_inputs
from crmml.stages.making import Say
from crmml.stages.project import Project, open_project
from crmml.stages.scores import Champion, make_scores, who_is_scored
from crmml.stages.uplift import make_effects
from crmml.stages.workspace import project_root
from crmml.targeting import Inputs, ListSpec


def _silent(_text: str) -> None:
    """Nothing to say."""


def train(table: Abt, config: Model | ModelSpec, *, leak_audit: str = "not run") -> Trained:
    """Tune, fit, calibrate and test a model out of time, as `crmml train` does.

    Parameters
    ----------
    table : Abt
        One row per customer and cut-off, from `join_abt`.
    config : Model or ModelSpec
        A loaded config, or its `spec` with something replaced.
    leak_audit : str
        What the audit of these features found; only `clean` passes the gate of a promotion.

    Raises
    ------
    ConfigError
        If a training label reaches past the first test cut-off.
    SourceError
        If there are too few events, with the counts and dates.
    """
    spec = config.spec if isinstance(config, Model) else config
    models = project_root() / "models"
    return train_spec(
        table,
        spec,
        studies=models / "studies",
        segments=segment_of(table.frame),
        leak_audit=leak_audit,
        champion=champion_of(spec.name, models=models),
    )


def register(model: Trained, *, name: str) -> Registered:
    """Store a trained model as a new version of `name`, the challenger.

    The very model that is registered already is not stored twice.
    """
    models = project_root() / "models"
    with tempfile.TemporaryDirectory(prefix="crmml-") as scratch:
        folder = Path(scratch) / "bundle"
        model.save(folder)
        return registry.register(folder, models=models, name=name)


def score(bank: Bank, reference: str, *, cutoff: str | date, reasons: int = PLACES, say: Say = _silent) -> pd.DataFrame:
    """Scores with reasons at a cut-off by one version (`demo.churn@champion`), the same figures as `crmml score`.

    Features of the cut-off are made if the bank's folder has none.

    Returns
    -------
    DataFrame
        One row per customer the model speaks of: the columns of a score file,
        with the first `reasons` reasons.

    Raises
    ------
    NotFoundError
        If there is no such version, or the bank has no config of that name.
    SourceError
        If the data do not reach the cut-off.
    """
    found = registry.resolve(reference, models=project_root() / "models")
    project = open_project(bank.spec.folder)
    model = project.config.model(found.name.partition(".")[2])
    served = Champion(model, found.version, bundle.load(found.bundle_dir))
    with project.alone():
        frame, peers = _rows_of(project, served, project.scored_cutoff(parse_day(cutoff)), say=say)
    voice = Voice(currency=bank.spec.currency)
    scores, _ = score_frame(frame, Scorer(served.bundle, found.name, found.version, peers=peers, voice=voice))
    later = tuple(f"reason_{place}_" for place in range(reasons + 1, PLACES + 1))
    return scores.drop(columns=[name for name in scores.columns if later and name.startswith(later)])


def _rows_of(project: Project, served: Champion, day: date, *, say: Say) -> tuple[pd.DataFrame, dict]:
    """Feature rows of the customers a model speaks of at a cut-off, and the averages of their peers."""
    bank, ledger, folder = features_at(project, day, say=say)
    features = pd.read_parquet(folder / "features" / f"{day}.parquet")
    path = folder / "snapshots" / f"{day}.parquet"
    snapshots = pd.read_parquet(path)
    spec = served.model.spec
    labels = build_labels(bank, bank.connection.read_parquet(str(path)), spec.target, spec.horizon, ledger=ledger)
    keys = who_is_scored(served, features, snapshots, labels.to_pandas())
    rows = with_snapshot(features, snapshots)
    kept = rows[rows["customer_id"].isin(keys["customer_id"])].reset_index(drop=True)
    return kept, read_peers(folder / "peers" / f"{day}.parquet")


def inputs_of_list(config: str | Path, *, cutoff: str | date | None = None, say: Say = _silent) -> tuple[Inputs, date]:
    """What `build_list` makes a list from, and the day on which customers to leave alone were read.

    Parameters
    ----------
    config
        The list's YAML file; the bank is the folder it lies in.
    cutoff
        The cut-off of the scores; the newest by default.

    Raises
    ------
    ConfigError
        If the file is not a list, or an offer has no champion.
    NotFoundError
        If no model of the bank has a champion.
    """
    spec = load_config(config)
    if not isinstance(spec, ListSpec):
        raise ConfigError(f"{config} is a model; expected a list, a file with 'offers'", code="C012")
    project = open_project(Path(config).parent)
    day = project.scored_cutoff(None if cutoff is None else parse_day(cutoff))
    with project.alone():
        bank, ledger, features = features_at(project, day, say=say)
        scores = make_scores(project, cutoff=day, say=say)
        directory = make_directory(project, bank, ledger, features, say=say)
        effects = make_effects(project, day, features, scores, say=say)
        gone = gone_of(project, spec, bank, ledger, directory, day)
    return list_inputs(project, spec, features, scores, directory, day, effects=effects, gone=gone), suppress_as_of(
        project
    )


__all__ = ["inputs_of_list", "register", "score", "train"]
