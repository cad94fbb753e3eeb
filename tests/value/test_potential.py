"""The gap to a high quantile of peers: by hand, never negative, thin peers said."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmml.value.potential import COSTS, GAINS, average_of_peers, by_peers, potential


def customers(contribution: list[float], **parts: list[float]) -> pd.DataFrame:
    rows = len(contribution)
    zero = {name: [0.0] * rows for name in (*GAINS, *COSTS)}
    ids = [f"{place:03d}" for place in range(rows)]
    return pd.DataFrame({"customer_id": ids, **zero, **parts, "contribution": contribution})


def test_the_gap_is_measured_to_the_quantile_of_the_own_segment() -> None:
    # 41 depositors contribute 0, 1, … 40: their 80 % quantile is 32; 30 borrowers all contribute 1,000
    frame = customers([*map(float, range(41)), *[1000.0] * 30])
    found = potential(frame, pd.Series(["depositor"] * 41 + ["borrower"] * 30), quantile=0.8)
    assert found["potential_12m"][:3].tolist() == [32.0, 31.0, 30.0]
    assert found["potential_12m"].min() == 0  # nobody above the quantile has a negative gap
    assert found["potential_12m"][41:].sum() == 0
    assert not found["is_thin"].any()
    assert by_peers(found).set_index("peers").loc["depositor", "below"] == 32


def test_gains_fall_short_of_the_high_quantile_and_costs_exceed_the_low_one() -> None:
    ladder = [float(value) for value in range(41)]
    frame = customers(ladder, fees=ladder, service_cost=ladder)
    found = potential(frame, pd.Series(["all alike"] * 41), quantile=0.8)
    first, last = found.iloc[0], found.iloc[-1]
    assert (first["gap_fees"], first["gap_service_cost"], first["largest_gap"]) == (32.0, 0.0, "fees")
    assert (last["gap_fees"], round(last["gap_service_cost"], 9), last["largest_gap"]) == (0.0, 32.0, "service_cost")


def test_a_thin_segment_is_compared_with_all_and_said_to_be_thin() -> None:
    frame = customers([0.0] * 5 + [100.0] * 40)
    found = potential(frame, pd.Series(["few"] * 5 + ["many"] * 40), quantile=0.8)
    few = found[found["segment"] == "few"]
    assert few["is_thin"].all()
    assert few["peers"].eq("all").all()
    assert few["peer_customers"].eq(45).all()
    assert few["potential_12m"].eq(100.0).all()


def test_a_bank_of_two_customers_has_no_potential_and_no_zero_in_its_place() -> None:
    found = potential(customers([1.0, 5.0]), pd.Series(["person", "person"]), quantile=0.8)
    assert found["potential_12m"].isna().all()
    assert found["is_thin"].all()
    assert found["largest_gap"].isna().all()


def test_peers_are_averaged_over_the_segment_and_a_customer_that_left_has_none() -> None:
    frame = pd.DataFrame({"customer_id": [f"{i}" for i in range(31)], "segment": ["a"] * 30 + [None]})
    for name in ("margin", "fees", "expected_loss", "service_cost", "capital_charge", "contribution"):
        frame[name] = np.arange(31.0)
    assert average_of_peers(frame, "3") == dict.fromkeys(frame.columns[2:], 14.5)
    assert average_of_peers(frame, "30") is None
