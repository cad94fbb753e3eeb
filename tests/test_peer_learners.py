"""Automated learners beside crmml: pairs of saved predictions, the rule over tables, what is kept when they are absent."""

import json
from dataclasses import replace
from pathlib import Path

import lightgbm as lgb
import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from benchmarks.peers import __main__ as command
from benchmarks.peers import blends, cases, compare, learners, page, tried_page
from benchmarks.results.row import Figure, Goal, Result
from crmml.modelling import boosting

ROWS = 400


def _saved(strength, *, seed=1, label=None):
    rng = np.random.default_rng(seed)
    y = np.random.default_rng(0).integers(0, 2, ROWS).astype(float) if label is None else label
    log_odds = strength * (2 * y - 1) + rng.normal(size=ROWS)
    return pd.DataFrame({"label": y, "row": np.arange(ROWS).astype(str), "probability": 1 / (1 + np.exp(-log_odds))})


def _compared(ours, **peers):
    sides = compare.compare({"crmml": ours, **peers}, {})
    return compare.Compared("表", "a table", "at random", ROWS, 200, 900, 4, 1, True, sides)


def test_a_difference_is_ours_less_the_peers_on_the_same_draws():
    ours, weak = _saved(1.0), _saved(0.2, seed=2)
    side = _compared(ours, histgb=weak).sides["histgb"]
    expected = roc_auc_score(ours["label"], ours["probability"]) - roc_auc_score(weak["label"], weak["probability"])
    assert side.difference.value == pytest.approx(expected, abs=1e-12)
    assert side.difference.low > 0
    assert _compared(ours, histgb=ours).sides["histgb"].difference == Figure(0.0, 0.0, 0.0)


def test_the_rule_is_broken_by_a_best_peer_that_is_surely_better_and_by_nothing_else():
    strong, middle, weak = _saved(1.2), _saved(0.5, seed=2), _saved(0.1, seed=3)
    assert _compared(strong, histgb=weak, flaml=middle).holds
    broken = _compared(middle, histgb=weak, flaml=strong)
    assert (broken.best, broken.holds) == ("flaml", False)
    near = _compared(middle, flaml=_saved(0.52, seed=4))
    assert near.sides["flaml"].difference.low < 0 < near.sides["flaml"].difference.high
    assert near.holds


def test_a_learner_judged_on_other_rows_is_refused():
    ours = _saved(1.0)
    with pytest.raises(ValueError, match="flaml was judged on other rows"):
        _compared(ours, flaml=ours.assign(row=ours["row"].iloc[::-1].to_numpy()))


def test_the_mean_to_the_strongest_counts_the_tables_it_learned():
    one, other = (_compared(_saved(1.0), autogluon_good=_saved(x, seed=7)) for x in (0.5, 1.5))
    mean, tables = compare.mean_to_strongest([one, other, _compared(_saved(1.0), histgb=_saved(0.5))])
    values = [part.sides["autogluon_good"].difference.value for part in (one, other)]
    assert (mean, tables) == (pytest.approx(np.mean(values)), 2)


def test_probabilities_that_are_drawn_from_hold_the_calibration_and_sharpened_ones_do_not():
    rng = np.random.default_rng(11)
    log_odds = rng.normal(-1, 1, 4_000)
    p = 1 / (1 + np.exp(-log_odds))
    y = (rng.random(len(p)) < p).astype(float)
    frame = pd.DataFrame({"label": y, "probability": p, "row": np.arange(len(p)).astype(str)})
    assert compare.calibrate(frame).holds
    sharp = compare.calibrate(frame.assign(probability=1 / (1 + np.exp(-2 * log_odds))))
    assert sharp.slope.value == pytest.approx(0.5, abs=0.06)
    assert not sharp.holds


def test_what_is_stored_comes_back_and_the_page_says_who_is_best():
    one = _compared(_saved(0.5), histgb=_saved(0.1, seed=3), flaml=_saved(1.2, seed=2))
    one = replace(one, left_out={"autogluon_good": "too slow"}, calibrated=compare.calibrate(_saved(0.5)))
    text = compare.text_of({"made_up": one})
    told = json.loads(text)["made_up"]
    assert told["sides"]["flaml"]["difference"]["high"] < 0
    tried = {"made_up": {"defaults": {"auc": 0.7, "trees": 9}, "num_leaves 2": {"auc": 0.69, "trees": 20}}}
    section = page.section_of({"made_up": one}, learners.LIMITS, tried)
    assert "| num_leaves 2 | 0.6900 -0.0100 (20) |" in section
    assert "held on 0 of 1 tables (not on made_up)" in section
    assert f"**{one.sides['flaml'].auc.value:.4f}**" in section
    assert "made_up: AutoGluon good: too slow." in section
    assert page.section_of({}, learners.LIMITS, tried) == ""


def test_stored_comparisons_read_back_as_they_were_written(tmp_path):
    path = tmp_path / "peers.json"
    path.write_text(compare.text_of({"made_up": _compared(_saved(0.5), histgb=_saved(0.1, seed=3))}), encoding="utf-8")
    assert compare.text_of(compare.read(path)) == path.read_text(encoding="utf-8")
    assert compare.read(tmp_path / "absent.json") == {}


def test_boosters_are_counted_where_they_are_grown_and_not_where_they_are_read():
    X, y = np.random.default_rng(0).normal(size=(60, 2)), np.tile([0.0, 1.0], 30)
    growth = boosting.Growth(is_binary=True, fixed={"min_data_in_leaf": 5}, seed=1, seeds=2)
    with cases.counted() as grown:
        text = boosting.Binned(X, y, [], growth).fit({}, 2)
        lgb.Booster(model_str=text)
    assert len(grown) == 2
    assert boosting.lgb.Booster is lgb.Booster


@pytest.fixture
def laid_out(tmp_path):
    """Rows, budget and our predictions of one table, as `cases.lay_out` leaves them."""
    folder = tmp_path / "credit_card_default"
    (folder / "fold-0").mkdir(parents=True)
    (folder / "predictions").mkdir()
    ours = _saved(1.0)
    for part in ("train", "test"):
        ours[["label", "row"]].assign(x=1.0).to_parquet(folder / "fold-0" / f"{part}.parquet")
    ours.to_parquet(folder / "predictions" / "crmml.parquet")
    fold = {"seconds": 2.0, "cpu_seconds": 3.0, "fits": 5, "few_events": 300, "protocol": "drawn", "out_of_time": False}
    (folder / "budget.json").write_text(json.dumps([fold]))
    return folder


def _let_learn(folder, rows):
    _saved(0.5, seed=2).to_parquet(folder / "predictions" / "flaml.parquet")
    told = {"version": "9", "rows": rows, "folds": [{"seconds": 1, "cpu_seconds": 2, "best": "rf"}]}
    (folder / "predictions" / "flaml.json").write_text(json.dumps(told))


def test_a_peer_counts_only_for_the_rows_it_learned(laid_out):
    _let_learn(laid_out, "other rows")
    assert set(command.read_case("credit_card_default", laid_out).sides) == {"crmml"}
    _let_learn(laid_out, command.rows_digest(laid_out))
    found = command.read_case("credit_card_default", laid_out)
    assert (found.sides["flaml"].version, found.sides["flaml"].note) == ("9", "rf")
    assert (found.sides["crmml"].fits, found.columns, found.drawn_alike) == (5, 1, True)


def test_without_their_environment_nothing_is_learned_and_the_stored_figures_stay(laid_out, tmp_path):
    _let_learn(laid_out, command.rows_digest(laid_out))
    command.learn("flaml", laid_out, python=tmp_path / "absent")
    command.learn("autogluon_good", laid_out, python=tmp_path / "absent")
    assert sorted(path.name for path in (laid_out / "predictions").glob("*.json")) == ["flaml.json"]


def test_the_peers_are_pinned_and_no_part_of_the_product():
    root = Path(__file__).parents[1]
    pinned = (root / "benchmarks/peers/constraints.txt").read_text(encoding="utf-8")
    assert "flaml==" in pinned
    assert "autogluon-tabular==" in pinned
    assert "://" not in pinned
    assert not [line for line in (root / "pyproject.toml").read_text(encoding="utf-8").splitlines() if "flaml" in line]


def test_the_best_blend_is_found_and_never_worse_than_ours_alone():
    truth = np.random.default_rng(0).integers(0, 2, ROWS).astype(float)
    one, other = _saved(0.5, seed=1, label=truth), _saved(0.5, seed=2, label=truth)
    mixed = blends.blended(one, other)
    assert mixed["best"] > max(mixed["crmml"], mixed["scorecard"])
    assert 0 < mixed["weight"] < 1
    assert mixed["crmml"] == pytest.approx(roc_auc_score(truth, one["probability"]), abs=1e-5)
    noise = blends.blended(_saved(2.0, label=truth), _saved(-0.5, seed=2, label=truth))
    assert (noise["weight"], noise["best"]) == (0.0, noise["crmml"])


def test_a_missed_bar_is_named_with_what_was_tried_and_what_others_reach():
    result = Result(
        "credit_card_default", "default next month", "次月违约", "at random", 100, 20, "AUC", Figure(0.78, 0.77, 0.79), None, None,
        goals=(Goal(0.77), Goal(0.785, kind="goal")),
    )  # fmt: skip
    settings = {"defaults": {"auc": 0.70, "trees": 9}, "num_leaves 2": {"auc": 0.71, "trees": 20}}
    blend = {"crmml": 0.78, "best": 0.781, "scorecard": 0.7, "weight": 0.1}
    tried = {"credit_card_default": settings, "blends": {"credit_card_default": blend}}
    compared = {"credit_card_default": _compared(_saved(0.5), flaml=_saved(1.2, seed=2))}
    said = tried_page.missed_bars([result], compared, tried)
    assert said.count("\n- ") == 1
    assert "AUC 0.7800 [0.7700, 0.7900], goal ≥ 0.785. The bar lies inside the interval." in said
    assert "the best, num_leaves 2, adds +0.0100 there" in said
    assert "flaml, reaches" in said
    assert "with the test in sight, reaches 0.7810" in said
    assert tried_page.missed_bars([replace(result, goals=(Goal(0.77),))], compared, tried) == ""
