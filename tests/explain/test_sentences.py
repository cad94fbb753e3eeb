"""Sentences: every word from the catalogue, every number from the row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from crmml.explain import (
    Voice,
    component_sentence,
    find_money_reasons,
    find_reasons,
    sentence,
    signed_components,
    write_money_sentences,
    write_sentences,
)
from crmml.explain.wording import amount, factor, number, probability, signed
from tests.explain.served import info

SALARY = info("salary_3m", "salary", "近3个月代发工资", "salary credits, last 3 months")
INDUSTRY = info("industry", "profile", "行业", "industry", "category", "category")


def test_money_is_said_with_its_unit_and_the_peers_average():
    assert sentence(SALARY, 0.0, 5210.4, "zh") == "近3个月代发工资 0 元(同类平均 5,210 元)"
    assert sentence(SALARY, 0.0, 5210.4, "en") == "salary credits, last 3 months: 0 yuan (peers 5,210)"


@pytest.mark.parametrize("value", [None, float("nan"), pd.NA, pd.NaT])
def test_a_missing_value_is_said_and_never_a_zero(value):
    assert sentence(SALARY, value, 5210.0, "zh") == "近3个月代发工资:无记录或不适用(同类平均 5,210 元)"
    assert (
        sentence(SALARY, value, 5210.0, "en") == "salary credits, last 3 months: none, or not applicable (peers 5,210)"
    )


def test_a_category_is_said_as_its_level():
    assert sentence(INDUSTRY, "制造业", None, "zh") == "行业:制造业"
    assert sentence(INDUSTRY, "制造业", "批发零售", "en") == "industry: 制造业 (peers mostly 批发零售)"


def test_peers_without_an_average_are_left_out():
    assert sentence(SALARY, 120.5, float("nan"), "zh") == "近3个月代发工资 120 元"


def test_another_currency_is_named_by_its_code():
    assert sentence(SALARY, 1200.0, None, "en", voice=Voice("CZK")).endswith("1,200 CZK")


def test_large_chinese_amounts_can_be_in_ten_thousands():
    voice = Voice(in_ten_thousands=True)
    assert sentence(SALARY, 52_100.0, 900.0, "zh", voice=voice) == "近3个月代发工资 5.21 万元(同类平均 900 元)"


@pytest.mark.parametrize(
    ("unit", "value", "zh", "en"),
    [
        ("money", -1234.5, "-1,234 元", "-1,234 yuan"),
        ("money", 12.5, "12.50 元", "12.50 yuan"),
        ("share", 0.483, "48%", "48%"),
        ("change", -0.483, "-48%", "-48%"),
        ("change", 0.02, "+2%", "+2%"),
        ("rate", 0.0435, "4.35%", "4.35%"),
        ("days", 37.0, "37 天", "37 days"),
        ("days", 1.0, "1 天", "1 day"),
        ("months", 2.0, "2 个月", "2 months"),
        ("count", 1204.0, "1,204", "1,204"),
        ("ratio", 1.5, "1.50", "1.50"),
        ("count", -0.001, "0.00", "0.00"),
    ],
)
def test_amounts_are_written_as_a_banker_writes_them(unit, value, zh, en):
    assert (amount(value, unit, "zh"), amount(value, unit, "en")) == (zh, en)


def test_no_number_reads_minus_zero():
    assert number(-0.2, "days") == "-0.20"
    assert number(-0.0001, "money") == "0.00"


def test_odds_factors_and_probabilities_are_short():
    assert (factor(0.0), factor(np.log(1.02))) == ("× 1.00", "× 1.02")
    assert (probability(0.306), probability(0.061), probability(0.0)) == ("31%", "6.1%", "0%")
    assert (probability(0.99996), probability(1.0)) == ("> 99.99%", "100%")
    assert signed(1234.0, "money", "zh") == "+1,234 元"


def test_a_component_is_said_against_the_peers():
    assert component_sentence("service_cost", 80.0, 64.0, "zh") == "预计服务成本 80 元(同类平均 64 元)"
    assert component_sentence("expected_loss", 80.0, 64.0, "zh") == "预期损失 80 元(同类平均 64 元)"


def test_money_reasons_are_the_components_and_losses_are_said_as_positive_amounts():
    parts = signed_components({"margin": [300.0], "fees": [10.0], "expected_loss": [50.0], "service_cost": [20.0], "capital_charge": [5.0]})  # fmt: skip
    peers = signed_components({"margin": [280.0], "fees": [10.0], "expected_loss": [10.0], "service_cost": [25.0], "capital_charge": [4.0]})  # fmt: skip
    reasons = find_money_reasons(parts, peers, places=2)
    assert reasons.effects[0].tolist() == [-40.0, 20.0]
    assert [reasons.code(0, place) for place in (0, 1)] == ["EXPECTED_LOSS-", "MARGIN+"]
    assert reasons.rest[0] == 4.0
    assert reasons.total[0] == parts.sum() - peers.sum()
    zh, en = write_money_sentences(reasons, 0, components=parts, peers=peers)
    assert (zh[0], en[0]) == ("预期损失 50 元(同类平均 10 元)", "expected loss: 50 yuan (peers 10)")


def test_a_segment_without_averages_reads_those_of_all():
    reasons = find_reasons(np.array([[1.0]]), np.array([[0.0]]), ["salary"], places=1)
    zh, en = write_sentences(
        reasons,
        0,
        values=pd.DataFrame({"salary_3m": [0.0]}),
        segments=np.array(["company, borrower"]),
        peers={"all": {"salary_3m": 900.0}},
        infos=[SALARY],
    )
    assert (zh[0], en[0]) == (
        "近3个月代发工资 0 元(同类平均 900 元)",
        "salary credits, last 3 months: 0 yuan (peers 900)",
    )
