"""Cause, stake and action of an alert."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmml.warning import Action, Capacity, Levels, build_alerts, causes, replay, with_stake
from tests.warning.rows import scored, spec

DAY = date(2025, 3, 31)


def score_file(*codes: tuple[str | None, float]) -> pd.DataFrame:
    """The reasons of customers c0, c1 …: the same two places for each, in the order given."""
    frame = pd.DataFrame({"customer_id": ["M1-c0", "M1-c1"], "peer_mean": 0.2, "model": "b.churn", "version": "1"})
    for place in range(4):
        code, effect = codes[place] if place < len(codes) else (None, 0.0)
        frame[f"reason_{place + 1}_code"], frame[f"reason_{place + 1}_effect"] = code, effect
        frame[f"reason_{place + 1}_zh"], frame[f"reason_{place + 1}_en"] = f"句{place}", f"sentence {place}"
    return frame


def test_the_cause_is_the_strongest_reason_that_speaks_for_leaving():
    found = causes(score_file(("TENURE-", -2.0), ("SALARY+", 1.0), ("BALANCES+", 0.5)))
    assert found["cause"].tolist() == ["salary", "salary"]
    assert found["cause_factor"].tolist() == pytest.approx([np.e, np.e])
    assert found["reason_en"].tolist() == ["sentence 1", "sentence 1"]


def test_without_such_a_reason_there_is_no_cause():
    assert causes(score_file(("TENURE-", -2.0)))["cause"].tolist() == ["none", "none"]


def test_the_stake_is_the_forecast_then_the_past_and_a_negative_one_is_not_at_risk():
    rows = pd.DataFrame({"customer_id": ["a", "b", "c", "d"], "prob_churn": 0.5})
    forecast = pd.DataFrame({"customer_id": ["a", "d"], "contribution_12m": [100.0, -80.0]})
    found = with_stake(rows, forecast, pd.Series({"a": 7.0, "b": 40.0}))
    assert found["value_source"].tolist() == ["forecast", "past", "unknown", "forecast"]
    assert found["value_at_risk"].tolist()[:2] == [50.0, 20.0]
    assert np.isnan(found["value_at_risk"].iloc[2])
    assert found["value_at_risk"].iloc[3] == 0


def alerts(**changed):
    wanted = spec(capacity=Capacity(total=1), levels=Levels(1, 1, 2), **changed)
    people = pd.DataFrame({"customer_id": ["M1-c0", "M1-c1"], "name": "陈*", "branch": None, "manager": "甲"})
    return build_alerts(
        replay({DAY: scored(0.5, 0.4)}, wanted), score_file(("SALARY+", 1.0)), people, wanted, today=DAY
    )


def test_an_alert_says_what_to_do_by_when_and_a_watched_customer_is_not_called():
    found = alerts(contact_within_days={"red": 7})
    assert found["level"].tolist() == ["red", "watch"]
    assert found["action_en"].iloc[0].startswith("contact customer and employer by 2025-04-07")
    assert "no call" in found["action_en"].iloc[1]
    assert pd.isna(found["contact_by"].iloc[1])
    assert found["odds_factor"].tolist() == pytest.approx([1 / 0.25, (0.4 / 0.6) / 0.25])
    assert found["days_alerted"].tolist() == [0, 0]


def test_a_bank_may_say_what_to_do_about_a_cause():
    found = alerts(actions={"salary": Action("{manager}于{by}前处理{cause}", "{manager}: {reason}, by {by}")})
    assert found["action_en"].iloc[0] == "甲: sentence 0, by 2025-04-07"
    assert found["action_zh"].iloc[0] == "甲于2025-04-07前处理工资代发"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Action("{nane}", "x"), "{nane} is not known in an action"),
        (lambda: Action("{by", "x"), "cannot be filled in"),
        (lambda: spec(actions={"salry": Action("a", "b")}), "Did you mean 'salary'"),
    ],
)
def test_an_action_that_cannot_be_filled_in_is_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
