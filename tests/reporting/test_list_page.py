import html
import re

import numpy as np
import pandas as pd
import pytest

from crmml.evaluation.takers import Takers
from crmml.reporting.list_page import Composition, ListStory, compose, list_page, selection_rates
from crmml.reporting.words import Words


def rows(**counts):
    names = [name for name, count in counts.items() for _ in range(count)]
    return pd.DataFrame({"branch": names, "prob_take": 0.1, "effect": 0.04, "expected_value": 10.0})


BRANCH = Composition("branch", Words("机构", "Branch"))


def story(**changed):
    about = {
        "list_id": "cross_sell-1",
        "cutoff_date": "2025-12-31",
        "suppress_as_of": "2025-12-31",
        "call_by": "2026-01-30",
        "rows": {"treated": 30, "control": 3, "explore": 2},
        "expected_takers": 3.2,
        "expected_value": 320.0,
        "contact_cost": 480.0,
        "incentive": 0.0,
        "allocated_value": 330.0,
        "bound": 331.0,
        "gap": 0.003,
        "models": {"bank.uptake": "1"},
        "against": "cross_sell-0",
        "against_as_of": "2025-11-30",
        "changes": {"kept": 20, "new": 9, "gone": 12, "other_offer": 3},
    }
    steps = [("all", True, 0, 90, 60), ("rule_1", False, 40, 50, 31), ("allocated", True, 0, 35, 35)]
    given = {
        "bank": Words("某行", "a bank"),
        "title": Words("名单", "a list"),
        "about": about,
        "rows": rows(**{"城关支行": 20, "东湖支行": 12}),
        "eligible": pd.DataFrame({"expected_value": np.linspace(20, -5, 60), "prob_take": 0.1}),
        "takers": Takers(3.2, 1.0, 7.0, 0.5, 8.0),
        "waterfall": pd.DataFrame(
            [
                {"step": s, "zh": s, "en": s, "is_total": t, "removed": r, "candidates": c, "customers": k}
                for s, t, r, c, k in steps
            ]
        ),
        "capacity_use": pd.DataFrame(
            {
                "kind": ["total", "offer", "offer", "offer", "manager"],
                "key": ["", "card", "loan", "fund", "m1"],
                "name": ["", "信用卡 card", "贷款 loan", "基金 fund", "诸葛亮"],
                "used": [32.0, 20.0, 9.0, 3.0, 12.0],
                "limit": [40.0, np.inf, np.inf, np.inf, 12.0],
                "price": [0.0, 0.0, 0.0, 0.0, 86.0],
                "price_zh": [*["有余量"] * 4, "再多一个诸葛亮的电话名额值 86 元"],
                "price_en": [*["room is left"] * 4, "one more call slot of manager 诸葛亮 is worth 86 yuan"],
            }
        ),
        "fairness": pd.DataFrame(
            {
                "attribute": "gender",
                "group": ["F", "M"],
                "scored": [400, 200],
                "eligible": [300, 150],
                "selected": [80, 20],
            }
        ),
        "compositions": (BRANCH,),
    }
    return ListStory(**{**given, **changed})


def shown(page):
    return html.unescape(re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", " ", page, flags=re.S))


def test_the_page_is_one_offline_file_of_both_languages_with_its_stamp():
    page = list_page(story(by_propensity=32))
    assert len(page.encode()) < 3_000_000
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    text = shown(page)
    for words in ("Propensity, not causal", "购买倾向,非因果效应", "one more call slot of manager", "再多一个", "331"):
        assert words in text
    assert "[0, 8]" in text
    assert "[1, 7]" in text


def test_the_stamp_stands_where_an_effect_comes_from_no_randomised_contact_and_only_there():
    assert "brought by the contact" not in shown(list_page(story(by_propensity=32))).replace("taker as brought by", "")
    causal = shown(list_page(story(by_propensity=0)))
    assert "not causal" not in causal
    assert re.search(r"of these brought by the contact\s+1\.3", causal)
    assert "12 / 32:" in shown(list_page(story(by_propensity=12)))


def test_no_cell_of_fewer_than_five_can_be_read_or_found_by_subtraction():
    text = re.sub(r"\s+", " ", shown(list_page(story())))
    assert "保留 kept 20 新增 new – 换了产品 another offer < 5" in text
    assert "基金 fund < 5" in text
    assert "贷款 loan –" in text


def test_small_groups_stand_together_and_never_one_alone():
    told = compose(rows(a=20, b=9, c=3), BRANCH)
    assert [(row["words"].en, row["rows"]) for row in told] == [("a", 20), ("others (together)", 12)]
    told = compose(rows(a=20, b=4, c=3), BRANCH)
    assert [(row["words"].en, row["rows"]) for row in told] == [("a", 20), ("others (together)", 7)]
    assert compose(rows(a=3), BRANCH) == []
    assert sum(row["share"] for row in compose(rows(a=6, b=6, c=1), BRANCH)) == pytest.approx(1)


def test_a_group_selected_half_as_often_lies_outside_four_fifths_beyond_its_interval():
    first, second = selection_rates(story().fairness)
    assert first["rate"]["value"] == pytest.approx(0.2)
    assert second["rate"]["value"] == pytest.approx(0.1)
    assert second["ratio"]["value"] == pytest.approx(0.5)
    # ln 0.5 ± 1.96 × sqrt(1/20 − 1/200 + 1/80 − 1/400)
    assert (second["ratio"]["low"], second["ratio"]["high"]) == pytest.approx((0.3158, 0.7918), abs=1e-4)
    assert (first["ratio"], second["flag"]) == (None, "outside")


def test_a_group_of_whom_nobody_is_selected_is_told_and_one_of_few_is_not():
    groups = pd.DataFrame(
        {
            "group": ["a", "b", "c", "d"],
            "scored": [500, 300, 300, 8],
            "eligible": [400, 200, 200, 8],
            "selected": [50, 0, 3, 2],
        }
    )
    _, nobody, some, few = selection_rates(groups)
    assert (nobody["ratio"]["value"], nobody["flag"]) == (0.0, "outside")
    assert (some["selected"], some["rate"], some["ratio"]) == ("< 5", None, None)
    assert few["group"].en == "others (together)"


def test_each_language_has_its_own_words_of_offers_and_the_banks_own_names_stand_once():
    offers = Composition("offer", Words("产品", "Offer"), {"card": Words("信用卡", "card")})
    rows_ = story().rows.assign(offer="card")
    page = list_page(story(rows=rows_, compositions=(offers,)))
    assert '<span class="zh" lang="zh">信用卡</span><span class="en " lang="en">card</span>' in page
    assert "信用卡 card" not in page
    assert "<td>贷款 loan</td>" in page  # an offer without words of its own keeps its name
