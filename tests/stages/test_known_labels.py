"""A label of the bank's own is learned from only if it was known when the test began."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from crmml.config import Model
from crmml.errors import ConfigError
from crmml.labels import Bookings, Given
from crmml.modelling.spec import ModelSpec, Split
from crmml.periods import Horizon
from crmml.stages.maturity import require_known
from tests.tables import bank

LABELS = """
    customer_id  cutoff_date  target  value  known_on
    1            2024-01-10   bad     1      2024-06-30
    2            2024-02-10   bad     0      2024-07-01
    3            2024-02-10   other   0      2025-12-31
    4            2024-07-20   bad     0      2025-12-31
"""


def model(*, test=("2024-07-01", "2024-07-31"), target=None, event="loans"):
    train, later = ((date(2024, 1, 1), date(2024, 2, 29)), tuple(date.fromisoformat(day) for day in test))
    if event is None:
        train, later = (date(2024, 2, 10),), later[:1]
    spec = ModelSpec(name="test.bad", target=target or Given("bad", 1), horizon=Horizon(1), split=Split(train, later))
    return Model("bad", "坏", "bad", spec, Path("configs/test/bad.yaml"), event=event)


@pytest.fixture
def opened():
    return bank(customers="customer_id\n1\n2\n3\n4", labels=LABELS)


def test_labels_known_by_the_first_test_cut_off_pass(opened):
    require_known(model(), opened)
    require_known(model(event=None), opened)


@pytest.mark.parametrize("event", ["loans", None])
def test_labels_that_became_known_after_the_test_began_are_refused(opened, event):
    told = r"bad.yaml: 1 labels of the training cut-offs became known up to 2024-07-01, .* is 2024-06-30.*\[C006\]"
    with pytest.raises(ConfigError, match=told):
        require_known(model(test=("2024-06-30", "2024-07-31"), event=event), opened)


def test_a_test_on_other_customers_and_other_targets_are_not_asked(opened):
    late = model(test=("2024-06-30", "2024-07-31"))
    require_known(replace(late, spec=replace(late.spec, split=Split(late.spec.split.train, ()))), opened)
    require_known(replace(late, spec=replace(late.spec, target=Bookings())), opened)
