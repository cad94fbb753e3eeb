import pytest

from crmml.targeting import Capacities, Contact, Limit, Offer, Rule, Suppression, ValueEstimate
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
        (
            lambda: Offer("card", "卡", "card", "phone"),
            "card has no contact_cost; expected channel and contact_cost, or",
        ),
        (lambda: Offer("card", "卡", "card"), "card has no channel; expected"),
        (lambda: Offer("card", "卡", "card", "phone", 1.0, channels={"sms": Contact(1.0)}), "expected one form only"),
        (lambda: Offer("card", "卡", "card", channels={"": Contact(1.0)}), "channel of card is ''; expected a text"),
        (
            lambda: Offer("card", "卡", "card", "phone", 1.0, kind="gift"),
            "kind of card is 'gift'; expected one of sell",
        ),  # type: ignore[arg-type]
        (lambda: Contact(-1.0), "contact_cost is -1.0"),
        (lambda: Contact(1.0, effect_share=1.5), "effect_share is 1.5; expected a share above 0"),
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
