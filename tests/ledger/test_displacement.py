"""What a new account took from the others, by hand: like customers lose 1 a month, the taker's others lose 3."""

from datetime import date

import ibis
import pandas as pd
import pytest

from crmml.ledger import with_displacement
from crmml.periods import shift_months

START = date(2023, 4, 30)
MONTHS = [shift_months(date(2023, 1, 31), step) for step in range(15)]


def ledger(like: int, holders: int = 0, borrowers: int = 0) -> pd.DataFrame:
    """`like` customers bring 10 a month and 9 from April on; the taker 10 and then 7, and 5 by the new account.

    Holders of a card and borrowers are unlike the taker: they bring 10 and then 100.
    """
    rows = [
        (f"{kind}{number}", f"{kind}{number}", month, 100 if month >= START else 10, kind)
        for kind, count in (("card", holders), ("loan", borrowers))
        for number in range(count)
        for month in MONTHS
    ]
    unlike = pd.DataFrame(rows, columns=["customer_id", "account_id", "month_end", "contribution", "family"])
    rows = []
    for number in range(like):
        rows += [(f"c{number}", f"a{number}", month, 9 if month >= START else 10) for month in MONTHS]
    rows += [("t", "old", month, 7 if month >= START else 10) for month in MONTHS]
    rows += [("t", "new", month, 5) for month in MONTHS if month >= START]
    frame = pd.DataFrame(rows, columns=["customer_id", "account_id", "month_end", "contribution"])
    both = [part for part in (frame.assign(family="current"), unlike) if len(part)]
    return pd.concat(both).assign(balance_average=100.0)


def displaced(like: int, *, before: float = -7.0, **unlike: int) -> float:
    first = pd.DataFrame(
        [("new", "p", "card", "t", date(2023, 4, 5), 60.0, before)],
        columns=["account_id", "product_id", "family", "customer_id", "opened_on", "contribution", "displaced"],
    )
    rows = ledger(like, **unlike)
    customers = pd.DataFrame({"customer_id": rows["customer_id"].unique(), "kind": "person"})
    tables = (ibis.memtable(each) for each in (first, rows, customers))
    found = with_displacement(*tables).to_pandas()
    assert found["kind"].tolist() == ["person"]
    return float(found["displaced"].iloc[0])


def test_what_like_customers_lost_too_is_not_laid_on_the_new_account():
    # Like customers: 12 x 9 - 12 x 10 = -12. The taker's others: 12 x 7 - 12 x 10 = -36. Displaced: 36 - 12.
    assert displaced(400) == pytest.approx(24.0)


def test_with_too_few_like_customers_the_fall_of_the_others_stands_alone():
    assert displaced(20) == 7.0


def test_who_holds_one_already_or_owes_a_loan_is_not_like_who_takes():
    assert displaced(400, holders=300, borrowers=300) == pytest.approx(24.0)


def test_with_few_like_customers_of_the_month_those_of_any_month_tell():
    # 20 of 40 like customers live everything a month later. In April 20 changed by 9 x 12 - 10 x 12 = -12; in May the
    # later 20 did, the others (11 months left) by 9 x 11 - 29 x 4 = -17, and the taker's gain is drawn in to -12.
    first = pd.DataFrame(
        [("new", "p", "card", "t", date(2023, 4, 5), 60.0, -7.0)],
        columns=["account_id", "product_id", "family", "customer_id", "opened_on", "contribution", "displaced"],
    )
    rows = ledger(40)
    late = rows["customer_id"].isin([f"c{number}" for number in range(20)])
    rows.loc[late, "month_end"] = [shift_months(month, 1) for month in rows.loc[late, "month_end"]]
    customers = pd.DataFrame({"customer_id": rows["customer_id"].unique(), "kind": "person"})
    tables = (ibis.memtable(each) for each in (first, rows, customers))
    assert float(with_displacement(*tables).to_pandas()["displaced"].iloc[0]) == pytest.approx(36 - 832 / 61)
