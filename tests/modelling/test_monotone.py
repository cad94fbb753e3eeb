from dataclasses import replace

import numpy as np
import pytest

from crmml.errors import ConfigError
from crmml.evaluation.gates import judge
from crmml.modelling.monotone import PERTURBED, expected_signs, verify_signs
from crmml.modelling.preparation import prepare
from tests.modelling.synthetic import Default, make_abt, make_spec, quick_train

SPEC = make_spec(Default(), name="demo.default")
# Against the data on purpose: salary and balance lower the chance, the catalogue says they raise it.
SIGNS = {"salary": 1, "balance": -1}


def with_signs(abt, signs):
    infos = tuple(
        replace(info, sign={"default": signs[info.name]} if info.name in signs else {}) for info in abt.features
    )
    return replace(abt, features=infos)


@pytest.fixture(scope="module")
def abt():
    return make_abt()


@pytest.fixture(scope="module")
def trained(abt, tmp_path_factory):
    return quick_train(with_signs(abt, SIGNS), SPEC, tmp_path_factory.mktemp("studies"), resamples=2)


def test_no_row_moves_against_an_expected_sign(trained):
    told = trained.metrics["monotone"]
    assert {each["name"]: each["sign"] for each in told["features"]} == SIGNS
    assert all(each["perturbed"] == PERTURBED for each in told["features"])
    assert told["violations"] == 0
    gate = next(one for one in trained.metrics["gates"] if one["name"] == "expected signs")
    assert gate["passed"]


def test_a_model_grown_without_signs_is_caught_and_fails_its_gate(abt, tmp_path):
    free = quick_train(with_signs(abt, {}), SPEC, tmp_path, resamples=2)
    assert free.metrics["monotone"] is None
    signed = with_signs(abt, SIGNS)
    told = verify_signs(free.bundle, prepare(signed, SPEC), SPEC)
    assert told["violations"] > 100
    failed = [one.name for one in judge(SPEC.gates, free.metrics | {"monotone": told}) if not one.passed]
    assert "expected signs" in failed


def test_a_sign_on_a_category_is_refused_before_the_engine_sees_it(abt):
    prepared = prepare(with_signs(abt, {"branch": 1}), SPEC)
    with pytest.raises(ConfigError, match=r"branch is a category and has the expected sign \+1.*\[C010\]"):
        expected_signs(prepared, SPEC)


def test_a_null_is_changed_too(abt, trained):
    frame = abt.frame.copy()
    frame.loc[np.arange(len(frame)) % 2 == 0, "salary"] = np.nan
    told = verify_signs(trained.bundle, prepare(with_signs(replace(abt, frame=frame), SIGNS), SPEC), SPEC)
    assert told["features"][0]["perturbed"] == PERTURBED
    assert told["violations"] == 0
