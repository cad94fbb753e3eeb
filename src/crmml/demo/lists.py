"""The target list on the last screen: its true value beside that of other rankings."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from crmml.demo_bank import judge
from crmml.evaluation.bootstrap import Customers, Figure, figure
from crmml.stages.abts import Ground
from crmml.stages.project import Project
from crmml.targeting import rank_by
from crmml.targeting.value import UPLIFT

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
    own = true_values(project, treated, day)
    yield (
        f"          expected {treated['expected_value'].sum():,.0f} yuan ({_sources(treated, about)}); "
        f"true value by the generator's secret: {own.sum():,.0f}"
    )
    chosen = before_arms(table)
    share = len(treated) / len(chosen)
    others = list(other_rankings(project, ground, day, len(chosen)))
    told = " · ".join(f"{words} {share * true_values(project, rows, day).sum():,.0f}" for words, rows in others)
    yield f"          the same {len(treated)} calls, as many held out by lot: {told}"
    ahead = ((words, margin_of(share * margins(project, chosen, rows, day))) for words, rows in others)
    told = " · ".join(f"{words} {one.value:+,.0f} [{one.low:+,.0f}, {one.high:+,.0f}]" for words, one in ahead)
    yield f"          the list is worth more by [95 %, customers drawn again]: {told}"
    for row in contacted.head(3).itertuples():
        yield (
            f"          {row.rank:<3}{row.customer_id}  {row.name}  {row.branch}  {row.offer_zh} {row.offer_en}    "
            f"{row.effect:.0%} x {row.value_if_taken:,.0f} yuan - {row.contact_cost + row.prob_take * row.incentive:,.0f} "
            f"= {row.expected_value:,.0f}    {row.reason_1_zh}"
        )


def _sources(treated: pd.DataFrame, about: dict[str, Any]) -> str:
    """Where the effects come from: the uplift model, or the propensity that is taken for it."""
    sources = sorted(set(treated["effect_source"]))
    named = [name for name in about["models"] if name.endswith(".uplift")]
    return ", ".join(sources) + (f" by {named[0]}" if named and UPLIFT in sources else "")


def before_arms(table: pd.DataFrame) -> pd.DataFrame:
    """The rows the allocation chose, of which the control arm was then drawn: what another choice is compared with.

    Of each choice the same share is held out by lot, so what is left is worth that share of the whole.
    """
    return table[table["arm"] != "explore"].reset_index(drop=True)


def margins(project: Project, ours: pd.DataFrame, theirs: pd.DataFrame, day: date) -> pd.Series:
    """What each customer of either choice adds to the true value of the first less that of the second, by customer."""
    signed = pd.concat(
        [
            pd.Series(sign * true_values(project, rows, day), index=rows["customer_id"].astype(str))
            for sign, rows in ((1.0, ours), (-1.0, theirs))
        ]
    )
    return signed.groupby(level=0).sum()


def margin_of(by_customer: pd.Series) -> Figure:
    """The sum of what customers add, with its interval: customers drawn again."""
    values = by_customer.to_numpy()
    drawn = Customers(by_customer.index.to_numpy(str), resamples=1_000, seed=7)
    return figure(*drawn.estimate(lambda weights: weights @ values))


def true_values(project: Project, rows: pd.DataFrame, day: date) -> np.ndarray:
    """Yuan that contacting each of these customers truly brings, less the contact and the incentive."""
    truth = project.workspace.data / "truth"
    frame = rows[["customer_id", "offer"]].assign(cutoff_date=pd.Timestamp(day))
    gain = np.nan_to_num(judge.true_offer_value(truth, frame))
    taken = np.zeros(len(rows))
    for offer, part in frame.groupby("offer"):
        chance = judge.true_probability(truth, f"uptake_{offer}", part)
        taken[frame.index.get_indexer(part.index)] = np.nan_to_num(chance)
    cost = rows["contact_cost"].to_numpy(float) + taken * rows["incentive"].to_numpy(float)
    return np.asarray(gain - cost)


def other_rankings(project: Project, ground: Ground, day: date, calls: int) -> Iterator[tuple[str, pd.DataFrame]]:
    """The same number of calls under the same capacities, ranked on one column alone."""
    folder = project.workspace.of("lists", LIST)
    candidates = pd.read_parquet(folder / "candidates.parquet")
    later = ("chosen", "control", "no_room", "not_worthwhile", "no_help")
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
