"""The formulas of contribution, each against a number worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.economics.capital import binding_measure, capital_charge, leverage_exposure, risk_weighted_assets
from crmml.economics.interest import credit_margin, deposit_margin, interest
from crmml.economics.loss import expected_loss, exposure_at_default, loss_of_days, remaining_loss
from crmml.economics.shares import largest_remainder, split_cents, to_cents


def test_interest_counts_days_on_the_basis() -> None:
    assert interest(0.036, 100_000 * 30, basis=360).item() == pytest.approx(300.0)
    with pytest.raises(ValueError, match="basis is positive"):
        interest(0.036, 1, basis=0)


def test_a_deposit_earns_the_internal_price_less_the_customers_rate() -> None:
    assert deposit_margin(0.0205, 0.002, 36_500, days=30).item() == pytest.approx(36_500 * 0.0185 * 30 / 365)


def test_a_deposit_paid_above_the_internal_price_loses_money() -> None:
    assert deposit_margin(0.02, 0.03, 36_500, days=10).item() == pytest.approx(-10.0)


def test_a_loan_earns_its_rate_less_the_internal_price() -> None:
    assert credit_margin(0.072, 0.026, 365_000, days=31).item() == pytest.approx(1426.0)
    with pytest.raises(ValueError, match="not negative, got -1"):
        credit_margin(0.07, 0.02, -1.0, days=1)


def test_expected_loss_refuses_percentages_and_negative_exposure() -> None:
    with pytest.raises(ValueError, match=r"prob_default lies in \[0, 1\], got 2.0"):
        expected_loss([0.01, 2.0], 0.45, 100)
    with pytest.raises(ValueError, match="ead is not negative, got -5"):
        expected_loss(0.01, 0.45, [-5.0])
    with pytest.raises(ValueError, match=r"lgd lies in \[0, 1\], got nan"):
        expected_loss(0.01, float("nan"), 100)


def test_twelve_months_of_loss_by_days_are_the_loss_of_a_year() -> None:
    days = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    assert loss_of_days(0.02, 0.45, 1_000_000, days=days).sum() == pytest.approx(9_000.0)


def test_an_unused_limit_counts_by_its_own_factor_in_each_measure() -> None:
    drawn, unused = 2_000.0, 8_000.0
    assert exposure_at_default(drawn, unused, 0.30).item() == 4_400.0
    assert leverage_exposure(drawn, unused, ccf=0.10).item() == 2_800.0
    assert risk_weighted_assets(drawn, unused, ccf=0.20, risk_weight=0.75).item() == pytest.approx(2_700.0)


def test_a_default_is_charged_once_and_never_given_back() -> None:
    assert remaining_loss(0.45, 10_000, 0).item() == 4_500.0
    assert remaining_loss(0.45, 10_000, 500).item() == 4_000.0
    assert remaining_loss(0.45, 1_000, 500).item() == 0.0


def test_the_measure_that_asks_for_more_capital_binds() -> None:
    ratios = {"capital_ratio": 0.085, "leverage_floor": 0.04}
    assert binding_measure(100.0, 212.5, **ratios) == "risk"
    assert binding_measure(100.0, 212.6, **ratios) == "leverage"


def test_the_capital_charge_of_a_year_is_the_hurdle() -> None:
    assert capital_charge(1_000.0, hurdle=0.1, days=365).item() == pytest.approx(100.0)


def test_halves_of_a_cent_round_away_from_zero() -> None:
    assert to_cents([0.005, -0.005, 2.675, 1.004999]).tolist() == [1, -1, 268, 100]


def test_thirds_of_a_cent_go_to_the_first() -> None:
    assert largest_remainder(1, [1 / 3, 1 / 3, 1 / 3]) == [1, 0, 0]
    assert largest_remainder(10_000, [1 / 3, 2 / 3]) == [3333, 6667]
    with pytest.raises(ValueError, match="positive sum"):
        largest_remainder(10, [0, 0])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(-(10**12), 10**12), st.lists(st.floats(0.001, 1), min_size=1, max_size=5)), min_size=1
    )
)
def test_parts_always_sum_to_the_whole_and_miss_their_share_by_less_than_a_cent(groups: list) -> None:
    totals = np.array([total for total, _weights in groups])
    group = np.repeat(np.arange(len(groups)), [len(weights) for _total, weights in groups])
    weights = np.concatenate([weights for _total, weights in groups])
    parts = split_cents(totals, group, weights)
    assert np.bincount(group, parts, minlength=len(totals)).astype(np.int64).tolist() == totals.tolist()
    exact = totals[group] * weights / np.bincount(group, weights)[group]
    assert np.abs(parts - exact).max() <= 1 + 1e-3
