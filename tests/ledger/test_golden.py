"""The accounts of docs/ledger.md over three months of 31, 28 and 31 days, every cent worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis.expr.types as ir
import pytest

from crmml.ledger import GRAINS, build_ledger, ledger_summary, reconcile, roll_up
from crmml.sources.bank import Bank
from tests.ledger.golden import golden_bank, golden_figures
from tests.tables import rows

JANUARY, MARCH = date(2025, 1, 31), date(2025, 3, 31)


@pytest.fixture(scope="module")
def closed() -> tuple[ir.Table, Bank]:
    opened = golden_bank()
    return build_ledger(opened, date(2025, 1, 31), date(2025, 3, 31)), opened


def test_every_account_month_is_right_to_the_cent(closed: tuple[ir.Table, Bank]) -> None:
    ledger, _bank = closed
    expected = golden_figures()
    found = ledger.select(*expected.columns).to_pandas()
    key = ["account_id", "month_end", "customer_id"]
    assert len(found) == len(expected)
    both = expected.merge(found.assign(month_end=found["month_end"].dt.date), on=key, suffixes=("", "_found"))
    assert len(both) == len(expected)
    for column in expected.columns.difference(key):
        wrong = both[(both[column] - both[f"{column}_found"].astype(float)).abs() > 1e-9]
        assert wrong.empty, wrong[[*key, column, f"{column}_found"]].to_string()


def test_balances_are_daily_averages_with_the_day_of_booking_counted(closed: tuple[ir.Table, Bank]) -> None:
    ledger, _bank = closed
    february = ledger.filter(ledger.month_end == date(2025, 2, 28))
    found = dict(
        rows(february.filter(ledger.account_id.isin(["current", "deposit", "late"])), "account_id", "balance_average")
    )
    assert found == {"current": 36494.0, "deposit": 35714.29, "late": 3519.64}


def test_the_golden_ledger_reconciles(closed: tuple[ir.Table, Bank]) -> None:
    result = reconcile(*closed)
    result.require_clean()
    assert result.difference == Decimal(0)
    controls = result.controls.set_index("total")["source"].to_dict()
    # 36,500 x 90 - 12 x 45 + 10,000 x 90 + 100,000 x 41 - 515,000 x 90 - 2,000 x 59 + 7,300 x 90
    # - 30 x 27 + 3,650 x 58 + 100 x 90 + 3,650 x 90 + 365,000 x 50 + 3,650 x 19
    # + 30,940 x 7.15 + 995 x 28 x 7.24 + 995 x 31 x 7.17
    assert controls["balance_days"] == Decimal("-18014713.95")
    assert controls["fees"] == Decimal("77.75")
    assert controls["interest_booked"] == Decimal("3650.00")


def test_the_summary_counts_customers_who_lose_money(closed: tuple[ir.Table, Bank]) -> None:
    summary = ledger_summary(closed[0])
    # customer 2 (default), 3 (arrears), 6 (an overpaid card) and 10 (limits that nobody uses)
    assert (summary.customers, summary.losing) == (10, 4)
    assert summary.contribution == (
        summary.margin + summary.fees - summary.expected_loss - summary.service_cost - summary.capital_charge
    )


def test_a_summary_of_later_months_leaves_the_earlier_ones_out(closed: tuple[ir.Table, Bank]) -> None:
    march = ledger_summary(closed[0], first=date(2025, 3, 1))
    assert (march.first, march.last, march.fees) == (date(2025, 3, 31), date(2025, 3, 31), Decimal("30.00"))
    assert march.raroc(0.1) == pytest.approx(
        float(march.contribution + march.capital_charge) / float(march.capital_charge) / 10
    )


def test_every_grain_of_the_golden_case_sums_to_the_same_cents(closed: tuple[ir.Table, Bank]) -> None:
    expected = golden_figures()
    whole = {name: round(expected[name].sum(), 2) for name in ("margin", "contribution", "tax")}
    for by in GRAINS:
        frame = roll_up(*closed, by=by, first=JANUARY, last=MARCH)
        assert {name: round(frame[name].sum(), 2) for name in whole} == whole
        assert round(frame["eva"].sum(), 2) == round(whole["contribution"] - whole["tax"], 2)


def test_risk_and_leverage_exposures_are_kept_apart(closed: tuple[ir.Table, Bank]) -> None:
    january = closed[0].filter(closed[0].month_end == JANUARY)
    found = {row[0]: row[1:] for row in rows(january, "account_id", "risk_exposure", "leverage_exposure", "capital")}
    # The unused 365,000 and 182,500 at 0.1 and 0.4: times 0.75 for risk, without a weight for leverage.
    assert found["line"] == (27375, 36500, 2737.5)
    assert found["facility"] == (54750, 73000, 5475)
    assert sum(row[0] for row in found.values()) == 378625
    assert sum(row[1] for row in found.values()) == 625500
