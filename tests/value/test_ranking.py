"""Ranking by deposits against contribution, by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmml.value.ranking import compare_tops, concentration, dressing, losers, missed, rank_of, whale_curves

IDS = ["a", "b", "c", "d"]
WORTH = np.array([50.0, -20.0, 40.0, 30.0])
DEPOSITS = np.array([10.0, 1000.0, 0.0, 500.0])


def test_the_top_by_deposits_brings_less_and_the_cost_is_the_difference() -> None:
    # by deposits b and d come first: -20 + 30; truly a and c: 50 + 40
    row = compare_tops(WORTH, DEPOSITS, IDS, [2]).iloc[0]
    assert (row["missed"], row["best"], row["reached"], row["cost"]) == (2, 90.0, 10.0, 80.0)
    assert row["kept"] == pytest.approx(1 / 9)
    assert missed(WORTH, WORTH, IDS, 2) == 0


def test_all_customers_cost_nothing_however_they_are_ordered() -> None:
    assert compare_tops(WORTH, DEPOSITS, IDS, [4])["cost"].tolist() == [0.0]


def test_equal_values_are_ranked_by_id_and_a_missing_deposit_counts_as_none() -> None:
    assert rank_of(np.array([1.0, np.nan, 1.0]), ["b", "c", "a"]).tolist() == [2, 3, 1]


def test_the_best_customers_can_bring_more_than_the_bank_has_in_all() -> None:
    shares = concentration(WORTH).set_index("share_of_customers")["share"]
    assert shares[0.5] == pytest.approx(0.9)
    curve = whale_curves(WORTH, {"contribution": WORTH}, IDS)
    assert curve["contribution"].tolist() == [0.0, 50.0, 90.0, 120.0, 100.0]


def test_a_share_of_a_loss_is_not_given() -> None:
    assert concentration(-np.ones(4))["share"].isna().all()
    assert compare_tops(-np.ones(4), DEPOSITS, IDS, [2])["kept"].isna().all()


def test_losers_are_counted_by_cell_and_small_cells_go_together() -> None:
    worth = pd.Series([-1.0] * 5 + [2.0] * 20 + [-3.0, 4.0])
    cells = pd.Series(["loan"] * 25 + ["rare", "odd"])
    table = losers(worth, cells).set_index("cell")
    assert table.loc["loan", ["rows", "losing", "loss", "contribution"]].tolist() == [25, 5, -5.0, 35.0]
    assert table.loc["other", ["rows", "losing", "loss"]].tolist() == [2, 1, -3.0]


def test_month_ends_above_the_daily_average_are_dressed() -> None:
    found = dressing(pd.Series([100.0, 100.0, 0.0]), pd.Series([120.0, 100.0, 50.0]))
    assert found == {"daily": 200.0, "month_end": 270.0, "above": pytest.approx(0.35), "customers": 2, "dressed": 1}
