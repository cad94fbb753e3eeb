import pytest

from crmml.config.list_file import load_list
from crmml.errors import ConfigError
from crmml.targeting import Limit, MinimumShare

LIST = """
zh: 名单
en: list
purpose: test
offers:
  - {product: card, zh: 信用卡, en: card, channels: {phone: {contact_cost: 15}, sms: {contact_cost: 0.2, effect_share: 0.4}}, capacity: 50}
  - {product: loan, zh: 贷款, en: loan, channel: phone, contact_cost: 15}
capacities:
  total: 100
  per_product_branch: {card: {default: 5, overrides: {"0012": 8}}, loan: 3}
  minimum_per_product: {card: 20}
  minimum_per_branch: 2
  minimum_shares: [{where: "kind = 'company'", share: 0.1, zh: 企业客户, en: companies}]
eligibility: ["offer <> 'loan' or prob_take > 0.1"]
control_share: 0.1
seed: 7
call_by_days: 30
"""


def load(folder, text: str = LIST):
    path = folder / "cross_sell.yaml"
    path.write_text(text, encoding="utf-8")
    return load_list(path)


def test_every_kind_of_capacity_is_read_from_the_file(tmp_path):
    asked = load(tmp_path).capacities
    assert asked.per_product_branch == {"card": Limit(5, {"0012": 8}), "loan": Limit(3)}
    assert (asked.minimum_per_product, asked.minimum_per_branch) == ({"card": 20}, Limit(2))
    assert asked.minimum_shares == (MinimumShare("kind = 'company'", 0.1, "企业客户", "companies"),)
    assert load(tmp_path).offer("card").contacts["sms"].effect_share == 0.4


@pytest.mark.parametrize(
    ("old", "new", "code", "message"),
    [
        ("total: 100", "total: -1", "C005", "the total capacity is -1; expected a whole number, 0 or more"),
        ("{card: 20}", "{crad: 20}", "C005", "minimum_per_product names product 'crad'; .* Did you mean 'card'"),
        ("loan: 3}", "lone: 3}", "C005", "per_product_branch names product 'lone'; .* Did you mean 'loan'"),
        ("{card: 20}", "{card: 60}", "C005", "asks for 60 rows of card and its capacity is 50"),
        ("{card: 20}", "{card: 20, loan: 90}", "C005", "asks for 110 rows together and total allows 100"),
        ("total: 100", "budget: 3", "C005", "cost 4.00 at least and the budget is 3.00"),
        ("share: 0.1,", "share: 1.1,", "C005", "minimum share of .* is 1.1; expected above 0 and at most 1"),
        ("share: 0.1,", "", "C011", "has no key 'share'"),
        ("<> 'loan'", "in ('card', 'laon')", "C002", r"eligibility\[0\] names offer 'laon'; .* Did you mean 'loan'"),
        (
            "kind = 'company'",
            "channel = 'fax'",
            "C002",
            r"minimum_shares\[0\] names channel 'fax'; expected one of phone, sms",
        ),
        ("effect_share: 0.4", "effectshare: 0.4", "C002", "unknown key 'effectshare'; .* Did you mean 'effect_share'"),
    ],
)
def test_a_wrong_capacity_or_rule_is_one_clear_message(tmp_path, old, new, code, message):
    assert LIST.count(old) == 1
    with pytest.raises(ConfigError, match=message) as raised:
        load(tmp_path, LIST.replace(old, new))
    assert raised.value.code == code


def test_a_list_without_some_offers_forgets_what_it_said_of_them(tmp_path):
    left = load(tmp_path).without(["card"])
    assert left.products == ("loan",)
    assert left.capacities.minimum_per_product == {}
    assert list(left.capacities.per_product_branch) == ["loan"]
