"""The page of features: every feature with its words and figures, found by a search, and nothing from a network."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace

import numpy as np
import pandas as pd

from crmml.features import FeatureInfo
from crmml.reporting.feature_page import Described, Features, User, feature_page
from crmml.stages.docs import _drift, _levels, _quantiles

INFO = FeatureInfo(
    name="salary_in_3m", family="salary", concept="salary", zh="近3个月代发工资", en="salary paid in, last 3 months",
    unit="money", formula="sum of amount where kind = 'salary'", window="3m", source="transactions",
    null_meaning="no current account held", null_meaning_zh="未持有活期账户", sign={"churn": -1},
)  # fmt: skip
CHURN, CARD = User("churn", "流失", "churn"), User("uptake_card", "办卡", "card")
SUBJECT = Features("银行", "Bank", ("2025-01-31", "2025-02-28"), "2025-02-28", (CHURN, CARD))
ROW = Described(INFO, (0.5, 0.44), psi=0.412, mean=10_123.4, quantiles=(0, 6_041, 32_911), used_by=(CHURN,))


def test_a_feature_is_told_in_both_languages_with_its_figures() -> None:
    page = feature_page([ROW], SUBJECT)
    for text in (
        "近3个月代发工资",
        "salary paid in, last 3 months",
        "工资代发",
        "未持有活期账户",
        "no current account held",
    ):
        assert text in page
    for figure in ("44%", "0.41", "0 · 6,040 · 32,900", "10,100", "1 / 2", "sum of amount where kind"):
        assert figure in page


def test_a_feature_is_found_by_chinese_english_and_column() -> None:
    (text,) = re.findall(r'data-text="([^"]*)"', feature_page([ROW], SUBJECT))
    for word in ("工资", "salary", "salary_in_3m", "transactions", "paid in"):
        assert word in text
    assert text == text.lower()


def test_only_the_script_named_by_its_digest_may_run_and_nothing_is_loaded() -> None:
    page = feature_page([ROW], SUBJECT)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src 'sha256-{digest}'" in page
    assert not re.search(r"https?://|src=|@import|url\(", page)


def test_words_of_a_bank_cannot_run() -> None:
    evil = replace(INFO, name="x", zh='"><script>alert(1)</script>', en="<img onerror=x>")
    page = feature_page([Described(evil, (1.0, 1.0), levels=(("<b>", 1.0),))], SUBJECT)
    assert "<script>alert" not in page
    assert "<img" not in page
    assert "<b>" not in page.split("</header>")[1]


def test_six_hundred_features_stay_light() -> None:
    rows = [replace(ROW, info=replace(INFO, name=f"salary_in_{number}")) for number in range(600)]
    assert len(feature_page(rows, SUBJECT).encode()) < 3_000_000


def test_no_figure_stands_for_fewer_than_twenty_customers() -> None:
    assert _quantiles(np.arange(399.0)) is None
    assert _quantiles(np.arange(401.0)) == (20.0, 200.0, 380.0)
    assert _levels(pd.Series(["a"] * 20 + ["b"] * 19)) == (("a", 20 / 39),)
    assert _drift(pd.Series([1.0] * 199), pd.Series([2.0] * 500), numeric=True) is None


def test_drift_counts_nulls_and_levels() -> None:
    same = pd.Series(np.arange(500.0))
    assert _drift(same, same, numeric=True) == 0
    assert _drift(same, same.where(same > 250), numeric=True) > 0.25
    words = pd.Series(["a", "b"] * 250)
    assert _drift(words, words, numeric=False) == 0
    assert _drift(words, pd.Series(["a"] * 500), numeric=False) > 0.25


def test_the_frequent_values_of_a_category_are_shown() -> None:
    told = replace(ROW, levels=(("farmer", 0.6), ("clerk", 0.3)))
    page = feature_page([told], SUBJECT)
    assert "farmer 60%, clerk 30%" in page
    assert "built-in" not in page
