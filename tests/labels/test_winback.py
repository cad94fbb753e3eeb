"""When a customer was lost, and who comes back, by hand."""

from datetime import date

from crmml.labels import Churn, Winback, loss_days
from crmml.periods import Horizon
from tests.labels.test_labels import labels_of, people, snapshots
from tests.tables import bank, rows

JUNE = date(2025, 6, 30)


def lost(opened, taken, target, months=3):
    return dict(rows(loss_days(opened, taken, target, Horizon(months)), "customer_id", "lost_on"))


def accounts():
    return bank(
        customers="customer_id left_on\n1 -\n2 2025-05-09\n3 -\n4 -\n5 -",
        accounts="""
            account_id  customer_id  product_id  opened_on   closed_on
            1           1            current     2024-01-01  2025-04-10
            1b          1            savings     2024-01-01  2025-05-20
            2           2            current     2024-01-01  2025-06-30
            3           3            current     2024-01-01  2025-05-01
            3b          3            savings     2025-08-15  -
            4           4            current     2024-01-01  2025-06-30
            4b          4            current     2025-10-01  -
            5           5            current     2024-01-01  -
        """,
    )


def test_closed_is_lost_on_the_day_of_the_last_account_or_of_leaving():
    found = lost(accounts(), snapshots("1", "2"), Churn("closed"))
    assert found == {"1": date(2025, 5, 20), "2": date(2025, 5, 9)}


def test_who_closed_comes_back_with_a_new_main_account_inside_the_window():
    taken = snapshots("1", "3", "4", "5", cutoff=JUNE, is_gone=True)
    found = labels_of(accounts(), taken, Winback("closed", within_months=3))
    assert found == {"1": 0, "3": 1, "4": 0, "5": "not_left"}
    with_gap = labels_of(accounts(), taken, Winback("closed", within_months=3), Horizon(3, gap=2))
    assert with_gap == {"1": 0, "3": "back_in_gap", "4": 1, "5": "not_left"}


def test_silence_is_lost_when_patience_ends_and_won_back_by_a_booking():
    days = [date(2025, 1, 10), date(2025, 1, 20), date(2025, 1, 30), date(2025, 2, 9), date(2025, 3, 20)]
    rows_of = "\n".join(f"{who} {day} 10" for who in ("1", "2") for day in days)
    opened = bank(
        customers=people(2),
        accounts="account_id customer_id product_id opened_on\n1 1 current 2024-01-01\n2 2 current 2024-01-01",
        transactions=f"account_id valued_on amount\n{rows_of}\n2 2025-09-30 10",
    )
    # gaps of 10, 10, 10 and 39 days: patience is 60 days, over on the 61st day after 20 March
    assert lost(opened, snapshots("1"), Churn("silent")) == {"1": date(2025, 5, 20)}
    assert labels_of(opened, snapshots("1", "2", cutoff=JUNE), Winback("silent", within_months=3)) == {"1": 0, "2": 1}


def test_attrition_is_lost_on_the_first_low_day_and_won_back_with_the_balance():
    opened = bank(
        customers=people(3),
        accounts="\n".join(
            ["account_id customer_id product_id opened_on", *(f"{n} {n} savings 2024-01-01" for n in "123")]
        ),
        transactions="""
            account_id  valued_on   amount
            1           2024-06-01  1000
            1           2025-04-11  -400
            1           2025-04-21  -500
            1           2025-07-01  900
            2           2024-06-01  1000
            2           2025-04-01  -900
            3           2024-06-01  1000
        """,
        overrides={"observed_from": {"transactions": date(2024, 6, 1)}},
    )
    kind = Churn("attrited", floor=100)
    assert lost(opened, snapshots("1", "2"), kind) == {"1": date(2025, 4, 21), "2": date(2025, 4, 1)}
    back = labels_of(opened, snapshots("1", "2", "3", cutoff=JUNE), Winback("attrited", within_months=3, floor=100))
    assert back == {"1": 1, "2": 0, "3": "not_left"}


def test_a_bank_s_own_label_has_no_day():
    from crmml.labels import Given

    assert loss_days(accounts(), snapshots("1"), Given("flag"), Horizon(3)) is None
