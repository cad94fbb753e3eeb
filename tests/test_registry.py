import json
import multiprocessing
import shutil
from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from crmml import bundle as bundles
from crmml import registry
from crmml.errors import BusyError, CrmmlError, GateError, IntegrityError, NotFoundError, UsageError
from tests.modelling.synthetic import Contribution, make_abt, make_money_abt, make_spec, quick_train

NAME = "demo.churn"


@pytest.fixture(scope="module")
def abt():
    return make_abt(customers=900, base=-1.0)


def agreeing_with(digest):
    """What a training notes of a champion with whose reasons it fully agrees."""
    return {"version": "1", "digest": digest, "value": 1.0, "low": 1.0, "high": 1.0, "baseline": {"value": 0.9}}


@pytest.fixture(scope="module")
def stock(abt, tmp_path_factory):
    """A registry of three versions: good, as good, and one that is far worse; nothing promoted."""
    folder = tmp_path_factory.mktemp("stock")
    good = quick_train(abt, make_spec(), folder)
    same = bundles.write(folder / "measured", good.bundle).digest
    measured = {**good.metrics["reasons_agreement"], "champion": agreeing_with(same)}
    metrics = {**good.bundle.card["metrics"], "reasons_agreement": measured}
    good = replace(good, bundle=replace(good.bundle, card={**good.bundle.card, "metrics": metrics}))
    again = replace(good, bundle=replace(good.bundle, card={**good.bundle.card, "note": "second"}))
    worse = json.loads(json.dumps(good.bundle.card))
    worse["metrics"]["headline"]["auc"] = {"value": 0.6, "low": 0.55, "high": 0.65}
    worse["metrics"]["leak_audit"] = "not run"
    for number, bundle in enumerate((good.bundle, again.bundle, replace(good.bundle, card=worse)), start=1):
        bundles.write(folder / f"bundle{number}", bundle)
        registry.register(folder / f"bundle{number}", models=folder / "models")
    return folder


@pytest.fixture
def models(stock, tmp_path):
    """Its own copy, moved to another place: nothing in a registry may hang on where it lies."""
    shutil.copytree(stock / "models", tmp_path / "models")
    return tmp_path / "models"


def promote(models, version, expected, **changes):
    settings = {"by": "A. Banker", "reason": "better"} | changes
    return registry.promote(NAME, version, models=models, expected=expected, **settings)


def test_the_same_bundle_is_not_registered_twice(stock, models):
    assert registry.register(stock / "bundle1", models=models).version == "1"
    assert [row["version"] for row in registry.list_models(models=models)] == ["1", "2", "3"]


def test_the_same_data_and_config_give_the_same_digest(abt, models, tmp_path):
    retrained = quick_train(abt, make_spec(), tmp_path / "studies", threads=2, resamples=7)
    retrained.save(tmp_path / "retrained")
    found = registry.register(tmp_path / "retrained", models=models)
    assert found.version == "4"
    assert found.digest == registry.resolve(f"{NAME}/1", models=models).digest


def test_a_new_version_is_the_challenger_until_it_is_champion(models):
    assert registry.resolve(f"{NAME}@challenger", models=models).version == "3"
    promote(models, 2, None)
    assert registry.resolve(f"{NAME}@champion", models=models).version == "2"
    aliases = {row["version"]: row["aliases"] for row in registry.list_models(models=models)}
    assert aliases == {"1": [], "2": ["champion"], "3": ["challenger"]}


def test_a_model_below_its_gates_is_refused_with_every_failed_gate(models):
    promote(models, 1, None)
    with pytest.raises(GateError, match=r"auc against the champion: found 0\.6000.*leak audit: found not run"):
        promote(models, 3, 1)
    assert registry.resolve(f"{NAME}@champion", models=models).version == "1"


def test_a_promotion_against_an_outdated_champion_is_refused(models):
    promote(models, 1, None)
    with pytest.raises(BusyError, match="the champion is version 1, expected no version"):
        promote(models, 2, None)


@pytest.mark.parametrize(("by", "reason", "said"), [("", "why", "add --by NAME"), ("A", " ", "add --reason WHY")])
def test_nothing_is_decided_without_a_name_and_a_reason(models, by, reason, said):
    with pytest.raises(UsageError, match=f"a promotion needs who decides and why, for the log; {said}"):
        registry.promote(NAME, 1, models=models, expected=None, by=by, reason=reason)
    with pytest.raises(UsageError, match=f"a rollback needs who decides and why, for the log; {said}"):
        registry.rollback(NAME, models=models, by=by, reason=reason)


def test_a_rollback_returns_to_the_previous_champion(models):
    promote(models, 1, None)
    promote(models, 2, 1)
    line = registry.rollback(NAME, models=models, by="A. Banker", reason="calls fell")
    assert (line.event, line.version, line.previous) == ("rolled back", "1", "2")
    assert registry.resolve(f"{NAME}@champion", models=models).version == "1"
    assert registry.resolve(f"{NAME}@previous", models=models).version == "2"


def test_without_an_earlier_champion_there_is_nothing_to_return_to(models):
    with pytest.raises(NotFoundError, match="has no champion"):
        registry.rollback(NAME, models=models, by="A", reason="b")
    promote(models, 1, None)
    with pytest.raises(NotFoundError, match="none before it"):
        registry.rollback(NAME, models=models, by="A", reason="b")


def test_the_log_answers_who_was_champion_on_a_date(models):
    promote(models, 1, None, at=datetime(2025, 3, 1, 9, tzinfo=UTC))
    promote(models, 2, 1, at=datetime(2025, 6, 30, 23, 59, tzinfo=UTC))

    def on(day):
        return [line.version for line in registry.log(NAME, models=models, on=day)]

    assert on(date(2025, 2, 28)) == []
    assert on(date(2025, 3, 1)) == on(date(2025, 6, 29)) == ["1"]
    assert on(date(2025, 6, 30)) == ["2"]
    assert [(line.by, line.reason) for line in registry.log(NAME, models=models)] == [("A. Banker", "better")] * 2


@pytest.mark.parametrize("damage", ["edit", "remove", "swap"])
def test_an_edited_log_is_refused(models, damage):
    promote(models, 1, None)
    promote(models, 2, 1)
    registry.rollback(NAME, models=models, by="A. Banker", reason="back")
    path = models / "promotions.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    damaged = {
        "edit": [lines[0].replace("A. Banker", "B. Banker"), *lines[1:]],
        "remove": [lines[0], lines[2]],
        "swap": [lines[1], lines[0], lines[2]],
    }[damage]
    path.write_text("".join(damaged))
    with pytest.raises(IntegrityError, match="M006"):
        registry.resolve(f"{NAME}@champion", models=models)


def test_a_line_cut_off_by_a_crash_never_happened(models):
    promote(models, 1, None)
    with open(models / "promotions.jsonl", "a") as file:
        file.write('{"at": "2025-')
    assert registry.resolve(f"{NAME}@champion", models=models).version == "1"
    promote(models, 2, 1)
    assert [line.version for line in registry.log(NAME, models=models)] == ["1", "2"]


def _race(models, start, results):
    start.wait()
    try:
        promote(models, 2, 1)
        results.put("won")
    except CrmmlError as error:
        results.put(type(error).__name__)


def test_of_many_promoters_at_once_exactly_one_wins(models):
    promote(models, 1, None)
    context = multiprocessing.get_context("fork")
    start, results = context.Event(), context.Queue()
    runs = [context.Process(target=_race, args=(models, start, results)) for _ in range(5)]
    for run in runs:
        run.start()
    start.set()
    found = sorted(results.get(timeout=120) for _ in runs)
    for run in runs:
        run.join()
    assert found == ["BusyError"] * 4 + ["won"]
    assert [line.version for line in registry.log(NAME, models=models)] == ["1", "2"]
    aliases = {row["version"]: row["aliases"] for row in registry.list_models(models=models)}
    assert aliases["2"] == ["champion"]


def test_an_exchanged_bundle_is_refused(models):
    one, three = (registry.resolve(f"{NAME}/{version}", models=models) for version in (1, 3))
    changed = bundles.load(three.bundle_dir)
    part = replace(changed.parts[0], intercept=changed.parts[0].intercept + 1)
    bundles.write(one.bundle_dir, replace(changed, parts=(part,)))
    with pytest.raises(IntegrityError, match="the files were exchanged and are refused"):
        registry.resolve(f"{NAME}/1", models=models)
    with pytest.raises(IntegrityError, match="M002"):
        promote(models, 1, None)


@pytest.mark.parametrize(
    ("reference", "error"),
    [
        ("demo.churn@winner", UsageError),
        ("demo.churn", UsageError),
        ("demo.churn/9", NotFoundError),
        ("demo.churn@champion", NotFoundError),
        ("demo.nothing@challenger", NotFoundError),
    ],
)
def test_a_reference_to_nothing_is_refused(models, reference, error):
    with pytest.raises(error):
        registry.resolve(reference, models=models)


def test_a_promotion_needs_a_name_and_a_reason(models):
    with pytest.raises(UsageError, match="reason"):
        promote(models, 1, None, reason=" ")


def test_a_difference_names_what_changed(models):
    rows = registry.diff(f"{NAME}/1", f"{NAME}/3", models=models)
    assert {"part": "metrics", "name": "auc", "one": pytest.approx(rows[0]["one"]), "other": 0.6} in rows
    assert registry.diff(f"{NAME}/1", f"{NAME}/2", models=models) == []


def test_the_plain_mlflow_model_returns_the_served_numbers_and_reasons(abt, models):
    import mlflow

    promote(models, 1, None)
    found = registry.resolve(f"{NAME}@champion", models=models)
    model = bundles.load(found.bundle_dir)
    frame = abt.frame[[*model.names, "segment"]].head(200)
    stored = mlflow.pyfunc.load_model(str(found.bundle_dir.parent.parent))
    scores = stored.predict(frame)
    X = model.encode(frame)
    assert np.abs(scores["probability"] - model.probability(X)).max() < 1e-12
    assert (scores["grade"] == model.grade(model.probability(X))).all()
    effects = sum(scores[f"reason_{place}_effect"] for place in range(1, 5)) + scores["reason_rest_effect"]
    _, peer = model.peer_contributions(model.segments(frame))
    assert np.abs(effects - (model.log_odds(X) - peer)).max() < 1e-9
    assert scores["reason_1_code"].str.fullmatch(r"[A-Z_]+[+-]").all()
    assert {"customer_id", "label"}.isdisjoint(scores.columns)


def test_a_contribution_is_served_in_money(tmp_path):
    abt = make_money_abt(customers=300)
    model = quick_train(abt, make_spec(Contribution(), name="demo.contribution"), tmp_path, resamples=5)
    model.save(tmp_path / "bundle")
    served = registry._load_pyfunc(str(tmp_path / "bundle"))
    scores = served.predict(abt.frame.assign(segment="all").head(50))
    effects = sum(scores[f"reason_{place}_effect"] for place in range(1, 5)) + scores["reason_rest_effect"]
    assert np.allclose(effects, scores["contribution"] - scores["peer_mean"], rtol=0, atol=1e-6)
    total = scores["margin"] + scores["fees"] - scores["expected_loss"] - scores["service_cost"]
    assert np.allclose(total - scores["capital_charge"], scores["contribution"], rtol=0, atol=1e-6)


def test_telemetry_is_off_before_mlflow_is_imported():
    import os

    import crmml.registry.versions  # noqa: F401

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
