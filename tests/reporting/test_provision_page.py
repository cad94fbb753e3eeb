"""The page of expected losses: sums of a few customers cannot be read off it, not even by subtraction."""

import re

from crmml.reporting.provision_page import provision_page


def row(grade, customers, ead, loss):
    return {
        "grade": grade, "stage_hint": grade, "family": grade, "accounts": customers, "customers": customers,
        "ead": ead, "expected_loss_12m": loss, "share_of_exposure": loss / ead,
    }  # fmt: skip


def page(rows):
    total = row("all", sum(each["customers"] for each in rows), sum(r["ead"] for r in rows), 1.0)
    sums = {
        "total": total, "by_grade": rows, "by_stage": [total | {"stage_hint": "1"}],
        "by_family": [total | {"family": "loan"}], "without": 0, "currency": "CNY", "cutoff_date": "2025-12-31",
        "no_claim": {"zh": "无", "en": "none"},
    }  # fmt: skip
    return provision_page(sums, bank=("银行", "bank"), model="m", version="1", language="en")


def test_a_grade_of_few_customers_stands_together_with_the_smallest_other():
    told = page([row("1", 40, 4000.0, 4.0), row("2", 9, 900.0, 9.0), row("8", 2, 123.0, 45.0), row("9", 1, 70.0, 30.0)])
    assert "4,000.00" in told
    assert "2 + 8 + 9" in told
    assert "1,093.00" in told
    for hidden in ("123.00", "70.00", "900.00", "193.00"):
        assert hidden not in told


def test_a_bank_of_fewer_than_five_borrowers_has_no_amounts():
    told = page([row("1", 3, 4000.0, 4.0)])
    assert "Fewer than 5 customers" in told
    assert not re.search(r"4,000", told)
