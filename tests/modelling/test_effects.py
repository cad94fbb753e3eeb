"""An uplift model trained on logs whose truth is planted: found, refused, served and stored."""

import numpy as np
import pandas as pd
import pytest

from crmml import bundle as bundles
from crmml.abt import Abt
from crmml.config.model_file import load_models
from crmml.errors import ConfigError, GateError, SourceError
from crmml.evaluation.gates import Gates, judge
from crmml.evaluation.uplift import Trial
from crmml.features import FeatureInfo
from crmml.features.terms import term_infos
from crmml.labels import Uplift
from crmml.modelling.effects import train_effect
from crmml.modelling.spec import BankModelSpec, Split
from crmml.modelling.uplift import fit_uplift
from crmml.periods import Horizon
from crmml.scoring import Scorer, score_frame
from crmml.stages.uplift import BASE_INFO, arms_of

DAYS = pd.to_datetime(["2024-01-31", "2024-03-31", "2024-09-30"])
SPEC = BankModelSpec(
    name="bank.uplift",
    target=Uplift(("card", "fund")),
    horizon=Horizon(3),
    split=Split((DAYS[0].date(), DAYS[1].date()), (DAYS[2].date(), DAYS[2].date()), holdout_buckets=0),
)


def info(name):
    words = {"zh": name, "en": name, "unit": "count", "formula": "", "window": "", "source": "", "null_meaning": ""}
    return FeatureInfo(name=name, family="activity", concept="activity", null_meaning_zh="", **words)


def log(rows=3_600, *, seed=0, per_chance=1.5, lift=0.0, base=0.08, treats=lambda frame: 0.6):
    """Assignments whose effect is `per_chance` × the chance to take anyway + `lift` where logins are many."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"customer_id": [f"c{n:05d}" for n in range(rows)], "cutoff_date": DAYS[np.arange(rows) % 3]})
    frame["event_id"] = frame["customer_id"] + "/e"
    frame["logins"], frame["age"] = rng.poisson(3, rows).astype(float), rng.normal(40, 10, rows)
    frame["offer"] = np.where(rng.random(rows) < 0.5, "card", "fund")
    frame["channel"] = None
    frame["prob_take"] = base * rng.exponential(1, rows).clip(0.1, 3)
    frame["chance"] = 0.6
    frame["treated"] = (rng.random(rows) < treats(frame)).astype(float)
    effect = per_chance * frame["prob_take"] + lift * (frame["logins"] > 3)
    frame["label"] = (rng.random(rows) < frame["prob_take"] + frame["treated"] * effect).astype(float)
    frame = frame.assign(hash_bucket=np.arange(rows) % 100, kind="person", branch_id="b", term_offer=frame["offer"])
    waterfall = pd.DataFrame({"cutoff_date": DAYS, "step": "sample", "rows": rows // 3})
    return Abt(frame, (info("logins"), info("age"), *term_infos(["term_offer"]), BASE_INFO), waterfall)


@pytest.fixture(scope="module")
def trained():
    return train_effect(log(lift=0.1), SPEC, leak_audit="clean", threads=1)


def test_a_planted_effect_is_found_and_passes_its_gates(trained):
    metrics = trained.metrics
    assert metrics["learning"]["serves"] == "differences"
    assert metrics["headline"]["average_effect"]["low"] > 0
    assert metrics["headline"]["qini"]["value"] > 0
    assert all(gate["passed"] for gate in metrics["gates"])
    assert metrics["overlap"]["is_random"]
    assert [row["offer"] for row in metrics["by_offer"]] == ["card", "fund"]
    rows = trained.predictions.merge(log(lift=0.1).frame[["event_id", "logins"]], on="event_id")
    by_logins = rows.groupby(rows["logins"] > 3)["effect"].mean()
    assert by_logins[True] - by_logins[False] == pytest.approx(0.1, abs=0.05)


def test_the_stored_bundle_serves_the_same_effects_with_reasons_that_add_up(trained, tmp_path):
    trained.save(tmp_path / "bundle")
    stored = bundles.load(tmp_path / "bundle")
    rows = trained.predictions.merge(log(lift=0.1).frame[["event_id", "logins", "age", "kind"]], on="event_id")
    frame = rows.assign(term_offer=rows["offer"])
    scores, worst = score_frame(frame, Scorer(stored, "bank.uplift", "1"))
    assert worst <= 1e-9
    assert scores["effect"].tolist() == rows["effect"].tolist()
    effects = scores[[f"reason_{n}_effect" for n in (1, 2, 3, 4)]].sum(axis=1) + scores["reason_rest_effect"]
    assert np.abs(effects + scores["peer_mean"] - scores["effect"]).max() <= 1e-9


def test_row_order_changes_nothing(trained):
    abt = log(lift=0.1)
    mixed = Abt(abt.frame.sample(frac=1, random_state=1), abt.features, abt.waterfall)
    again = train_effect(mixed, SPEC, leak_audit="clean", threads=1)
    assert again.bundle.parts == trained.bundle.parts


def test_with_few_control_events_the_average_in_proportion_to_the_chance_is_all_that_is_learned():
    few = train_effect(log(rows=1_500, base=0.05, per_chance=2.0), SPEC, leak_audit="clean", threads=1)
    learning = few.metrics["learning"]
    assert learning["serves"] == "proportional"
    assert few.metrics["benchmark"]["verdict"] == "not made: too few events"
    ratio = few.predictions["effect"] / few.predictions["prob_take"]
    assert ratio.std() < 1e-9
    assert ratio.mean() == pytest.approx(2.0, abs=0.9)


def test_arms_that_people_chose_are_refused():
    chosen = log(treats=lambda frame: np.where(frame["age"] > 40, 0.9, 0.3))
    with pytest.raises(GateError, match=r"not a random trial: age differs by \+\d.\d+ standard"):
        train_effect(chosen, SPEC, leak_audit="clean", threads=1)


def test_a_log_without_control_is_refused():
    with pytest.raises(SourceError, match="0 control assignments to learn from; expected both"):
        train_effect(log(treats=lambda frame: 1.0), SPEC, leak_audit="clean", threads=1)


def test_a_contact_that_helps_nobody_is_not_served(trained):
    report = trained.metrics | {
        "learning": trained.metrics["learning"]
        | {"qini": {"value": 0.0, "low": -0.1, "high": 0.1}, "average_effect": {"value": 0.0, "low": -0.1, "high": 0.1}}
    }
    failed = [gate.name for gate in judge(Gates(), report) if not gate.passed]
    assert failed == ["usable uplift"]


def test_a_linear_effect_is_recovered_within_its_standard_error():
    frame = log(rows=4_000, per_chance=1.5, seed=3).frame
    X, trial = frame[["logins", "prob_take"]].to_numpy(), Trial(frame["label"], frame["treated"], frame["chance"])
    learned = fit_uplift(X, trial, frame["customer_id"], base=1, threads=1)
    error = (learned.average.high - learned.average.low) / 3.92 / frame["prob_take"].mean()
    assert abs(learned.per_base - 1.5) < 2 * error
    chance = np.array([0.05, 0.10, 0.20])
    rows = np.column_stack([np.full(3, 3.0), chance])
    assert np.polyfit(chance, learned.effect(rows), 1)[0] == pytest.approx(1.5, abs=4 * error)


def test_a_log_of_no_effect_is_called_unusable_nearly_always():
    usable = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(700, 2))
        treated, happens = rng.random(700) < 0.5, rng.random(700) < 0.2
        learned = fit_uplift(X, Trial(happens, treated, 0.5), np.arange(700), threads=1)
        usable += learned.is_usable or learned.helps
    assert usable <= 2  # each of the two claims is wrong once in forty logs: three or more would be chance gone astray


def test_the_control_of_a_list_has_the_channel_its_treated_rows_share():
    rows = [("l1", "phone", "treated")] * 12 + [("l1", None, "control")] * 8
    rows += [("l2", "phone", "treated")] * 6 + [("l2", "sms", "treated")] * 6 + [("l2", None, "control")] * 8
    table = pd.DataFrame(rows, columns=["list_id", "channel", "arm"])
    table = table.assign(event_id=[str(n) for n in range(len(table))], offer="card", assigned_on="2024-01-01")
    found = arms_of(table)
    assert found["channel"].iloc[:20].tolist() == ["phone"] * 20
    assert found["channel"].iloc[32:].isna().all()
    assert set(found["chance"]) == {0.6}


def test_a_config_without_assignments_to_test_on_is_refused(tmp_path):
    path = tmp_path / "uplift.yaml"
    path.write_text(
        "target: uplift\nzh: 增\nen: up\nlabel: {products: [card]}\nhorizon: {months: 3}\n"
        "cutoffs: {train: [2024-01, 2024-06], out_of_time: [2024-12, 2025-01]}\nfeatures: [activity]\n"
    )
    with pytest.raises(ConfigError, match="learned from assignments of the contact log"):
        load_models(path, bank="b")
