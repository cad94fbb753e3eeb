from datetime import date

import pytest

from crmml.errors import ConfigError
from crmml.ledger.exposures import COLUMNS, credit_exposures
from tests.ledger.prices import economics
from tests.tables import bank

DAY = date(2025, 6, 30)
TABLES = {
    "customers": "customer_id\n1\n2",
    "accounts": """
        account_id  customer_id  product_id  opened_on
        a           1            loan        2025-01-01
        b           1            mortgage    2025-01-01
        paid        2            loan        2025-01-01
        later       2            loan        2025-01-01
    """,
    "loans": """
        loan_id  account_id  granted_on  principal  closed_on
        L1       a           2025-01-01      10000  -
        L2       b           2025-01-01      50000  -
        L3       paid        2025-01-01       1000  2025-05-31
        L4       later       2025-07-01       1000  -
    """,
    "account_terms": """
        account_id  valid_from  interest_rate  credit_limit
        a           2025-01-01  0.08           20000
        a           2025-08-01  0.08           90000
    """,
    "transactions": """
        account_id  valued_on   amount
        a           2025-01-02  -10000
        a           2025-06-15    4000
        a           2025-07-01     500
        b           2025-01-02  -50000
    """,
    "arrears": """
        loan_id  as_of       days_past_due  outstanding
        L1       2025-05-31             20         7000
        L1       2025-06-30             45         6000
        L1       2025-07-31             90         6000
    """,
}


def exposures(**changes):
    told = changes.pop(
        "prices", {"ccf_ead": {"loan": 0.4, "mortgage": 0.0}, "lgd": {"loan": 0.35, "mortgage": 0.1, "card": 0.6}}
    )
    return credit_exposures(bank(**{**TABLES, **changes}, overrides={"economics": economics(**told)}), DAY)


def test_exposure_is_what_is_drawn_and_a_part_of_the_limit_of_the_day():
    told = exposures().set_index("account_id")
    # 6,000 drawn, 14,000 of the limit unused, of which 40 % will be drawn at default.
    assert told.loc["a", ["drawn", "unused", "ead", "lgd"]].tolist() == [6000, 14000, 11600, 0.35]
    assert told.loc["b", ["drawn", "unused", "ead", "lgd"]].tolist() == [50000, 0, 50000, 0.1]


def test_only_running_loans_of_the_day_count_and_no_later_report_is_read():
    told = exposures()
    assert told["account_id"].tolist() == ["a", "b"]
    assert told["days_past_due"].tolist() == [45, 0]


def test_a_joint_account_is_shared_by_its_holders():
    holders = """
        account_id  customer_id  role   share
        a           1            owner  0.75
        a           2            joint  0.25
        b           1            owner  -
    """
    told = exposures(account_holders=holders)
    assert told[["customer_id", "account_id", "ead"]].to_numpy().tolist() == [
        ["1", "a", 8700],
        ["2", "a", 2900],
        ["1", "b", 50000],
    ]


def test_a_bank_without_balances_reads_what_its_arrears_report():
    without = {name: table for name, table in TABLES.items() if name != "transactions"}
    told = credit_exposures(
        bank(
            **without,
            activity="customer_id period_end measure value\n1 2025-06-30 visits 1",
            overrides={"economics": economics(ccf_ead={"loan": 0.4, "mortgage": 0.0})},
        ),
        DAY,
    ).set_index("account_id")
    assert told["ead_source"].to_dict() == {"a": "arrears", "b": "none"}
    assert told.loc["a", "drawn"] == 6000
    assert told["ead"].isna().tolist() == [False, True]


def test_a_bank_without_loans_has_no_exposures():
    without = {name: table for name, table in TABLES.items() if name not in ("loans", "arrears")}
    told = credit_exposures(bank(**without, overrides={"economics": economics()}), DAY)
    assert (list(told.columns), len(told)) == (COLUMNS, 0)


def test_an_unused_limit_without_a_factor_is_refused():
    with pytest.raises(ConfigError, match=r"ccf_ead gives nothing for loan.*\[C011\]"):
        exposures(prices={"ccf_ead": {}})
