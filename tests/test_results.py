"""The page of results is what its stored figures say, and its intervals and baseline are what they claim."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.results import __main__ as command
from benchmarks.results import berka_contribution, intervals, page, run, store
from benchmarks.results.baseline import as_baseline_columns, untuned_histgb, untuned_histgb_amount
from benchmarks.results.row import Figure, Goal, Published, Result, from_json, to_json

DOCS = Path(__file__).parents[1] / "docs"
ONE = Result(
    dataset="made_up",
    question="leaves in a month",
    question_zh="一个月内流失",
    protocol="train June, test July: out of time",
    rows=1_000,
    events=90,
    metric="AUC",
    ours=Figure(0.8, 0.77, 0.83),
    baseline=Figure(0.79, 0.76, 0.82),
    difference=Figure(0.01, -0.002, 0.022),
    published=(Published("0.79", "A. Author, A Journal, 2020", "their own split."),),
    differs="other months",
    goals=(Goal(0.79), Goal(0.0, "difference_low", kind="goal")),
)


def test_the_page_is_written_from_the_stored_figures_and_not_by_hand():
    stored = store.read(DOCS / "results.json")
    assert (DOCS / "results.json").read_text(encoding="utf-8") == store.text_of(stored)
    assert (DOCS / "results.md").read_text(encoding="utf-8") == command.page_from(DOCS)


def test_a_figure_comes_back_from_its_file_as_it_went_in():
    assert from_json(to_json(ONE)) == ONE


def test_the_table_shows_figures_intervals_and_which_bars_are_met():
    row = page.table_of([ONE]).splitlines()[-1]
    assert "1,000 (90)" in row
    assert "0.8000 [0.7700, 0.8300]" in row
    assert "+0.0100 [-0.0020, +0.0220]" in row
    assert row.endswith("| floor ≥ 0.79<br>goal: difference, lower end ≥ 0 | yes<br>**no** |")


def test_a_bar_that_falls_is_met_from_below():
    assert ONE.reached(Goal(0.85, "high", at_most=True)) is True
    assert ONE.reached(Goal(0.75, at_most=True)) is False
    assert replace(ONE, difference=None).reached(Goal(0.0, "difference")) is None


def test_an_interval_that_is_none_is_refused():
    with pytest.raises(ValueError, match="a figure with an interval is expected"):
        Figure(0.8, float("nan"), 0.9)


def test_the_mean_of_one_unit_has_no_width_and_units_are_drawn_whole():
    same = intervals.mean_figure([1.0, 3.0, 5.0], units=["a", "a", "a"])
    assert (same.value, same.low, same.high) == (3.0, 3.0, 3.0)
    # Two units of the values 0 and 10: a quarter of the draws holds only the one, a quarter only the other.
    two = intervals.mean_figure([0.0, 0.0, 10.0, 10.0], units=[1, 1, 2, 2])
    assert (two.value, two.low, two.high) == (5.0, 0.0, 10.0)


def test_the_interval_of_a_mean_is_that_of_its_standard_error():
    values = np.random.default_rng(3).normal(size=2_000)
    found = intervals.mean_figure(values)
    width = 2 * 1.96 * values.std() / np.sqrt(len(values))
    assert found.high - found.low == pytest.approx(width, rel=0.1)


def test_auc_and_its_paired_difference_agree_with_scikit_learn():
    rng = np.random.default_rng(5)
    y = rng.integers(0, 2, 500)
    ours, other = y + rng.normal(size=500), y + 2 * rng.normal(size=500)
    assert intervals.auc_figure(y, ours).value == pytest.approx(roc_auc_score(y, ours), abs=1e-12)
    difference = intervals.paired_difference(y, ours, other)
    assert difference.value == pytest.approx(roc_auc_score(y, ours) - roc_auc_score(y, other), abs=1e-12)
    assert difference.low > 0
    assert intervals.paired_difference(y, ours, ours) == Figure(0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("metric", "predicted", "value"),
    [
        ("RMSE", [2.0, 4.0, 0.0], np.sqrt(14 / 3)),
        ("MAE", [2.0, 4.0, 0.0], 2.0),
        ("correlation", [1.0, 3.0, 2.0], 0.5),
        ("normalised Gini", [1.0, 3.0, 2.0], 0.5),
    ],
)
def test_metrics_of_amounts_by_hand(metric, predicted, value):
    statistic = intervals.METRICS[metric](np.array([1.0, 2.0, 3.0]), np.array(predicted))
    assert statistic(np.ones((1, 3)))[0] == pytest.approx(value)


def test_a_weight_counts_a_row_as_often_as_it_says():
    y, p = np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.9, 0.4])
    for name in ("RMSE", "MAE", "log loss", "correlation"):
        weighted = intervals.METRICS[name](y, p)(np.array([[1.0, 2.0, 1.0]]))[0]
        repeated = intervals.METRICS[name](y[[0, 1, 1, 2]], p[[0, 1, 1, 2]])(np.ones((1, 4)))[0]
        assert weighted == pytest.approx(repeated), name


def test_the_baseline_reads_text_as_categories_and_an_unseen_level_as_missing():
    train = pd.DataFrame({"n": [1, 2, 3], "flag": [True, False, True], "place": ["a", "b", None]})
    test = pd.DataFrame({"n": [4.0], "flag": [False], "place": ["z"]})
    learned, judged = as_baseline_columns(train, test)
    assert list(learned["place"].cat.categories) == ["a", "b"]
    assert judged["place"].isna().all()
    assert learned["flag"].tolist() == [1.0, 0.0, 1.0]
    empty = as_baseline_columns(train.assign(none=np.nan), test.assign(none=1.0))
    assert [list(part.columns) for part in empty] == [["n", "flag", "place"]] * 2
    with pytest.raises(ValueError, match="columns differ"):
        as_baseline_columns(train, test.drop(columns="n"))


def test_a_column_of_a_few_values_does_not_stop_the_baseline():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"x": rng.normal(size=10_100), "rare": np.nan})
    label = (frame["x"] + rng.normal(size=len(frame)) > 0).to_numpy(float)
    for row in range(30):
        rare = frame.assign(rare=np.where(np.arange(len(frame)) == row, 1.0, np.nan))
        assert [list(part) for part in as_baseline_columns(rare, rare)] == [["x"], ["x"]]
    assert roc_auc_score(label, untuned_histgb(rare, label, rare)) > 0.7


def test_the_baseline_finds_a_category_that_decides():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"place": rng.choice([f"p{i}" for i in range(300)], 4_000), "noise": rng.normal(size=4_000)})
    label = (frame["place"].str.slice(1).astype(int) % 2 == 0).to_numpy(float)
    p = untuned_histgb(frame[:3_000], label[:3_000], frame[3_000:])
    assert roc_auc_score(label[3_000:], p) > 0.85
    amount = untuned_histgb_amount(frame[:3_000], 10 * label[:3_000], frame[3_000:])
    assert amount[label[3_000:] == 1].mean() > amount[label[3_000:] == 0].mean() + 4
    with pytest.raises(ValueError, match="both of them"):
        untuned_histgb(frame, np.ones(len(frame)), frame)


def test_one_data_set_is_measured_again_and_the_others_stay(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "here"
    folder.mkdir()
    (folder / "a.csv").write_text("1\n")
    monkeypatch.setattr(command, "DOCS", tmp_path)
    monkeypatch.setattr(run, "datasets", lambda: {"first": folder, "second": folder, "absent": None})
    monkeypatch.setattr(run, "measure_apart", lambda name: (replace(ONE, dataset=name),))
    monkeypatch.setattr(sys, "argv", ["results"])
    assert command.main() == 0
    assert "absent: skipped" in capsys.readouterr().out
    monkeypatch.setattr(run, "measure_apart", lambda name: (replace(ONE, dataset=name, rows=7),))
    monkeypatch.setattr(sys, "argv", ["results", "--only", "second"])
    assert command.main() == 0
    measured = store.read(tmp_path / "results.json").measured
    assert {name: entry.results[0].rows for name, entry in measured.items()} == {"first": 1_000, "second": 7}
    written = (tmp_path / "results.md").read_text(encoding="utf-8")
    assert "略过: absent" in written
    assert store.digests(folder)["a.csv"] in written


def test_a_data_set_that_fails_keeps_its_figures_and_ends_the_command_with_1(tmp_path, monkeypatch, capsys):
    def broken(name):
        raise RuntimeError(f"{name} failed with exit code 3")

    monkeypatch.setattr(command, "DOCS", tmp_path)
    (tmp_path / "results.json").write_text(store.text_of(store.Stored({"first": store.Measured((ONE,), {}, {})})))
    monkeypatch.setattr(run, "datasets", lambda: {"first": tmp_path})
    monkeypatch.setattr(run, "measure_apart", broken)
    monkeypatch.setattr(sys, "argv", ["results"])
    assert command.main() == 1
    assert "exit code 3" in capsys.readouterr().err
    assert store.read(tmp_path / "results.json").measured["first"].results == (ONE,)


def test_a_measuring_process_that_dies_is_told_with_its_last_words(monkeypatch, tmp_path):
    monkeypatch.setenv("CRMML_DATA", str(tmp_path))
    died = subprocess.CompletedProcess([], 4, "", "SourceError: no rows [D018]")
    monkeypatch.setattr(run.subprocess, "run", lambda *_, **__: died)
    with pytest.raises(RuntimeError, match=r"made_up failed with exit code 4:\nSourceError: no rows \[D018\]"):
        run.measure_apart("made_up")


def test_a_contribution_is_set_beside_its_rivals_with_and_without_the_loss():
    rng = np.random.default_rng(5)
    known = rng.gamma(2.0, 500.0, 120)
    loss = np.where(rng.random(120) < 0.1, 3_000.0, 0.0)
    found = berka_contribution.Foreseen(
        words="made-up customers",
        words_zh="虚构客户",
        actual=known - loss,
        ours=known + rng.normal(0, 50, 120),
        carried=known + rng.normal(0, 400, 120),
        direct=np.full(120, known.mean()) + rng.normal(0, 1, 120),
        actual_without_loss=known,
        ours_without_loss=known + rng.normal(0, 50, 120),
        carried_without_loss=known + rng.normal(0, 400, 120),
        note="by hand",
    )
    results = list(berka_contribution._results(found))
    assert [(result.metric, result.difference is None) for result in results] == [
        *[("normalised Gini", False), ("MAE", False)] * 3,
        ("gap of the mean, crowns", True),
    ]
    without = next(result for result in results if "before expected loss" in result.question)
    assert without.difference.low > 0
    assert without.ours.value > 0.9
    # Nobody foresaw the losses: the forecast lies above what came by their mean.
    assert results[-1].ours.value == pytest.approx(loss.mean(), abs=20)
