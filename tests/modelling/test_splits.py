from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmml.errors import ConfigError
from crmml.modelling.spec import LightGBM, Split, Tuning
from crmml.modelling.splits import (
    assign_rows,
    check_purge,
    customer_folds,
    make_folds,
    quarter_ends,
)
from crmml.periods import Horizon, month_ends

MONTHS = tuple(month_ends(date(2024, 1, 31), date(2024, 12, 31)))


def frame(dates, buckets, events=None):
    return pd.DataFrame(
        {
            "cutoff_date": pd.to_datetime(list(dates)),
            "hash_bucket": buckets,
            "event_id": events or [None] * len(buckets),
        }
    )


def test_a_training_label_that_reaches_past_the_first_test_cutoff_is_refused_with_both_ranges():
    split = Split(MONTHS[:6], (date(2024, 9, 30),))
    check_purge(split, Horizon(3))
    with pytest.raises(ConfigError, match=r"2024-06-30 is drawn from \]2024-07-31, 2024-10-31\].*2024-09-30.*C006"):
        check_purge(split, Horizon(3, gap=1))


def test_held_out_customers_are_tested_and_never_trained_on():
    dates = [MONTHS[0], MONTHS[0], MONTHS[11], MONTHS[11], MONTHS[5]]
    train, test = assign_rows(frame(dates, [19, 20, 19, 20, 50]), Split(MONTHS[:3], MONTHS[11:]))
    assert train.tolist() == [False, True, False, False, False]
    assert test.tolist() == [False, False, True, True, False]


def test_events_count_from_the_first_to_the_last_day():
    dates = [date(2024, 1, 5), date(2024, 3, 17), date(2024, 9, 2)]
    split = Split((date(2024, 1, 1), date(2024, 3, 31)), (date(2024, 9, 1), date(2024, 9, 30)))
    train, test = assign_rows(frame(dates, [30, 30, 30], ["l1", "l2", "l3"]), split)
    assert (train.tolist(), test.tolist()) == ([True, True, False], [False, False, True])


def history(months=12, customers=200, share=0.3):
    days = np.repeat(np.array(MONTHS[:months], dtype="datetime64[D]"), customers)
    buckets = np.tile(np.arange(customers) % 100, months)
    return days, buckets, np.random.default_rng(0).random(len(days)) < share


def test_a_fold_learns_only_from_labels_that_had_ended_by_its_cutoff():
    days, buckets, events = history()
    folds = make_folds(days, buckets, events, Horizon(3), at_most=3)
    assert folds.kind == "time-forward"
    for fold in folds.folds:
        judged = days[fold.valid].min()
        assert len(np.unique(days[fold.valid])) == 1
        assert days[fold.train].max() <= judged.astype("datetime64[M]") - np.timedelta64(2, "M")
    assert days[folds.folds[-1].valid].max() == days.max()


def test_one_training_cutoff_makes_customer_folds_and_says_so():
    days, buckets, events = history(months=1, customers=2000)
    folds = make_folds(days, buckets, events, Horizon(3), at_most=3)
    assert (folds.kind, folds.reason) == ("by customer", "too few training cut-offs for folds that go forward")


def test_few_events_make_customer_folds_and_say_so():
    days, buckets, _ = history()
    few = np.arange(len(days)) % 12 == 0
    folds = make_folds(days, buckets, few, Horizon(3), at_most=3)
    assert (folds.kind, folds.reason) == ("by customer", "200 events, fewer than 300")


def test_customer_folds_share_no_customer_and_cover_every_row_once():
    buckets = np.random.default_rng(0).integers(20, 100, 1000)
    folds = customer_folds(buckets)
    assert sorted(np.concatenate([fold.valid for fold in folds]).tolist()) == list(range(1000))
    for fold in folds:
        assert not set(buckets[fold.train]) & set(buckets[fold.valid])


def test_a_quarter_ends_with_its_last_day():
    days = np.array(["2024-01-01", "2024-03-31", "2024-12-05"], dtype="datetime64[D]")
    assert quarter_ends(days).astype(str).tolist() == ["2024-03-31", "2024-03-31", "2024-12-31"]


@pytest.mark.parametrize(
    "params", [{"boosting": "dart"}, {"boosting": "rf"}, {"linear_tree": True}, {"objective": "l2"}, {"num_threads": 2}]
)
def test_parameters_that_would_spoil_reasons_or_the_hash_are_refused(params):
    with pytest.raises(ConfigError, match="C010"):
        LightGBM(params)


def test_an_unknown_metric_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"expected gini, auc or log_loss\. Did you mean 'gini'"):
        Tuning(metric="ginni")
