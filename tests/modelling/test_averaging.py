import lightgbm as lgb
import numpy as np
import pytest

from crmml.bundle.booster import Booster, canonical_text
from crmml.modelling.averaging import average
from crmml.modelling.boosting import Binned, Growth, run_folds
from crmml.modelling.splits import customer_folds

FOUND = {"min_data_in_leaf": 20}


def table(*, binary=True):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(1200, 5))
    X[rng.random(1200) < 0.1, 0] = np.nan
    X[:, 4] = rng.integers(0, 6, 1200)
    score = np.nan_to_num(X[:, 0]) - 0.5 * X[:, 1] + (X[:, 4] == 2) - 1
    y = (rng.random(1200) < 1 / (1 + np.exp(-score))).astype(float) if binary else 1000 + 300 * score
    return X, y


def binned(seeds, *, binary=True, threads=1, monotone=()):
    X, y = table(binary=binary)
    growth = Growth(is_binary=binary, fixed={}, seed=7, threads=threads, seeds=seeds, monotone=monotone)
    return Binned(X, y, [4], growth)


def members(count, *, binary=True, trees=25):
    X, y = table(binary=binary)
    growth = Growth(is_binary=binary, fixed={}, seed=7, threads=1)
    texts = []
    for member in range(count):
        data = lgb.Dataset(X, label=y, categorical_feature=[4], params=growth.params(FOUND))
        # Of different length, as when one of them finds no split any more.
        texts.append(canonical_text(lgb.train(growth.params(FOUND, member=member), data, trees - 3 * member)))
    return X, texts


@pytest.mark.parametrize("binary", [True, False])
def test_the_raw_score_is_the_mean_of_the_boosters(binary):
    X, texts = members(5, binary=binary)
    each = [Booster(text).margin(X) for text in texts]
    assert np.abs(each[0] - each[1]).max() > 1e-3
    gap = Booster(average(texts)).margin(X) - np.mean(each, axis=0)
    assert np.abs(gap).max() < 1e-12 * max(1, np.abs(each[0]).max())


def test_contributions_are_the_means_of_the_boosters_and_add_up():
    X, texts = members(3)
    each = [Booster(text).contributions(X) for text in texts]
    contributions, base = Booster(average(texts)).contributions(X)
    assert np.abs(contributions - np.mean([values for values, _ in each], axis=0)).max() < 1e-12
    assert base == pytest.approx(np.mean([start for _, start in each]), abs=1e-12)
    assert np.abs(contributions.sum(axis=1) + base - Booster(average(texts)).margin(X)).max() < 1e-12


def test_a_booster_that_found_no_split_is_averaged_as_a_constant():
    X, texts = members(1)
    y = table()[1]
    constant = lgb.train({"objective": "binary", "min_data_in_leaf": 1100, "verbosity": -1}, lgb.Dataset(X, y), 2)
    flat = canonical_text(constant).split("feature_infos=")[0] + "feature_infos="
    infos = texts[0].split("feature_infos=")[1].split("\n")[0]
    text = flat + infos + "\n" + canonical_text(constant).split("feature_infos=")[1].split("\n", 1)[1]
    both = Booster(average([texts[0], text]))
    expected = (Booster(texts[0]).margin(X) + constant.predict(X, raw_score=True)) / 2
    assert np.abs(both.margin(X) - expected).max() < 1e-12


def test_importances_are_those_of_all_boosters():
    _, texts = members(2)
    total = lgb.Booster(model_str=average(texts)).feature_importance()
    assert (total == sum(lgb.Booster(model_str=text).feature_importance() for text in texts)).all()


def test_one_booster_is_left_as_it_is():
    _, texts = members(1)
    assert average(texts) == texts[0]


def test_boosters_of_other_columns_are_refused():
    X, y = table()
    _, texts = members(1)
    narrow = lgb.train({"objective": "binary", "verbosity": -1}, lgb.Dataset(X[:, :3], y), 2)
    with pytest.raises(ValueError, match="differ in columns or objective"):
        average([texts[0], canonical_text(narrow)])


def test_a_fit_on_several_seeds_is_the_same_on_any_number_of_threads():
    texts = {binned(3, threads=threads).fit(FOUND, 20) for threads in (1, 2, 4)}
    assert len(texts) == 1
    assert Booster(texts.pop()).trees == 60


def test_the_mean_of_monotone_boosters_is_monotone():
    text = binned(4, monotone=(1, 0, 0, 0, 0)).fit({}, 30)
    X = np.tile(table()[0][7], (50, 1))
    X[:, 0] = np.linspace(-3, 3, 50)
    margin = Booster(text).margin(X)
    assert (np.diff(margin) >= 0).all()
    assert margin[-1] > margin[0]


def test_scores_out_of_fold_do_not_depend_on_the_labels_of_the_fold():
    X, y = table()
    fold = customer_folds(np.arange(1200) % 100)[0]
    changed = y.copy()
    changed[fold.valid] = 1 - y[fold.valid]
    growth = Growth(is_binary=True, fixed={}, seed=7, threads=1, seeds=2)
    said, again = (Binned(X, labels, [4], growth).raw_scores([fold], FOUND, 15)[0] for labels in (y, changed))
    assert (said == again).all()
    alone = Binned(X, y, [4], Growth(is_binary=True, fixed={}, seed=7, threads=1)).raw_scores([fold], FOUND, 15)[0]
    assert np.corrcoef(said, alone)[0, 1] > 0.9
    assert np.abs(said - alone).max() > 1e-3


def test_folds_judge_the_mean_of_the_seeds():
    folds = customer_folds(np.arange(1200) % 100)[:3]
    curve = run_folds(binned(4), folds, FOUND, metric="log_loss", max_trees=60, seeds=4)
    scores = binned(4).raw_scores(folds, FOUND, curve.trees)
    y = table()[1]
    losses = [np.mean(np.log1p(np.exp(-np.where(y[f.valid] == 1, s, -s)))) for f, s in zip(folds, scores, strict=True)]
    assert curve.value == pytest.approx(-np.mean(losses), abs=1e-9)
    assert curve.value > run_folds(binned(1), folds, FOUND, metric="log_loss", max_trees=60).value
