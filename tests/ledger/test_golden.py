"""Twelve accounts over three months of 31, 28 and 31 days, every cent worked by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import ibis.expr.types as ir
import pytest

from crmml.ledger import build_ledger, ledger_summary, reconcile
from crmml.sources.bank import Bank
from tests.ledger.prices import economics
from tests.tables import bank, rows, table

CUSTOMERS = """
    customer_id
    1
    2
    3
    4
    5
    6
    7
    8
    9
"""
ACCOUNTS = """
    account_id  product_id    opened_on   closed_on   branch_id
    current     current       2025-01-01  -           B1
    savings     savings       2025-01-01  -           B1
    deposit     time_deposit  2025-01-01  2025-02-11  B1
    loan        loan          2025-01-01  -           B1
    arrears     loan          2025-01-01  -           B2
    card        card          2025-01-01  -           B2
    joint       current       2025-01-01  -           B2
    insurance   insurance     2025-03-05  -           B2
    mortgage    mortgage      2025-01-01  -           B2
    late        current       2025-01-01  -           -
    overpaid    card          2025-01-01  -           -
    passed      current       2025-01-01  -           B2
"""
HOLDERS = """
    account_id  customer_id  role        share   since       until
    current     1            owner       -       2025-01-01  -
    savings     1            owner       -       2025-01-01  -
    deposit     2            owner       -       2025-01-01  2025-02-11
    loan        2            owner       -       2025-01-01  -
    arrears     3            owner       -       2025-01-01  -
    card        4            owner       -       2025-01-01  -
    joint       7            owner       0.3333  2025-01-01  -
    joint       8            joint       0.3333  2025-01-01  -
    joint       9            joint       0.3333  2025-01-01  -
    joint       1            authorised  -       2025-01-01  -
    insurance   5            owner       -       2025-03-05  -
    mortgage    5            owner       -       2025-01-01  -
    late        6            owner       -       2025-01-01  -
    overpaid    6            owner       -       2025-01-01  -
    passed      8            owner       -       2025-01-01  2025-02-10
    passed      9            owner       -       2025-02-10  -
"""
TERMS = """
    account_id  valid_from  interest_rate  credit_limit
    savings     2025-01-01  0.01           -
    savings     2025-02-15  0.012          -
    deposit     2025-01-01  0.03           -
    card        2025-01-01  -              10000
"""
TRANSACTIONS = """
    account_id  valued_on   posted_on   amount   kind      channel
    current     2025-01-01  2025-01-01    36500  transfer  mobile
    current     2025-02-15  2025-02-15      -12  fee       counter
    savings     2025-01-01  2025-01-01    10000  transfer  system
    deposit     2025-01-01  2025-01-01   100000  transfer  system
    deposit     2025-02-11  2025-02-11  -100000  transfer  system
    loan        2025-01-01  2025-01-01  -100000  draw      system
    arrears     2025-01-01  2025-01-01   -50000  draw      system
    card        2025-02-01  2025-02-01    -2000  purchase  mobile
    joint       2025-01-01  2025-01-01     7300  transfer  mobile
    insurance   2025-03-05  2025-03-05      -30  fee       counter
    mortgage    2025-01-01  2025-01-01  -365000  draw      system
    late        2025-01-30  2025-02-02     3650  transfer  mobile
    overpaid    2025-01-01  2025-01-01      100  transfer  mobile
    passed      2025-01-01  2025-01-01     3650  interest  mobile
"""
LOANS = """
    loan_id  account_id  granted_on  principal  interest_rate
    L1       loan        2025-01-01     100000  0.07
    L2       arrears     2025-01-01      50000  0.07
    L3       mortgage    2025-01-01     365000  0.045
"""
ARREARS = """
    loan_id  as_of       posted_on   days_past_due  provision
    L1       2025-01-31  2025-01-31             20          -
    L1       2025-02-28  2025-02-28             90      40000
    L2       2025-01-31  2025-02-03             35          -
"""
# Each line is one account, holder and month; how a number comes about stands beside it.
GOLDEN = """
    account_id customer_id month_end  margin fees expected_loss service_cost capital_charge contribution
    current    1           2025-01-31  55.80    0             0         2.10              0        53.70
    current    1           2025-02-28  50.39   12             0         7.00              0        55.39
    current    1           2025-03-31  55.78    0             0         2.00              0        53.78
    savings    1           2025-01-31  10.19    0             0         1.20              0         8.99
    savings    1           2025-02-28   8.44    0             0         1.00              0         7.44
    savings    1           2025-03-31   8.49    0             0         1.00              0         7.49
    deposit    2           2025-01-31 -42.47    0             0         1.20              0       -43.67
    deposit    2           2025-02-28 -13.70    0             0         1.20              0       -14.90
    loan       2           2025-01-31 373.70    0        169.86        10.20          63.70       129.94
    loan       2           2025-02-28 337.53    0      49830.14        10.00          57.53    -49560.14
    loan       2           2025-03-31 373.70    0             0        10.00          38.22       325.48
    arrears    3           2025-01-31 186.85    0         84.93        10.20          31.85        59.87
    arrears    3           2025-02-28 168.77    0         76.71        10.00          28.77        53.29
    arrears    3           2025-03-31 186.85    0        849.32        10.00          31.85      -704.32
    card       4           2025-01-31   0       0          3.57         3.00           1.27        -7.84
    card       4           2025-02-28  23.78    0          4.73         3.10           2.07        13.88
    card       4           2025-03-31  26.33    0          5.23         3.00           2.29        15.81
    joint      7           2025-01-31   3.72    0             0         0.70              0         3.02
    joint      8           2025-01-31   3.72    0             0         0.70              0         3.02
    joint      9           2025-01-31   3.72    0             0         0.70              0         3.02
    joint      7           2025-02-28   3.36    0             0         0.67              0         2.69
    joint      8           2025-02-28   3.36    0             0         0.67              0         2.69
    joint      9           2025-02-28   3.36    0             0         0.66              0         2.70
    joint      7           2025-03-31   3.72    0             0         0.67              0         3.05
    joint      8           2025-03-31   3.72    0             0         0.67              0         3.05
    joint      9           2025-03-31   3.72    0             0         0.66              0         3.06
    insurance  5           2025-03-31   0      30             0         5.50              0        24.50
    mortgage   5           2025-01-31 527.00    0         62.00         8.20         155.00       301.80
    mortgage   5           2025-02-28 476.00    0         56.00         8.00         140.00       272.00
    mortgage   5           2025-03-31 527.00    0         62.00         8.00         155.00       302.00
    late       6           2025-01-31   0       0             0         2.00              0        -2.00
    late       6           2025-02-28   4.86    0             0         2.10              0         2.76
    late       6           2025-03-31   5.58    0             0         2.00              0         3.58
    overpaid   6           2025-01-31   0       0             0         3.10              0        -3.10
    overpaid   6           2025-02-28   0       0             0         3.00              0        -3.00
    overpaid   6           2025-03-31   0       0             0         3.00              0        -3.00
    passed     8           2025-01-31   5.58    0             0         2.10              0         3.48
    passed     9           2025-02-28   5.04    0             0         2.00              0         3.04
    passed     9           2025-03-31   5.58    0             0         2.00              0         3.58
"""


def golden_bank() -> Bank:
    return bank(
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        account_holders=HOLDERS,
        account_terms=TERMS,
        transactions=TRANSACTIONS,
        loans=LOANS,
        arrears=ARREARS,
        overrides={"economics": economics()},
    )


@pytest.fixture(scope="module")
def closed() -> tuple[ir.Table, Bank]:
    opened = golden_bank()
    return build_ledger(opened, date(2025, 1, 31), date(2025, 3, 31)), opened


def test_every_account_month_is_right_to_the_cent(closed: tuple[ir.Table, Bank]) -> None:
    ledger, _bank = closed
    expected = table(GOLDEN)
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
    # - 30 x 27 + 3,650 x 58 + 100 x 90 + 3,650 x 90
    assert controls["balance_days"] == Decimal("-36978150.00")
    assert controls["fees"] == Decimal("42.00")
    assert controls["interest_booked"] == Decimal("3650.00")


def test_the_summary_counts_customers_who_lose_money(closed: tuple[ir.Table, Bank]) -> None:
    summary = ledger_summary(closed[0])
    # customer 2 (default), 3 (arrears) and 6 (an overpaid card)
    assert (summary.customers, summary.losing) == (9, 3)
    assert summary.contribution == (
        summary.margin + summary.fees - summary.expected_loss - summary.service_cost - summary.capital_charge
    )


def test_a_summary_of_later_months_leaves_the_earlier_ones_out(closed: tuple[ir.Table, Bank]) -> None:
    march = ledger_summary(closed[0], first=date(2025, 3, 1))
    assert (march.first, march.last, march.fees) == (date(2025, 3, 31), date(2025, 3, 31), Decimal("30.00"))
    assert march.raroc(0.1) == pytest.approx(
        float(march.contribution + march.capital_charge) / float(march.capital_charge) / 10
    )
