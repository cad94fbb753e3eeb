"""Uplift of assignments whose window is not over in the accounts: told results count where both arms have them."""

from datetime import date

import pytest

from crmml.labels import build_labels
from crmml.labels.targets import Uplift
from crmml.periods import Horizon, Interval
from crmml.snapshots import take_event_snapshots
from tests.tables import bank, rows

CUSTOMERS = """
    customer_id  kind    joined_on
    a            person  2020-01-01
    b            person  2020-01-01
    c            person  2020-01-01
    d            person  2020-01-01"""
ACCOUNTS = """
    account_id  customer_id  product_id  opened_on   closed_on
    A1          a            cur         2020-01-01  -
    A2          b            cur         2020-01-01  -
    A3          c            cur         2020-01-01  -
    A4          d            cur         2020-01-01  -
    A5          c            crd         2025-07-10  -"""
PRODUCTS = """
    product_id  family   main
    cur         current  true
    crd         card     false"""


def labels(contacts):
    made = bank(
        customers=CUSTOMERS,
        accounts=ACCOUNTS,
        products=PRODUCTS,
        contacts=contacts,
        transactions="""
        account_id  valued_on   amount
        A1          2025-01-05  10""",
    )
    snapshots = take_event_snapshots(made, "contacts", Interval(date(2025, 1, 1), date(2025, 12, 31)))
    found = build_labels(made, snapshots, Uplift(products=("card",)), Horizon(months=3))
    return rows(found, "customer_id", "status", "label")


def test_both_arms_told_count_and_accounts_count_where_they_reach():
    """Accounts end on 2025-12-31: of July they tell, of December the log does, whatever it says of July."""
    found = labels("""
        customer_id  product_id  assigned_on  arm      list_id  outcome
        a            crd         2025-12-31   treated  L1       taken
        b            crd         2025-12-31   control  L1       not_taken
        c            crd         2025-07-01   treated  L0       not_taken
        d            crd         2025-07-01   control  L0       taken""")
    assert found == [("a", "ok", 1), ("b", "ok", 0), ("c", "ok", 1), ("d", "ok", 0)]


@pytest.mark.parametrize("control", ["declined", "-"])
def test_results_of_the_treated_alone_are_not_believed(control):
    found = labels(f"""
        customer_id  product_id  assigned_on  arm      list_id  outcome
        a            crd         2025-12-31   treated  L1       taken
        b            crd         2025-12-31   control  L1       {control}
        d            crd         2025-12-31   control  L2       not_taken""")
    assert found == [("a", "immature", None), ("b", "immature", None), ("d", "immature", None)]
