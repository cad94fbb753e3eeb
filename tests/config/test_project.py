from pathlib import Path
from types import SimpleNamespace

import pytest

from crmml.config.project import refuse_protected, require_terms
from crmml.errors import ConfigError


def model(features=("balances",), terms=(), event="loans"):
    return SimpleNamespace(
        path=Path("bank/application.yaml"), spec=SimpleNamespace(families=features), terms=terms, event=event
    )


BANK = SimpleNamespace(protected=("gender", "born_on", "collateral_value"))


@pytest.mark.parametrize(
    ("features", "terms", "message"),
    [
        (
            ("profile.gender",),
            (),
            "features has 'profile.gender'; gender is protected by bank.yaml and never a feature",
        ),
        (("profile.age",), (), "age is made of born_on, which is protected by bank.yaml"),
        (("balances",), ("collateral_value",), "terms has 'collateral_value'; collateral_value is protected"),
        (("balances",), ("gender",), "terms has 'gender'; gender is protected"),
    ],
)
def test_a_protected_attribute_is_refused_by_its_name(features, terms, message):
    with pytest.raises(ConfigError, match=rf"{message}.*\[C009\]"):
        refuse_protected(model(features, terms), BANK)


def test_other_attributes_and_terms_are_welcome():
    refuse_protected(model(("profile.industry", "tenure", "profile"), ("principal",)), BANK)
    require_terms(model(terms=("principal", "term_months")))


@pytest.mark.parametrize(
    ("terms", "event", "message"),
    [
        (("principle",), "loans", r"terms has 'principle'; expected one of principal.*Did you mean 'principal'\?"),
        (("outcome",), "contacts", "terms has 'outcome'; expected one of product_id, arm, list_id"),
        (("principal",), None, "cutoffs has no event; expected event: loans or contacts"),
    ],
)
def test_terms_are_settled_when_the_event_began(terms, event, message):
    with pytest.raises(ConfigError, match=message):
        require_terms(model(terms=terms, event=event))
