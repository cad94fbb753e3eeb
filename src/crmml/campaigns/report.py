"""What a campaign brought: both arms compared as they were drawn, the funnel, realised beside expected.

Success is taking the offer within its window, of an offer that is to keep or
win back a customer that they are there when it is over, read alike for both arms.
What a manager says of a contact exists for the treated only and claims no effect.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmml.campaigns.frozen import Campaign
from crmml.campaigns.results import knows_both_arms, with_results
from crmml.evaluation.difference import Counts, difference, difference_interval, smallest_visible
from crmml.evaluation.rates import wilson
from crmml.targeting.arms import CONTROL, EXPLORE, TREATED
from crmml.targeting.keeping import SELL

Figures = dict[str, Any]
LEAST = 20
"""Units of fewer customers are not told apart in what leaves the bank's own hands."""
STEPS = ("contacted", "reached", "considering", "taken")
REFUSALS = ("declined", "refuses_marketing", "no_answer", "wrong_details")


def report(campaign: Campaign, history: pd.DataFrame, *, as_of: date | None = None) -> Figures:
    """All figures of a campaign as plain data; `effect` and `money` are None where nothing can be claimed, `why` says so."""
    rows = _settled(with_results(campaign, history))
    is_sold = {offer: one["kind"] == SELL for offer, one in campaign.about["offers"].items()}
    rows = rows.assign(is_sold=rows["offer"].map(is_sold).astype(bool))
    drawn = rows[rows["arm"] != EXPLORE]
    known = drawn[drawn["success"].notna()]
    effect = effect_of(known) if knows_both_arms(drawn) else None
    until = min(known["result_on"], default=None)
    return {
        "campaign": campaign.name,
        **{name: campaign.about[name] for name in ("list_id", "purpose", "owner", "assigned_on", "cutoff_date")},
        "as_of": None if as_of is None else str(as_of),
        "content": campaign.about["content"],
        "models": {name: one["version"] for name, one in campaign.about["models"].items()},
        "effect_source": dict(campaign.about["effect_source"]),
        "control_share": campaign.about["control_share"],
        "explore_share": campaign.about["explore_share"],
        "window_end": str(max(rows["window_end"])),
        "results_until": None if until is None else str(until),
        "is_settled": bool(len(known)) and bool((known["result_on"] >= known["window_end"]).all()),
        "arms": _arms(rows),
        "success": _success(campaign),
        "effect": effect,
        "why": _why(drawn, effect),
        "offers": _offers(campaign, known, effect),
        "explore": _explored(rows),
        "power": _power(known),
        "money": _money(known, effect),
        "funnel": _funnel(rows),
        "contamination": _contamination(drawn),
        "units": {kind: _units(rows, kind) for kind in ("branch", "manager")},
    }


def _success(campaign: Campaign) -> str:
    """What success is: `taken`, `kept`, or `both` where the offers of a list differ."""
    kinds = {one["kind"] == SELL for one in campaign.about["offers"].values()}
    return "both" if len(kinds) > 1 else "taken" if True in kinds else "kept"


def _settled(rows: pd.DataFrame) -> pd.DataFrame:
    """`success`: taken by the last day up to which every result is known, so that no arm is looked at longer."""
    drawn = rows[rows["is_taken"].notna()]
    until = min(drawn["result_on"], default=None)
    late = [until is not None and isinstance(day, date) and day > until for day in rows["taken_on"]]
    return rows.assign(success=rows["is_taken"].mask(pd.Series(late, index=rows.index), False))


def effect_of(rows: pd.DataFrame) -> Figures:
    """Treated against control as drawn (intention to treat), stratified by offer, with a 95 % score interval.

    `rows` holds `arm`, `offer` and `success`, none unknown.
    """
    counts = counts_of(rows)
    low, high = difference_interval(counts)
    taken, among = _totals(counts)
    return {
        "treated": among[0],
        "control": among[1],
        "taken_treated": taken[0],
        "taken_control": taken[1],
        "rate_treated": taken[0] / among[0] if among[0] else None,
        "rate_control": taken[1] / among[1] if among[1] else None,
        "difference": _number(difference(counts)),
        "low": _number(low),
        "high": _number(high),
    }


def counts_of(rows: pd.DataFrame) -> Counts:
    """Takers and customers of both arms by offer, offers in order of their names."""
    table = (
        rows.assign(success=rows["success"].astype(float)).groupby(["offer", "arm"])["success"].agg(["sum", "count"])
    )
    wide = table.unstack("arm")
    empty = pd.Series(0.0, index=wide.index)
    each = [wide.get((what, arm), empty) for arm in (TREATED, CONTROL) for what in ("sum", "count")]
    return Counts.of(*(series.fillna(0.0).to_numpy(dtype=float) for series in each))


def _totals(counts: Counts) -> tuple[tuple[int, int], tuple[int, int]]:
    taken = int(counts.taken_treated.sum()), int(counts.taken_control.sum())
    return taken, (int(counts.treated.sum()), int(counts.control.sum()))


def _arms(rows: pd.DataFrame) -> dict[str, dict[str, int]]:
    """Customers by arm, and of how many the result is not known."""
    found = {}
    for arm in (TREATED, CONTROL, EXPLORE):
        mine = rows[rows["arm"] == arm]
        found[arm] = {"rows": len(mine), "results_missing": int(mine["success"].isna().sum())}
    return found


def _why(drawn: pd.DataFrame, effect: Figures | None) -> str | None:
    """Why no effect is told: a word the page and the command put into sentences."""
    if effect is not None and effect["difference"] is not None:
        return None
    if drawn["success"].notna().any():
        return "one_arm"
    return "statuses_only" if drawn["status"].notna().any() else "nothing"


def _offers(campaign: Campaign, known: pd.DataFrame, effect: Figures | None) -> list[Figures]:
    """Each offer: what was expected of its treated rows, what came, and the difference between its arms."""
    found = []
    for offer, words in campaign.about["offers"].items():
        mine = known[known["offer"] == offer]
        treated = mine[mine["arm"] == TREATED]
        found.append(
            {
                "offer": offer,
                "zh": words["zh"],
                "en": words["en"],
                **_realised(treated),
                "expected_effect": float(treated["effect"].mean()) if len(treated) else None,
                "measured": effect_of(mine) if effect is not None and len(mine) else None,
            }
        )
    return found


def _realised(rows: pd.DataFrame) -> Figures:
    """Takers and value beside what the frozen list expected; every taker is credited, as a propensity does.

    Who stays would mostly have stayed anyway, so nothing is credited for them.
    """
    took = rows["success"].astype(float).fillna(0.0)
    worth = rows["value_if_taken"] - rows["incentive"]
    called = rows["is_contacted"].astype(bool) | ~rows["is_contacted"].astype(bool).any()
    credited = bool(rows["is_sold"].all())
    return {
        "customers": len(rows),
        "expected_takers": float(rows["prob_take"].sum()),
        "takers": int(took.sum()),
        "expected_value": float(rows["expected_value"].sum()),
        "value": float((took * worth).sum() - (rows["contact_cost"] * called).sum()) if credited else None,
    }


def _explored(rows: pd.DataFrame) -> Figures | None:
    """Customers drawn at random, who were treated whatever their score; they have no control of their own."""
    mine = rows[(rows["arm"] == EXPLORE) & rows["success"].notna()]
    if mine.empty:
        return None
    took = int(mine["success"].astype(float).sum())
    low, high = wilson(np.array([float(took)]), np.array([float(len(mine))]))
    return {
        "customers": len(mine),
        "takers": took,
        "rate": took / len(mine),
        "low": float(low[0]),
        "high": float(high[0]),
    }


def _power(known: pd.DataFrame) -> Figures | None:
    """The smallest effect that these arms would have shown in four campaigns of five.

    The base rate is that of the control arm, drawn in by half a taker and one customer where it is small.
    """
    treated, control = known[known["arm"] == TREATED], known[known["arm"] == CONTROL]
    if treated.empty or control.empty:
        return None
    base = (float(control["success"].astype(float).sum()) + 0.5) / (len(control) + 1)
    return {
        "treated": len(treated),
        "control": len(control),
        "base": base,
        "smallest": smallest_visible(len(treated), len(control), base),
    }


def _money(known: pd.DataFrame, effect: Figures | None) -> Figures | None:
    """Incremental takers times what a taker is worth, less contacts; the interval is that of the effect."""
    if effect is None or effect["difference"] is None:
        return None
    treated = known[known["arm"] == TREATED]
    worth = treated["value_if_taken"] - treated["incentive"]
    took = treated["success"].astype(float)
    weights = took if took.sum() else treated["prob_take"]
    each = float((worth * weights).sum() / weights.sum()) if weights.sum() else 0.0
    called = treated["is_contacted"].astype(bool)
    cost = float(treated.loc[called if called.any() else called.index, "contact_cost"].sum())
    takers = {end: effect[end] * len(treated) for end in ("difference", "low", "high")}
    values = sorted(takers[end] * each for end in ("low", "high"))
    return {
        "takers": takers["difference"],
        "takers_low": takers["low"],
        "takers_high": takers["high"],
        "value_per_taker": each,
        "value": takers["difference"] * each,
        "cost": cost,
        "net": takers["difference"] * each - cost,
        "net_low": values[0] - cost,
        "net_high": values[1] - cost,
        "expected": float(treated["expected_value"].sum()),
    }


def _funnel(rows: pd.DataFrame) -> dict[str, int]:
    """From assigned to taken as the managers told it; treated and explored customers."""
    mine = rows[rows["arm"] != CONTROL]
    said = mine["status"].value_counts()
    return {
        "assigned": len(mine),
        "told": int(mine["status"].notna().sum()),
        "contacted": int(mine["is_contacted"].sum()),
        "reached": int(mine["is_reached"].sum()),
        **{code: int(said.get(code, 0)) for code in ("considering", "taken", *REFUSALS)},
    }


def _contamination(drawn: pd.DataFrame) -> Figures:
    """Customers who did not get what their arm was to get; they stay in the arm they were drawn into."""
    control = drawn[drawn["arm"] == CONTROL]
    treated = drawn[drawn["arm"] == TREATED]
    told = bool(drawn["is_contacted"].any())
    return {
        "control_contacted": int(control["is_contacted"].sum()),
        "control": len(control),
        "treated_not_contacted": int((~treated["is_contacted"].astype(bool)).sum()) if told else None,
        "treated": len(treated),
    }


def _units(rows: pd.DataFrame, kind: str) -> list[Figures]:
    """Realised beside expected by branch or manager; units of fewer than `LEAST` customers stand together."""
    mine = rows[(rows["arm"] != CONTROL) & rows["success"].notna()]
    names = mine[kind].astype("object").where(mine[kind].notna(), "–").astype(str)
    sizes = names.value_counts()
    small = set(sizes[sizes < LEAST].index)
    # Others that are fewer than that would be known by subtraction: the next unit joins them.
    while small and len(small) < len(sizes) and sizes[list(small)].sum() < LEAST:
        small.add(str(sizes.drop(list(small)).idxmin()))
    found = [{"name": str(name), **_realised(part)} for name, part in mine.groupby(names.where(~names.isin(small)))]
    if small:
        found.append({"name": None, "units": len(small), **_realised(mine[names.isin(small)])})
    return found


def _number(value: Any) -> float | None:
    return None if np.isnan(value) else float(value)
