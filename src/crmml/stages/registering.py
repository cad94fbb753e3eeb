"""The Python API's verbs on the registry: register a trained model, score a bank with a version."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pandas as pd

from crmml import bundle, registry
from crmml.features import build_features
from crmml.ledger import build_ledger
from crmml.modelling.train import Trained
from crmml.peers import build_peers, peers_by_segment
from crmml.periods import parse_day
from crmml.registry import Registered
from crmml.scoring import PLACES, Scorer, score_frame
from crmml.snapshots import take_snapshots
from crmml.sources.bank import Bank
from crmml.stages.features import with_snapshot
from crmml.stages.workspace import project_root


def register(model: Trained, *, name: str) -> Registered:
    """Store a trained model as a new version of `name`, the challenger.

    The very model that is registered already is not stored twice.
    """
    models = project_root() / "models"
    with tempfile.TemporaryDirectory(prefix="crmml-") as scratch:
        folder = Path(scratch) / "bundle"
        model.save(folder)
        return registry.register(folder, models=models, name=name)


def score(bank: Bank, reference: str, *, cutoff: str | date, reasons: int = PLACES) -> pd.DataFrame:
    """Scores with reasons of every customer at a cut-off, by one version (`demo.churn@champion`).

    Returns
    -------
    DataFrame
        One row per customer: the columns of a score file, with the first `reasons` reasons.

    Raises
    ------
    NotFoundError
        If there is no such version.
    """
    day = parse_day(cutoff)
    found = registry.resolve(reference, models=project_root() / "models")
    served = bundle.load(found.bundle_dir)
    families = list(dict.fromkeys(info.family for info in served.features))
    ledger = None
    if "contribution" in families:
        ledger = build_ledger(bank, bank.observed_from("balances" if bank.has("balances") else "transactions"), day)
    snapshots = take_snapshots(bank, [day])
    features = build_features(bank, snapshots, families, ledger=ledger).to_pandas()
    frame = with_snapshot(features, snapshots.to_pandas())
    peers = peers_by_segment(build_peers(frame))
    scores, _ = score_frame(frame, Scorer(served, found.name, found.version, peers=peers))
    dropped = [
        name
        for name in scores.columns
        for place in range(reasons + 1, PLACES + 1)
        if name.startswith(f"reason_{place}_")
    ]
    return scores.drop(columns=dropped)


__all__ = ["register", "score"]
