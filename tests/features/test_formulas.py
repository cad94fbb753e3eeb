"""Every formula that the catalogue can write is told in Chinese too."""

from __future__ import annotations

import re

import pytest

from crmml.features import families
from crmml.features.catalogue import describe_family
from crmml.features.declare import Family
from crmml.features.formulas import dropped_in_chinese, in_chinese

DECLARED = [each for each in vars(families).values() if isinstance(each, Family)]
ENGLISH = re.compile(
    r"\b(?:sum|mean|largest|smallest|lowest|highest|share|number|days|months|median|newest|value|level|rows?|"
    r"of|the|whose|with|where|from|over|known|cut-off|slope|deviation|how|many|column)\b"
)


@pytest.mark.parametrize("family", DECLARED, ids=lambda family: family.name)
def test_no_phrase_of_a_built_in_family_stays_english(family):
    told = [in_chinese(info.formula) for info in describe_family(family)]
    without_conditions = [re.sub(r",条件:.*?(?=;|$)", "", text) for text in told]
    assert [text for text in without_conditions if ENGLISH.search(text)] == []


def test_there_are_families_to_read():
    assert len(DECLARED) > 20


@pytest.mark.parametrize(
    "reason", ["null on every training row", "always person on training rows", "the same as a on every training row"]
)
def test_why_a_column_was_dropped_is_told_in_chinese(reason):
    assert "训练行上" in dropped_in_chinese(reason)
    assert not ENGLISH.search(dropped_in_chinese(reason))
