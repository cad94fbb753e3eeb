"""The grid, who moved, and each group in one line."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from crmml.features import FeatureInfo
from crmml.grouping import Axis, Grid, GroupSpec, describe_groups, group_customers, migration

MARCH, JUNE = date(2025, 3, 31), date(2025, 6, 30)
SPEC = GroupSpec(grid=Grid(value=Axis("contribution", quantiles=(0.5,)), risk=Axis("default", cuts=(0.1,))), margin=0.1)


def scores(customers=40):
    ids = [f"{number:03}" for number in range(customers)]
    parts = []
    for day in (MARCH, JUNE):
        part = pd.DataFrame({"customer_id": ids, "value": np.arange(customers) * 10.0, "risk": np.nan})
        part.loc[: customers // 4, "risk"] = 0.3
        parts.append(part.assign(cutoff_date=pd.Timestamp(day).as_unit("s")))
    later = parts[1].assign(value=lambda rows: rows["value"].where(rows["customer_id"] != "000", 9_999.0))
    return pd.concat([parts[0].iloc[:-1], later.iloc[1:] if customers < 3 else later.drop(index=3)], ignore_index=True)


def test_a_missing_axis_is_left_out_of_the_groups():
    found = group_customers(scores(), SPEC, reference=MARCH)
    assert found.axes == ("value", "risk")
    assert set(found.rows["group"]) == {"V1R2", "V1R-", "V2R-", "V2R2"}


def test_rows_of_a_migration_sum_and_who_came_and_went_is_counted():
    rows = group_customers(scores(), SPEC, reference=MARCH).rows
    moved = migration(rows, "value_band", start=MARCH, end=JUNE)
    counts = {(row["from"], row["to"]): row["customers"] for row in moved.to_dict("records")}
    # 000 became rich, 003 left, 039 came; the other 38 stayed where they were
    assert counts == {("0", "0"): 17, ("0", "1"): 1, ("0", "left"): 1, ("1", "1"): 20, ("entered", "1"): 1}
    assert moved.groupby("from")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    there = rows[rows["cutoff_date"] == pd.Timestamp(MARCH)]
    assert moved.loc[moved["from"] != "entered", "customers"].sum() == len(there)


def test_the_same_customers_in_any_order_make_the_same_groups():
    one = group_customers(scores(), SPEC, reference=MARCH)
    other = group_customers(scores().sample(frac=1, random_state=5), SPEC, reference=MARCH)
    pd.testing.assert_frame_equal(one.rows[["customer_id", "group"]], other.rows[["customer_id", "group"]])
    pd.testing.assert_frame_equal(one.flaps, other.flaps)


def test_two_customers_are_a_bank_too():
    rows = scores(2)
    found = group_customers(rows, SPEC, reference=MARCH)
    assert len(found.rows) == len(rows)


DEPOSITS = FeatureInfo(
    "deposits", "balances", "balances", "存款余额", "deposit balance", "money", "", "", "balances", "", ""
)


def test_a_large_group_is_told_in_one_line_and_of_a_small_one_only_that_it_is_small():
    rows = group_customers(scores(100), SPEC, reference=MARCH).rows
    newest = rows[rows["cutoff_date"] == pd.Timestamp(JUNE)].assign(contribution=lambda frame: frame["value"])
    features = pd.DataFrame({"customer_id": newest["customer_id"], "deposits": newest["value"]})
    told = describe_groups(newest, features, [DEPOSITS], ("value", "risk"), {"value": 2, "risk": 2}).set_index("group")
    rich, lone = told.loc["V2R-"], told.loc["V2R2"]
    assert rich["line_zh"].startswith("高价值·无授信:51 户(51.5%),占贡献 ")
    assert "high value · no credit: 51 customers (51.5%)" in rich["line_en"]
    assert "typical: high deposit balance" in rich["line_en"]
    assert lone["line_en"] == "high value · high risk: fewer than 20 customers"
    assert np.isnan(lone["contribution"])
