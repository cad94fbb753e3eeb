"""Holders and movements: balances by hand, and nothing posted later changes what was known."""

import random
from datetime import date, timedelta

import pytest

from crmml.errors import SourceError
from crmml.sources.movements import accounts, balance_basis, customer_transactions, holders, movements
from tests.tables import bank, rows, table

CUSTOMERS = """
    customer_id  joined_on
    1            2020-01-01
    2            -"""


def known_balance(relation, account, day, cutoff):
    day, cutoff = date.fromisoformat(day), date.fromisoformat(cutoff)
    known = relation.filter((relation.account_id == account) & (relation.day <= day) & (relation.posted_on <= cutoff))
    return float(known.amount.sum().to_pyarrow().as_py() or 0)


def test_without_accounts_each_customer_holds_one_current_account():
    small = bank(customers=CUSTOMERS)
    assert rows(accounts(small), "account_id", "family", "main", "opened_on") == [
        ("1", "current", True, date(2020, 1, 1)),
        ("2", "current", True, None),
    ]
    assert rows(holders(small), "account_id", "customer_id", "role", "share") == [
        ("1", "1", "owner", 1),
        ("2", "2", "owner", 1),
    ]
    assert rows(movements(small)) == []
    assert balance_basis(small) == "sparse"


def test_authorised_persons_do_not_hold_and_a_list_of_holders_is_the_whole_truth():
    small = bank(
        customers=CUSTOMERS,
        accounts="""
            account_id  customer_id  product_id  opened_on
            a           1            current     2020-01-01
            b           2            card        2020-02-01
            c           1            current     2020-03-01""",
        account_holders="""
            account_id  customer_id  role        share  since
            a           1            owner       0.6    2020-01-01
            a           2            joint       0.4    2021-01-01
            a           3            authorised  -      2020-01-01
            c           1            -           -      2020-03-01""",
    )
    assert rows(holders(small), "account_id", "customer_id", "role", "share", "since") == [
        ("a", "1", "owner", 0.6, date(2020, 1, 1)),
        ("a", "2", "joint", 0.4, date(2021, 1, 1)),
        ("c", "1", "owner", None, date(2020, 3, 1)),
    ]


def test_a_product_without_a_family_is_refused_by_name():
    small = bank(
        customers=CUSTOMERS,
        accounts="""
            account_id  product_id  opened_on
            a           saving      2020-01-01""",
    )
    with pytest.raises(SourceError, match=r"products saving have no family.*Did you mean 'savings'\? \[D029\]"):
        accounts(small)


def test_main_defaults_to_the_deposit_families():
    small = bank(
        customers=CUSTOMERS,
        accounts="""
            account_id  product_id  opened_on
            a           p1          2020-01-01
            b           p2          2020-01-01
            c           p3          2020-01-01""",
        products="""
            product_id  family   main
            p1          savings  -
            p2          loan     -
            p3          savings  false""",
    )
    assert rows(accounts(small), "account_id", "main") == [("a", True), ("b", False), ("c", False)]


BALANCES = """
    account_id  balance_on  posted_on   balance
    1           2025-01-31  2025-01-31  100
    1           2025-02-28  2025-04-02  150
    1           2025-03-31  2025-03-31  130
    1           2025-04-30  2025-04-30  170
    2           2025-03-31  2025-03-31   -7"""


def test_balances_become_changes_that_sum_to_what_was_known():
    moved = movements(bank(customers=CUSTOMERS, balances=BALANCES))
    # February was posted in April: before that the balance of January held until the end of March.
    assert known_balance(moved, "1", "2025-02-28", cutoff="2025-03-31") == 100
    assert known_balance(moved, "1", "2025-03-31", cutoff="2025-03-31") == 130
    assert known_balance(moved, "1", "2025-02-28", cutoff="2025-04-30") == 150
    assert known_balance(moved, "1", "2025-03-31", cutoff="2025-04-30") == 130
    assert known_balance(moved, "1", "2025-04-30", cutoff="2025-04-30") == 170
    assert known_balance(moved, "2", "2025-04-30", cutoff="2025-04-30") == -7


def test_every_balance_is_met_exactly_however_late_rows_were_posted():
    posted = {"2025-01-31": "2025-06-01", "2025-02-28": "2025-05-05", "2025-03-31": "2025-05-05"}
    posted |= {"2025-04-30": "2025-04-30", "2025-05-31": "2025-07-01"}
    balance = dict(zip(posted, [3, 50, 7, -11, 20], strict=True))
    lines = [f"1 {day} {stamp} {balance[day]}" for day, stamp in posted.items()]
    moved = movements(
        bank(customers=CUSTOMERS, balances="account_id balance_on posted_on balance\n" + "\n".join(lines))
    )
    for cutoff in ["2025-04-30", "2025-05-05", "2025-06-01", "2025-07-01"]:
        last = 0
        for day, stamp in posted.items():
            last = balance[day] if stamp <= cutoff else last
            assert known_balance(moved, "1", day, cutoff=cutoff) == last, (day, cutoff)


def test_bookings_start_from_the_balance_the_account_brought_along():
    small = bank(
        customers=CUSTOMERS,
        transactions="""
            account_id  valued_on   posted_on   transaction_id  amount  balance
            1           2025-01-10  2025-01-10  t1                  20      120
            1           2025-01-11  2025-01-12  t2                 -50       70
            1           2024-12-30  2025-02-01  t0                   5       75
            2           2025-01-10  2025-01-10  t3                   4        -""",
    )
    moved = movements(small)
    assert balance_basis(small) == "daily"
    assert known_balance(moved, "1", "2025-01-09", cutoff="2025-01-10") == 100
    assert known_balance(moved, "1", "2025-01-11", cutoff="2025-01-12") == 70
    # A booking valued before all others but posted last leaves the opening balance as it was known.
    assert known_balance(moved, "1", "2025-01-11", cutoff="2025-02-01") == 75
    assert known_balance(moved, "2", "2025-01-10", cutoff="2025-01-10") == 4


def test_a_booking_counts_for_every_holder_of_that_day():
    small = bank(
        customers=CUSTOMERS,
        accounts="""
            account_id  product_id  opened_on
            a           current     2020-01-01""",
        account_holders="""
            account_id  customer_id  role   since       until
            a           1            owner  2020-01-01  2025-03-01
            a           2            joint  2025-02-01  -""",
        transactions="""
            account_id  valued_on   amount
            a           2025-01-31       1
            a           2025-03-01       2
            a           2025-03-02       4""",
    )
    assert rows(customer_transactions(small), "customer_id", "amount") == [("1", 1), ("1", 2), ("2", 2), ("2", 4)]


def test_a_booking_is_known_for_a_customer_once_the_holding_is():
    small = bank(
        customers=CUSTOMERS,
        accounts="""
            account_id  product_id  opened_on
            a           current     2020-01-01""",
        account_holders="""
            account_id  customer_id  since       posted_on
            a           1            2020-01-01  2025-05-05""",
        transactions="""
            account_id  valued_on   amount
            a           2025-01-31       1""",
    )
    assert rows(customer_transactions(small), "posted_on") == [(date(2025, 5, 5),)]


def test_own_transfers_are_those_to_accounts_the_customer_was_known_to_hold():
    small = bank(
        customers=CUSTOMERS,
        accounts="""
            account_id  customer_id  product_id  opened_on
            a           1            current     2020-01-01
            b           1            savings     2025-02-01
            c           2            current     2020-01-01""",
        transactions="""
            account_id  valued_on   amount  counterparty_account
            a           2025-01-31       1  b
            a           2025-02-01       2  b
            a           2025-02-01       3  c
            a           2025-02-01       4  -""",
    )
    assert rows(customer_transactions(small), "amount", "is_own_transfer") == [
        (1, False),
        (2, True),
        (3, False),
        (4, False),
    ]


@pytest.mark.parametrize("history", ["balances", "transactions"])
def test_rows_posted_after_a_cutoff_change_nothing_that_was_known(history):
    draw, first = random.Random(7), date(2025, 1, 1)
    own, amount = ("balance_on", "balance") if history == "balances" else ("valued_on", "amount")
    lines = [f"account_id transaction_id {own} posted_on {amount}" + (" balance" if history == "transactions" else "")]
    for account in range(40):
        for number, day in enumerate(sorted(draw.sample(range(60), 8))):
            posted = first + timedelta(days=day + draw.choice([0, 0, 0, 1, 20, 40]))
            line = f"{account} {number} {first + timedelta(days=day)} {posted} {draw.randint(-50, 50)}"
            lines.append(line + (f" {draw.randint(-50, 50)}" if history == "transactions" else ""))
    content = table("\n".join(lines))
    content = content.drop(columns="transaction_id") if history == "balances" else content
    small = bank(customers=CUSTOMERS, accounts=ACCOUNTS, **{history: content})
    for cutoff in [date(2025, 1, 20), date(2025, 2, 10), date(2025, 3, 1)]:
        known = small.table(history).filter(lambda t, c=cutoff: t.posted_on <= c)
        then = small.with_tables(**{history: known})
        assert rows(balances_known(movements(small), cutoff)) == rows(balances_known(movements(then), cutoff))


ACCOUNTS = "account_id product_id opened_on\n" + "\n".join(f"{number} current 2020-01-01" for number in range(40))


def balances_known(relation, cutoff):
    known = relation.filter(relation.posted_on <= cutoff)
    return known.group_by(["account_id", "day"]).aggregate(amount=known.amount.sum()).filter(lambda t: t.amount != 0)


@pytest.mark.parametrize(
    ("days", "basis"),
    [
        (["2025-01-31", "2025-02-28", "2025-03-31"], "month_end"),
        (["2025-03-31", "2025-06-30"], "sparse"),
        (["2025-03-30", "2025-03-31", "2025-04-01", "2025-04-02"], "daily"),
        (["2025-03-31"], "sparse"),
    ],
)
def test_balance_basis_tells_how_dense_the_history_is(days, basis):
    lines = "\n".join(f"1 {day} 5" for day in days)
    small = bank(customers=CUSTOMERS, balances=f"account_id balance_on balance\n{lines}")
    assert balance_basis(small) == basis
