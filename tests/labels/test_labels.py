"""Every kind of label, and the days on which it begins and ends, by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd
import pytest

from crmml.errors import SourceError
from crmml.labels import Bookings, Churn, Contribution, Default, Given, Target, Uptake, build_labels, label_counts
from crmml.ledger import build_ledger
from crmml.periods import Horizon
from crmml.sources.bank import Bank
from tests.ledger.prices import economics
from tests.tables import bank, rows

MARCH = date(2025, 3, 31)
SCHEMA = {
    "customer_id": "string", "cutoff_date": "date", "event_id": "string", "is_gone": "boolean", "is_in_default": "boolean",
}  # fmt: skip


def snapshots(*customers: str, cutoff: date = MARCH, **changed: Any) -> ir.Table:
    """Snapshots of these customers at one cut-off."""
    row = {"cutoff_date": cutoff, "event_id": None, "is_gone": False, "is_in_default": False, **changed}
    return ibis.memtable(pd.DataFrame([{"customer_id": name, **row} for name in customers]), schema=SCHEMA)


def labels_of(opened: Bank, taken: ir.Table, target: Target, horizon: Horizon | int = 3, **more: Any) -> dict[str, Any]:
    """Customer to label, or to the status of a row that has none."""
    horizon = horizon if isinstance(horizon, Horizon) else Horizon(horizon)
    found = build_labels(opened, taken, target, horizon, **more)
    return {name: label if status == "ok" else status
            for name, status, label in rows(found, "customer_id", "status", "label")}  # fmt: skip


def people(count: int) -> str:
    return "customer_id\n" + "\n".join(str(number + 1) for number in range(count))


def test_closed_counts_the_last_day_of_the_label_window_and_not_the_next() -> None:
    opened = bank(
        customers=people(6),
        accounts="""
            account_id  customer_id  product_id  opened_on   closed_on
            1           1            current     2024-01-01  2025-04-01
            2           2            current     2024-01-01  2025-06-30
            3           3            current     2024-01-01  2025-07-01
            4           4            current     2024-01-01  2025-05-01
            4b          4            savings     2025-04-15  -
            5           5            card        2024-01-01  -
            6           6            current     2024-01-01  2025-05-01
            6b          6            card        2024-01-01  -
        """,
    )
    found = labels_of(opened, snapshots("1", "2", "3", "4", "5", "6"), Churn("closed"))
    # 4 moved to a new main product; a card is no main product, so 5 has nothing to close and 6 has left
    assert found == {"1": 1, "2": 1, "3": 0, "4": 0, "5": "no_main_product", "6": 1}


def test_leaving_is_churn_whatever_is_still_open() -> None:
    opened = bank(
        customers="customer_id left_on\n1 2025-06-30\n2 2025-07-01\n3 2025-04-30",
        accounts="""
            account_id  customer_id  product_id  opened_on
            1           1            current     2024-01-01
            2           2            current     2024-01-01
            3           3            current     2024-01-01
        """,
    )
    assert labels_of(opened, snapshots("1", "2", "3"), Churn("closed")) == {"1": 1, "2": 0, "3": 1}
    with_gap = labels_of(opened, snapshots("1", "2", "3"), Churn("closed"), Horizon(3, gap=1))
    assert with_gap == {"1": 1, "2": 1, "3": "gone_in_gap"}


def test_gone_inside_the_gap_is_out_and_counted() -> None:
    opened = bank(
        customers=people(2),
        accounts="""
            account_id  customer_id  product_id  opened_on   closed_on
            1           1            current     2024-01-01  2025-04-30
            2           2            current     2024-01-01  2025-05-01
        """,
    )
    built = build_labels(opened, snapshots("1", "2"), Churn("closed"), Horizon(3, gap=1))
    assert rows(built, "customer_id", "status", "label") == [("1", "gone_in_gap", None), ("2", "ok", 1)]
    counted = label_counts(built)
    assert list(zip(counted["status"], counted["rows"], strict=True)) == [("gone_in_gap", 1), ("ok", 1)]


def test_gone_or_in_default_at_the_cutoff_are_out_before_anything_else() -> None:
    opened = bank(customers=people(1), accounts="account_id customer_id product_id opened_on\n1 1 current 2024-01-01")
    assert labels_of(opened, snapshots("1", is_gone=True), Churn("closed")) == {"1": "gone"}
    assert labels_of(opened, snapshots("1", is_in_default=True), Uptake("card")) == {"1": "in_default"}


@pytest.mark.parametrize(("until", "expected"), [(date(2025, 6, 30), 0), (date(2025, 6, 29), "immature")])
def test_a_window_is_mature_when_its_source_is_complete_to_its_last_day(until: date, expected: Any) -> None:
    opened = bank(
        customers=people(1),
        accounts="account_id customer_id product_id opened_on\n1 1 current 2024-01-01",
        overrides={"observed_until": {"default": date(2025, 12, 31), "accounts": until}},
    )
    assert labels_of(opened, snapshots("1"), Churn("closed")) == {"1": expected}


def attrition_bank(**changed: Any) -> Bank:
    return bank(
        customers=people(4),
        accounts="""
            account_id  customer_id  product_id    opened_on
            1           1            current       2024-12-01
            2           2            current       2024-12-01
            3           3            current       2024-12-01
            3t          3            time_deposit  2024-12-01
            4           4            current       2024-12-01
        """,
        transactions="""
            account_id  valued_on   amount
            1           2024-12-31    1000
            1           2025-04-01    -500
            2           2024-12-31    1000
            2           2025-04-01    -499
            3           2024-12-31    1000
            3           2025-04-01    -900
            3t          2025-04-01     900
            4           2024-12-31      99
        """,
        overrides=changed,
    )


def test_attrited_is_at_most_half_of_the_average_before_and_own_transfers_cancel() -> None:
    found = labels_of(attrition_bank(), snapshots("1", "2", "3", "4"), Churn("attrited", floor=100))
    assert found == {"1": 1, "2": 0, "3": 0, "4": "below_floor"}


def test_attrition_needs_a_whole_window_before_the_cutoff() -> None:
    seen = attrition_bank(observed_from={"transactions": date(2025, 1, 1)})
    assert labels_of(seen, snapshots("1"), Churn("attrited", floor=100)) == {"1": 1}
    short = attrition_bank(observed_from={"transactions": date(2025, 1, 2)})
    assert labels_of(short, snapshots("1"), Churn("attrited", floor=100)) == {"1": "no_history"}


def test_money_gone_inside_the_gap_is_out() -> None:
    found = labels_of(attrition_bank(), snapshots("1", "2"), Churn("attrited", floor=100), Horizon(3, gap=1))
    assert found == {"1": "gone_in_gap", "2": 0}


def silence_bank() -> Bank:
    return bank(
        customers=people(5),
        accounts="""
            account_id  customer_id  product_id  opened_on
            1           1            current     2024-01-01
            2           2            current     2024-01-01
            3           3            current     2024-01-01
            4           4            current     2024-01-01
            5           5            current     2024-01-01
        """,
        transactions="""
            account_id  valued_on   amount  kind
            1           2025-03-01       1  pay
            1           2025-03-11       1  pay
            1           2025-03-21       1  pay
            1           2025-03-31       1  pay
            1           2025-05-01       1  pay
            2           2025-03-01       1  pay
            2           2025-03-11       1  pay
            2           2025-03-21       1  pay
            2           2025-03-31       1  pay
            2           2025-04-30       1  pay
            2           2025-06-01      -1  fee
            3           2024-09-30       1  pay
            3           2024-11-29       1  pay
            3           2025-01-28       1  pay
            3           2025-03-29       1  pay
            4           2025-03-01       1  pay
            4           2025-03-31       1  pay
            5           2024-06-01       1  pay
            5           2024-06-11       1  pay
            5           2024-06-21       1  pay
            5           2024-07-01       1  pay
        """,
        overrides={"economics": economics()},
    )


def test_silent_waits_sixty_days_or_three_times_the_median_gap() -> None:
    found = labels_of(silence_bank(), snapshots("1", "2", "3", "4", "5"), Churn("silent"))
    # 1 was active 60 days before 30 June, 2 was 61 (a fee is the bank's booking); 3 may pause 180 days
    assert found == {"1": 0, "2": 1, "3": 0, "4": "no_history", "5": "silent_before"}


LOANS = """
    loan_id  account_id  granted_on  principal  closed_on   written_off_on
    L1       1           2024-01-01       1000  -           -
    L2       2           2024-01-01       1000  -           2025-06-30
    L3       3           2024-01-01       1000  2025-03-31  -
    L4       4           2025-04-01       1000  -           -
    L5       5           2024-01-01       1000  -           -
"""
ARREARS = """
    loan_id  as_of       days_past_due
    L1       2025-06-30             89
    L1       2025-07-01             90
    L4       2025-05-31             95
    L5       2025-04-01             90
"""


def loan_bank(loans: str = LOANS, **tables: str) -> Bank:
    accounts = "account_id customer_id product_id opened_on\n" + "\n".join(
        f"{n} {n} loan 2024-01-01" for n in range(1, 6)
    )
    return bank(customers=people(5), accounts=accounts, loans=loans, **tables)


def test_default_is_ninety_days_late_or_written_off_within_the_window() -> None:
    found = labels_of(loan_bank(arrears=ARREARS), snapshots("1", "2", "3", "4", "5"), Default())
    # 3 is repaid on the cut-off, 4 borrows after it
    assert found == {"1": 0, "2": 1, "3": "no_loan", "4": "no_loan", "5": 1}
    assert labels_of(loan_bank(arrears=ARREARS), snapshots("1"), Default(days_past_due=89)) == {"1": 1}


def test_default_inside_the_gap_is_out() -> None:
    found = labels_of(loan_bank(arrears=ARREARS), snapshots("1", "5"), Default(), Horizon(3, gap=1))
    assert found == {"1": 1, "5": "default_in_gap"}


def test_default_of_an_application_is_that_of_its_own_loan() -> None:
    asked = snapshots("4", event_id="L4").union(snapshots("5", event_id="L4"))
    assert labels_of(loan_bank(arrears=ARREARS), snapshots("4", event_id="L4"), Default()) == {"4": 1}
    assert labels_of(loan_bank(arrears=ARREARS), asked, Default(), 1) == {"4": 0, "5": 0}


def test_an_outcome_is_a_default_on_the_day_it_was_known_or_at_the_end_of_an_application() -> None:
    loans = """
        loan_id  account_id  granted_on  principal  outcome  outcome_known_on
        L1       1           2025-04-01       1000  bad      2025-06-30
        L2       2           2025-04-01       1000  bad      -
        L3       3           2025-04-01       1000  good     -
    """
    opened = loan_bank(loans)
    target = Default(outcomes=("bad",))
    for loan, expected in (("1", 1), ("2", 1), ("3", 0)):
        assert labels_of(opened, snapshots(loan, event_id=f"L{loan}"), target) == {loan: expected}


def test_contribution_sums_the_months_of_the_window_by_component() -> None:
    opened = bank(
        customers=people(2),
        accounts="account_id customer_id product_id opened_on\n1 1 current 2025-01-01\n2 2 insurance 2025-01-01",
        transactions="""
            account_id  valued_on   amount  kind  channel
            1           2025-01-01    3650  pay   mobile
            2           2025-03-31     -10  fee   mobile
            2           2025-04-01     -20  fee   mobile
            2           2025-06-30     -40  fee   mobile
            2           2025-07-01     -80  fee   mobile
        """,
        overrides={"economics": economics()},
    )
    ledger = build_ledger(opened, date(2025, 1, 31), date(2025, 12, 31))
    built = build_labels(opened, snapshots("1", "2"), Contribution(), Horizon(3), ledger=ledger)
    columns = ["customer_id", "label", "label_margin", "label_fees", "label_expected_loss", "label_service_cost",
               "label_capital_charge"]  # fmt: skip
    # 5.40 + 5.58 + 5.40 - 3 x 2.00; 60 - 3 x 0.50 - 2 x 0.10
    assert rows(built, *columns) == [
        ("1", pytest.approx(10.38), pytest.approx(16.38), 0, 0, 6, 0),
        ("2", pytest.approx(58.30), 0, 60, 0, pytest.approx(1.7), 0),
    ]
    assert labels_of(opened, snapshots("1"), Contribution(), 10, ledger=ledger) == {"1": "immature"}
    early = snapshots("1", cutoff=date(2024, 11, 30))
    assert labels_of(opened, early, Contribution(), 3, ledger=ledger) == {"1": "no_history"}
    with pytest.raises(ValueError, match="read from a ledger, got none"):
        build_labels(opened, snapshots("1"), Contribution(), Horizon(3))


UPTAKE = """
    account_id  customer_id  product_id  opened_on   closed_on
    1           1            card        2025-03-31  -
    2           2            card        2025-04-01  -
    3           3            card        2025-06-30  -
    4           4            card        2025-07-01  -
    5           5            card        2024-01-01  2025-03-31
    5b          5            card        2025-05-01  2025-05-02
"""


def test_uptake_counts_openings_in_the_window_of_those_who_did_not_hold() -> None:
    opened = bank(customers=people(5), accounts=UPTAKE)
    taken = snapshots("1", "2", "3", "4", "5")
    expected = {"1": "holds_product", "2": 1, "3": 1, "4": 0, "5": 1}
    assert labels_of(opened, taken, Uptake("card")) == expected
    assert labels_of(opened, taken, Uptake(product_id="card")) == expected
    assert labels_of(opened, taken, Uptake("card"), Horizon(3, gap=1))["2"] == "took_in_gap"
    assert set(labels_of(opened, taken, Uptake("loan")).values()) == {0}


def test_a_label_the_bank_owns_is_used_once_it_is_known() -> None:
    opened = bank(
        customers=people(4),
        labels="""
            customer_id  cutoff_date  target  value  known_on
            1            2025-03-31   left        1  2025-12-31
            2            2025-03-31   left        1  2026-01-01
            3            2025-03-31   left        2  2025-06-30
            4            2025-02-28   left        1  2025-06-30
            1            2025-03-31   else        7  2025-06-30
        """,
    )
    found = labels_of(opened, snapshots("1", "2", "3", "4"), Given("left", positive=1))
    assert found == {"1": 1, "2": "immature", "3": 0, "4": "no_label"}
    assert labels_of(opened, snapshots("3"), Given("left")) == {"3": 2}
    with pytest.raises(
        SourceError, match=r"no row has target 'lefd'; expected one of else, left\. Did you mean 'left'"
    ):
        labels_of(opened, snapshots("1"), Given("lefd"))


def test_without_a_label_of_the_bank_a_customer_is_out_in_the_past_and_open_at_the_newest_cutoff() -> None:
    opened = bank(
        customers=people(1),
        labels="""
            customer_id  cutoff_date  target  value  known_on
            2            2025-03-31   left        1  2025-06-30
        """,
    )
    for cutoff, status in ((date(2025, 9, 30), "no_label"), (date(2025, 10, 31), "immature")):
        assert labels_of(opened, snapshots("1", cutoff=cutoff), Given("left", positive=1)) == {"1": status}


def test_labels_keep_one_row_per_snapshot_and_tell_events_apart() -> None:
    taken = snapshots("4", event_id="L4").union(snapshots("4")).union(snapshots("1"))
    built = build_labels(loan_bank(arrears=ARREARS), taken, Default(), Horizon(3))
    assert rows(built, "customer_id", "event_id", "status") == [
        ("1", None, "ok"), ("4", "L4", "ok"), ("4", None, "no_loan"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Churn("gone"), "closed, attrited or silent, got 'gone'"),
        (lambda: Churn("attrited"), "floor > 0"),
        (lambda: Churn("closed", floor=5), "has no floor"),
        (lambda: Churn("closed", version=2), "known in version 1, got 2"),
        (lambda: Default(days_past_due=0), "1 day past due or more"),
        (lambda: Uptake(), "one of the two"),
        (lambda: Uptake("card", "gold"), "one of the two"),
        (lambda: Uptake("cards"), "Did you mean 'card'"),
    ],
)
def test_a_target_that_means_nothing_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def bought() -> Bank:
    return bank(
        customers=people(3),
        accounts="""
            account_id  customer_id  product_id  opened_on
            1           1            current     2024-01-01
            1b          1            savings     2024-01-01
            2           2            current     2024-01-01
            3           3            current     2024-01-01
        """,
        transactions="""
            account_id  valued_on   posted_on   amount  kind      counterparty_account
            1           2025-03-31  2025-03-31  -10     purchase  -
            1           2025-04-01  2025-04-01  -10     purchase  -
            1           2025-06-30  2025-07-02  -10     purchase  -
            1           2025-05-01  2025-05-01  -10     transfer  1b
            1b          2025-05-01  2025-05-01   10     transfer  1
            2           2025-05-02  2025-05-02   10     refund    -
            3           2025-07-01  2025-07-01  -10     purchase  -
        """,
    )


def test_bookings_count_from_the_day_after_the_cut_off_to_the_last_day_of_the_window() -> None:
    taken = snapshots("1", "2", "3")
    # own transfers are no bookings of this kind, and a booking of the cut-off day is past
    assert labels_of(bought(), taken, Bookings()) == {"1": 1, "2": 1, "3": 0}
    assert labels_of(bought(), taken, Bookings(at_least=2)) == {"1": 1, "2": 0, "3": 0}
    assert labels_of(bought(), taken, Bookings(at_least=3)) == {"1": 0, "2": 0, "3": 0}
    assert labels_of(bought(), taken, Bookings(), Horizon(2, gap=1)) == {"1": 1, "2": 1, "3": 0}


def test_bookings_count_those_of_the_kinds_and_the_direction_asked_for() -> None:
    taken = snapshots("1", "2", "3")
    assert labels_of(bought(), taken, Bookings(kinds=("purchase",))) == {"1": 1, "2": 0, "3": 0}
    assert labels_of(bought(), taken, Bookings(direction="in")) == {"1": 0, "2": 1, "3": 0}
    assert labels_of(bought(), taken, Bookings(direction="out", at_least=2)) == {"1": 1, "2": 0, "3": 0}


def test_bookings_of_a_window_that_is_not_complete_are_immature() -> None:
    assert labels_of(bought(), snapshots("1"), Bookings(), 12) == {"1": "immature"}


def test_bookings_asked_for_in_no_number_or_no_direction_are_refused() -> None:
    with pytest.raises(ValueError, match="from 1 on, got at_least 0"):
        Bookings(at_least=0)
    with pytest.raises(ValueError, match="in, out or any, got 'sideways'"):
        Bookings(direction="sideways")  # type: ignore[arg-type]
