"""The page of lists beside the truth: written from its figures, losses and all; contacts without effect are not let through."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.list_truth_page import Bank, Other, page_of
from benchmarks.planted_logs import planted

DOCS = Path(__file__).parents[1] / "docs"


def bank(seed, *, true, others, error=100.0):
    beside = tuple(
        Other(words, true - ahead, (ahead, ahead - 200, ahead + 200), error)
        for words, ahead in zip(("by probability", "by value", "by deposits"), others, strict=True)
    )
    return Bank(seed, 300, "uplift", "differences", 2_000.0, true, 9_000.0, beside, 1.1, 1.2, 1.3, 1.56)


def page(*banks):
    return page_of({"customers": 6_000, "machine": "made up", "banks": {str(one.seed): asdict(one) for one in banks}})


def test_the_stored_figures_make_the_page():
    told = json.loads((DOCS / "list_truth.json").read_text(encoding="utf-8"))
    assert (DOCS / "list_truth.md").read_text(encoding="utf-8") == page_of(told)
    assert len(told["banks"]) >= 3
    assert [one["effect"] for one in told["planted"]] == ["none", "harm", "help"]


def test_margins_are_pooled_by_hand_and_a_loss_stands_there_too():
    text = page(bank(1, true=1_000.0, others=(300, 500, -100)), bank(2, true=600.0, others=(-100, 300, -300)))
    assert "| 2 | -100 [-300, +100] | +300 [+100, +500] | -300 [-500, -100] |" in text
    # Means 100, 400, -200; customers: 1.96 x sqrt(100^2 + 100^2) / 2 = 139.
    assert "重抽客户 | +100 [-39, +239] | +400 [+261, +539] | -200 [-339, -61] |" in text
    # Banks: t of one degree 12.706 x 282.8 / sqrt 2 = 2,541.
    assert "以银行为单位 | +100 [-2,441, +2,641] |" in text
    assert "| 1 of 2 | 2 of 2 | 0 of 2 |" in text


def test_a_list_that_loses_money_has_no_ratio_and_the_sum_has():
    text = page(bank(1, true=-500.0, others=(1, 1, 1)), bank(2, true=2_500.0, others=(1, 1, 1)))
    assert "| 1 | 2,000 | -500 | – | 1.10 | 1.20 | 1.30 | 1.56 |" in text
    assert "| **all 合计** | **4,000** | **2,000** | **2.0** |" in text


def test_logs_without_effect_are_let_through_by_chance_only_and_harmful_ones_never():
    # At most 5 % of them by chance; seven or more of 60 would be met once in five hundred times.
    assert planted("none", logs=60).usable <= 6 / 60
    assert planted("harm", logs=20).usable == 0
    found = planted("help", logs=20)
    assert found.usable >= 0.5
    assert found.contacted == pytest.approx(found.usable)
