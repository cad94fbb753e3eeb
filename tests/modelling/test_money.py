"""What is learned of money, in which way, and what it must beat."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from crmml.errors import SourceError
from crmml.modelling.rhythm import fit_rhythm, log_likelihood
from crmml.modelling.spec import Tuning
from crmml.periods import Horizon
from tests.modelling.synthetic import Contribution, make_money_abt, make_spec, quick_train

DATA = os.environ.get("CRMML_DATA")
SPEC = make_spec(Contribution(), name="demo.contribution", tuning=Tuning(trials=0, max_trees=40))


@pytest.fixture(scope="module")
def money(tmp_path_factory):
    return quick_train(make_money_abt(), SPEC, tmp_path_factory.mktemp("studies"))


def test_both_baselines_are_judged_with_paired_intervals(money):
    rivals = money.metrics["benchmark"]["rivals"]
    assert set(rivals) == {"last year carried forward", "one direct regression"}
    for figures in rivals.values():
        for measure in ("normalised_gini", "mae", "rmse"):
            gap = figures[measure]["difference"]
            assert gap["low"] <= gap["value"] <= gap["high"]
            assert gap["value"] == pytest.approx(figures[measure]["ours"] - figures[measure]["value"])
    assert rivals["last year carried forward"]["rmse"]["verdict"] == "real"


def test_the_way_of_each_component_is_the_best_on_the_folds(money):
    for values in money.bundle.card["tuning"]["ways"].values():
        assert next(iter(values.values())) == max(values.values())
        assert "change" in values


def test_what_multiplies_is_learned_as_a_multiple_and_grown_again_as_one(tmp_path):
    frame = make_money_abt(customers=300).frame
    fees = frame["fees_12m"] * np.exp(1.5 * frame["growth"])
    frame = frame.assign(label=frame["label"] - frame["label_fees"] + fees, label_fees=fees)
    trained = quick_train(replace(make_money_abt(customers=300), frame=frame), SPEC, tmp_path)
    assert {part.name: part.link for part in trained.bundle.parts}["fees"] != "identity"
    assert trained.metrics["exactness"] < 1e-9
    assert trained.metrics["reasons_agreement"]["baseline"]["value"] > 0.5


@pytest.mark.parametrize("amount", [0.0, 12.5])
def test_contributions_that_are_all_the_same_are_refused(tmp_path, amount):
    abt = make_money_abt(customers=60)
    labels = {name: 0.0 for name in abt.frame if name.startswith("label_")}
    flat = replace(abt, frame=abt.frame.assign(**{**labels, "label_fees": amount, "label": amount}))
    with pytest.raises(SourceError, match=rf"all .* training contributions .* are {amount:.2f}; .*economics"):
        quick_train(flat, SPEC, tmp_path)


def test_a_component_that_is_always_zero_is_served_as_zero(tmp_path):
    abt = make_money_abt(customers=300)
    without = {"label_capital_charge": 0.0, "capital_charge_12m": 0.0}
    frame = abt.frame.assign(**without, label=abt.frame["label"] + abt.frame["label_capital_charge"])
    trained = quick_train(replace(abt, frame=frame), SPEC, tmp_path)
    assert (trained.predictions["capital_charge"] == 0).all()


def test_a_shorter_label_is_carried_to_the_months_asked_for(tmp_path):
    abt = make_money_abt(customers=400)
    later = abt.frame["cutoff_date"] > pd.Timestamp(2024, 9, 1)
    labels = [name for name in abt.frame if name.startswith("label")]
    frame = abt.frame.copy()
    frame.loc[~later, labels] /= 4
    spec = replace(SPEC, horizon=Horizon(4, learned_months=1))
    trained = quick_train(replace(abt, frame=frame), spec, tmp_path)
    assert 0.9 < trained.metrics["headline"]["observed_over_expected"]["value"] < 1.1


@pytest.mark.realdata
@pytest.mark.skipif(not DATA or not (Path(DATA) / "cdnow").is_dir(), reason="CRMML_DATA names no folder with cdnow")
def test_the_rhythm_of_cdnow_is_the_published_one():
    """Fader, Hardie, Lee 2005, table 2: r .243, alpha 4.414, a .793, b 2.426, log-likelihood -9,582.4."""
    rows = pd.read_csv(f"{DATA}/cdnow/cdnow_customers_summary.csv.gz")
    x, last, age = (rows[name].to_numpy(dtype=float) for name in ("frequency", "recency", "T"))
    found = fit_rhythm(x, last, age)
    parameters = np.array([found.shape, found.days, found.stops, found.stays])
    np.testing.assert_allclose(parameters, [0.2426, 4.4136, 0.7929, 2.4259], atol=1e-3)
    assert float(log_likelihood(parameters, x, last, age).sum()) == pytest.approx(-9582.4, abs=0.05)
