from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa

from crmml.perturb import Perturb
from crmml.sources.contract import CONTRACT


def test_an_account_of_the_future_is_scrambled_into_no_currency_that_the_bank_does_not_have():
    size = 200
    columns = {
        name: pa.nulls(size, pa.date32() if each.type == "date" else pa.string())
        for name, each in CONTRACT["accounts"].columns.items()
    }
    columns |= {
        "account_id": pa.array([str(number) for number in range(size)]),
        "currency": pa.array(["CNY", "USD"] * (size // 2)),
        "opened_on": pa.array([date(2025, 6, 1)] * size, pa.date32()),
        "posted_on": pa.array([date(2025, 6, 1)] * size, pa.date32()),
    }
    change = Perturb("scrambled", date(2025, 5, 31), None, np.random.default_rng(1))
    changed = change._scramble_late("accounts", pa.table(columns))
    assert set(changed["currency"].to_pylist()) == {"CNY", "USD"}
    assert changed["currency"].to_pylist() != columns["currency"].to_pylist()


def test_a_rate_of_the_future_is_scrambled_into_another_rate():
    size = 300
    columns = {
        "kind": ["ftp"] * size,
        "key": ["internal"] * size,
        "tenor_months": [12] * size,
        "rate": [0.0, 0.0155, 0.9] * (size // 3),
        "valid_from": [date(2025, 6, 1)] * (size - 3) + [date(2025, 1, 1)] * 3,
        "posted_on": [None] * size,
    }
    kinds = {"tenor_months": pa.int64(), "rate": pa.float64(), "valid_from": pa.date32(), "posted_on": pa.date32()}
    table = pa.table({name: pa.array(column, kinds.get(name, pa.string())) for name, column in columns.items()})
    change = Perturb("scrambled", date(2025, 5, 31), None, np.random.default_rng(1))
    changed = np.array(change._scramble_late("rates", table)["rate"].to_pylist())
    assert ((changed > 0) | (np.array(columns["rate"]) == 0)).all()
    assert (changed <= 1).all()
    assert (changed[:-3] != np.array(columns["rate"])[:-3]).all()
    assert changed[-3:].tolist() == columns["rate"][-3:]


def test_a_back_dated_row_never_has_the_key_of_another():
    days = [date(2025, 5, 31) - timedelta(days=number) for number in range(390)]
    table = pa.table(
        {
            "account_id": ["a1"] * len(days),
            "balance_on": pa.array(days, pa.date32()),
            "balance": pa.array([Decimal("10.00")] * len(days), pa.decimal128(18, 2)),
            "posted_on": pa.array(days, pa.date32()),
        }
    )
    change = Perturb("back_dated", date(2025, 5, 31), None, np.random.default_rng(1))
    added = change._back_dated("balances", table)
    found = [*table["balance_on"].to_pylist(), *added["balance_on"].to_pylist()]
    # 390 of the 400 days before are taken, so nearly nothing that is drawn can be added.
    assert 0 < added.num_rows <= 10
    assert len(set(found)) == len(found)
    assert min(added["posted_on"].to_pylist()) > date(2025, 5, 31)
