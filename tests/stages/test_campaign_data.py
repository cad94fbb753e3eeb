"""Outcomes read from the bank's own data: both arms alike, within the window, and never its own rows back."""

import pandas as pd
import pytest

from crmml.campaigns import check_returned, contact_rows, read_history, take_in
from crmml.stages.campaign_data import returned_of_bank
from tests.campaigns.frozen_list import ASSIGNED, LIST_ID, campaign
from tests.tables import bank


def silent(text):
    pass


def twelve(until, **tables):
    """A bank of customers 0001 … 0012 as known up to a day."""
    ids = [f"{n:04d}" for n in range(1, 13)]
    customers = pd.DataFrame({"customer_id": ids, "kind": "person", "joined_on": pd.Timestamp("2020-01-01").date()})
    return bank(overrides={"observed_until": {"default": pd.Timestamp(until).date()}}, customers=customers, **tables)


def bank_of(contacts, *, until="2026-04-30"):
    return twelve(
        until,
        products="""
            product_id  family
            3010        card
            2010        loan
            2020        loan""",
        accounts="""
            account_id  customer_id  product_id  opened_on
            A1          0001         3010        2026-01-20
            A2          0005         3010        2026-03-31
            A3          0002         3010        2026-04-01
            A4          0003         3010        2025-12-31
            A5          0006         2020        2026-02-02
            A6          0007         3010        2026-02-02""",
        contacts=contacts,
    )


CONTACTS = f"""
    customer_id  product_id  assigned_on  arm      is_contacted  contacted_on  channel  list_id   outcome
    0001         3010        2025-12-31   treated  true          2026-01-05    phone    {LIST_ID}  accepted
    0002         3010        2025-12-31   treated  true          2026-01-06    phone    {LIST_ID}  -
    0004         3010        2025-12-31   treated  true          2026-01-06    phone    other     declined"""


@pytest.fixture
def made(tmp_path):
    return campaign(tmp_path)


def returned(made, opened):
    known = contact_rows(made, read_history(made))
    return {name: (rows, until) for name, rows, until in returned_of_bank(opened, made, known, say=silent)}


def test_contacts_of_this_list_and_products_opened_in_the_window_are_read(made):
    found = returned(made, bank_of(CONTACTS))
    rows, until = found["contacts"]
    told = check_returned(made, rows, known_on=until)
    assert not told.faults
    assert told.entries[["customer_id", "status"]].fillna("").to_numpy().tolist() == [["0001", "taken"], ["0002", ""]]
    rows, until = found["accounts"]
    told = check_returned(made, rows, known_on=until)
    assert not told.faults
    assert len(told.entries) == 12
    assert told.entries.loc[told.entries["is_taken"], "customer_id"].tolist() == ["0001", "0005", "0006"]


KEEPING = {
    "card": {"zh": "挽留", "en": "keep", "kind": "retain", "products": [], "horizon_months": 3},
    "loan": {"zh": "赢回", "en": "win back", "kind": "win_back", "products": [], "horizon_months": 3},
}


def accounts_of_the_kept(until):
    """0001 stays, 0002 closes in the window, 0003 after it; 0006 comes back, 0007 does not, 0008 never left."""
    return twelve(
        until,
        products="""
            product_id  family
            1010        current""",
        accounts="""
            account_id  customer_id  product_id  opened_on   closed_on
            A1          0001         1010        2020-01-20  -
            A2          0002         1010        2020-01-20  2026-03-31
            A3          0003         1010        2020-01-20  2026-04-01
            A6          0006         1010        2026-02-20  -
            A7          0007         1010        2020-01-20  2025-11-30
            A8          0008         1010        2020-01-20  -""",
    )


def test_who_is_kept_or_comes_back_is_told_by_main_accounts_when_the_window_is_over(tmp_path):
    made = campaign(tmp_path, offers=KEEPING)
    rows, until = returned(made, accounts_of_the_kept("2026-03-31"))["accounts"]
    told = check_returned(made, rows, known_on=until)
    assert not told.faults
    entries = told.entries.set_index("customer_id")["is_taken"]
    assert entries[["0001", "0002", "0003", "0006", "0007"]].tolist() == [True, False, True, True, False]
    assert "0008" not in entries.index  # held a main account all along: accounts cannot tell that they are back
    early = returned(made, accounts_of_the_kept("2026-03-30"))["accounts"][0]
    assert early.empty


def test_a_contact_log_of_other_lists_only_tells_of_takings_alone(made):
    found = returned(made, bank_of(CONTACTS.replace(LIST_ID, "elsewhere")))
    assert list(found) == ["accounts"]


def test_before_anything_can_have_happened_nothing_is_read(made):
    said = []
    early = bank_of(CONTACTS.replace("2026-01", "2025-12"), until=str(ASSIGNED))
    found = [
        name for name, *_ in returned_of_bank(early, made, contact_rows(made, read_history(made)), say=said.append)
    ]
    assert found == ["contacts"]
    assert "nothing after 2025-12-31 can be read" in said[0]


def test_rows_the_campaign_gave_to_the_contacts_are_not_read_back(made):
    rows, until = returned(made, bank_of(CONTACTS))["contacts"]
    entries = check_returned(made, rows, known_on=until).entries
    take_in(made.folder.parent, made, entries, source="contacts", about={})
    given = contact_rows(made, read_history(made))
    mine = given[given["is_contacted"].astype(bool)]
    assert "contacts" not in returned(made, bank_of(mine))
