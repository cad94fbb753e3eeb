"""Scoring: the numbers of a row depend on the row alone, and every row adds up."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from crmml.bundle import Bundle, Peers
from crmml.errors import IntegrityError, SourceError
from crmml.scoring import Scorer, ScoreReport, schema_of, score, score_column, score_frame, stream_served
from tests.explain.served import feature_rows, money_bundle, peer_averages, probability_bundle

ROWS = feature_rows()


@pytest.fixture(scope="module")
def churn() -> Scorer:
    return Scorer(probability_bundle(ROWS), "demo.churn", "3", peer_averages(ROWS))


@pytest.fixture(scope="module")
def contribution() -> Scorer:
    return Scorer(money_bundle(ROWS), "demo.contribution", "1", peer_averages(ROWS))


@pytest.fixture
def features(tmp_path: Path) -> Path:
    path = tmp_path / "features.parquet"
    ROWS.to_parquet(path, index=False, row_group_size=150)
    return path


def run(features: Path, scorer: Scorer, **options) -> tuple[pd.DataFrame, ScoreReport]:
    out = features.with_name("scores.parquet")
    report = score(features, scorer, out=out, **options)
    return pd.read_parquet(out), report


def test_columns_are_those_others_read(features, churn):
    scores, report = run(features, churn)
    assert list(scores)[:11] == [
        "customer_id", "cutoff_date", "event_id", "model", "version", "segment",
        "prob_churn", "log_odds", "grade", "percentile", "peer_mean",
    ]  # fmt: skip
    assert list(scores)[11:16] == [f"reason_1_{part}" for part in ("code", "zh", "en", "feature", "effect")]
    assert list(scores) == schema_of(churn).names
    assert (report.rows, len(scores), scores["cutoff_date"][0]) == (400, 400, date(2025, 10, 31))


def test_product_of_odds_factors_and_peers_odds_is_the_served_odds(features, churn):
    scores, report = run(features, churn)
    effects = scores[[f"reason_{place}_effect" for place in range(1, 5)] + ["reason_rest_effect"]].sum(axis=1)
    odds, peers = (scores[name] / (1 - scores[name]) for name in ("prob_churn", "peer_mean"))
    np.testing.assert_allclose(np.exp(effects) * peers, odds, rtol=1e-9)
    assert report.worst_difference <= 1e-9


def test_effects_of_a_contribution_add_up_to_its_distance_from_the_peers_in_yuan(features, contribution):
    scores, report = run(features, contribution)
    effects = scores[[f"reason_{place}_effect" for place in range(1, 5)] + ["reason_rest_effect"]].sum(axis=1)
    np.testing.assert_allclose(effects + scores["peer_mean"], scores["contribution_12m"], atol=1e-9)
    parts = scores["margin"] + scores["fees"] - scores["expected_loss"] - scores["service_cost"]
    np.testing.assert_allclose(parts - scores["capital_charge"], scores["contribution_12m"], atol=1e-9)
    assert "log_odds" not in scores
    assert report.worst_difference <= 1e-9


@pytest.mark.parametrize("name", ["churn", "contribution"])
def test_chunk_size_and_subset_change_no_number(features, name, request):
    scorer = request.getfixturevalue(name)
    whole, _ = run(features, scorer)
    for chunk in (31, 150):
        pd.testing.assert_frame_equal(run(features, scorer, chunk=chunk)[0], whole, check_exact=True)
    asked = ROWS.loc[[5, 250, 17], ["customer_id", "cutoff_date"]]
    some, report = run(features, scorer, keys=asked, chunk=64)
    ones, _ = run(features, scorer, keys=asked, chunk=3)
    expected = whole.iloc[[5, 17, 250]].reset_index(drop=True)
    pd.testing.assert_frame_equal(some, expected, check_exact=True)
    pd.testing.assert_frame_equal(ones, expected, check_exact=True)
    assert (report.rows, report.not_found) == (3, 0)


@pytest.mark.parametrize("name", ["churn", "contribution"])
def test_scores_streamed_without_reasons_are_those_of_the_file(features, name, request, tmp_path):
    scorer = request.getfixturevalue(name)
    out = tmp_path / "scores.parquet"
    score(features, scorer, out=out)
    served = pd.read_parquet(out)[score_column(scorer.bundle.target)].to_numpy()
    assert np.array_equal(np.concatenate(list(stream_served([features], scorer.bundle, chunk=7))), served)


def test_a_key_without_features_is_counted(features, churn):
    asked = pd.DataFrame({"customer_id": ["C00001", "nobody"], "cutoff_date": [date(2025, 10, 31)] * 2})
    assert run(features, churn, keys=asked)[1].not_found == 1


def test_no_rows_to_score_gives_an_empty_file(features, churn):
    asked = pd.DataFrame({"customer_id": ["nobody"], "cutoff_date": [date(2025, 10, 31)]})
    scores, report = run(features, churn, keys=asked)
    assert (len(scores), report.rows, report.worst_difference) == (0, 0, 0.0)
    assert list(scores) == schema_of(churn).names


def test_several_files_are_one_population(features, churn, tmp_path):
    parts = [tmp_path / "a.parquet", tmp_path / "b.parquet"]
    ROWS.iloc[:123].to_parquet(parts[0], index=False)
    ROWS.iloc[123:].to_parquet(parts[1], index=False)
    report = score(parts, churn, out=tmp_path / "both.parquet")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "both.parquet"), run(features, churn)[0])
    assert report.rows == 400


def test_levels_never_seen_in_training_are_counted_over_all_chunks(tmp_path, churn):
    rows = ROWS.copy()
    rows.loc[[1, 2, 300], "industry"] = "采矿业"
    rows.to_parquet(tmp_path / "features.parquet", index=False)
    assert run(tmp_path / "features.parquet", churn, chunk=50)[1].unseen == {"industry": 3}


def test_reasons_name_the_feature_that_is_in_the_sentence(features, churn):
    scores, _ = run(features, churn)
    infos = {info.name: info for info in churn.bundle.features}
    named = scores.dropna(subset=["reason_1_code"])
    for row in named.head(50).itertuples():
        info = infos[row.reason_1_feature]
        assert row.reason_1_zh.startswith(info.zh)
        assert row.reason_1_code == f"{info.concept.upper()}{'+' if row.reason_1_effect > 0 else '-'}"


def test_a_sentence_says_the_value_of_the_feature_file(features, churn):
    scores, _ = run(features, churn)
    stopped = scores[(scores["reason_1_feature"] == "salary_3m") & (ROWS["salary_3m"] == 0)]
    mean = ROWS.loc[ROWS["segment"] == "person_borrower", "salary_3m"].mean()
    text = stopped.loc[stopped["segment"] == "person_borrower", "reason_1_zh"].iloc[0]
    assert text == f"近3个月代发工资 0 元(同类平均 {mean:,.0f} 元)"


def test_a_segment_too_small_for_the_reference_is_compared_with_all(churn):
    one = ROWS.head(1).assign(segment="company_borrower")
    scores, _ = score_frame(one, churn)
    everybody = churn.bundle.reference.segment("all").served
    assert scores["peer_mean"][0] == pytest.approx(1 / (1 + np.exp(-everybody)))


def test_a_reference_that_does_not_belong_to_the_bundle_is_refused(churn):
    reference = churn.bundle.reference
    segments = {
        name: Peers(peers.rows, peers.served + 1e-6, peers.contributions, peers.components)
        for name, peers in reference.segments.items()
    }
    bundle: Bundle = replace(churn.bundle, reference=replace(reference, segments=segments))
    with pytest.raises(IntegrityError, match="effects and the distance from the peers differ on 400 of 400 rows"):
        score_frame(ROWS, replace(churn, bundle=bundle))


def test_a_missing_feature_column_is_named(churn):
    with pytest.raises(SourceError, match="first: salary_3m"):
        score_frame(ROWS.drop(columns="salary_3m"), churn)


def test_the_file_has_the_types_others_rely_on(features, churn):
    run(features, churn)
    schema = pq.read_schema(features.with_name("scores.parquet"))
    assert str(schema.field("cutoff_date").type) == "date32[day]"
    assert {str(schema.field(name).type) for name in ("customer_id", "grade", "reason_4_zh")} == {"string"}
    assert {str(schema.field(name).type) for name in ("prob_churn", "reason_4_effect")} == {"double"}


def test_served_columns_carry_the_target():
    assert [score_column(target) for target in ("default", "uptake", "given")] == [
        "prob_default", "prob_take", "prob_given",
    ]  # fmt: skip
