"""Rules of the ledger that a golden case cannot show one by one."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import ibis.expr.types as ir
import pytest

from crmml.economics import DatedCcf, DatedPd
from crmml.errors import ConfigError, IntegrityError
from crmml.ledger import build_ledger, first_year_contribution, ledger_summary, reconcile
from crmml.sources.movements import accounts
from tests.ledger.prices import PD, economics
from tests.tables import bank, rows

CUSTOMER = "customer_id\n1"
JANUARY, FEBRUARY, MARCH = date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)


def one_account(family: str, bookings: str, *, prices: dict[str, Any] | None = None, **tables: str) -> Any:
    given = {
        "customers": CUSTOMER,
        "accounts": f"account_id customer_id product_id opened_on\na 1 {family} 2025-01-01",
        "transactions": f"account_id valued_on amount kind channel\n{bookings}",
        **tables,
    }
    return bank(**given, overrides={"economics": economics(**(prices or {}))})


def by_month(ledger: ir.Table, *columns: str) -> dict[date, Any]:
    return {row[0].date() if hasattr(row[0], "date") else row[0]: row[1:] if len(columns) > 1 else row[1]
            for row in rows(ledger, "month_end", *columns)}  # fmt: skip


def test_the_leverage_ratio_binds_when_it_asks_for_more_and_ignores_the_risk_weight() -> None:
    opened = one_account("mortgage", "a 2025-01-01 -365000 draw other", prices={"leverage_floor": 0.06},
                         account_terms="account_id valid_from interest_rate\na 2025-01-01 0.045")  # fmt: skip
    ledger = build_ledger(opened, JANUARY, JANUARY)
    # 365,000 x 0.06 = 21,900 against 365,000 x 0.5 x 0.1 = 18,250; 21,900 x 0.1 x 31 / 365
    assert by_month(ledger, "capital_charge") == {JANUARY: 186.0}


def test_which_measure_binds_is_decided_for_the_whole_bank() -> None:
    opened = bank(
        customers=CUSTOMER,
        accounts="""
            account_id  customer_id  product_id  opened_on
            small       1            loan        2025-01-01
            big         1            mortgage    2025-01-01
        """,
        transactions="""
            account_id  valued_on   amount
            small       2025-01-01    -36500
            big         2025-01-01  -3650000
        """,
        account_terms="""
            account_id  valid_from  interest_rate
            big         2025-01-01  0.045
        """,
        overrides={"economics": economics(leverage_floor=0.06)},
    )
    found = dict(rows(build_ledger(opened, JANUARY, JANUARY), "account_id", "capital_charge"))
    # alone, the loan would be held to 0.75 x 0.1; the bank is held to leverage 0.06
    assert found["small"] == pytest.approx(36_500 * 0.06 * 0.1 * 31 / 365, abs=0.005)


def test_the_table_of_default_probabilities_is_that_of_the_months_first_day() -> None:
    tables = (DatedPd(date(2025, 1, 1), PD), DatedPd(date(2025, 2, 2), {**PD, "loan": {"0": 0.08}}))
    opened = one_account("loan", "a 2025-01-01 -36500 draw other", prices={"prob_default": tables})
    found = by_month(build_ledger(opened, JANUARY, MARCH), "expected_loss")
    # 36,500 / 365 = 100 a day; x 0.04 x 0.5 until February, x 0.08 x 0.5 in March
    assert found == {JANUARY: 62.0, FEBRUARY: 56.0, MARCH: 124.0}


def test_conversion_factors_of_the_capital_rule_change_with_their_date() -> None:
    factors = (DatedCcf(date(2024, 1, 1), {"card": 0.1}), DatedCcf(date(2025, 2, 1), {"card": 0.4}))
    opened = one_account(
        "card", "a 2025-01-01 0.01 pay other", prices={"ccf_capital": factors, "leverage_floor": 0.0},
        account_terms="account_id valid_from credit_limit\na 2025-01-01 36500",
    )  # fmt: skip
    found = by_month(build_ledger(opened, JANUARY, FEBRUARY), "capital_charge")
    # 36,500 x ccf x 0.75 x 0.1 x 0.1 x days / 365
    assert found == {JANUARY: 2.33, FEBRUARY: 8.4}


def test_the_class_of_a_product_goes_before_its_family() -> None:
    opened = one_account(
        "gold", "a 2025-01-01 0.01 pay other",
        prices={"ccf_leverage": {"card": 0.1, "committed": 0.5}, "leverage_floor": 1.0},
        products="product_id family ccf_class\ngold card committed",
        account_terms="account_id valid_from credit_limit\na 2025-01-01 36500",
    )  # fmt: skip
    assert by_month(build_ledger(opened, JANUARY, JANUARY), "capital_charge") == {JANUARY: 155.0}


def test_a_written_off_loan_without_arrears_defaults_in_its_month() -> None:
    opened = one_account(
        "loan", "a 2025-01-01 -36500 draw other\na 2025-02-10 36500 writeoff other",
        loans="loan_id account_id granted_on principal written_off_on\nL a 2025-01-01 36500 2025-02-10",
    )  # fmt: skip
    found = by_month(build_ledger(opened, JANUARY, MARCH), "expected_loss")
    assert found == {JANUARY: 62.0, FEBRUARY: 18250.0 - 62.0, MARCH: 0}


def test_arrears_known_in_the_month_raise_the_loss_of_the_next() -> None:
    opened = one_account(
        "loan", "a 2025-01-01 -36500 draw other",
        loans="loan_id account_id granted_on principal\nL a 2025-01-01 36500",
        arrears="loan_id as_of days_past_due\nL 2025-01-31 31\nL 2025-02-28 0",
    )  # fmt: skip
    found = by_month(build_ledger(opened, JANUARY, MARCH), "expected_loss")
    assert found == {JANUARY: 62.0, FEBRUARY: 560.0, MARCH: 62.0}


@pytest.mark.parametrize("later", ["2025-03-05", "2025-09-01"])
def test_terms_after_the_last_month_do_not_stretch_it(later: str) -> None:
    bookings, terms = "a 2025-01-01 36500 deposit other", "account_id valid_from interest_rate\na 2025-01-01 0.005"
    plain = build_ledger(one_account("current", bookings, account_terms=terms), JANUARY, FEBRUARY)
    changed = one_account("current", bookings, account_terms=f"{terms}\na {later} 0.001")
    known_later = build_ledger(changed, JANUARY, FEBRUARY)
    columns = ("margin", "contribution", "balance_days", "balance_average")
    assert by_month(known_later, *columns) == by_month(plain, *columns)
    assert by_month(plain, "balance_days") == {JANUARY: 36500 * 31, FEBRUARY: 36500 * 28}


def test_a_refund_counts_against_fees() -> None:
    opened = one_account("insurance", "a 2025-01-02 -30 fee other\na 2025-02-02 10 fee other")
    assert by_month(build_ledger(opened, JANUARY, FEBRUARY), "fees") == {JANUARY: 30, FEBRUARY: -10}


def test_month_end_balances_are_carried_forward_and_say_so() -> None:
    opened = bank(
        customers=CUSTOMER,
        accounts="account_id customer_id product_id opened_on\na 1 current 2025-01-01",
        balances="""
            account_id  balance_on  balance
            a           2025-01-31     3650
            a           2025-02-28    36500
            a           2025-03-31        0
        """,
        overrides={"economics": economics()},
    )
    ledger = build_ledger(opened, JANUARY, MARCH)
    # one day of 3,650; 27 days of 3,650 and one of 36,500; 30 days of 36,500
    assert by_month(ledger, "balance_days") == {JANUARY: 3650, FEBRUARY: 135050, MARCH: 1095000}
    assert set(rows(ledger, "balance_basis")) == {("month_end",)}
    reconcile(ledger, opened).require_clean()


def test_a_quoted_internal_rate_goes_before_the_configured_one() -> None:
    opened = one_account(
        "current", "a 2025-01-01 36500 pay other",
        rates="kind key valid_from rate\nftp current 2025-02-01 0.032\nftp current 2025-03-15 0.9\nfx USD 2025-01-01 7",
    )  # fmt: skip
    found = by_month(build_ledger(opened, JANUARY, MARCH), "margin")
    assert found == {JANUARY: 55.8, FEBRUARY: 84.0, MARCH: 93.0}


def test_what_nobody_was_known_to_hold_stays_in_the_totals() -> None:
    opened = bank(
        customers=CUSTOMER,
        accounts="account_id product_id opened_on\na current 2025-01-01",
        account_holders="account_id customer_id role since posted_on\na 1 owner 2025-01-01 2025-02-05",
        transactions="account_id valued_on amount\na 2025-01-01 3650",
        overrides={"economics": economics()},
    )
    ledger = build_ledger(opened, JANUARY, FEBRUARY)
    assert rows(ledger, "month_end", "customer_id") == [(JANUARY, None), (FEBRUARY, "1")]
    result = reconcile(ledger, opened)
    result.require_clean()
    assert result.unassigned == Decimal("3.38")


def test_a_month_after_closing_has_no_row_unless_something_is_booked() -> None:
    opened = bank(
        customers=CUSTOMER,
        accounts="account_id customer_id product_id opened_on closed_on\na 1 current 2025-01-01 2025-01-20",
        transactions="""
            account_id  valued_on   amount  kind
            a           2025-01-01    3650  pay
            a           2025-01-20   -3650  pay
            a           2025-03-03      -5  fee
            a           2025-03-03       5  pay
        """,
        overrides={"economics": economics(cost_per_transaction={})},
    )
    found = by_month(build_ledger(opened, JANUARY, date(2025, 4, 30)), "fees", "service_cost", "customer_id")
    assert found == {JANUARY: (0, 2, "1"), MARCH: (5, 0, "1")}


def test_a_bank_without_economics_is_refused() -> None:
    opened = bank(customers=CUSTOMER, transactions="account_id valued_on amount\n1 2025-01-01 5")
    with pytest.raises(ConfigError, match=r"needs 'economics:' in bank.yaml.*\[C011\]"):
        build_ledger(opened, JANUARY, JANUARY)


def test_a_family_without_an_internal_rate_is_refused() -> None:
    opened = one_account("savings", "a 2025-01-01 5 pay other", prices={"ftp": {"current": 0.02}, "paid_rate": {},
                         "prob_default": (), "lgd": {}})  # fmt: skip
    with pytest.raises(ConfigError, match="economics lacks ftp for savings"):
        build_ledger(opened, JANUARY, JANUARY)


def test_an_account_without_any_rate_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"1 savings accounts have no interest rate"):
        build_ledger(one_account("savings", "a 2025-01-01 5 pay other"), JANUARY, JANUARY)


def test_an_unused_limit_without_a_conversion_factor_is_refused() -> None:
    opened = one_account("card", "a 2025-01-01 -5 pay other", prices={"ccf_leverage": {}},
                         account_terms="account_id valid_from credit_limit\na 2025-01-01 100")  # fmt: skip
    with pytest.raises(ConfigError, match=r"economics\.ccf_leverage gives nothing for card, which has exposure"):
        build_ledger(opened, JANUARY, JANUARY)


def test_a_branch_that_is_no_branch_shows_as_a_difference() -> None:
    opened = bank(
        customers=CUSTOMER,
        branches="branch_id\nB1",
        accounts="account_id customer_id product_id opened_on branch_id\na 1 current 2025-01-01 B9",
        transactions="account_id valued_on amount\na 2025-01-01 3650",
        overrides={"economics": economics()},
    )
    result = reconcile(build_ledger(opened, JANUARY, JANUARY), opened)
    assert not result.is_clean
    with pytest.raises(IntegrityError, match=r"does not reconcile.*expected 0\.00"):
        result.require_clean()


def test_a_changed_source_shows_in_the_control_totals() -> None:
    opened = one_account("current", "a 2025-01-01 3650 pay other\na 2025-01-02 -3 fee other")
    ledger = build_ledger(opened, JANUARY, JANUARY)
    altered = one_account("current", "a 2025-01-01 3650 pay other\na 2025-01-02 -4 fee other")
    controls = reconcile(ledger, altered).controls.set_index("total")["difference"].to_dict()
    assert controls == {"balance_days": Decimal("30.00"), "fees": Decimal("-1.00"), "interest_booked": Decimal(0)}


def test_a_ledger_ends_after_it_begins() -> None:
    with pytest.raises(ValueError, match="ends after it begins"):
        build_ledger(one_account("current", "a 2025-01-01 5 pay other"), MARCH, JANUARY)


def test_an_account_without_bookings_costs_its_keep() -> None:
    opened = one_account("current", "b 2025-01-01 5 pay other", accounts="""
        account_id  customer_id  product_id  opened_on
        a           1            current     2025-02-10
        b           1            current     2025-01-01
    """)  # fmt: skip
    ledger = build_ledger(opened, JANUARY, MARCH)
    assert by_month(ledger.filter(ledger.account_id == "a"), "contribution") == {FEBRUARY: -2, MARCH: -2}


def test_the_first_year_and_what_it_displaced() -> None:
    opened = bank(
        customers=CUSTOMER,
        accounts="""
            account_id  customer_id  product_id   opened_on
            old         1            current      2023-01-01
            new         1            insurance    2024-01-15
            young       1            insurance    2024-06-15
        """,
        transactions="""
            account_id  valued_on   amount  kind
            old         2023-01-01       5  pay
            old         2023-03-01     -40  fee
            old         2024-03-01     -10  fee
            new         2024-01-20    -100  fee
            new         2025-01-20    -900  fee
            young       2024-06-20      -7  fee
        """,
        overrides={
            "economics": economics(
                cost_per_account_month={}, cost_per_transaction={}, ftp={"current": 0.0, "loan": 0.0, "card": 0.0,
                "mortgage": 0.0}, paid_rate={"current": 0.0}
            )
        },
    )  # fmt: skip
    ledger = build_ledger(opened, date(2023, 1, 31), date(2025, 3, 31))
    found = rows(
        first_year_contribution(ledger, accounts(opened)), "account_id", "customer_id", "contribution", "displaced"
    )
    # new: January to December 2024; the others brought 10 + 7 then and 40 in 2023.
    # young is not a year old; old reaches back to the ledger's first month only.
    assert found == [("new", "1", 100, -23), ("old", "1", 40, None)]


def test_an_empty_span_has_no_summary() -> None:
    ledger = build_ledger(one_account("current", "a 2025-01-01 5 pay other"), JANUARY, JANUARY)
    with pytest.raises(ValueError, match="no months"):
        ledger_summary(ledger, first=date(2026, 1, 1))
    with pytest.raises(ValueError, match="no capital was employed"):
        ledger_summary(ledger).raroc(0.1)
