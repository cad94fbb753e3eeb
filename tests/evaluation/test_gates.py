import pytest

from crmml.errors import GateError
from crmml.evaluation.gates import Gates, judge, require


def report(**changes):
    figures = {
        "auc": {"value": 0.80, "low": 0.77, "high": 0.83},
        "calibration_slope": {"value": 1.02, "low": 0.9, "high": 1.1},
        "observed_over_expected": {"value": 0.98, "low": 0.9, "high": 1.05},
    }
    rest = {"measure": "auc", "exactness": 4e-14, "leak_audit": "clean"}
    for name, value in changes.items():
        (figures if name in figures else rest)[name] = value
    return {"headline": figures, **rest}


def agreement(value, *, baseline=0.7, digest="abc"):
    measured = {"version": "1", "digest": digest, "value": value, "low": None, "high": None}
    return {"champion": measured | {"baseline": {"value": baseline}}}


def failed(results):
    return [result.name for result in results if not result.passed]


def test_a_good_model_passes_every_gate():
    assert failed(judge(Gates(), report())) == []


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"auc": {"value": 0.52, "low": 0.48, "high": 0.56}}, "auc beyond chance"),
        ({"calibration_slope": {"value": 0.6, "low": 0.5, "high": 0.7}}, "calibration_slope"),
        ({"observed_over_expected": {"value": 1.6, "low": 1.3, "high": 1.9}}, "observed_over_expected"),
        ({"leak_audit": "not run"}, "leak audit"),
        ({"exactness": 1e-6}, "exactness of reasons"),
    ],
)
def test_each_gate_fails_alone(changes, name):
    assert failed(judge(Gates(), report(**changes))) == [name]


def test_a_wide_interval_that_covers_one_is_calibrated():
    assert failed(judge(Gates(), report(calibration_slope={"value": 0.7, "low": 0.4, "high": 1.05}))) == []


def test_a_challenger_may_be_worse_than_the_champion_by_the_margin_and_no_more():
    for value, names in ((0.795, []), (0.7949, ["auc against the champion"])):
        challenger = report(auc={"value": value, "low": 0.77, "high": 0.83}, reasons_agreement=agreement(0.7))
        assert failed(judge(Gates(), challenger, report())) == names


def test_a_refusal_names_every_failed_gate_with_what_was_found():
    results = judge(Gates(discrimination_min=0.9), report(leak_audit="not run"))
    with pytest.raises(GateError, match=r"auc: found 0.8000.*at least 0.9; leak audit: found not run, expected clean"):
        require(results, model="demo.churn version 2")


@pytest.mark.parametrize(
    ("measured", "is_failed"),
    [
        (agreement(0.65), False),
        (agreement(0.6499), True),
        (agreement(0.9, digest="another"), True),
        ({"champion": None}, True),
        (None, True),
    ],
)
def test_top_reasons_may_agree_less_than_two_refits_of_the_champion_by_the_margin_and_no_more(measured, is_failed):
    results = judge(Gates(), report(reasons_agreement=measured), report(), champion_digest="abc")
    assert failed(results) == (["top reasons against the champion"] if is_failed else [])


def test_a_first_version_is_not_asked_for_the_reasons_of_a_champion():
    assert failed(judge(Gates(), report(reasons_agreement={"champion": None}))) == []
