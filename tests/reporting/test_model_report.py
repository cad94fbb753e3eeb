"""The model report: from a model that was really trained, aggregates only, offline."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from crmml.modelling.spec import ModelSpec
from crmml.reporting.model_report import Subject, model_report, sample_rows
from crmml.reporting.shap_plots import Explained, beeswarm
from crmml.vocabulary import gate_words
from tests.modelling.synthetic import Contribution, make_abt, make_money_abt, make_spec, quick_train
from tests.reporting.pages import Page

SUBJECT = Subject("7", "示例银行", "Demo Bank", "流失 <模型>", "churn within 3 months")


@pytest.fixture(scope="module")
def churn(tmp_path_factory):
    abt = make_abt(customers=600)
    return abt, quick_train(abt, make_spec(), tmp_path_factory.mktemp("studies"))


@pytest.fixture(scope="module")
def html(churn):
    abt, trained = churn
    return model_report(
        trained.bundle, trained.predictions, SUBJECT, sample=sample_rows(abt.frame, trained.predictions)
    )


def test_report_is_whole_offline_and_small(html):
    page = Page(html)
    assert page.is_closed
    assert page.outside == []
    assert "script" not in page.tags
    assert len(page.ids) == len(set(page.ids))
    assert len(html.encode()) < 3_000_000


def test_no_customer_is_in_the_report(html, churn):
    ids = churn[0].frame["customer_id"].unique()
    assert not [customer for customer in ids if customer in html]


def test_headline_is_that_of_the_card(html, churn):
    figure = churn[1].metrics["headline"]["auc"]
    words = Page(html).words
    assert f"{figure['value']:.3f}" in words
    assert f"[{figure['low']:.3f}, {figure['high']:.3f}]" in words


def test_every_gate_and_every_dropped_column_is_told(html, churn):
    words = Page(html).words
    for gate in churn[1].metrics["gates"]:
        assert all(word in words for word in gate_words(gate["name"]))
    for column in churn[1].dropped:
        assert column in words


def test_titles_are_escaped(html):
    assert "流失 &lt;模型&gt;" in html


def test_deciles_reconcile_with_the_newest_cut_off(html, churn):
    predictions = churn[1].predictions
    last = predictions[predictions["period"] == predictions["period"].max()]
    assert f"{len(last):,}" in Page(html).words
    assert f"({last['period'].iloc[0]})" in html


def test_a_report_without_a_sample_has_no_shap(churn):
    text = model_report(churn[1].bundle, churn[1].predictions, SUBJECT)
    assert "SHAP beeswarm" not in text
    assert Page(text).is_closed


def test_a_contribution_is_reported_in_money(tmp_path):
    abt = make_money_abt(customers=300)
    spec: ModelSpec = make_spec(Contribution(), name="demo.contribution")
    trained = quick_train(abt, spec, tmp_path)
    page = Page(model_report(trained.bundle, trained.predictions, SUBJECT, sample=abt.frame.tail(200)))
    assert page.is_closed
    assert "标准化基尼" in page.words
    assert "沿用上年实际值" in page.words


def test_many_event_days_are_told_by_quarter(churn):
    days = pd.date_range("2024-01-01", "2024-04-30")
    card = dict(churn[1].bundle.card)
    card["waterfall"] = [
        {"cutoff_date": str(day.date()), "step": step, "rows": 2} for day in days for step in ("all", "sample")
    ]
    text = model_report(replace(churn[1].bundle, card=card), churn[1].predictions, SUBJECT)
    assert "2024Q1" in text
    assert "2024-01-17" not in text


def test_plots_sample_the_same_rows_every_time_and_leave_the_generator_alone():
    values = np.random.default_rng(1).normal(size=(6000, 3))
    explained = Explained(values, 0.1, values, ["a\nb", "c", "d"], "log-odds")
    assert len(explained.sampled().values) == 2000
    assert np.array_equal(explained.sampled().values, explained.sampled().values)
    np.random.seed(3)
    expected = np.random.RandomState(3).rand()
    small = explained.sampled(300)
    assert beeswarm(small) == beeswarm(small)
    assert np.random.rand() == expected


def test_contributions_that_do_not_fit_their_names_are_refused():
    with pytest.raises(ValueError, match="do not fit together"):
        Explained(np.zeros((2, 3)), 0.0, np.zeros((2, 3)), ["a"], "log-odds")


def test_explained_rows_are_those_of_the_newest_cut_off_or_of_all_tests_where_it_has_few():
    days = pd.to_datetime(["2024-06-30"] * 700 + ["2024-12-31"] * 600 + ["2025-03-31"] * 600)
    frame = pd.DataFrame({"cutoff_date": days, "row": range(1900)})
    assert sample_rows(frame, frame.iloc[700:])["row"].min() == 1300
    few = frame.iloc[:1400]
    assert sample_rows(few, few.iloc[700:])["row"].min() == 700


def test_too_few_rows_are_not_explained(churn):
    abt, trained = churn
    text = model_report(trained.bundle, trained.predictions, SUBJECT, sample=abt.frame.tail(29))
    assert "SHAP beeswarm" not in text
