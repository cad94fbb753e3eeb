"""Every way of summing the ledger sums to the bank, and EVA, RAROC and the relationship's value follow from it."""

from __future__ import annotations

from datetime import date
from functools import cache
from importlib import import_module
from typing import Any

import pandas as pd
import pytest

from crmml.economics import AcquisitionCost, DevelopmentCost
from crmml.errors import ConfigError, IntegrityError, SourceError, UsageError
from crmml.ledger import GRAINS, build_ledger, reconcile, roll_up
from crmml.sources.bank import Bank
from tests.ledger.prices import economics
from tests.tables import bank

JANUARY, FEBRUARY, MARCH = date(2025, 1, 31), date(2025, 2, 28), date(2025, 3, 31)
TABLES = {
    "customers": """
        customer_id  manager_id  kind     joined_on
        001          M1          person   2025-02-03
        002          M1          person   2024-05-01
        003          M2          company  2024-05-01
        004          -           person   2024-05-01
        005          M2          person   2024-05-01
    """,
    "managers": "manager_id branch_id name\nM1 B1 Wang\nM2 B2 Li",
    "branches": "branch_id parent_id name\nH - Head\nB1 H East\nB2 H West\nB3 B2 West-small",
    "accounts": """
        account_id  customer_id  product_id  opened_on   branch_id
        a           001          current     2025-02-03  B1
        b           002          current     2024-05-01  B1
        c           003          loan        2024-05-01  B2
        d           004          current     2024-05-01  B3
        e           005          current     2024-05-01  -
    """,
    "transactions": """
        account_id  valued_on   amount   kind
        a           2025-02-03   36500   pay
        b           2025-01-01    7300   pay
        c           2025-01-01  -36500   pay
        d           2025-01-01    3650   pay
        e           2025-01-01     365   pay
    """,
    "relations": """
        customer_id  related_id  relation   since       until
        001          002         spouse     2020-01-01  -
        003          002         guarantor  2020-01-01  -
        004          005         spouse     2020-01-01  2025-03-01
    """,
}


_CLOSED: dict[int, tuple[Bank, Any]] = {}


@cache
def taxed_bank() -> Bank:
    return small_bank(prices={"tax_rate": 0.25})


@cache
def plain_bank() -> Bank:
    return small_bank()


def small_bank(*, spec: dict[str, Any] | None = None, prices: dict[str, Any] | None = None, **tables: str) -> Bank:
    return bank(**{**TABLES, **tables}, overrides={"economics": economics(**(prices or {})), **(spec or {})})


def rolled(opened: Bank, by: str, *, last: date = MARCH, **options: Any) -> Any:
    _bank, ledger = _CLOSED.get(id(opened)) or (opened, build_ledger(opened, JANUARY, MARCH))
    _CLOSED[id(opened)] = (opened, ledger)
    frame = roll_up(ledger, opened, by=by, first=JANUARY, last=last, **options)
    return frame.set_index(GRAINS[by], drop=False) if GRAINS[by] else frame


@pytest.mark.parametrize("by", GRAINS)
def test_every_grain_sums_to_the_bank_to_the_cent(by: str) -> None:
    opened = taxed_bank()
    whole = rolled(opened, "bank").iloc[0]
    frame = rolled(opened, by)
    for name in ("margin", "service_cost", "contribution", "tax", "eva"):
        assert round(frame[name].sum(), 2) == whole[name]
    assert frame["capital"].sum() == pytest.approx(whole["capital"], abs=0.011)


def test_eva_and_raroc_of_a_loan_by_hand() -> None:
    found = rolled(taxed_bank(), "account").loc["c"]
    # margin 36,500 x (0.07 - 0.026) x 90 / 365 = 396.00, loss 100 a day x 0.04 x 0.5 x 90 = 180.00,
    # service 10 x 3 + 0.20 for the booking = 30.20, before tax 185.80; each month's tax is rounded by itself:
    # January 136.40 - 62 - 10.20 = 64.20 -> 16.05, February 57.20 -> 14.30, March 64.40 -> 16.10
    assert (found.margin, found.expected_loss, found.service_cost, found.tax) == (396, 180, 30.2, 46.45)
    # capital 36,500 x 0.75 x 0.1 = 2,737.50, charge 2,737.50 x 0.1 x 31 / 365 = 23.25 and 21.00 in February
    assert (found.capital, found.capital_charge) == (2737.5, 67.5)
    assert found.eva == pytest.approx(185.8 - 46.45 - 67.5)
    assert found.eva == pytest.approx(found.contribution - found.tax)
    assert found.raroc == pytest.approx((185.8 - 46.45) / (2737.5 * 90 / 365))


def test_where_no_capital_is_employed_raroc_is_none_and_not_infinite() -> None:
    frame = rolled(plain_bank(), "account")
    assert frame.loc["b", "raroc"] is None
    assert rolled(small_bank(prices={"hurdle": 0.0}), "account").loc["c", "raroc"] > 0


def test_raroc_is_above_the_hurdle_where_eva_is_above_zero() -> None:
    frame = rolled(taxed_bank(), "customer")
    with_capital = frame[frame["raroc"].notna()]
    assert ((with_capital["raroc"] > 0.1) == (with_capital["eva"] > 0)).all()


def test_a_customer_of_two_groups_makes_them_one_and_each_member_counts_once() -> None:
    frame = rolled(plain_bank(), "group")
    assert frame["customers"].to_dict() == {"001": 3, "004": 1, "005": 1}
    alone = rolled(plain_bank(), "customer")["contribution"]
    assert frame.loc["001", "contribution"] == pytest.approx(alone[["001", "002", "003"]].sum())


def test_a_relation_counts_while_it_holds() -> None:
    assert rolled(plain_bank(), "group", last=FEBRUARY)["customers"].to_dict() == {"001": 3, "004": 2}


def test_only_the_relations_named_make_a_group() -> None:
    opened = small_bank(spec={"group_relations": ("spouse",)})
    assert rolled(opened, "group")["customers"].to_dict() == {"001": 2, "003": 1, "004": 1, "005": 1}
    with pytest.raises(ConfigError, match=r"names 'spous', which no row .* guarantor, spouse\. Did you mean 'spouse'"):
        rolled(small_bank(spec={"group_relations": ("spous",)}), "group")


def test_a_circle_of_guarantors_is_one_group() -> None:
    circle = "customer_id related_id relation\n001 002 guarantor\n002 003 guarantor\n003 001 guarantor"
    assert rolled(small_bank(relations=circle), "group")["customers"].to_dict() == {"001": 3, "004": 1, "005": 1}


def test_a_branch_with_all_below_it() -> None:
    own, below = rolled(plain_bank(), "branch"), rolled(plain_bank(), "branch", with_below=True)
    whole = rolled(plain_bank(), "bank")["contribution"].iloc[0]
    assert below.loc["B2", "contribution"] == pytest.approx(own.loc[["B2", "B3"], "contribution"].sum())
    nobody = own[own["branch_id"].isna()]["contribution"].sum()
    assert below.loc["H", "contribution"] == pytest.approx(whole - nobody)
    assert below.loc["H", "name"] == "Head"


def test_branches_in_a_circle_are_refused() -> None:
    with pytest.raises(SourceError, match=r"parent_id goes in a circle, B1 -> B2 -> B1; expected a tree.*\[D030\]"):
        rolled(small_bank(branches="branch_id parent_id\nB1 B2\nB2 B1\nB3 B1"), "branch", with_below=True)


def test_a_manager_has_a_customer_in_the_months_in_which_he_had_him() -> None:
    history = """
        customer_id  manager_id  valid_from
        001          M1          2024-01-01
        002          M1          2024-01-01
        002          M2          2025-02-10
        003          M2          2024-01-01
        004          M2          2024-01-01
        005          M2          2024-01-01
    """
    opened = small_bank(customers=history)
    monthly = rolled(opened, "customer", last=JANUARY)["contribution"]
    assert rolled(opened, "manager", last=JANUARY)["contribution"]["M1"] == pytest.approx(monthly["002"])
    february = rolled(opened, "manager", last=FEBRUARY)["contribution"]["M2"]
    # From February on customer 002 is M2's; until then he was M1's.
    until = rolled(opened, "customer", last=FEBRUARY)["contribution"]
    assert february == pytest.approx(until[["003", "004", "005"]].sum() + until["002"] - monthly["002"])


def test_the_value_of_a_relationship_is_net_of_winning_and_developing_it() -> None:
    prices = {
        "acquisition_cost": AcquisitionCost(
            customer={"person": 80.0, "company": 300.0}, product={"current": 10.01}, channel={"phone": 5.0}
        ),
        "development_cost": DevelopmentCost(contact={"phone": 3.0, "other": 1.0}, event={"complaint": 20.0}),
    }
    opened = small_bank(
        prices=prices,
        account_holders="account_id customer_id role\na 001 owner\na 002 joint\nb 002 owner\nc 003 owner\nd 004 owner\ne 005 owner",
        contacts="""
            customer_id  product_id  assigned_on  arm      is_contacted  contacted_on  channel  responded_on
            001          loan        2025-02-05   treated  true          2025-02-06    phone    2025-02-10
            001          loan        2025-03-05   treated  true          2025-03-06    sms      -
            002          loan        2025-02-05   control  false         -             -        -
            003          loan        2024-12-05   treated  true          2024-12-06    phone    2025-01-02
        """,
        events="customer_id happened_on kind\n002 2025-03-01 complaint\n002 2025-03-02 login",
    )
    frame = rolled(opened, "customer")
    # 001 joined in the span (80), half of the account opened (5.01 of 10.01, the first by name takes the odd cent),
    # answered a call (5); a call (3) and a message (1)
    assert frame.loc["001", ["acquisition_cost", "development_cost"]].tolist() == [90.01, 4.0]
    assert frame.loc["002", ["acquisition_cost", "development_cost"]].tolist() == [5.0, 20.0]
    assert frame.loc["003", ["acquisition_cost", "development_cost"]].tolist() == [5.0, 0.0]
    for by in ("customer", "group", "manager", "bank"):
        sums = rolled(opened, by)[["acquisition_cost", "development_cost", "relationship_value"]].sum().round(2)
        assert sums.tolist()[:2] == [100.01, 24.0]
        assert sums["relationship_value"] == pytest.approx(frame["eva"].sum() - 124.01)


def test_an_unknown_grain_is_refused_with_the_nearest() -> None:
    opened = plain_bank()
    with pytest.raises(UsageError, match=r"--by is 'custmer'; expected one of .* Did you mean 'customer'\?"):
        roll_up(opened.table("accounts"), opened, by="custmer", first=JANUARY, last=MARCH)


@pytest.mark.parametrize("way", ["group", "manager"])
def test_a_customer_counted_in_two_groups_or_under_two_managers_does_not_reconcile(
    way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened, room = plain_bank(), import_module("crmml.ledger.reconcile")
    ledger = build_ledger(opened, JANUARY, MARCH)
    clean = reconcile(ledger, opened)
    clean.require_clean()
    assert {"group", "manager"} <= set(clean.totals["by"])
    if way == "group":
        twice = pd.DataFrame({"customer_id": ["001", "001"], "group_id": ["001", "003"]})
        monkeypatch.setattr(room, "related_groups", lambda _bank, _day: twice)
    else:
        monkeypatch.setattr(
            room, "with_manager", lambda rows, _bank: rows.union(rows.filter(rows.customer_id == "001"))
        )
    with pytest.raises(IntegrityError, match=rf"does not reconcile.*\({way}\)"):
        reconcile(ledger, opened).require_clean()
