"""The target list on the last screen: its true value beside that of other rankings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from crmml.demo_bank import judge
from crmml.stages.abts import Ground
from crmml.stages.project import Project
from crmml.targeting import rank_by

LIST = "cross_sell"


def list_lines(project: Project, ground: Ground, day: date) -> Iterator[str]:
    """The list, its true value by the generator's secret, and what other rankings would have brought."""
    folder = project.workspace.of("lists", LIST)
    about = json.loads((folder / "about.json").read_text(encoding="utf-8"))
    table = pq.read_table(folder / f"{LIST}.parquet").to_pandas()
    contacted = table[table["arm"] != "control"]
    treated = table[table["arm"] == "treated"]
    rows = about["rows"]
    yield (
        f"LIST      {len(contacted):,} calls, {contacted['branch_id'].nunique()} branches, "
        f"{contacted['manager_id'].nunique()} managers, one offer each, 0 broken rules, "
        f"within {about['gap']:.2%} of the bound; {rows['control']} held out as control, {rows['explore']} random"
    )
    yield (
        f"          expected {treated['expected_value'].sum():,.0f} yuan if the call made every taker "
        f"({', '.join(sorted(set(treated['effect_source'])))}); "
        f"true value by the generator's secret: {true_value(project, treated, day):,.0f}"
    )
    others = " · ".join(
        f"{words} {true_value(project, rows, day):,.0f}"
        for words, rows in other_rankings(project, ground, day, len(treated))
    )
    yield f"          the same {len(treated)} calls {others}"
    for row in contacted.head(3).itertuples():
        yield (
            f"          {row.rank:<3}{row.customer_id}  {row.name}  {row.branch}  {row.offer_zh} {row.offer_en}    "
            f"{row.prob_take:.0%} x {row.value_if_taken:,.0f} yuan - {row.contact_cost + row.prob_take * row.incentive:,.0f} "
            f"= {row.expected_value:,.0f}    {row.reason_1_zh}"
        )


def true_value(project: Project, rows: pd.DataFrame, day: date) -> float:
    """Yuan that contacting these customers truly brings, less the contacts and incentives."""
    truth = project.workspace.data / "truth"
    frame = rows[["customer_id", "offer"]].assign(cutoff_date=pd.Timestamp(day))
    gain = np.nan_to_num(judge.true_offer_value(truth, frame))
    taken = np.zeros(len(rows))
    for offer, part in frame.groupby("offer"):
        chance = judge.true_probability(truth, f"uptake_{offer}", part)
        taken[frame.index.get_indexer(part.index)] = np.nan_to_num(chance)
    cost = rows["contact_cost"].to_numpy(float) + taken * rows["incentive"].to_numpy(float)
    return float((gain - cost).sum())


def other_rankings(project: Project, ground: Ground, day: date, calls: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """The same number of calls under the same capacities, ranked on one column alone."""
    folder = project.workspace.of("lists", LIST)
    candidates = pd.read_parquet(folder / "candidates.parquet")
    later = ("chosen", "control", "no_room", "not_worthwhile")
    allowed = candidates[candidates["decision"].isin(later)]
    features = pd.read_parquet(
        ground.features / "features" / f"{day}.parquet", columns=["customer_id", "deposits_last"]
    )
    allowed = allowed.merge(features, on="customer_id", how="left", validate="many_to_one")
    spec = project.config.lists[LIST]
    for words, column in (
        ("by probability", "prob_take"),
        ("by value", "value_if_taken"),
        ("by deposits", "deposits_last"),
    ):
        yield words, rank_by(allowed, column, spec, rows=calls)
