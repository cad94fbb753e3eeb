"""The gain of a family: what a model loses without it, or wins by it, on later months."""

from dataclasses import replace

import numpy as np
import pytest

from crmml.modelling.gains import Held, beyond_luck, measure_gains
from tests.modelling.synthetic import Contribution, make_abt, make_money_abt, make_spec

HELD = Held({"learning_rate": 0.1, "num_leaves": 8}, {"log_odds": 120})
FAMILIES = {"salary": "pay", "balance": "money", "branch": "profile", "constant": "profile"}


def in_families(abt, families):
    infos = tuple(replace(info, family=families.get(info.name, "noise")) for info in abt.features)
    return replace(abt, features=infos)


@pytest.fixture(scope="module")
def measured():
    abt = in_families(make_abt(customers=2000), FAMILIES)
    return measure_gains(abt, make_spec(), ["salary", "noise_0", "noise_1", "noise_2"], HELD, stepwise=True, threads=1)


def test_drivers_gain_and_noise_does_not(measured):
    value, gains = measured.value, measured.gains
    found = {gain.family: gain for gain in gains}
    assert found["pay"].is_used
    assert not found["money"].is_used
    assert found["pay"].gain.low > 0
    assert found["money"].gain.low > 0
    assert found["noise"].gain.value < 0.01
    assert found["noise"].chance > 0.01
    kept = dict(zip(found, beyond_luck(gain.chance for gain in gains), strict=True))
    assert kept == {"pay": True, "money": True, "profile": kept["profile"], "noise": False}
    assert found["pay"].with_it == value == found["money"].without_it


def test_a_constant_column_is_no_column_of_its_family(measured):
    assert {gain.family: gain.columns for gain in measured.gains} == {"pay": 1, "money": 1, "profile": 1, "noise": 3}


def test_steps_lead_from_knowing_nothing_to_all_families(measured):
    steps = {gain.family: gain.added for gain in measured.gains}
    assert list(steps) == ["pay", "money", "profile", "noise"]
    assert steps["pay"].value > 0.1
    assert steps["money"].low > 0
    full = 0.5 + sum(step.value for step in steps.values())
    everything = next(gain for gain in measured.gains if gain.family == "noise").with_it
    assert 0.6 < full < everything + 0.1


def test_what_two_families_both_tell_is_gained_by_the_first_of_them():
    abt = make_abt(customers=1500)
    twice = replace(abt, frame=abt.frame.assign(noise_0=np.exp(abt.frame["salary"])))
    twice = in_families(twice, {**FAMILIES, "noise_0": "copy"})
    gains = measure_gains(twice, make_spec(), ["salary", "balance", "noise_0"], HELD, stepwise=True, threads=1).gains
    found = {gain.family: gain for gain in gains}
    assert abs(found["pay"].gain.value) < 0.005
    assert abs(found["copy"].gain.value) < 0.005
    assert found["pay"].added.low > 0
    assert found["copy"].added.high < 0.01


def test_gains_are_the_same_again():
    abt = in_families(make_abt(customers=300), FAMILIES)
    once, again = (measure_gains(abt, make_spec(), ["salary", "balance"], HELD, threads=n) for n in (1, 2))
    assert [replace(gain, seconds=0) for gain in once.gains] == [replace(gain, seconds=0) for gain in again.gains]


def test_a_column_no_split_uses_changes_nothing():
    abt = make_abt(customers=400)
    abt = in_families(replace(abt, frame=abt.frame.assign(noise_0=np.arange(len(abt.frame)) < 3)), FAMILIES)
    only = replace(abt, features=tuple(one for one in abt.features if one.name not in ("noise_1", "noise_2")))
    gains = measure_gains(only, make_spec(), ["salary", "balance"], HELD, threads=1).gains
    assert next(gain for gain in gains if gain.family == "noise").gain.value == 0


def test_a_contribution_is_judged_by_the_whole_amount():
    abt = make_money_abt()
    spec = make_spec(Contribution(), name="demo.contribution")
    trees = dict.fromkeys(("margin", "fees", "expected_loss", "service_cost", "capital_charge"), 10)
    first = {"margin_12m": "last_year"}
    abt = in_families(abt, first)
    measured = measure_gains(abt, spec, abt.names, Held({}, trees), threads=1)
    assert 0 < measured.value <= 1
    assert {gain.family for gain in measured.gains} == {"last_year", "noise"}
    assert next(gain for gain in measured.gains if gain.family == "last_year").gain.value > 0
