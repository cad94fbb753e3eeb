"""Offers that sell nothing: keeping customers, winning them back, caring for them.

Their value is what is at risk, and the effect what a contact saves of it: the
uplift of a retention log where there is one, else the offer's own save rate, an
assumption of the bank that is printed wherever it counts. A high chance to
leave alone puts nobody on a list.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmml.errors import ConfigError, SourceError
from crmml.targeting.spec import Offer

SELL, RETAIN, WIN_BACK, CARE = "sell", "retain", "win_back", "care"
FORECAST, PAST, LOST = "forecast", "past_year", "before_leaving"
_WORDS = {
    FORECAST: ("未来十二个月预计贡献(为负计零)", "forecast contribution of the next twelve months (0 where negative)"),
    PAST: (
        "过去十二个月贡献(没有贡献模型;为负计零)",
        "contribution of the last twelve months (there is no model of it; 0 where negative)",
    ),
    LOST: ("流失前十二个月贡献(为负计零)", "contribution of the twelve months before leaving (0 where negative)"),
}


def keeping_scores(
    offer: Offer, churn: pd.DataFrame, contribution: pd.DataFrame | None, features: pd.DataFrame | None
) -> pd.DataFrame:
    """What a `retain` or `care` offer is worth to every customer with a chance to leave, in the form of uptake scores.

    `prob_take` is the chance to stay without a contact, `saved` what a contact
    adds to it (save rate × chance to leave, null without a save rate),
    `value_at_risk` the contribution that stays, in currency; reasons are those
    of the chance to leave.

    Raises
    ------
    SourceError
        D022 if neither a forecast nor past contributions are known.
    """
    leaves = churn["prob_churn"].astype(float)
    value, source = _at_risk(offer, churn["customer_id"], contribution, features)
    return _with_value(churn, value, source).assign(prob_take=1.0 - leaves, saved=_rate(offer) * leaves)


def winback_scores(offer: Offer, gone: pd.DataFrame) -> pd.DataFrame:
    """What a `win_back` offer is worth to every customer who left and may be approached, in the form of uptake scores.

    Parameters
    ----------
    gone : DataFrame
        `customer_id, cutoff_date, kind, lost_on, value_lost, may_be_approached`.
    """
    rows = gone[gone["may_be_approached"].astype(bool)].drop_duplicates("customer_id").reset_index(drop=True)
    day = pd.to_datetime(rows["lost_on"]).dt.strftime("%Y-%m-%d").fillna("")
    told = rows[["customer_id", "cutoff_date"]].assign(
        reason_1_code="lost", reason_1_zh=day + " 流失", reason_1_en="left on " + day, reason_1_effect=np.nan
    )
    return _with_value(told, rows["value_lost"].astype(float), LOST).assign(prob_take=0.0, saved=_rate(offer))


def _with_value(rows: pd.DataFrame, value: pd.Series, source: str) -> pd.DataFrame:
    zh, en = _WORDS[source]
    at_risk = value.fillna(0.0).clip(lower=0.0).to_numpy()
    return rows.assign(value_at_risk=at_risk, at_risk_source=source, at_risk_zh=zh, at_risk_en=en)


def _rate(offer: Offer) -> float:
    return np.nan if offer.save_rate is None else float(offer.save_rate)


def _at_risk(
    offer: Offer, customers: pd.Series, contribution: pd.DataFrame | None, features: pd.DataFrame | None
) -> tuple[pd.Series, str]:
    for table, source in ((contribution, FORECAST), (features, PAST)):
        if table is not None and "contribution_12m" in table:
            return customers.map(table.set_index("customer_id")["contribution_12m"]).astype(float), source
    if offer.value_if_taken is not None:
        return pd.Series(0.0, index=customers.index), FORECAST  # the config's own value takes its place
    raise SourceError(
        f"the value at risk of {offer.product} is not known: there is neither a contribution model nor past contributions "
        "among the features; expected one. Train a model with target: contribution, or give the offer a value_if_taken",
        code="D022",
    )


def require_effect(offer: Offer, scores: pd.DataFrame) -> None:
    """An offer that sells nothing has a save rate, or an uplift model that speaks for it.

    Raises
    ------
    ConfigError
        C005 if it has neither.
    """
    if offer.save_rate is None and not any(str(name).startswith("uplift") for name in scores.columns):
        raise ConfigError(
            f"the offer {offer.product} ({offer.kind}) has neither a save_rate nor an uplift model; expected save_rate: 0.1, "
            "say: the share of those leaving whom a contact keeps. Ranking by the chance to leave alone would call lost causes",
            code="C005",
        )
