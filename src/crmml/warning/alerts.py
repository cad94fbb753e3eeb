"""Who is alerted at a cut-off, why, what is at stake, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pandas as pd

from crmml.warning.levels import NO_LEVEL, odds
from crmml.warning.spec import CALLED, LEVELS, NO_CAUSE, WarningSpec
from crmml.warning.words import ACTIONS, WATCHED, cause_words

TABLE = (
    *("customer_id", "cutoff_date", "level", "level_before", "rank", "prob_churn", "peer_mean", "odds_factor"),
    *("value_at_stake", "value_at_risk", "value_source", "first_alerted_on", "days_alerted"),
    *(
        "cause",
        "cause_zh",
        "cause_en",
        "cause_factor",
        "reason_zh",
        "reason_en",
        "action_zh",
        "action_en",
        "contact_by",
    ),
    *("name", "branch_id", "branch", "manager_id", "manager"),
    *("open_complaint", "in_arrears", "refuses_marketing", "last_contacted_on", "model", "version"),
)
"""Columns of the file of alerts, in order; those of the loyalty file follow where there is one."""
FLAGS = ("open_complaint", "in_arrears", "refuses_marketing")
PLACES = 4


def with_stake(scores: pd.DataFrame, forecast: pd.DataFrame | None, past: pd.Series | None) -> pd.DataFrame:
    """Scored customers with what they bring (`value_at_stake`), its source, and how much of it is at risk.

    The stake is the forecast contribution of the next twelve months, that of the
    last twelve where there is no forecast, else null. At risk is the probability
    of leaving times the stake, 0 where the stake is negative.

    Parameters
    ----------
    scores : DataFrame
        `customer_id`, `prob_churn`.
    forecast : DataFrame, optional
        `customer_id`, `contribution_12m`.
    past : Series, optional
        Contribution of the last twelve months by customer.
    """
    ids = scores["customer_id"]
    stake = np.full(len(ids), np.nan)
    source = np.full(len(ids), "unknown", dtype=object)
    foreseen = None if forecast is None else forecast.set_index("customer_id")["contribution_12m"]
    for name, amounts in (("past", past), ("forecast", foreseen)):
        if amounts is not None:
            known = ids.map(amounts).to_numpy(dtype=float)
            stake = np.where(np.isnan(known), stake, known)
            source = np.where(np.isnan(known), source, name)
    at_risk = scores["prob_churn"].to_numpy(dtype=float) * np.maximum(stake, 0.0)
    return scores.assign(value_at_stake=stake, value_at_risk=at_risk, value_source=source)


def causes(scores: pd.DataFrame) -> pd.DataFrame:
    """The strongest reason that makes each customer likelier to leave than peers.

    Returns
    -------
    DataFrame
        `cause` (concept group), `cause_factor` (on the odds), `reason_zh`, `reason_en`, in the order of `scores`;
        `none` where no named reason speaks for leaving.
    """
    frame = pd.DataFrame(
        {"cause": NO_CAUSE, "cause_factor": np.nan, "reason_zh": "", "reason_en": ""}, index=scores.index
    ).astype({"cause": object, "reason_zh": object, "reason_en": object})
    for place in range(PLACES, 0, -1):
        codes = scores[f"reason_{place}_code"].fillna("").astype(str)
        raises = codes.str.endswith("+")
        frame.loc[raises, "cause"] = codes[raises].str[:-1].str.lower()
        frame.loc[raises, "cause_factor"] = np.exp(scores.loc[raises, f"reason_{place}_effect"].astype(float))
        for language in ("zh", "en"):
            said = scores.loc[raises, f"reason_{place}_{language}"].fillna("")
            frame.loc[raises, f"reason_{language}"] = said
    return frame


def build_alerts(
    levels: pd.DataFrame, scores: pd.DataFrame, people: pd.DataFrame, spec: WarningSpec, *, today: date
) -> pd.DataFrame:
    """The alerts of one cut-off, worst level first, the likeliest first within it: one row per alerted customer.

    Parameters
    ----------
    levels : DataFrame
        The rows of `replay` at the cut-off.
    scores : DataFrame
        The score file of the champion at the cut-off, with reasons.
    people : DataFrame
        One row per customer: `name` (masked), `branch`, `manager` (names), the flags, `last_contacted_on`.
    today : date
        The newest day the data reach; days to call by count from it.
    """
    alerted = levels[levels["level"] != NO_LEVEL].reset_index(drop=True)
    of_score = ["customer_id", "peer_mean", "model", "version"]
    reasons = [name for name in scores.columns if name.startswith("reason_")]
    rows = alerted.merge(scores[[*of_score, *reasons]], on="customer_id", how="left", validate="one_to_one")
    rows = rows.merge(people, on="customer_id", how="left", validate="one_to_one")
    rows = rows.join(causes(rows))
    place = rows["level"].map({level: number for number, level in enumerate(LEVELS)})
    by = "prob_churn" if spec.order == "probability" else "value_at_risk"
    rows = rows.assign(place=place, minus=-rows[by].fillna(0)).sort_values(["place", "minus", "customer_id"])
    rows = rows.drop(columns=["place", "minus"]).reset_index(drop=True)
    since = pd.to_datetime(rows["alerted_since"])
    words = [cause_words(cause) for cause in rows["cause"]]
    rows = rows.assign(
        rank=np.arange(1, len(rows) + 1),
        odds_factor=odds(rows["prob_churn"].to_numpy(float)) / odds(rows["peer_mean"].to_numpy(float)),
        first_alerted_on=since,
        days_alerted=(pd.to_datetime(rows["cutoff_date"]) - since).dt.days,
        cause_zh=[zh for zh, _ in words],
        cause_en=[en for _, en in words],
    )
    rows = _with_actions(rows, spec, today)
    return rows.reindex(columns=list(TABLE))


def _with_actions(rows: pd.DataFrame, spec: WarningSpec, today: date) -> pd.DataFrame:
    """Alerts with what to do, filled in, and by when; without a number of days for a level it has no day."""
    days = {level: today + timedelta(days=count) for level, count in spec.contact_within_days.items()}
    by = [days.get(level) for level in rows["level"]]
    filled: dict[str, list[str]] = {"zh": [], "en": []}
    for row, day in zip(rows.to_dict("records"), by, strict=True):
        action = WATCHED if row["level"] not in CALLED else spec.actions.get(row["cause"], ACTIONS.get(row["cause"]))
        for language, soon in (("zh", "尽快"), ("en", "soon")):
            words: Mapping[str, str] = {
                "cause": row[f"cause_{language}"],
                "reason": row[f"reason_{language}"],
                "manager": row["manager"] if isinstance(row["manager"], str) else "",
                "by": soon if day is None else day.isoformat(),
            }
            filled[language].append(getattr(action or ACTIONS[NO_CAUSE], language).format(**words))
    contact = pd.to_datetime(pd.Series(by, index=rows.index, dtype=object)).astype("datetime64[s]")
    return rows.assign(action_zh=filled["zh"], action_en=filled["en"], contact_by=contact)
