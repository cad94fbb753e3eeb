"""The customer page: one file, offline, every number there and traceable."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmml.reporting import Customer, customer_page, served_from
from crmml.scoring import Scorer, score_frame
from tests.explain.served import feature_rows, money_bundle, peer_averages, probability_bundle
from tests.reporting.pages import Page

ROWS = feature_rows()
CUSTOMER = Customer(
    "C00000", date(2025, 10, 31), "configs/demo", "示例银行", "Demo Bank", "陈小明", "person", "person_deposit_only", "城关支行", "M01 <王>"
)  # fmt: skip


@pytest.fixture(scope="module")
def served():
    rows = []
    for bundle in (probability_bundle(ROWS), money_bundle(ROWS)):
        scores, _ = score_frame(ROWS.head(1), Scorer(bundle, bundle.name, "3", peer_averages(ROWS)))
        rows.append(served_from(scores.iloc[0].to_dict(), horizon_months=3))
    return rows


@pytest.fixture(scope="module")
def html(served):
    months = [date(2025, month, 28) for month in range(1, 11)]
    ledger = pd.DataFrame(
        {"month_end": months, "margin": 30.0, "fees": 2.5, "expected_loss": 1.0, "service_cost": 40.0, "capital_charge": 0.5, "contribution": -9.0}
    )  # fmt: skip
    holdings = pd.DataFrame(
        {"family": ["card", "robot"], "product": ["金卡<b>", "R"], "opened_on": ["2021-07-09"] * 2, "balance": [-1220.4, np.nan]}
    )  # fmt: skip
    trend = pd.DataFrame({"month_end": months, "balance": 5000.0, "salary": [5200.0] * 7 + [np.nan] * 3})
    return customer_page(CUSTOMER, served, ledger=ledger, holdings=holdings, trend=trend)


def test_page_is_whole_and_reaches_for_nothing_outside(html):
    page = Page(html)
    assert page.is_closed
    assert page.outside == []
    assert "script" not in page.tags
    assert len(page.ids) == len(set(page.ids))
    assert len(html) < 100_000


def test_every_text_of_the_bank_is_escaped(html):
    assert "金卡&lt;b&gt;" in html
    assert "M01 &lt;王&gt;" in html


def test_name_is_masked_and_probability_stands_once(html, served):
    assert "陈小明" not in html
    assert "陈**" in html
    assert html.count(f'<div class="big">{served[0].value * 100:.0f}%') == 1


def test_every_feature_of_a_reason_has_its_command(html, served):
    for reason in served[0].reasons:
        if reason.feature:
            assert f"crmml features configs/demo --explain {reason.feature} --customer C00000" in html
    assert "crmml ledger configs/demo --from 2024-11 --to 2025-10" in html


def test_written_product_of_factors_gives_the_written_odds(served):
    churn = served[0]
    product = churn.peer / (1 - churn.peer) * np.exp(sum(reason.effect for reason in churn.reasons))
    assert product == pytest.approx(churn.value / (1 - churn.value), rel=1e-9)
    assert churn.chain.startswith(f"{churn.peer / (1 - churn.peer):.3g} × ")


def test_written_sum_of_effects_gives_the_contribution(served):
    money = served[1]
    assert money.peer + sum(reason.effect for reason in money.reasons) == pytest.approx(money.value, abs=1e-9)


def test_every_reason_stands_there_in_both_languages(html, served):
    words = Page(html).words
    for model in served:
        for reason in model.reasons:
            assert reason.zh in words
            assert reason.en in words


def test_ledger_totals_are_the_sums_of_its_months(html):
    words = Page(html).words
    assert "= −90" in words
    assert "− 400" in words


@pytest.mark.parametrize("language", ["zh", "en", "both"])
def test_language_shown_first_is_the_one_asked_for(served, language):
    text = customer_page(CUSTOMER, served, language=language)
    assert f'id="show-{language}" checked' in text
    assert text.count(" checked>") == 1


def test_an_unknown_language_is_refused(served):
    with pytest.raises(ValueError, match="language is 'fr'; expected zh, en or both"):
        customer_page(CUSTOMER, served, language="fr")


def test_a_customer_without_ledger_or_products_has_a_page(served):
    bare = replace(CUSTOMER, name=None, kind=None, segment=None, branch=None, manager=None)
    page = Page(customer_page(bare, served[:1]))
    assert page.is_closed
    assert "C00000" in page.words


def test_reasons_that_are_not_there_are_not_shown(served):
    scores = {
        "model": "m", "version": "1", "prob_take": 0.2, "peer_mean": 0.2, "grade": "3", "percentile": 50.0,
        "reason_1_code": "SALARY+", "reason_1_zh": "甲", "reason_1_en": "a", "reason_1_feature": "f", "reason_1_effect": 0.3,
        "reason_2_code": None, "reason_2_zh": None, "reason_2_en": None, "reason_2_feature": None, "reason_2_effect": 0.0,
        "reason_rest_effect": -0.3,
    }  # fmt: skip
    take = served_from(scores)
    assert [reason.code for reason in take.reasons] == ["SALARY+", ""]
    assert [reason.share for reason in take.reasons] == [1.0, -1.0]
    assert not take.is_risk


def test_a_forecast_says_over_how_many_months_and_an_account_the_day_it_was_opened(html, served):
    _, money = served
    assert (money.zh[:5], money.en[-13:]) == ("未来3个月", "next 3 months")
    late = customer_page(
        CUSTOMER,
        served,
        holdings=pd.DataFrame(
            {"family": ["card"], "product": ["P"], "opened_on": pd.to_datetime(["2021-07-09"]), "balance": [1.0]}
        ),
    )
    assert "<td>2021-07-09</td>" in late
