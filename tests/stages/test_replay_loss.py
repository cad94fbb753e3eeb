"""The expected loss beside a default score is made again from the kept exposures and the chance made again."""

from types import SimpleNamespace

import pandas as pd
import pyarrow as pa
import pytest

from crmml.stages.provisioning import accounts_file, provision_of, with_expected_loss
from crmml.stages.replay import compare, with_loss

KEY = "default"
EXPOSURES = pd.DataFrame(
    {
        "customer_id": ["1", "1", "2"],
        "account_id": ["a", "b", "c"],
        "days_past_due": [0, 10, 0],
        "ead": [1000.1, 300.3, 70.7],
        "lgd": [0.45, 0.3, 0.1],
    }
)


@pytest.fixture
def served(tmp_path):
    """The scores of two borrowers as served, and a snapshot that keeps their accounts."""
    scores = pa.table({"customer_id": ["1", "2"], "prob_default": [0.0371, 0.2]})
    graded = scores.to_pandas().assign(grade="5")
    accounts = provision_of(EXPOSURES, graded, default_days=90)
    accounts.to_parquet(tmp_path / accounts_file(KEY), index=False)
    return with_expected_loss(scores, accounts), SimpleNamespace(scores=tmp_path)


def test_the_same_chance_gives_the_same_loss_bit_by_bit(served):
    table, snapshot = served
    one = table.slice(0, 1)
    made = with_loss(one.select(["customer_id", "prob_default"]), snapshot, KEY)
    assert compare("score", one, made).is_equal
    assert made["expected_loss_12m"].to_pylist() == [pytest.approx(0.0371 * (1000.1 * 0.45 + 300.3 * 0.3))]


def test_a_chance_that_differs_by_a_trifle_gives_another_loss(served):
    table, snapshot = served
    chance = pa.array([0.2 + 1e-12])
    made = with_loss(pa.table({"customer_id": ["2"], "prob_default": chance}), snapshot, KEY)
    assert compare("score", table.slice(1, 1), made).different == ("prob_default", "expected_loss_12m")


def test_a_model_served_without_exposures_stays_as_it_is(tmp_path):
    made = pa.table({"customer_id": ["1"], "prob_default": [0.1]})
    assert with_loss(made, SimpleNamespace(scores=tmp_path), KEY) is made
