"""What a list needs beside uptake scores: what contacts change, who may be kept, who may be won back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from crmml.sources.bank import Bank
from crmml.stages.project import Project
from crmml.stages.winback import find_gone
from crmml.targeting import ListSpec
from crmml.targeting.keeping import CARE, RETAIN, WIN_BACK, keeping_scores, winback_scores
from crmml.warning import WinbackSpec

GONE = "gone.parquet"
_COLUMNS = ["customer_id", "cutoff_date", "kind", "lost_on", "value_lost", "may_be_approached"]


def has_churn(served: Mapping[str, Any]) -> bool:
    """Whether a champion tells the chance to leave."""
    return "churn" in served or any(model["target"] == "churn" for model in served.values())


def kept_by(
    spec: ListSpec,
    churn: pd.DataFrame | None,
    contribution: pd.DataFrame | None,
    features: pd.DataFrame,
    gone: pd.DataFrame | None,
) -> dict[str, pd.DataFrame]:
    """The scores of the offers that sell nothing, by their names."""
    found = {}
    for offer in spec.offers:
        if offer.kind in (RETAIN, CARE) and churn is not None:
            found[offer.product] = keeping_scores(offer, churn, contribution, features)
        elif offer.kind == WIN_BACK and gone is not None:
            found[offer.product] = winback_scores(offer, gone)
    return found


def gone_of(
    project: Project, spec: ListSpec, bank: Bank, ledger: ir.Table | None, directory: Path, day: date
) -> pd.DataFrame | None:
    """Who has left, by closing, as lately as `warning.yaml` says (twelve months without one), where a list wins back.

    Whose balance is gone or who fell silent is still a customer, whom an offer to retain or to care speaks to.
    """
    if not any(offer.kind == WIN_BACK for offer in spec.offers):
        return None
    warning = project.config.warning
    asked = WinbackSpec() if warning is None or warning.winback is None else replace(warning.winback, kinds=("closed",))
    return find_gone(project, asked, bank, ledger, directory, day, with_returns=False).rows[_COLUMNS]


def with_effects(uptake: dict[str, pd.DataFrame], effects: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """The scores of each offer with `uplift`, or `uplift_<channel>` where a model tells channels apart."""
    if effects is None:
        return uptake
    found = dict(uptake)
    for offer, part in effects.groupby("offer"):
        if offer not in found:
            continue
        scores = found[str(offer)]
        for channel, rows in part.groupby("channel", dropna=False):
            column = "uplift" if pd.isna(channel) else "uplift_" + str(channel)
            of_customer = rows.set_index("customer_id")["effect"]
            scores = scores.assign(**{column: scores["customer_id"].map(of_customer)})
        found[str(offer)] = scores
    return found


def speakers_of(effects: pd.DataFrame | None) -> dict[str, str]:
    """The uplift models behind a list, by name."""
    return {} if effects is None else dict(effects[["model", "version"]].drop_duplicates().itertuples(index=False))
