"""What somebody who validates models asks of a report: every part has its figures, or says why it has none."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from jsonschema import validate

import crmml.reporting
from crmml.feature_table import Roles, TableSplit, build_abt
from crmml.labels import Given
from crmml.modelling.agreement import Champion
from crmml.modelling.card_words import CardWords
from crmml.reporting.evidence import Evidence
from crmml.reporting.model_report import Subject, model_report, sample_rows
from crmml.stages.evidence import collect_evidence
from tests.modelling.synthetic import Contribution, Default, make_abt, make_money_abt, make_spec, quick_train
from tests.reporting.pages import Page

SUBJECT = Subject("7", "示例银行", "Demo Bank")
PARTS = ("card", "population", "calendar", "discrimination", "gains", "calibration", "segments", "stability")
PARTS += ("variables", "scorecard", "grades", "drivers", "fairness", "thin", "champion", "agreement")
STEPS = [("all", 3_000), ("gone", 500), ("sample", 2_500), ("events", 300)]


def with_steps(abt):
    rows = [(day, step, count) for day in ("2024-03-31", "2024-06-30") for step, count in STEPS]
    return replace(abt, waterfall=pd.DataFrame(rows, columns=["cutoff_date", "step", "rows"]))


def genders(abt):
    ids = sorted(abt.frame["customer_id"].unique())
    return pd.DataFrame({"customer_id": ids, "gender": ["F" if place % 3 else "M" for place in range(len(ids))]})


def small_table(count=1_500):
    rng = np.random.default_rng(5)
    age, debt, sex = rng.integers(20, 70, count), rng.normal(size=count), rng.choice(["F", "M"], count)
    bad = rng.random(count) < 1 / (1 + np.exp(1.5 - debt))
    columns = {"age": age, "debt": debt, "sex": sex, "job": rng.choice(["clerk", "farmer", "other"], count), "bad": bad}
    table = pa.table({name: pa.array(np.asarray(values).astype(str)) for name, values in columns.items()})
    roles = Roles(label="bad", event="True", protected=("sex",))
    return build_abt(table, roles, TableSplit("last", share=0.3, by="rows"), horizon=None, source="t.csv")


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Name to bundle, evidence and page of every kind of model; churn stands beside a champion."""
    folder, made = tmp_path_factory.mktemp("studies"), {}
    flat = small_table()
    table = make_spec(Given("bad"), name="t.bad", horizon=None, split=flat.split)
    kinds = {
        "churn": (
            with_steps(make_abt(customers=400)),
            make_spec(card=CardWords(owner={"zh": "零售部", "en": "Retail"})),
        ),
        "default": (with_steps(make_abt(customers=350, base=-1.5)), make_spec(Default(), name="demo.default")),
        "contribution": (with_steps(make_money_abt(customers=150)), make_spec(Contribution(), name="demo.money")),
        "table": (flat.abt, table),
    }
    for name, (abt, spec) in kinds.items():
        trained = quick_train(abt, spec, folder, leak_audit="not auditable" if name == "table" else "clean")
        champion = None
        if name == "churn":
            champion = Champion("6", replace(trained.bundle, digest="abc"))
            trained = quick_train(abt, spec, folder, champion=champion)
        protected = flat.protected if name == "table" else genders(abt) if name != "default" else None
        evidence = collect_evidence(trained, spec, protected=protected, champion=champion)
        sample = sample_rows(abt.frame, trained.predictions)
        page = model_report(trained.bundle, trained.predictions, SUBJECT, sample=sample, evidence=evidence)
        made[name] = (trained, evidence, page)
    return made


KINDS = ("churn", "default", "contribution", "table")


@pytest.mark.parametrize("kind", KINDS)
def test_every_part_is_there_and_no_cell_is_empty(reports, kind):
    text = reports[kind][2]
    page = Page(text)
    wanted = (*PARTS, "value", "rivals", "deciles-by-cutoff") if kind == "contribution" else PARTS
    assert [part for part in wanted if part not in page.ids] == []
    assert [link for link in re.findall(r'href="#([a-z]+)"', text) if link not in page.ids] == []
    assert re.findall(r"<t[dh][^>]*>\s*</t[dh]>", text) == []
    assert re.findall(r"\b(?:nan|NaN|None|inf|undefined)\b", page.words) == []
    assert page.is_closed
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.parametrize("kind", KINDS)
def test_a_report_is_offline_small_and_names_nobody(reports, kind):
    trained, _, text = reports[kind]
    page = Page(text)
    assert page.outside == []
    assert "script" not in page.tags
    assert len(text.encode()) <= 3_000_000
    ids = trained.predictions["customer_id"].unique()
    if kind != "table":  # its rows are numbered, and every number is also a figure
        assert [customer for customer in ids if customer in text] == []


@pytest.mark.parametrize("kind", KINDS)
def test_the_card_is_what_its_schema_says(reports, kind):
    schema = json.loads((Path(crmml.reporting.__file__).parent / "model_card.schema.json").read_text(encoding="utf-8"))
    validate(json.loads(json.dumps(dict(reports[kind][0].bundle.card), default=str)), schema)


@pytest.mark.parametrize("kind", KINDS)
def test_evidence_is_plain_json_and_draws_the_same_page_again(reports, kind):
    trained, evidence, _ = reports[kind]
    again = Evidence.from_json(evidence.to_json())
    pages = [model_report(trained.bundle, trained.predictions, SUBJECT, evidence=each) for each in (evidence, again)]
    assert pages[0] == pages[1]


def test_what_nobody_stated_is_said_with_its_key_and_what_was_stated_is_shown(reports):
    words = Page(reports["churn"][2]).words
    assert "Retail" in words
    assert "not stated (card: approver in the model config)" in words
    assert "card: owner in the model config" not in words


def test_a_part_without_evidence_says_why(reports):
    assert "no protected attribute is named" in reports["default"][2]
    assert "the first version" in reports["default"][2]
    assert "money has no points scorecard" in reports["contribution"][2]
    assert "the table states no cut-off" in reports["table"][2]


def test_population_reconciles(reports):
    words = Page(reports["churn"][2]).words
    assert "合计 total 6,000 1,000 5,000 600 0" in words


def test_a_model_that_is_its_own_champion_agrees_with_it_and_does_not_differ(reports):
    trained, evidence, text = reports["churn"]
    agreement = trained.metrics["reasons_agreement"]["champion"]
    assert (agreement["value"], agreement["digest"], agreement["version"]) == (1.0, "abc", "6")
    assert agreement["baseline_of"] == "champion"
    difference = evidence.against_champion["difference"]
    assert (difference["value"], difference["low"], difference["high"]) == (0.0, 0.0, 0.0)
    assert "champion v6" in Page(text).words


def test_protected_attributes_are_judged_and_never_reach_the_learner(reports):
    trained, evidence, _ = reports["table"]
    assert trained.bundle.names == ("age", "debt", "job")
    assert "sex" not in trained.prepared.frame.columns
    assert "sex" not in trained.predictions.columns
    groups = evidence.fairness["attributes"][0]["groups"]
    assert {row["group"] for row in groups} == {"F", "M"}
    assert sum(row["rows"] for row in groups) == len(trained.predictions)


def test_the_model_is_the_same_whether_or_not_protected_attributes_are_judged(tmp_path):
    abt, spec = make_abt(customers=300), make_spec()
    one = quick_train(abt, spec, tmp_path / "one").save(tmp_path / "a").digest
    trained = quick_train(abt, spec, tmp_path / "two")
    collect_evidence(trained, spec, protected=genders(abt))
    assert trained.save(tmp_path / "b").digest == one
