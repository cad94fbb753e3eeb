import pytest

from crmml.targeting import Capacities, Limit, Offer, Rule, Suppression, ValueEstimate
from tests.targeting.lists import CARD, spec


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: Capacities(total=-1), "total capacity is -1; expected a whole number, 0 or more"),
        (lambda: Capacities(budget=-0.5), "budget of contact costs is -0.5; expected an amount, 0 or more"),
        (lambda: Limit(default=5, overrides={"m1": -2}), "limit of m1 is -2"),
        (lambda: Limit(default=2.5), "default is 2.5; expected a whole number"),  # type: ignore[arg-type]
        (lambda: Offer("card", "卡", "card", "phone", -1.0), "contact cost of card is -1.0"),
        (lambda: Offer("card", "", "card", "phone", 1.0), "offer's zh is ''; expected a text"),
        (lambda: Offer("card", "卡", "card", "phone", 1.0, capacity=True), "capacity of card is True"),
        (
            lambda: Offer("card", "卡", "card", "phone", 1.0, value_if_taken=float("nan")),
            "value_if_taken of card is nan",
        ),
        (lambda: Rule(" "), "rule's where is ' '; expected a text"),
        (lambda: Suppression(contacted_within_days=-1), "contacted_within_days is -1"),
        (lambda: ValueEstimate(minimum_takers=1), "minimum_takers is 1; expected 2 or more"),
        (lambda: spec(control_share=1.0), "control_share is 1.0; expected a share of at least 0 and below 1"),
        (lambda: spec(explore_share=-0.1), "explore_share is -0.1"),
        (lambda: spec(offers=()), "has no offers"),
        (lambda: spec(offers=(CARD, CARD)), "offers name 'card' twice"),
        (lambda: spec(max_risk_band="F"), "max_risk_band is 'F'; expected one of A, B, C, D, E"),
        (lambda: spec(call_by_days=0), "call_by_days is 0"),
        (
            lambda: spec(capacities=Capacities(per_channel={"fax": 1})),
            "channel 'fax'; expected one of .* branch, phone",
        ),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_found_and_expected(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_a_rule_without_words_is_said_by_its_condition():
    assert Rule("age > 18").zh == Rule("age > 18").en == "age > 18"
