"""The back-test, by hand."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmml.warning import Capacity, Levels, back_test, replay
from tests.warning.rows import scored, spec

MARCH, JUNE = date(2025, 3, 31), date(2025, 6, 30)


def judged(lost: dict[tuple[int, date], str]) -> pd.DataFrame:
    """Four customers at two cut-offs, the first two called at each; `lost` maps (customer, cut-off) to the day."""
    wanted = spec(capacity=Capacity(total=2), levels=Levels(0.5, 1, 1))
    history = replay({day: scored(0.8, 0.6, 0.4, 0.2) for day in (MARCH, JUNE)}, wanted)
    day = history["cutoff_date"].dt.date
    number = history["customer_id"].str[-1].astype(int)
    keys = list(zip(number, day, strict=True))
    return history.assign(
        label=[float(key in lost) for key in keys],
        lost_on=pd.to_datetime(pd.Series([lost.get(key) for key in keys], dtype=object)),
        window_start=history["cutoff_date"] + pd.Timedelta(days=30),
        fall=number.astype(float),  # a rule that takes the last two
        value_at_stake=[100.0 * (number + 1) for number in number],
    )


def test_precision_recall_and_the_other_ways_by_hand():
    rows = judged({(0, MARCH): "2025-05-10", (3, MARCH): "2025-06-01", (0, JUNE): "2025-08-30"})
    found = back_test(rows, rules=("fall",)).precision.set_index(["chosen", "cutoff"])
    own = found.loc["capacity"]
    assert own["precision"].to_dict() == {"2025-03-31": 0.5, "2025-06-30": 0.5, "mean": 0.5}
    assert own["recall"].to_dict() == {"2025-03-31": 0.5, "2025-06-30": 1.0, "mean": 0.75}
    assert own["lift"]["2025-06-30"] == pytest.approx(2.0)
    assert own["value_recall"]["2025-03-31"] == pytest.approx(100 / 500)
    assert found.loc["random", "precision"].to_dict() == {"2025-03-31": 0.5, "2025-06-30": 0.25, "mean": 0.375}
    assert found.loc["fall", "precision"].to_dict() == {"2025-03-31": 0.5, "2025-06-30": 0.0, "mean": 0.25}
    assert found.loc["red", "customers"].to_dict() == {"2025-03-31": 1, "2025-06-30": 1, "mean": 2}


def test_the_difference_to_a_rule_is_that_of_the_means_on_the_same_customers():
    rows = judged({(0, MARCH): "2025-05-10", (1, JUNE): "2025-08-30"})
    pair = back_test(rows, rules=("fall",)).differences.set_index("against").loc["fall"]
    assert pair["value"] == pytest.approx(0.5)
    assert pair["low"] <= 0.5 <= pair["high"]


def test_lead_time_is_followed_back_to_the_first_alert_of_the_run():
    rows = judged({(0, JUNE): "2025-08-29", (1, MARCH): "2025-05-10", (3, JUNE): "2025-09-01"})
    lead = back_test(rows).lead.set_index("level").loc["all"]
    # 0 was alerted from 31 March on: 151 days; 1 40 days; 3 never
    assert (lead["lost"], lead["warned"], lead["median"]) == (3, 2, (151 + 40) / 2)
    assert lead["usable"] == (151 - 30 + 40 - 30) / 2
    red = back_test(rows).lead.set_index("level").loc["red"]
    assert (red["warned"], red["median"]) == (1, 151)


def test_labels_without_a_day_have_no_lead_time():
    rows = judged({(0, MARCH): "2025-05-10"}).assign(lost_on=pd.NaT)
    lead = back_test(rows).lead.set_index("level").loc["all"]
    assert lead["warned"] == 1
    assert lead["median"] is None or np.isnan(lead["median"])


def test_nothing_matured_is_judged_as_nothing():
    found = back_test(judged({}).head(0))
    assert found.precision.empty
    assert found.lead.empty


def test_no_loss_at_all_has_precision_0_and_no_recall():
    found = back_test(judged({})).precision.set_index(["chosen", "cutoff"]).loc[("capacity", "mean")]
    assert found["precision"] == 0
    assert pd.isna(found["recall"])
