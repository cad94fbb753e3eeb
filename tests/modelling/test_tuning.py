import numpy as np
import pytest

from crmml.modelling.boosting import Binned, Growth, run_folds
from crmml.modelling.fit import thin
from crmml.modelling.spec import Tuning
from crmml.modelling.splits import Fold, customer_folds
from crmml.modelling.tuning import read_trials, tune

TUNING = Tuning(trials=6, max_trees=25)


class Killed(BaseException):
    pass


@pytest.fixture
def binned():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(900, 6))
    y = (rng.random(900) < 1 / (1 + np.exp(1 - X[:, 0] + 0.5 * X[:, 1]))).astype(float)
    return Binned(X, y, [], Growth(is_binary=True, fixed={}, seed=7, threads=1))


@pytest.fixture
def folds():
    return customer_folds(np.arange(900) % 100)[:2]


def test_an_interrupted_search_goes_on_as_if_it_had_not_been(binned, folds, tmp_path):
    whole = tune(binned, folds, TUNING, storage=tmp_path / "whole.journal", fingerprint="f")

    def stop_after_three(finished, _):
        if finished == 3:
            raise Killed

    part = tmp_path / "part.journal"
    with pytest.raises(Killed):
        tune(binned, folds, TUNING, storage=part, fingerprint="f", on_trial=stop_after_three)
    assert len(read_trials(part, "f")) == 3
    assert tune(binned, folds, TUNING, storage=part, fingerprint="f") == whole
    assert read_trials(part, "f") == read_trials(tmp_path / "whole.journal", "f")


def test_a_search_killed_inside_a_trial_draws_that_trial_again(binned, folds, tmp_path, monkeypatch):
    whole = tune(binned, folds, TUNING, storage=tmp_path / "whole.journal", fingerprint="f")
    calls = []

    def kill_the_third(*args, **kwargs):
        calls.append(1)
        if len(calls) == 3:
            raise Killed
        return run_folds(*args, **kwargs)

    monkeypatch.setattr("crmml.modelling.tuning.run_folds", kill_the_third)
    with pytest.raises(Killed):
        tune(binned, folds, TUNING, storage=tmp_path / "part.journal", fingerprint="f")
    assert tune(binned, folds, TUNING, storage=tmp_path / "part.journal", fingerprint="f") == whole
    assert read_trials(tmp_path / "part.journal", "f") == read_trials(tmp_path / "whole.journal", "f")


def test_a_search_is_at_least_as_good_as_the_defaults_it_begins_with(binned, folds, tmp_path):
    defaults = run_folds(binned, folds, {}, metric="gini", max_trees=25)
    found = tune(binned, folds, TUNING, storage=tmp_path / "s.journal", fingerprint="f")
    first = read_trials(tmp_path / "s.journal", "f")[0]
    assert first["value"] == pytest.approx(defaults.value)
    assert found.value >= defaults.value


def test_what_the_config_fixes_is_not_searched(folds, tmp_path, binned):
    growth = Growth(is_binary=True, fixed={"learning_rate": 0.1, "num_leaves": 7}, seed=7, threads=1)
    fixed = Binned(binned.X, binned.y, [], growth)
    found = tune(fixed, folds, Tuning(trials=2, max_trees=10), storage=tmp_path / "s.journal", fingerprint="f")
    assert not {"learning_rate", "num_leaves"} & set(found.params)


def test_more_trials_continue_the_same_search(binned, folds, tmp_path):
    tune(binned, folds, Tuning(trials=2, max_trees=20), storage=tmp_path / "s.journal", fingerprint="f")
    first = read_trials(tmp_path / "s.journal", "f")
    tune(binned, folds, Tuning(trials=3, max_trees=20), storage=tmp_path / "s.journal", fingerprint="f")
    assert read_trials(tmp_path / "s.journal", "f")[:2] == first


def test_folds_are_the_same_on_any_number_of_threads(binned, folds):
    values = []
    for threads in (1, 2):
        growth = Growth(is_binary=True, fixed={}, seed=7, threads=threads)
        values.append(run_folds(Binned(binned.X, binned.y, [], growth), folds, {}, metric="log_loss", max_trees=30))
    assert values[0] == values[1]


def test_the_search_of_many_rows_keeps_whole_customers():
    customers = np.repeat([f"C{number}" for number in range(20_000)], 3)
    rows = np.arange(len(customers))
    thinned = thin((Fold(rows[:40_000], rows[40_000:]),), customers, np.ones(len(rows), dtype=bool))[0]
    kept = np.concatenate([thinned.train, thinned.valid])
    assert 18_000 < len(kept) < 22_000
    _, counts = np.unique(customers[kept], return_counts=True)
    assert (counts == 3).all()
