"""Tables behind the charts, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmml.reporting.figures import calibration_bins, money_deciles, newest, rank_table, shift_of, wilson

SCORE = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2])
LABEL = np.array([1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0])


def test_wilson_of_one_in_ten():
    low, high = wilson(np.array([1.0]), np.array([10.0]))
    assert (low[0], high[0]) == (pytest.approx(0.0179, abs=1e-4), pytest.approx(0.4042, abs=1e-4))


def test_wilson_stays_within_0_and_1():
    low, high = wilson(np.array([0.0, 5.0]), np.array([5.0, 5.0]))
    assert (low[0], high[1]) == (0.0, 1.0)


def test_rank_table_reads_from_the_best_down_and_reconciles():
    table = rank_table(SCORE, LABEL, groups=4)
    assert [row["events"] for row in table] == [2, 1, 0, 0]
    assert sum(row["rows"] for row in table) == 8
    assert [row["lift"] for row in table[:2]] == pytest.approx([1 / 0.375, 0.5 / 0.375])
    assert [row["found"] for row in table] == pytest.approx([2 / 3, 1.0, 1.0, 1.0])
    assert max(row["gap"] for row in table) == pytest.approx(1 - 1 / 5)


def test_calibration_bins_have_an_interval_around_the_observed_rate():
    bins = calibration_bins(SCORE, LABEL, groups=2)
    assert bins["observed"].tolist() == [0.0, 0.75]
    assert bins["predicted"].tolist() == pytest.approx([0.35, 0.75])
    assert (bins["low"] <= bins["observed"]).all()
    assert (bins["observed"] <= bins["high"]).all()


def test_money_deciles_are_best_first_and_their_shares_sum_to_one():
    table = money_deciles(np.arange(20.0), np.arange(20.0) * 2)
    assert table["predicted"].is_monotonic_decreasing
    assert table["share"].sum() == pytest.approx(1.0)


def test_shares_of_a_loss_are_left_out():
    assert money_deciles(np.arange(10.0), -np.arange(10.0))["share"].isna().all()


def test_the_same_distribution_has_no_shift():
    quantiles = np.linspace(0, 1, 1001)
    shift = shift_of(quantiles, quantiles)
    assert shift["psi"] == pytest.approx(0.0, abs=1e-9)
    assert sum(shift["train"]) == pytest.approx(1.0)


def test_a_moved_distribution_shifts():
    quantiles = np.linspace(0, 1, 1001)
    assert shift_of(quantiles, quantiles**3)["psi"] > 0.25


def test_newest_cutoffs_without_both_outcomes_are_left_out():
    predictions = pd.DataFrame(
        {"period": ["2025-01-31"] * 2 + ["2025-02-28"] * 2 + ["2025-03-31"] * 2, "label": [0, 1, 1, 0, 0, 0]}
    )
    assert list(newest(predictions)) == ["2025-01-31", "2025-02-28"]
    assert list(newest(predictions, 1)) == ["2025-02-28"]
