"""Who is observed when, and what was known of them."""

from __future__ import annotations

from datetime import date

import pytest

from crmml.periods import Interval
from crmml.snapshots import Cutoffs, observe, take_event_snapshots, take_snapshots
from tests.tables import bank, rows

MARCH, JUNE = date(2025, 3, 31), date(2025, 6, 30)


def test_a_customer_appears_from_the_day_of_joining() -> None:
    made = bank(
        customers="""
        customer_id kind   joined_on
        1           person 2025-03-31
        2           person 2025-04-01
        3           person -""",
        transactions="""
        account_id valued_on  posted_on  amount
        3          2025-03-01 2025-04-05 1""",
    )
    taken = take_snapshots(made, [MARCH, JUNE])
    assert rows(taken, "customer_id", "cutoff_date") == [("1", MARCH), ("1", JUNE), ("2", JUNE), ("3", JUNE)]


def test_gone_is_left_or_all_main_accounts_closed_by_then() -> None:
    made = bank(
        customers="""
        customer_id joined_on  left_on
        left        2020-01-01 2025-03-31
        later       2020-01-01 2025-04-01
        closed      2020-01-01 -
        one_open    2020-01-01 -
        no_main     2020-01-01 -""",
        accounts="""
        account_id customer_id product_id opened_on  closed_on
        a          closed      current    2020-01-01 2025-03-31
        b          closed      card       2020-01-01 -
        c          one_open    current    2020-01-01 2025-01-01
        d          one_open    savings    2020-01-01 2025-04-01
        e          no_main     card       2020-01-01 2025-01-01""",
    )
    taken = take_snapshots(made, [MARCH])
    assert rows(taken, "customer_id", "is_gone") == [
        ("closed", True),
        ("later", False),
        ("left", True),
        ("no_main", False),
        ("one_open", False),
    ]


def test_default_is_the_newest_known_report_or_a_write_off() -> None:
    made = bank(
        customers="""
        customer_id joined_on
        cured       2020-01-01
        late_report 2020-01-01
        now         2020-01-01
        off         2020-01-01""",
        accounts="""
        account_id customer_id product_id opened_on
        a          cured       loan       2020-01-01
        b          late_report loan       2020-01-01
        c          now         loan       2020-01-01
        d          off         loan       2020-01-01""",
        loans="""
        loan_id account_id granted_on principal written_off_on
        A       a          2020-01-01 100       -
        B       b          2020-01-01 100       -
        C       c          2020-01-01 100       -
        D       d          2020-01-01 100       2025-03-31""",
        arrears="""
        loan_id as_of      posted_on  days_past_due
        A       2025-01-31 2025-01-31 95
        A       2025-02-28 2025-02-28 0
        B       2025-02-28 2025-04-02 95
        C       2025-02-28 2025-02-28 90""",
    )
    taken = take_snapshots(made, [MARCH])
    assert rows(taken, "customer_id", "is_in_default") == [
        ("cured", False),
        ("late_report", False),
        ("now", True),
        ("off", True),
    ]


def test_branch_and_manager_are_those_of_the_cutoff_where_there_is_a_history() -> None:
    made = bank(
        customers="""
        customer_id joined_on  valid_from manager_id
        1           2020-01-01 2020-01-01 M1
        1           2020-01-01 2025-05-01 M2"""
        + "",
        transactions="""
        account_id valued_on amount
        1          2025-01-01 1""",
    )
    assert rows(take_snapshots(made, [MARCH, JUNE]), "cutoff_date", "manager_id") == [(MARCH, "M1"), (JUNE, "M2")]


def test_a_household_shares_its_hash_bucket_through_all_its_links() -> None:
    names = [f"C{number}" for number in range(20)]
    lines = "\n".join(f"{name} 2020-01-01" for name in names)
    made = bank(
        customers=f"customer_id joined_on\n{lines}",
        transactions="account_id valued_on amount\nC0 2025-01-01 1",
        relations="""
        customer_id related_id relation    since
        C1          C2         spouse      2020-01-01
        C3          C2         household   2020-01-01
        C5          C6         guarantor   2020-01-01""",
    )
    bucket = dict(rows(take_snapshots(made, [MARCH]), "customer_id", "hash_bucket"))
    assert bucket["C1"] == bucket["C2"] == bucket["C3"]
    assert all(0 <= value < 100 for value in bucket.values())
    assert len(set(bucket.values())) > 10


def test_a_loan_is_observed_the_day_before_with_the_terms_asked_for() -> None:
    made = bank(
        customers="customer_id joined_on\n1 2025-04-02",
        accounts="account_id customer_id product_id opened_on\na 1 loan 2025-04-02",
        loans="""
        loan_id account_id granted_on principal outcome
        L1      a          2025-04-01 500.25    bad
        L2      a          2025-07-01 700       good""",
    )
    taken = take_event_snapshots(made, "loans", Interval(MARCH, JUNE), ["principal"])
    assert rows(taken, "customer_id", "cutoff_date", "event_id", "term_principal") == [("1", MARCH, "L1", 500.25)]
    with pytest.raises(ValueError, match="'outcome' is not a term of loans"):
        take_event_snapshots(made, "loans", Interval(MARCH, JUNE), ["outcome"])


def test_earlier_snapshots_stay_what_they_were() -> None:
    made = bank(
        customers="customer_id joined_on\n1 2020-01-01", transactions="account_id valued_on amount\n1 2025-01-01 1"
    )
    first = observe(made, Cutoffs(dates=(MARCH,)))
    observe(made, Cutoffs(dates=(JUNE,)))
    assert rows(first, "cutoff_date") == [(MARCH,)]


def test_cutoffs_are_dates_or_an_event() -> None:
    with pytest.raises(ValueError, match="either dates or an event"):
        Cutoffs()
    with pytest.raises(ValueError, match="need the interval"):
        Cutoffs(event="loans")
