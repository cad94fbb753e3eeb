import io
import json
from dataclasses import replace

import duckdb
import numpy as np
import pandas as pd
import pytest
from optbinning import OptimalBinning

from crmml.bundle import learn_levels
from crmml.errors import ConfigError
from crmml.features.declare import FeatureInfo
from crmml.modelling.scorecard import ScorecardSpec, fit_scorecard, scorecard_tables, to_csv, to_sql
from crmml.modelling.scorecard.bins import Bin, divergences, weigh


def info(name, *, sign=0, kind="number", unit="number"):
    words = {"formula": "", "window": "", "source": "", "null_meaning": "", "null_meaning_zh": ""}
    return FeatureInfo(name, "f", "c", name, name, unit, **words, sign={"default": sign} if sign else {}, kind=kind)


INFOS = (
    info("overdue", sign=1, unit="days"),
    info("income", sign=-1, unit="money"),
    info("double_income", sign=-1),
    info("branch", kind="category", unit="category"),
    info("noise"),
)


def make_rows(rows=4000, seed=1):
    draw = np.random.default_rng(seed)
    overdue = draw.poisson(3, rows).astype(float)
    income = draw.lognormal(8, 1, rows)
    branch = draw.choice(["A", "B", "C", "O'Hare"], rows)
    log_odds = -3 + 0.3 * overdue - 0.6 * (np.log(income) - 8) + 0.8 * (branch == "B")
    label = (draw.random(rows) < 1 / (1 + np.exp(-log_odds))).astype(float)
    overdue[draw.random(rows) < 0.1] = np.nan
    overdue[draw.random(rows) < 0.05] = -999
    frame = pd.DataFrame(
        {
            "overdue": overdue,
            "income": income,
            "double_income": income * 2,
            "branch": branch,
            "noise": draw.random(rows),
        }
    )
    return frame, label


FRAME, LABEL = make_rows()
LEVELS = {"branch": learn_levels(FRAME["branch"], np.arange(len(FRAME)))}
SPEC = ScorecardSpec(special=(-999,))


def fitted(frame=FRAME, label=LABEL, **changes):
    return fit_scorecard(frame, label, INFOS, **{"levels": LEVELS, "target": "default", "spec": SPEC} | changes)


CARD = fitted()
TABLES = scorecard_tables(CARD)


def table_of(name):
    return next(feature for feature in TABLES["features"] if feature["name"] == name)


def test_weight_of_evidence_by_hand():
    # 10 events of 100 rows beside 30 of 100: ln((90 / 160) / (10 / 40)) = ln 2.25, ln((70 / 160) / (30 / 40)).
    bins = weigh([Bin("range", 100, 10), Bin("range", 100, 30)])
    assert [one.woe for one in bins] == pytest.approx([np.log(2.25), np.log(7 / 12)], abs=1e-9)
    values, shannon = divergences(bins)
    assert sum(values) == pytest.approx((90 / 160 - 0.25) * np.log(2.25) + (70 / 160 - 0.75) * np.log(7 / 12))
    assert 0 < sum(shannon) < np.log(2)


def test_a_missing_bin_of_few_rows_says_little_and_one_without_events_is_finite():
    bins = weigh([Bin("range", 1000, 100), Bin("missing", 10, 5), Bin("special", 500, 0)])
    # five average events are added: 10 events beside 5 + 5 × 1405 / 105 others.
    assert bins[1].woe == pytest.approx(np.log((5 + 5 * 1405 / 105) / 10 / (1405 / 105)))
    assert bins[2].woe == pytest.approx(np.log((500 + 5 * 1405 / 105) / 5 / (1405 / 105)))


def test_every_table_has_missing_special_and_a_total_that_reconciles():
    for feature in TABLES["features"]:
        *bins, total = feature["rows"]
        kinds = [row["kind"] for row in feature["rows"]]
        assert {"missing", "special", "total"} <= set(kinds)
        assert sum(row["rows"] for row in bins) == total["rows"] == len(FRAME)
        assert sum(row["events"] for row in bins) == total["events"] == LABEL.sum()
        assert sum(row["iv"] for row in bins) == pytest.approx(total["iv"])
    rows = {row["kind"]: row["rows"] for row in table_of("overdue")["rows"]}
    assert rows["missing"] == FRAME["overdue"].isna().sum()
    assert rows["special"] == (FRAME["overdue"] == -999).sum()
    json.dumps(TABLES, allow_nan=False)


# The table of OptBinning 1.0 is made in a way pandas 3.1 warns of.
@pytest.mark.filterwarnings("ignore:Setting an item of incompatible dtype")
def test_ranges_weigh_what_optbinning_says_they_do():
    theirs = OptimalBinning(monotonic_trend="descending", max_n_bins=8, min_prebin_size=0.05, max_n_prebins=20)
    theirs.fit(FRAME["income"].to_numpy(), LABEL.astype(int))
    table = theirs.binning_table.build()
    ours = [row for row in table_of("income")["rows"] if row["kind"] == "range"]
    theirs_rows = table.iloc[: len(ours)]
    assert [row["woe"] for row in ours] == pytest.approx(theirs_rows["WoE"].astype(float).tolist(), abs=1e-8)
    assert [row["iv"] for row in ours] == pytest.approx(theirs_rows["IV"].astype(float).tolist(), abs=1e-8)
    assert [row["js"] for row in ours] == pytest.approx(theirs_rows["JS"].astype(float).tolist(), abs=1e-8)


def test_rates_go_the_way_the_catalogue_expects():
    for name, step in (("overdue", 1), ("income", -1)):
        rates = [row["event_rate"] for row in table_of(name)["rows"] if row["kind"] == "range"]
        assert len(rates) > 2
        assert (np.diff(rates) * step >= 0).all()


def test_a_feature_whose_data_contradict_the_expected_sign_is_left_out():
    infos = (replace(INFOS[0], sign={"default": -1}), INFOS[1])
    card = fit_scorecard(
        FRAME.assign(overdue=FRAME["overdue"].clip(lower=0)), LABEL, infos, levels={}, target="default"
    )
    assert [one.name for one in card.infos] == ["income"]
    assert "beyond chance" in card.left_out["overdue"]["en"]


def test_copies_and_noise_are_left_out_with_the_reason():
    assert {one.name for one in CARD.infos} == {"overdue", "income", "branch"}
    assert CARD.left_out["double_income"]["en"] == "correlated above 0.8 with income"
    assert "beyond chance" in CARD.left_out["noise"]["en"]


def test_points_are_scaled_as_the_config_says():
    log_odds, score = CARD.predict_log_odds(FRAME), CARD.score(FRAME)
    assert score == pytest.approx(600 + 20 / np.log(2) * (-log_odds - np.log(50)))
    likelier = fitted(target="churn")
    assert np.corrcoef(likelier.score(FRAME), likelier.predict_log_odds(FRAME))[0, 1] == pytest.approx(1)
    assert fitted(spec=ScorecardSpec(more_points="likelier")).direction == "likelier"


def test_points_of_all_bins_add_up_to_the_score():
    by_hand = CARD.base_points + sum(
        CARD.points(place)[CARD._places(binned, FRAME)] for place, binned in enumerate(CARD.binned)
    )
    assert CARD.score(FRAME) == pytest.approx(by_hand)


def test_an_unseen_category_weighs_nothing_and_a_null_is_missing():
    rows = pd.DataFrame({**{name: [FRAME[name].iloc[0]] * 3 for name in FRAME}, "branch": ["A", "Z", None]})
    place = [one.name for one in CARD.infos].index("branch")
    found = CARD._places(CARD.binned[place], rows)
    assert [CARD.binned[place].bins[index].kind for index in found] == ["levels", "unseen", "missing"]
    assert CARD.binned[place].bins[found[1]].woe == 0


def test_the_exported_sql_gives_the_same_score():
    odd = pd.DataFrame(
        {
            "overdue": [np.nan, -999, 0, np.inf],
            "income": [0.0, 1e9, np.nan, 5.0],
            "branch": ["O'Hare", None, "never seen", "B"],
        }
    )
    features = pd.concat([FRAME[["overdue", "income", "branch"]], odd], ignore_index=True)
    with duckdb.connect() as connection:
        connection.register("features", features)
        got = connection.sql(to_sql(TABLES, model="demo.default")).df()
    assert got["score"].to_numpy() == pytest.approx(CARD.score(features), abs=1e-6)
    assert got["log_odds"].to_numpy() == pytest.approx(CARD.predict_log_odds(features), abs=1e-6)


def test_the_exported_table_gives_the_same_score_by_its_points():
    rows = pd.read_csv(io.StringIO(to_csv(TABLES)), keep_default_na=False)
    base = float(rows.loc[rows["feature"] == "", "points"].iloc[0])
    assert base == CARD.base_points
    woes = rows[(rows["kind"] == "missing")].set_index("feature")["points"].astype(float)
    nothing = pd.DataFrame({"overdue": [np.nan], "income": [np.nan], "branch": [None]})
    assert CARD.score(nothing)[0] == pytest.approx(base + woes.sum())


def test_the_order_of_rows_changes_nothing():
    order = np.random.default_rng(5).permutation(len(FRAME))
    again = fitted(FRAME.iloc[order].reset_index(drop=True), LABEL[order])
    assert scorecard_tables(again) == TABLES


def test_a_weight_counts_a_row_as_often_as_it_says():
    twice = fitted(pd.concat([FRAME, FRAME], ignore_index=True), np.concatenate([LABEL, LABEL]))
    weighted = fitted(weight=np.full(len(LABEL), 2.0))
    assert weighted.events == twice.events == 2 * LABEL.sum()
    assert scorecard_tables(weighted)["features"][0]["rows"][-1]["rows"] == 2 * len(FRAME)
    assert [one.name for one in weighted.infos] == [one.name for one in twice.infos]


def test_noise_alone_gives_the_average_to_everybody():
    card = fit_scorecard(FRAME[["noise"]], LABEL, (INFOS[4],), levels={}, target="default")
    assert card.infos == ()
    assert 1 / (1 + np.exp(-card.predict_log_odds(FRAME))) == pytest.approx(np.full(len(FRAME), LABEL.mean()))


@pytest.mark.parametrize(
    ("key", "value"), [("points_to_double", 0), ("base_odds", -1), ("most_features", 2.5), ("special", ("a",))]
)
def test_a_scale_that_cannot_be_is_refused(key, value):
    with pytest.raises(ConfigError, match=key):
        ScorecardSpec(**{key: value})
