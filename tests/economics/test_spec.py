"""Economics refuses what would be silently wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from crmml.economics import DatedCcf, DatedPd, Economics
from crmml.economics.spec import bucket_floor


def economics(**changed: Any) -> Economics:
    return Economics(**{"ftp": {"current": 0.02}, "hurdle": 0.1, "capital_ratio": 0.085, **changed})


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"ftp": {"current": 2.0}}, "ftp: current is 2.0; expected a fraction per year such as 0.035, not percent"),
        ({"paid_rate": {"current": 1.5}}, "paid_rate: current is 1.5"),
        ({"hurdle": 10.0}, "economics: hurdle is 10.0"),
        ({"capital_ratio": 8.5}, "capital_ratio is 8.5; expected a share"),
        ({"ccf_ead": {"card": -0.1}}, "ccf_ead: card is -0.1"),
        ({"risk_weight": {"card": 75}}, "risk_weight: card is 75; expected a multiple"),
        ({"cost_per_account_month": {"current": -1}}, "cost_per_account_month: current is -1"),
        ({"cost_per_transaction": {"counter": 3.0}}, "cost_per_transaction needs a cost for 'other'"),
        ({"fee_kinds": ("x",), "interest_kinds": ("x",)}, "'x' is both in fee_kinds and in interest_kinds"),
        ({"day_count": 300}, "day_count is 360, 365 or 366, got 300"),
        ({"ftp": {"curent": 0.02}}, "'curent' is not a product family"),
        ({"ftp": {"current": "0.02"}}, "ftp: current is '0.02'"),
        ({"paid_rate": {"savings": 0.01}}, "economics lacks ftp for savings"),
        ({"ftp": {"loan": 0.02}}, "economics lacks lgd for loan; risk_weight for loan; prob_default for loan"),
    ],
)
def test_a_wrong_parameter_is_named_with_its_value(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        economics(**changed)


def test_a_table_of_default_probabilities_needs_the_bucket_not_past_due() -> None:
    with pytest.raises(ValueError, match="prob_default from 2024-01-01, loan: the bucket '0'"):
        DatedPd(date(2024, 1, 1), {"loan": {"1-30": 0.1}})


def test_dated_tables_stand_in_order() -> None:
    tables = (DatedCcf(date(2025, 1, 1), {}), DatedCcf(date(2024, 1, 1), {}))
    with pytest.raises(ValueError, match="ccf_capital: the tables must be in order"):
        economics(ccf_capital=tables)


def test_a_bank_without_loans_needs_no_risk_parameters() -> None:
    economics().require({"current", "insurance", "service"})


def test_every_dated_table_must_know_every_credit_family_held() -> None:
    pd_2024 = DatedPd(date(2024, 1, 1), {"loan": {"0": 0.01}})
    given = {"ftp": {"loan": 0.02}, "lgd": {"loan": 0.45}, "risk_weight": {"loan": 0.75}, "prob_default": (pd_2024,)}
    with pytest.raises(ValueError, match="ftp for card; lgd for card; risk_weight for card; prob_default from 2024"):
        economics(**given).require({"card"})


def test_a_bucket_that_is_no_range_of_days_is_refused() -> None:
    with pytest.raises(ValueError, match="'late' is not an arrears bucket"):
        bucket_floor("late")
