"""The index by hand, its parts, and what it says of later retention."""

import numpy as np
import pandas as pd
import pytest

from crmml.loyalty import COMPONENTS, loyalty_index, usable_components, validate_index

FULL = {
    "product_families": [5, 1],
    "tenure_months": [120, 0],
    "salary_payments_3m": [3, np.nan],
    "turnover_in_1m": [100.0, 0.0],
    "turnover_in_12m": [1200.0, 1200.0],
    "deposits_mean_1m": [50.0, np.nan],
    "deposits_mean_12m": [50.0, np.nan],
    "assets_last": [80.0, 5.0],
    "assets_mean_12m": [60.0, 10.0],
    "transactions_1m": [2, 0],
    "transactions_3m": [6, 3],
    "transactions_12m": [24, 24],
    "days_since_last_inflow": [0, 90],
}


def test_full_marks_are_a_hundred_and_a_stranger_has_few():
    index = loyalty_index(pd.DataFrame(FULL))
    # 20/5 for one family; half of its assets on one of two signs: 5; half of its usual bookings on one of three: 10/3.
    assert index["index"].tolist() == pytest.approx([100.0, 4 + 0 + 0 + 5 + 20 / 3 / 2])


def test_points_add_up_to_the_index_exactly_on_any_rows():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({name: rng.normal(20, 40, 500) for name in FULL})
    index = loyalty_index(frame)
    total = np.zeros(len(index))
    for component in COMPONENTS:
        total = total + index[f"points_{component.name}"].to_numpy()
    assert (total == index["index"].to_numpy()).all()
    assert index["index"].between(0, 100).all()


def test_a_bank_of_rhythm_alone_has_an_index_of_rhythm():
    frame = pd.DataFrame({name: FULL[name] for name in ("transactions_1m", "transactions_3m", "transactions_12m")})
    assert [component.name for component in usable_components(list(frame))] == ["rhythm"]
    assert loyalty_index(frame)["points_rhythm"].tolist() == [100.0, 25.0]


def test_a_bank_without_any_sign_has_no_index():
    assert loyalty_index(pd.DataFrame({"age": [30, 40]})).empty


def rows(rate_of):
    """1,000 customers, index 0 to 100, leaving by `rate_of` the index."""
    rng = np.random.default_rng(1)
    index = np.linspace(0, 100, 1000)
    label = (rng.random(1000) < rate_of(index)).astype(float)
    ids = [f"C{number}" for number in range(1000)]
    return pd.DataFrame({"customer_id": ids, "cutoff_date": "2025-06-30", "index": index, "label": label})


def test_who_leaves_less_the_higher_the_index_is_told_as_falling():
    told = validate_index(rows(lambda index: 0.5 - 0.004 * index))
    assert told["is_monotone"]
    assert told["auc"]["low"] > 0.6
    assert sum(row["events"] for row in told["deciles"]) == told["events"]
    assert sum(row["rows"] for row in told["deciles"]) == told["rows"] == 1000


def test_an_index_that_works_the_other_way_in_the_middle_is_found_out():
    told = validate_index(rows(lambda index: np.where(index < 50, 0.05, 0.6 - 0.004 * index)))
    assert (told["is_monotone"], told["real_rises"] >= 1) == (False, True)
    assert told["isotonic_gap"] > 0.05


def test_noise_neither_ranks_nor_is_called_proven():
    told = validate_index(rows(lambda index: np.full(len(index), 0.1)))
    assert told["auc"]["low"] < 0.5 < told["auc"]["high"]


def test_few_events_are_no_proof():
    assert validate_index(rows(lambda index: np.full(len(index), 0.003))) is None
