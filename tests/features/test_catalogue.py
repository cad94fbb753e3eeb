"""The catalogue is complete: every feature can be read by a banker in both languages."""

from __future__ import annotations

import re

from crmml.features import CONCEPTS, FeatureInfo, families_of, family_names
from crmml.features.catalogue import describe_family
from crmml.features.families.people import STANDING
from crmml.features.terms import TERMS, term_infos
from crmml.peers import standing_infos
from crmml.sources.spec import ActivityMeasure
from tests.tables import spec

ACTIVITY = (
    ActivityMeasure("logins", "flow", "count", "登录次数", "logins"),
    ActivityMeasure("points", "level", "money", "积分", "points"),
)
INFOS: list[FeatureInfo] = [
    info for family in families_of(spec(activity=ACTIVITY)).values() for info in describe_family(family)
] + list(term_infos(f"term_{name}" for name in TERMS))
UNITS = {"money", "count", "days", "months", "years", "number", "rate", "share", "ratio", "change", "category"}
TARGETS = {"churn", "default", "contribution", "uptake"}


def test_every_text_is_there_in_both_languages() -> None:
    for info in INFOS:
        for text in (info.zh, info.en, info.formula, info.source, info.null_meaning, info.null_meaning_zh):
            assert text.strip(), info.name
        assert re.search(r"[\u4e00-\u9fff]", info.zh), info.name
        assert re.search(r"[\u4e00-\u9fff]", info.null_meaning_zh), info.name
        assert not re.search(r"[\u4e00-\u9fff]", info.en + info.formula + info.null_meaning), info.name


def test_names_are_unique_flat_and_end_with_their_window() -> None:
    names = [info.name for info in INFOS]
    assert len(names) == len(set(names))
    for info in INFOS:
        assert re.fullmatch(r"[a-z][a-z0-9_]*", info.name), info.name
        assert info.name.endswith(f"_{info.window}" if info.window else ""), info.name


def test_titles_tell_features_apart() -> None:
    for titles in ([info.zh for info in INFOS], [info.en for info in INFOS]):
        assert not {title for title in titles if titles.count(title) > 1}


def test_concepts_units_and_signs_are_known() -> None:
    for info in INFOS:
        assert info.concept in CONCEPTS, info.name
        assert info.unit in UNITS, info.name
        assert set(info.sign) <= TARGETS, info.name
        assert set(info.sign.values()) <= {-1, 1}, info.name


def test_every_family_of_a_config_has_features_and_words() -> None:
    families = families_of(spec(activity=ACTIVITY))
    assert tuple(families) == family_names()
    for family in families.values():
        assert family.zh
        assert family.en
        if family is STANDING:  # told by the peers, who are there once all features of a cut-off are
            assert standing_infos(["deposits_mean_3m"])[0].family == family.name
        else:
            assert list(describe_family(family)), family.name


def test_a_formula_reads_like_the_declaration() -> None:
    info = next(info for info in INFOS if info.name == "salary_in_3m")
    assert info.formula == "sum of amount where kind == 'salary', over ]cut-off - 3 months, cut-off]"
    assert (info.zh, info.en) == ("近3个月代发工资", "salary paid in, last 3 months")
    assert info.null_meaning == (
        "the window begins before the observed history; no current account or savings account or time deposit held at the cut-off"
    )
