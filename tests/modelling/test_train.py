from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmml import bundle as bundles
from crmml.errors import ConfigError, GateError, SourceError
from crmml.evaluation.gates import Gates, judge
from crmml.modelling.boosting import Binned, Curve, Growth
from crmml.modelling.calibration import calibrate_log_odds, calibration_folds
from crmml.modelling.fit import confirm, make_growth
from crmml.modelling.preparation import prepare
from crmml.modelling.spec import FewEvents, LightGBM, Split, Tuning
from crmml.modelling.splits import Folds
from crmml.modelling.train import train
from crmml.modelling.tuning import Tuned
from crmml.periods import Horizon
from tests.modelling.synthetic import (
    LATER,
    TRAIN,
    Contribution,
    Default,
    make_abt,
    make_money_abt,
    make_spec,
    quick_train,
)


@pytest.fixture(scope="module")
def abt():
    return make_abt()


@pytest.fixture(scope="module")
def trained(abt, tmp_path_factory):
    return quick_train(abt, make_spec(), tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="module")
def money(tmp_path_factory):
    spec = make_spec(Contribution(), name="demo.contribution", tuning=Tuning(trials=0, max_trees=60))
    return quick_train(make_money_abt(), spec, tmp_path_factory.mktemp("studies"))


def texts(trained):
    return [part.text for part in trained.bundle.parts]


def test_the_true_drivers_come_first(trained):
    assert list(trained.importance)[:2] == ["salary", "balances"]
    assert sum(trained.importance.values()) == pytest.approx(1)


def test_enough_events_leave_no_word_of_few(trained):
    assert trained.metrics["tested_on"] == "later cut-offs, all customers"


def test_later_months_are_ranked_and_calibrated(trained):
    head = trained.metrics["headline"]
    assert head["auc"]["value"] > 0.72
    assert head["calibration_slope"]["low"] < 1.15
    assert head["calibration_slope"]["high"] > 0.9
    assert trained.metrics["never_trained_on"]["auc"]["value"] > 0.7
    assert [part["cutoff_date"] for part in trained.metrics["per_cutoff"]] == ["2024-12-31", "2025-03-31"]


def test_contributions_add_up_to_the_served_log_odds(trained, abt):
    X = trained.bundle.encode(abt.frame)
    contributions, base = trained.bundle.contributions(X)
    assert np.abs(contributions.sum(axis=1) + base - trained.bundle.log_odds(X)).max() < 1e-12
    assert trained.metrics["exactness"] < 1e-12


def test_effects_against_peers_add_up_to_the_distance_from_them(trained, abt):
    X = trained.bundle.encode(abt.frame)
    contributions, _ = trained.bundle.contributions(X)
    peers, mean = trained.bundle.peer_contributions(trained.bundle.segments(abt.frame))
    effects = (contributions - peers).sum(axis=1)
    assert np.abs(effects - (trained.bundle.log_odds(X) - mean)).max() < 1e-12


@pytest.mark.parametrize("threads", [2, 4])
def test_the_model_is_the_same_on_any_number_of_threads(abt, trained, tmp_path, threads):
    again = quick_train(abt, make_spec(), tmp_path, threads=threads, resamples=2)
    assert texts(again) == texts(trained)
    assert again.bundle.reference == trained.bundle.reference


def test_the_model_is_the_same_for_shuffled_rows(abt, trained, tmp_path):
    shuffled = replace(abt, frame=abt.frame.sample(frac=1, random_state=3).reset_index(drop=True))
    again = quick_train(shuffled, make_spec(), tmp_path, resamples=2)
    assert texts(again) == texts(trained)
    saved = [model.save(tmp_path / name).digest for model, name in ((again, "a"), (trained, "b"))]
    assert saved[0] == saved[1]


def test_test_rows_and_held_out_customers_change_nothing_that_is_served(abt, trained, tmp_path):
    frame = abt.frame.copy()
    strange = frame["cutoff_date"].isin(pd.to_datetime(list(LATER))) | (frame["hash_bucket"] < 20)
    frame.loc[strange, ["salary", "balance", "noise_0"]] *= 1000
    frame.loc[strange, "branch"] = "Z"
    again = quick_train(replace(abt, frame=frame), make_spec(), tmp_path, resamples=2)
    assert again.save(tmp_path / "again").digest == trained.save(tmp_path / "first").digest


def test_columns_that_never_vary_are_left_out_with_the_reason(trained):
    assert trained.dropped == {"constant": "always 1.0 on training rows"}


def test_rare_levels_share_a_code_and_unseen_ones_are_counted(trained, abt):
    levels = trained.bundle.encoding.levels["branch"]
    assert levels == {"A": 0, "B": 1, "C": 2, "rare": 3}
    frame = abt.frame.head(4).assign(branch=["A", "new", None, "rare"])
    X = trained.bundle.encode(frame)
    position = trained.bundle.names.index("branch")
    assert X[:, position][[0, 3]].tolist() == [0.0, 3.0]
    assert np.isnan(X[[1, 2], position]).all()
    assert trained.bundle.unseen == {"branch": 1}


def test_a_risk_model_never_rises_where_its_sign_says_fall(abt, tmp_path):
    model = quick_train(abt, make_spec(Default(), name="demo.default"), tmp_path, resamples=2).bundle
    X = model.encode(abt.frame.dropna(subset=["salary"]).head(500))
    for name in ("salary", "balance"):
        higher = X.copy()
        higher[:, model.names.index(name)] += np.linspace(0.01, 3, len(X))
        assert (model.log_odds(higher) <= model.log_odds(X)).all()


def test_noise_has_an_auc_of_one_half_and_is_refused(tmp_path):
    abt = make_abt(strength=0.0, customers=1500, seed=11)
    frame = abt.frame.assign(branch=np.random.default_rng(0).choice(["A", "B"], len(abt.frame)))
    try:
        noise = quick_train(replace(abt, frame=frame), make_spec(), tmp_path)
    except GateError as error:
        assert "calibration slope" in str(error)  # noqa: PT017 - a refusal at calibration is one of two good ends
        return
    assert noise.metrics["headline"]["auc"]["value"] == pytest.approx(0.5, abs=0.05)
    assert any(not result.passed for result in judge(Gates(), noise.metrics))


def test_scores_that_rank_nobody_are_refused_at_calibration():
    with pytest.raises(GateError, match=r"slope on 4 rows.*-.*expected a positive one.*G002"):
        margins, label = np.array([0.0, 1.0, 0.5, 2.0]), np.array([1.0, 1.0, 0.0, 0.0])
        calibrate_log_odds(margins, label, np.array(list("abcd")), np.zeros(4, dtype=np.int64), model="demo.churn")


def test_few_events_are_refused_with_counts(abt, tmp_path):
    frame = abt.frame.assign(label=(np.arange(len(abt.frame)) % 199 == 0).astype(float))
    with pytest.raises(SourceError, match=r"demo.churn: \d+ events \(< 50\) among .*D019"):
        quick_train(replace(abt, frame=frame), make_spec(), tmp_path)


def test_few_events_are_learned_from_where_the_config_says_so_and_every_figure_repeats_it(abt, tmp_path):
    rng = np.random.default_rng(3)
    days = pd.to_datetime(abt.frame["cutoff_date"])
    learned = days.isin(pd.to_datetime(list(TRAIN))).to_numpy() & (abt.frame["hash_bucket"] >= 20).to_numpy()
    kept = np.ones(len(abt.frame), dtype=bool)
    events = np.flatnonzero(learned & (abt.frame["label"] == 1).to_numpy())
    kept[rng.permutation(events)[40:]] = False
    few = replace(abt, frame=abt.frame[kept].reset_index(drop=True))
    with pytest.raises(
        SourceError,
        match=r"40 events \(< 41\) among .*at least 41\. Add earlier cut-offs \(at this rate from about 2023-03 on\) or lengthen the horizon \[",
    ):
        quick_train(few, make_spec(few_events=FewEvents(41)), tmp_path)
    made = quick_train(few, make_spec(few_events=FewEvents(40)), tmp_path)
    needed = "fewer than 50 (for so many, at this rate, it would learn from about 2022-11 on)"
    assert made.metrics["tested_on"].endswith(f"; learned from 40 events, {needed}")
    assert made.metrics["tested_on_zh"].endswith(";由 40 个事件学得,少于 50 个(按此发生率,须自约 2022-11 起学习)")
    assert made.bundle.card["config"]["few_events"] == {"at_least": 40}


@pytest.mark.parametrize("at_least", [9, 51])
def test_few_events_has_bounds(at_least):
    with pytest.raises(ConfigError, match=rf"at_least is {at_least}; expected 10 to 50.*C005"):
        FewEvents(at_least)


def test_a_null_label_or_a_repeated_snapshot_is_refused(abt):
    spec = make_spec()
    with pytest.raises(SourceError, match="8,160 labels are null"):
        prepare(replace(abt, frame=abt.frame.assign(label=np.nan)), spec)
    twice = pd.concat([abt.frame, abt.frame.head(3)], ignore_index=True)
    with pytest.raises(SourceError, match="3 rows whose customer"):
        prepare(replace(abt, frame=twice), spec)


def test_labels_that_reach_the_test_months_are_refused(abt, tmp_path):
    with pytest.raises(ConfigError, match="C006"):
        train(abt, make_spec(horizon=Horizon(12)), studies=tmp_path)


def test_one_training_cutoff_is_tuned_by_customer_folds(abt, tmp_path):
    spec = make_spec(split=Split(TRAIN[-1:], LATER))
    card = quick_train(abt, spec, tmp_path, resamples=2).bundle.card
    assert card["tuning"]["folds"] == "by customer"


def test_goss_is_trained_with_exact_contributions(abt, tmp_path):
    spec = make_spec(lightgbm=LightGBM({"boosting": "goss"}))
    assert quick_train(abt, spec, tmp_path, resamples=2).metrics["exactness"] < 1e-12


def test_the_components_of_money_add_up_to_the_forecast(money):
    frame = make_money_abt().frame.head(300)
    X = money.bundle.encode(frame)
    amounts = money.bundle.predict_money(X)
    total = amounts["margin"] + amounts["fees"] - amounts["expected_loss"]
    total = total - amounts["service_cost"] - amounts["capital_charge"]
    assert (total == amounts["contribution"]).all()
    contributions, base = money.bundle.contributions(X)
    gap = np.abs(contributions.sum(axis=1) + base - amounts["contribution"]) / np.maximum(1, np.abs(total))
    assert gap.max() < 1e-9


def test_a_forecast_of_money_beats_last_year_and_has_the_right_level(money):
    report = money.metrics
    assert report["benchmark"]["name"] == "last year carried forward"
    assert report["benchmark"]["verdict"] == "real"
    assert report["benchmark"]["difference"]["value"] > 0.03
    assert report["headline"]["observed_over_expected"]["value"] == pytest.approx(1, abs=0.05)
    assert set(report["components"]) == {"margin", "fees", "expected_loss", "service_cost", "capital_charge"}


def test_money_without_last_years_features_is_learned_from_zero(tmp_path):
    abt = make_money_abt(customers=300)
    features = tuple(info for info in abt.features if info.name != "fees_12m")
    spec = make_spec(Contribution(), name="demo.contribution", tuning=Tuning(trials=0, max_trees=10))
    model = quick_train(replace(abt, features=features), spec, tmp_path, resamples=2).bundle
    assert {part.name: part.offset for part in model.parts}["fees"] is None


def test_event_cutoffs_are_tested_by_quarter(abt, tmp_path):
    rng = np.random.default_rng(2)
    shifts = pd.to_timedelta(rng.integers(0, 60, len(abt.frame)), unit="D")
    frame = abt.frame.assign(
        cutoff_date=abt.frame["cutoff_date"] + shifts, event_id=[f"L{row}" for row in range(len(abt.frame))]
    )
    days = [pd.Timestamp(day).date() for day in ("2023-03-31", "2024-08-31", "2024-12-31", "2025-05-31")]
    spec = make_spec(split=Split(tuple(days[:2]), tuple(days[2:])))
    model = quick_train(replace(abt, frame=frame), spec, tmp_path, resamples=5)
    assert [part["cutoff_date"] for part in model.metrics["per_cutoff"]] == ["2025-03-31", "2025-06-30"]


def test_a_saved_model_scores_as_the_one_in_memory(trained, abt, tmp_path):
    trained.save(tmp_path / "bundle")
    stored = bundles.load(tmp_path / "bundle")
    X = stored.encode(abt.frame)
    assert (stored.probability(X) == trained.bundle.probability(X)).all()
    assert stored.reference == trained.bundle.reference
    assert stored.features == trained.bundle.features


def test_the_mean_of_several_seeds_is_one_booster_with_exact_reasons(abt, trained, tmp_path):
    spec = make_spec(lightgbm=LightGBM(seeds=3))
    several = quick_train(abt, spec, tmp_path / "a", resamples=5)
    shuffled = replace(abt, frame=abt.frame.sample(frac=1, random_state=3).reset_index(drop=True))
    again = quick_train(shuffled, spec, tmp_path / "b", resamples=5, threads=2)
    assert several.save(tmp_path / "c").digest == again.save(tmp_path / "d").digest
    assert len(several.bundle.parts) == 1
    assert several.bundle.card["tuning"]["seeds"] == 3
    assert several.bundle.parts[0].booster.trees == 3 * several.bundle.card["tuning"]["trees"]["log_odds"]
    assert several.metrics["exactness"] < 1e-12
    assert several.metrics["headline"]["auc"]["value"] > trained.metrics["headline"]["auc"]["value"] - 0.003


def test_few_events_are_learned_by_several_seeds_unless_the_config_says_how_many(abt):
    def seeds(table, spec):
        return make_growth(prepare(table, spec), spec).seeds

    few = abt.frame["label"].eq(0) | abt.frame["customer_id"].isin(abt.frame["customer_id"].unique()[:150])
    sparse = replace(abt, frame=abt.frame[few].reset_index(drop=True))
    assert 50 <= sparse.frame["label"].sum() < 300 < abt.frame["label"].sum()
    assert (seeds(sparse, make_spec()), seeds(abt, make_spec())) == (5, 1)
    assert seeds(sparse, make_spec(lightgbm=LightGBM(seeds=2))) == 2
    money = make_spec(Contribution(), name="demo.contribution")
    assert seeds(make_money_abt(customers=100), money) == 1


def test_a_number_that_repeats_another_is_left_out_with_its_name(abt):
    twin = replace(abt.features[1], name="twin")
    near = replace(abt.features[1], name="near")
    frame = abt.frame.assign(twin=abt.frame["balance"], near=abt.frame["balance"].round(6))
    prepared = prepare(replace(abt, frame=frame, features=(*abt.features, twin, near)), make_spec())
    assert prepared.dropped["twin"] == "the same as balance on every training row"
    assert "near" in prepared.encoding.names


def test_defaults_take_the_place_of_what_a_search_found_where_they_are_better(monkeypatch):
    X = np.random.default_rng(0).normal(size=(400, 3))
    y = (np.arange(400) % 3 == 0).astype(float)
    binned = Binned(X, y, [], Growth(is_binary=True, fixed={}, seed=7, threads=1))
    values = {0.03: 0.7, 0.09: 0.6}
    monkeypatch.setattr(
        "crmml.modelling.fit.curve_of",
        lambda binned, folds, params, *_, **__: Curve(values[params["learning_rate"]], 40),
    )
    folds = Folds((), "by customer", "few")
    found = Tuned({"learning_rate": 0.09}, 9, 0.9, 5, 1)
    settled = confirm(found, binned, folds, Tuning(), metric="auc", seeds=1, is_thinned=True)
    assert (dict(settled.params), settled.trees, settled.value) == ({"learning_rate": 0.03}, 40, 0.7)
    assert confirm(found, binned, folds, Tuning(), metric="auc", seeds=1, is_thinned=False) == found
    values[0.09] = 0.8
    settled = confirm(found, binned, folds, Tuning(), metric="auc", seeds=5, is_thinned=False)
    assert (dict(settled.params), settled.trees, settled.value) == ({"learning_rate": 0.09}, 40, 0.8)


def test_calibration_takes_as_many_folds_of_customers_as_hold_many_events():
    buckets = np.repeat(np.arange(20), 50)
    events = np.arange(1000) % 2 == 0
    newest = np.flatnonzero(np.arange(1000) % 5 == 0)
    folds = calibration_folds(buckets, newest, events, many=25)
    assert len(folds) == 3
    for fold in folds:
        assert set(fold.valid) <= set(newest)
        assert not set(buckets[fold.train]) & set(buckets[fold.valid])
    assert len(calibration_folds(buckets, newest, events, many=10_000)) == 10


def test_the_card_tells_how_trees_were_chosen_and_calibrated(trained):
    told = trained.bundle.card["tuning"]
    assert told["trees_by"] == "cross-validation, 3 folds (time-forward), then grown on all training rows"
    calibrated = told["calibrated_on"]["log_odds"]
    assert calibrated["folds"] == 10
    assert calibrated["events"] >= 300
    assert calibrated["rows"] > calibrated["events"]
