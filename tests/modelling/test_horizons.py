"""One model of several horizons: rows stacked, labels purged by horizon, curves that never cross."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crmml import bundle as bundles
from crmml.abt import Abt
from crmml.bundle import HORIZON
from crmml.errors import ConfigError, SourceError
from crmml.modelling.calibration import calibration_folds
from crmml.modelling.curve_calibration import calibrate_horizons
from crmml.modelling.horizons import stack
from crmml.modelling.preparation import prepare
from crmml.modelling.spec import LightGBM, Split, Tuning
from crmml.modelling.splits import check_purge, make_folds
from crmml.periods import Horizons, month_ends
from crmml.registry.served import PyfuncModel
from crmml.scoring import Scorer, score_frame
from tests.modelling.synthetic import info, make_spec, quick_train, waterfall

STEPS = (1, 3, 6)
TRAIN = tuple(month_ends(date(2023, 3, 31), date(2024, 6, 30), every=3))
LATER = tuple(month_ends(date(2024, 9, 30), date(2025, 3, 31), every=3))
HORIZONS = Horizons(3, 0, STEPS)


def curve_abt(customers: int = 900, seed: int = 2) -> Abt:
    """A monthly chance of leaving that falls with salary; the 6-month label of the last cut-off is not known yet."""
    rng = np.random.default_rng(seed)
    frames = []
    for cutoff in TRAIN + LATER:
        salary = rng.normal(size=customers)
        hazard = 1 / (1 + np.exp(3.2 + 1.2 * salary))
        leaves = rng.geometric(hazard)
        labels = {f"label_{months}m": (leaves <= months).astype(float) for months in STEPS}
        if cutoff == LATER[-1]:
            labels["label_6m"] = np.full(customers, np.nan)
        frame = {
            "customer_id": [f"C{number:05d}" for number in range(customers)],
            "cutoff_date": pd.Timestamp(cutoff),
            "event_id": pd.Series([None] * customers, dtype="str"),
            "hash_bucket": np.arange(customers) * 37 % 100,
            "segment": "all",
            "salary": salary,
            "noise": rng.normal(size=customers),
            "label": labels["label_3m"],
        }
        frames.append(pd.DataFrame(frame | labels))
    infos = (info("salary", "salary"), info("noise", "profile"))
    return Abt(pd.concat(frames, ignore_index=True), infos, waterfall(1))


def curve_spec(**changes):
    settings = {
        "horizon": HORIZONS,
        "split": Split(TRAIN, LATER),
        "tuning": Tuning(trials=0, max_trees=60, metric="log_loss"),
        "lightgbm": LightGBM({"learning_rate": 0.1}),
    }
    return make_spec(**(settings | changes))


@pytest.fixture(scope="module")
def abt():
    return curve_abt()


@pytest.fixture(scope="module")
def trained(abt, tmp_path_factory):
    return quick_train(abt, curve_spec(), tmp_path_factory.mktemp("studies"))


def test_a_long_horizon_is_left_out_of_training_where_its_label_reaches_into_the_test(abt):
    stacked = stack(abt, curve_spec()).frame
    train = stacked[stacked["cutoff_date"] < pd.Timestamp(LATER[0])]
    last = train.groupby(HORIZON)["cutoff_date"].max().dt.date.to_dict()
    # The test begins on 2024-09-30: a 6-month label of June ends in December, a 3-month label in September.
    assert last == {1.0: date(2024, 6, 30), 3.0: date(2024, 6, 30), 6.0: date(2024, 3, 31)}


def test_a_horizon_is_tested_where_its_label_is_known(abt):
    stacked = stack(abt, curve_spec()).frame
    test = stacked[stacked["cutoff_date"] >= pd.Timestamp(LATER[0])]
    assert test.groupby(HORIZON)["cutoff_date"].nunique().to_dict() == {1.0: 3, 3.0: 3, 6.0: 2}


def test_customers_of_a_fold_stay_together_over_horizons(abt):
    prepared = prepare(abt, curve_spec())
    rows = prepared.train
    for fold in calibration_folds(prepared.buckets[rows], np.arange(len(rows)), np.ones(len(rows), bool), many=10**9):
        learned, judged = (set(prepared.customers[rows][part]) for part in (fold.train, fold.valid))
        assert not learned & judged
        assert set(prepared.horizons[rows][fold.valid]) == set(map(float, STEPS))


def test_a_fold_that_goes_forward_holds_every_horizon_on_both_sides_or_folds_are_of_customers(abt):
    prepared = prepare(abt, curve_spec())
    rows = prepared.train
    asked = prepared.days[rows], prepared.buckets[rows], prepared.column("label")[rows] == 1, HORIZONS
    forward = make_folds(*asked, at_most=3, months=prepared.horizons[rows])
    assert forward.kind == "time-forward"
    for fold in forward.folds:
        assert set(prepared.horizons[rows][fold.train]) == set(prepared.horizons[rows][fold.valid]) == {1.0, 3.0, 6.0}
    early = rows[prepared.days[rows] <= np.datetime64("2023-06-30")]
    asked = prepared.days[early], prepared.buckets[early], prepared.column("label")[early] == 1, HORIZONS
    by_customer = make_folds(*asked, at_most=3, months=prepared.horizons[early])
    assert (by_customer.kind, len(by_customer.folds)) == ("by customer", 3)


def test_no_curve_falls_on_any_row_also_of_values_never_seen(trained, abt):
    strange = abt.frame.assign(salary=abt.frame["salary"] * 50, noise=np.nan)
    for frame in (abt.frame, strange):
        chances = trained.bundle.probabilities(trained.bundle.encode(frame))
        assert list(chances) == list(STEPS)
        assert (np.diff(np.column_stack(list(chances.values())), axis=1) >= 0).all()
    assert trained.metrics["crossings"] == 0


def test_contributions_add_up_to_the_log_odds_at_each_horizon(trained, abt):
    for months in STEPS:
        bundle = trained.bundle.at(months)
        X = bundle.encode(abt.frame)
        contributions, base = bundle.contributions(X)
        assert np.abs(contributions.sum(axis=1) + base - bundle.log_odds(X)).max() < 1e-9


def test_every_horizon_ranks_and_has_the_level_of_its_own(trained):
    told = trained.metrics["horizons"]
    assert list(told) == ["1", "3", "6"]
    for months in told:
        head = told[months]["headline"]
        assert head["auc"]["low"] > 0.6
        assert 0.8 < head["observed_over_expected"]["value"] < 1.25
        assert 0.75 < head["calibration_slope"]["value"] < 1.3
    rates = [told[months]["headline"]["event_rate"] for months in told]
    assert rates == sorted(rates)


def test_the_headline_is_judged_beside_a_model_of_its_horizon_alone(trained):
    separate = trained.metrics["separate"]
    assert abs(separate["difference"]["value"]) < 0.03
    assert trained.metrics["headline"]["rows"] == len(trained.predictions)
    assert set(trained.curve[HORIZON]) == set(map(float, STEPS))


def test_a_stored_curve_serves_the_same_and_the_pyfunc_agrees_with_the_score_file(trained, abt, tmp_path):
    trained.save(tmp_path / "bundle")
    served = bundles.load(tmp_path / "bundle")
    assert served.horizon == 3
    assert HORIZON not in {known.name for known, _ in served.known_shares()}
    rows = abt.frame.head(40)
    scores, _ = score_frame(rows, Scorer(served, "demo.churn", "1"))
    table = PyfuncModel(served).predict(rows)
    for months in STEPS:
        assert (scores[f"prob_churn_{months}m"].to_numpy() == table[f"probability_{months}m"].to_numpy()).all()
    assert (scores["prob_churn"] == scores["prob_churn_3m"]).all()
    assert not scores.filter(like="_code").isin(["HORIZON+", "HORIZON-"]).any().any()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    levels=st.tuples(*[st.tuples(st.floats(-6, 6), st.floats(0.05, 4)) for _ in STEPS]),
    starts=st.tuples(*[st.floats(-5, 5) for _ in STEPS]),
)
def test_no_curve_falls_whatever_levels_and_slopes_its_horizons_have(trained, abt, levels, starts):
    part = trained.bundle.parts[0]
    drawn = replace(part, start=dict(zip(STEPS, starts, strict=True)), levels=dict(zip(STEPS, levels, strict=True)))
    bundle = replace(trained.bundle, parts=(drawn,))
    X = bundle.encode(abt.frame.head(300).assign(salary=np.linspace(-8, 8, 300)))
    odds = np.column_stack([bundle.log_odds(bundle.ahead(X, months)) for months in STEPS])
    assert (np.diff(odds, axis=1) >= 0).all()
    own = [
        intercept + slope * (start + part.booster.margin(bundle.ahead(X, months)))
        for months, (intercept, slope), start in zip(STEPS, levels, starts, strict=True)
    ]
    assert odds == pytest.approx(np.maximum.accumulate(np.column_stack(own), axis=1), abs=1e-12)
    for months, found in zip(STEPS, odds.T, strict=True):
        contributions, base = bundle.contributions(bundle.ahead(X, months))
        assert np.abs(contributions.sum(axis=1) + base - found).max() < 1e-9


def test_each_horizon_is_calibrated_by_a_slope_of_its_own():
    rng = np.random.default_rng(4)
    people = 6_000
    margins = {months: rng.normal(-2, 1, people) for months in STEPS}
    slopes = {1: 1.3, 3: 1.0, 6: 0.6}
    label = {m: (rng.random(people) < 1 / (1 + np.exp(-(0.2 * m + slopes[m] * margins[m])))) * 1.0 for m in STEPS}
    stacked = [np.concatenate([each[m] for m in STEPS]) for each in (margins, label)]
    months = np.repeat(np.array(STEPS, dtype=float), people)
    customers = np.tile(np.arange(people).astype(str), len(STEPS))
    levels = calibrate_horizons(*stacked, months, customers, np.zeros(len(months), dtype=np.int64), pooled=(0.0, 1.0))
    for step in STEPS:
        assert levels[step].slope == pytest.approx(slopes[step], abs=3 * levels[step].slope_error)
        assert levels[step].intercept == pytest.approx(0.2 * step, abs=0.25)
        log_odds = levels[step].intercept + levels[step].slope * margins[step]
        assert (1 / (1 + np.exp(-log_odds))).sum() == pytest.approx(label[step].sum())


def test_a_horizon_whose_scores_tell_nothing_takes_the_slope_of_the_others():
    rng = np.random.default_rng(4)
    margins = rng.normal(-1, 1, 4_000)
    label = (rng.random(4_000) < 1 / (1 + np.exp(-margins))) * 1.0
    months = np.repeat([1.0, 3.0], 2_000)
    label[:2_000] = 0.0
    label[np.argsort(margins[:2_000])[:15]] = 1.0
    rows = np.arange(4_000).astype(str), np.zeros(4_000, dtype=np.int64)
    levels = calibrate_horizons(margins, label, months, *rows, pooled=(0.0, 0.8))
    assert levels[1].slope == levels[3].slope == levels[3].found
    assert levels[1].slope_error is None


def test_a_horizon_with_few_events_is_refused_with_its_count(abt):
    frame = abt.frame.assign(label_1m=(abt.frame.index % 157 == 0).astype(float))
    with pytest.raises(SourceError, match=r"within 1 month: \d+ events \(< 50\).*at this rate from about"):
        stack(replace(abt, frame=frame), curve_spec())


def test_a_horizon_that_no_training_cutoff_has_a_label_of_is_refused():
    with pytest.raises(ConfigError, match="the 24-month label of the first training cut-off 2023-03-31"):
        check_purge(Split(TRAIN, LATER), Horizons(3, 0, (1, 3, 24)))


@pytest.mark.parametrize(
    ("steps", "headline", "found"),
    [((3, 1), 3, r"horizons are \[3, 1\]; expected"), ((3,), 3, "two or more"), ((1, 3), 6, "headline is 6")],
)
def test_horizons_rise_and_the_headline_is_one_of_them(steps, headline, found):
    with pytest.raises(ValueError, match=found):
        Horizons(headline, 0, steps)
