"""What speaks against a model is told with its figure, in both languages, and nothing else is."""

from __future__ import annotations

import pytest

from crmml.reporting.evidence import Evidence
from crmml.reporting.model_report.weaknesses import weaknesses


def figure(value, low, high):
    return {"value": value, "low": low, "high": high}


def card(**changed):
    good = {
        "measure": "auc",
        "headline": {"auc": figure(0.8, 0.75, 0.85), "calibration_slope": figure(1, 0.9, 1.1), "observed_over_expected": figure(1, 0.9, 1.1)},
        "never_trained_on": {"auc": figure(0.7, 0.6, 0.8)},
        "benchmark": {"name": "points scorecard", "difference": figure(0.04, 0.02, 0.06), "verdict": "real"},
        "gates": [{"name": "leak audit", "found": "clean", "passed": True}],
    }  # fmt: skip
    return {"metrics": good | changed, "rows": {"events": {"train": 900, "test": 300}}}


def english(found):
    return [words.en for words in found]


def test_a_model_without_faults_has_none():
    assert weaknesses(card(), Evidence(), []) == []


def test_a_level_whose_interval_leaves_out_1_is_told_with_it():
    headline = card()["metrics"]["headline"] | {"observed_over_expected": figure(0.82, 0.63, 0.99)}
    assert english(weaknesses(card(headline=headline), Evidence(), [])) == [
        "observed / expected of all test rows is 0.82 [0.63, 0.99], which leaves out 1"
    ]


def test_chance_for_new_customers_is_told():
    found = weaknesses(card(first_seen_later={"auc": figure(0.62, 0.46, 0.76)}), Evidence(), [])
    assert english(found) == [
        "AUC of customers first seen after the training cut-offs is 0.620 [0.460, 0.760]: chance (0.5) is not ruled out"
    ]
    assert "训练期后才出现的客户" in found[0].zh


@pytest.mark.parametrize(
    ("difference", "verdict", "said"),
    [((-0.024, -0.067, 0.019), "inside noise", "no better"), ((-0.09, -0.12, -0.05), "real", "no better"),
     ((0.01, -0.02, 0.03), "inside noise", "a gain inside noise")],
)  # fmt: skip
def test_a_model_that_does_not_beat_the_simple_one_says_so(difference, verdict, said):
    bench = {"name": "points scorecard", "difference": figure(*difference), "verdict": verdict}
    (found,) = english(weaknesses(card(benchmark=bench), Evidence(), []))
    assert found.endswith(said)
    assert "points scorecard" in found


def test_features_that_moved_are_named_in_words_with_their_figures():
    worst = [{"name": f"f{place}", "zh": f"特征{place}", "en": f"feature {place}", "figures": [0.1, 0.3 + place / 100, None]} for place in range(7)]  # fmt: skip
    (found,) = weaknesses(card(), Evidence(), worst)
    assert found.en == (
        "features with a PSI above 0.25: feature 0 0.30; feature 1 0.31; feature 2 0.32; feature 3 0.33; feature 4 0.34; 2 more"
    )
    assert "f0" not in found.zh


def test_a_failed_gate_and_a_group_off_its_level_are_told():
    row = {"group": "deposit_none", "observed_over_expected": figure(1.4, 1.1, 1.9)}
    segments = {"divisions": [{"zh": "层级", "en": "tier", "groups": [row, row | {"observed_over_expected": None}]}]}
    gates = [{"name": "leak audit", "found": "3 features changed", "passed": False}]
    found = english(weaknesses(card(gates=gates), Evidence(segments=segments), []))
    assert len(found) == 2
    assert "3 features changed" in found[0]
    assert "1.40 [1.10, 1.90]" in found[1]


def test_a_test_of_few_events_is_said_to_be_one_and_money_has_none():
    few = card() | {"rows": {"events": {"train": 60, "test": 17}}}
    (found,) = weaknesses(few, Evidence(), [])
    assert "17 events, fewer than 50" in found.en
    assert weaknesses(card() | {"rows": {"events": None}}, Evidence(), []) == []
