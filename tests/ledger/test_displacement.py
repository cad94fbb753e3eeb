"""What a new account took from the others, by hand: like customers lose 1 a month, the taker's others lose 3."""

from datetime import date

import ibis
import pandas as pd
import pytest

from crmml.ledger import with_displacement
from crmml.periods import shift_months

START = date(2023, 4, 30)
MONTHS = [shift_months(date(2023, 1, 31), step) for step in range(15)]


def ledger(like: int) -> pd.DataFrame:
    """`like` customers bring 10 a month and 9 from April on; the taker 10 and then 7, and 5 by the new account."""
    rows = []
    for number in range(like):
        rows += [(f"c{number}", f"a{number}", month, 9 if month >= START else 10) for month in MONTHS]
    rows += [("t", "old", month, 7 if month >= START else 10) for month in MONTHS]
    rows += [("t", "new", month, 5) for month in MONTHS if month >= START]
    frame = pd.DataFrame(rows, columns=["customer_id", "account_id", "month_end", "contribution"])
    return frame.assign(family="current", balance_average=100.0)


def displaced(like: int, *, before: float = -7.0) -> float:
    first = pd.DataFrame(
        [("new", "p", "card", "t", date(2023, 4, 5), 60.0, before)],
        columns=["account_id", "product_id", "family", "customer_id", "opened_on", "contribution", "displaced"],
    )
    customers = pd.DataFrame({"customer_id": [*(f"c{number}" for number in range(like)), "t"], "kind": "person"})
    tables = (ibis.memtable(each) for each in (first, ledger(like), customers))
    found = with_displacement(*tables).to_pandas()
    assert found["kind"].tolist() == ["person"]
    return float(found["displaced"].iloc[0])


def test_what_like_customers_lost_too_is_not_laid_on_the_new_account():
    # Like customers: 12 x 9 - 12 x 10 = -12. The taker's others: 12 x 7 - 12 x 10 = -36. Displaced: 36 - 12.
    assert displaced(400) == pytest.approx(24.0)


def test_with_too_few_like_customers_the_fall_of_the_others_stands_alone():
    assert displaced(20) == 7.0
