import numpy as np
import pytest

from crmml.evaluation.bootstrap import Customers, Figure, figure, verdict
from crmml.evaluation.discrimination import auc
from crmml.evaluation.report import money_report, probability_report
from crmml.evaluation.stability import bin_counts, edges_of, psi


def rows(customers=500, cutoffs=2, seed=0):
    rng = np.random.default_rng(seed)
    ids = np.tile([f"C{number}" for number in range(customers)], cutoffs)
    log_odds = rng.normal(-1, 1, len(ids))
    label = (rng.random(len(ids)) < 1 / (1 + np.exp(-log_odds))).astype(float)
    return ids, np.repeat([f"2025-0{month + 1}" for month in range(cutoffs)], customers), log_odds, label


def test_the_headline_is_the_mean_of_the_cutoffs_and_not_their_pool():
    ids, cutoffs, log_odds, label = rows()
    log_odds[cutoffs == "2025-02"] += 5  # pooling would mistake the shift for discrimination
    report = probability_report(label, log_odds, benchmark=None, customers=ids, cutoffs=cutoffs, resamples=20)
    each = [auc(label[cutoffs == day], log_odds[cutoffs == day]) for day in np.unique(cutoffs)]
    assert [part["auc"]["value"] for part in report["per_cutoff"]] == pytest.approx(each)
    assert report["headline"]["auc"]["value"] == pytest.approx(np.mean(each))


def test_the_interval_of_a_calibrated_score_covers_one():
    ids, cutoffs, log_odds, label = rows(customers=2000)
    head = probability_report(label, log_odds, benchmark=None, customers=ids, cutoffs=cutoffs)["headline"]
    for name in ("calibration_slope", "observed_over_expected"):
        assert head[name]["low"] < 1 < head[name]["high"]
        assert head[name]["high"] - head[name]["low"] < 0.35


def test_repeating_every_row_of_a_customer_does_not_narrow_the_interval():
    ids, _, log_odds, label = rows(cutoffs=1)
    one = np.full(len(ids), "2025-01")
    narrow, twice = (
        probability_report(
            np.tile(label, k), np.tile(log_odds, k), benchmark=None, customers=np.tile(ids, k), cutoffs=np.tile(one, k)
        )["headline"]["auc"]
        for k in (1, 4)
    )
    assert twice["low"] == pytest.approx(narrow["low"])
    assert twice["high"] == pytest.approx(narrow["high"])


def test_row_order_changes_no_interval():
    ids, cutoffs, log_odds, label = rows()
    order = np.random.default_rng(1).permutation(len(ids))
    straight = probability_report(label, log_odds, benchmark=-log_odds, customers=ids, cutoffs=cutoffs, resamples=30)
    shuffled = probability_report(
        label[order],
        log_odds[order],
        benchmark=-log_odds[order],
        customers=ids[order],
        cutoffs=cutoffs[order],
        resamples=30,
    )
    assert shuffled["headline"]["auc"] == pytest.approx(straight["headline"]["auc"])


def test_a_better_score_is_real_and_the_same_score_inside_noise():
    ids, cutoffs, log_odds, label = rows()
    noise = np.random.default_rng(5).normal(size=len(ids))
    for benchmark, said in ((noise, "real"), (log_odds, "inside noise")):
        report = probability_report(label, log_odds, benchmark=benchmark, customers=ids, cutoffs=cutoffs, resamples=100)
        assert report["benchmark"]["verdict"] == said


def test_a_cutoff_without_events_has_no_auc_and_does_not_spoil_the_mean():
    ids, cutoffs, log_odds, label = rows()
    label[cutoffs == "2025-02"] = 0
    report = probability_report(label, log_odds, benchmark=None, customers=ids, cutoffs=cutoffs, resamples=20)
    assert report["per_cutoff"][1]["auc"]["value"] is None
    assert report["headline"]["auc"]["value"] == pytest.approx(report["per_cutoff"][0]["auc"]["value"])


def test_money_that_is_predicted_exactly_has_gini_slope_and_ratio_of_one():
    ids, cutoffs, amounts, _ = rows()
    head = money_report(amounts, amounts, benchmark=-amounts, customers=ids, cutoffs=cutoffs, resamples=20)["headline"]
    for name in ("normalised_gini", "calibration_slope", "observed_over_expected"):
        assert head[name]["value"] == pytest.approx(1.0)
    assert head["mae"] == 0


def test_a_resample_draws_customers_with_all_their_rows():
    customers = Customers(["a", "a", "b", "c"], resamples=50)
    weights = np.concatenate(list(customers.draws()))
    assert (weights[:, 0] == weights[:, 1]).all()
    assert (weights[:, 1:].sum(axis=1) == 3).all()


def test_without_enough_resamples_there_is_no_interval():
    assert figure(0.5, np.array([np.nan, np.nan, 0.5])) == Figure(0.5)
    assert verdict(Figure(0.5)) == "inside noise"


def test_psi_by_hand_and_zero_for_equal_shares():
    # counts plus a half: shares 0.5, 0.5 against 0.8, 0.2: 0.3 ln 1.6 - 0.3 ln 0.4
    assert psi([4.5, 4.5], [7.5, 1.5]) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))
    assert psi([10, 20], [10, 20]) == 0


def test_every_value_has_a_bin_and_nulls_their_own():
    values = np.r_[np.arange(100.0), [np.nan] * 7, [50.0] * 30]
    counts = bin_counts(values, edges_of(values))
    assert counts.sum() == 137
    assert counts[-1] == 7
