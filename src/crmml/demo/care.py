"""The early warning and the groups on the last screen, beside the truth's own ranking."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from crmml.demo_bank import judge
from crmml.stages.project import Project
from crmml.warning import CALLED, teams


def care_lines(project: Project) -> Iterator[str]:
    """The early warning beside rules, chance and the truth's own ranking; the groups beside what noise would do to them."""
    folder = project.workspace.of("warning")
    counts = pd.read_parquet(folder / "alerts.parquet")["level"].value_counts()
    judged = pd.read_parquet(folder / "precision.parquet").query("cutoff == 'mean'").set_index("chosen")
    lead = float(pd.read_parquet(folder / "lead.parquet").set_index("level")["median"].astype(float)["all"])
    figures = judged[["precision", "low", "high"]].astype(float)
    own, precision = figures.loc["capacity"], figures["precision"]
    yield (
        f"CARE      {counts.get('red', 0)} red, {counts.get('amber', 0)} amber, {counts.get('watch', 0)} on watch; of those called "
        f"at past cut-offs {own['precision']:.0%} [{own['low']:.0%}, {own['high']:.0%}] left"
    )
    yield (
        f"          ranked by the truth {precision_of_truth(project):.0%}, by fall of deposits {precision['deposit_fall_share']:.0%}, at random "
        f"{precision['random']:.0%}; first alert {lead:.0f} days before (median)"
    )
    groups = pd.read_parquet(project.workspace.of("groups") / "described.parquet")
    flaps = pd.read_parquet(project.workspace.of("groups") / "flapping.parquet").set_index(["axis", "hysteresis"])[
        "rate"
    ]
    yield (
        f"GROUPS    {groups['customers'].sum():,} customers in {len(groups)} groups of value x loyalty x risk; value bands taken "
        f"back {flaps['value', True]:.1%}, without hysteresis {flaps['value', False]:.1%}"
    )


def precision_of_truth(project: Project) -> float:
    """The precision of as many calls by each manager, ranked by the true chance to leave: no model does better on average."""
    history = pd.read_parquet(project.workspace.of("warning") / "history.parquet")
    rows = history[history["label"].notna()].reset_index(drop=True)
    chance = judge.true_probability(project.workspace.data / "truth", "churn", rows)
    rows = rows.assign(team=teams(rows), chance=np.nan_to_num(chance), called=rows["level"].isin(CALLED))
    keys = ["cutoff_date", "team"]
    ranked = rows.sort_values(["chance", "customer_id"], ascending=[False, True])
    chosen = ranked[ranked.groupby(keys).cumcount() < ranked.groupby(keys)["called"].transform("sum")]
    return float(chosen.groupby("cutoff_date")["label"].mean().mean())
