"""Means of earlier takers by ever finer segments, by hand."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crmml.targeting.taker_means import half_life, levels_of, recency, segment_means

TWO = [np.array(["a", "a", "b", "b"], dtype=object)]


def test_segments_are_drawn_towards_the_products_mean_by_hand():
    # Segments 8, 12 and 88, 112: means 10 and 100, mean 55. Within: (8 + 288) / 2 = 148. Between: 8100 / 1 = 8100,
    # typical size (4 - 8 / 4) / 1 = 2, so tau2 = (8100 - 148) / 2 = 3976 and w = 7952 / 8100.
    means = segment_means(np.array([8.0, 12, 88, 112]), TWO)
    weight = 7952 / 8100
    assert means.product_mean == 55
    assert means.table["weight"].tolist() == pytest.approx([weight, weight])
    assert means.table["value"].tolist() == pytest.approx(
        [weight * 10 + (1 - weight) * 55, weight * 100 + (1 - weight) * 55]
    )


def test_segments_that_differ_no_more_than_chance_read_the_products_mean():
    assert segment_means(np.array([0.0, 10, 1, 9]), TWO).table["value"].tolist() == [5, 5]


def test_one_huge_taker_is_drawn_in():
    values = np.append(np.full(99, 100.0), 1e6)
    means = segment_means(values, [np.full(100, "all", dtype=object)], winsorise=0.02)
    assert means.product_mean == pytest.approx(100)


def test_a_fine_segment_is_drawn_towards_its_own_kind_and_not_towards_the_product():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"kind": ["firm"] * 200 + ["person"] * 200, "tier": ["low", "high"] * 200})
    frame.loc[frame.index[-1], "tier"] = "new"
    values = np.where(frame["kind"] == "firm", 1_000.0, 100.0) + 50 * (frame["tier"] == "high") + rng.normal(0, 10, 400)
    means = segment_means(values, levels_of(frame, ["kind", "tier"]))
    asked = pd.DataFrame({"kind": ["person", "person", "robot"], "tier": ["new", "unseen", "low"]})
    found = means.at(levels_of(asked, ["kind", "tier"]))
    assert means.product_mean == pytest.approx(575, abs=10)
    assert found["value"].tolist()[:2] == pytest.approx([125, 125], abs=30)
    assert found["value"].iloc[2] == means.product_mean
    assert found["segment"].tolist() == ["person / new", "person", ""]
    assert found["takers"].tolist() == [1, 200, 400]


def test_a_weight_counts_a_taker_less():
    values = np.array([0.0, 10.0, 20.0])
    means = segment_means(values, [np.full(3, "all", dtype=object)], weight=np.array([1.0, 0.5, 0.5]))
    assert means.product_mean == 7.5


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.integers(1, 4))
def test_every_mean_lies_among_the_values(values, groups):
    labels = [np.array([f"s{n % groups}" for n in range(len(values))], dtype=object)]
    table = segment_means(np.array(values), labels).table
    assert table["weight"].between(0, 1).all()
    assert (table["value"] >= min(values) - 1e-6).all()
    assert (table["value"] <= max(values) + 1e-6).all()


def test_a_half_life_is_found_where_prices_move_and_not_where_they_stand():
    rng = np.random.default_rng(3)
    opened = np.array("2020-01", dtype="datetime64[M]") + rng.integers(0, 48, 2_000)
    days, level = opened.astype("datetime64[D]"), [np.full(2_000, "all", dtype=object)]
    noise = rng.normal(0, 100, 2_000)
    years = (opened - opened.min()).astype(int) / 12
    assert half_life(noise + 100 * years, level, days, winsorise=0.0) is not None
    assert half_life(noise, level, days, winsorise=0.0) is None
    assert recency(days, None).tolist() == [1.0] * 2_000
    assert recency(np.array(["2024-01-05", "2023-01-31"], dtype="datetime64[D]"), 12).tolist() == [1.0, 0.5]
