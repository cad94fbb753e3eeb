"""The `card:` of a model's file."""

import pytest

from crmml.config.card_file import card_words
from crmml.errors import ConfigError


def test_a_text_stands_for_both_languages_and_a_pair_for_each():
    card = card_words(
        {"owner": "Risk", "purpose": {"zh": "用途", "en": "use"}, "review_by": "2027-06-30"}, where="card"
    )
    assert (card.owner, card.purpose["zh"], card.review_by) == ({"zh": "Risk", "en": "Risk"}, "用途", "2027-06-30")
    assert card_words({}, where="card").owner == {}


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        ({"ownr": "x"}, "C002", "owner"),
        ({"owner": 3}, "C003", "expected a text"),
        ({"owner": {"zh": "x"}}, "C003", "expected a text"),
        ({"review_by": "soon"}, "C003", "a day such as"),
        ({"selected_share": 1.5}, "C005", "below 1"),
        ({"selected_grade": 11}, "C005", "2 to 10"),
    ],
)
def test_what_a_card_cannot_say_is_refused_with_its_place(content, code, words):
    with pytest.raises(ConfigError, match=words) as caught:
        card_words(content, where="churn.yaml: card")
    assert caught.value.code == code
