"""A flat table with its roles becomes the table every model is trained from."""

from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmml.abt import label_copies
from crmml.errors import CrmmlError, LeakageError
from crmml.feature_table import Roles, TableSplit, batch_frame, build_abt
from crmml.periods import Horizon

LAST = TableSplit("last", share=0.2, by="rows")


def rows(count=40, **changed):
    numbers = np.arange(count)
    columns = {
        "id": [f"K{number:03d}" for number in numbers],
        "age": (20 + numbers % 7 * 5).astype(str).tolist(),
        "job": ["clerk" if number % 2 else "unknown" for number in numbers],
        "segment": ["A" if number % 3 else "B" for number in numbers],
        "y": ["yes" if number % 4 == 0 else "no" for number in numbers],
    }
    return pa.table({name: pa.array(values) for name, values in (columns | changed).items() if values is not None})


def build(table=None, split=LAST, horizon=None, **roles):
    given = {"label": "y", "event": "yes", "key": "id", **roles}
    return build_abt(rows() if table is None else table, Roles(**given), split, horizon=horizon, source="t.csv")


def test_every_column_without_another_role_is_a_feature():
    abt = build(missing={"*": ("unknown",)}, leave_out=("age",)).abt
    assert abt.names == ["job", "column_segment"]
    assert abt.frame["job"].isna().sum() == 20
    assert abt.frame["segment"].unique().tolist() == ["all"]  # the peers of a row, not its column of that name
    assert abt.features[1].en == "segment"
    assert abt.frame["label"].sum() == 10


def test_the_last_rows_are_tested_and_blocks_rise_with_time():
    frame = build().abt.frame
    tested = frame[frame["part"] == "test"]
    assert tested["customer_id"].tolist() == [f"K{number:03d}" for number in range(32, 40)]
    assert frame.loc[frame["part"] == "train", "block"].is_monotonic_increasing
    assert frame["block"].max() == 10


def test_rows_that_tie_with_the_first_test_row_are_tested_too():
    order = [str(number // 10) for number in range(40)]
    frame = build(rows(order=order), split=TableSplit("last", share=0.2, by="order"), order="order").abt.frame
    assert (frame["part"] == "test").sum() == 10
    assert "order" not in build(rows(order=order), order="order").abt.names


def test_a_random_draw_is_stratified_repeatable_and_stamped():
    split = TableSplit("random", share=0.3, seed=1)
    flat, again = build(split=split), build(split=split)
    tested = flat.abt.frame[flat.abt.frame["part"] == "test"]
    assert (len(tested), tested["label"].sum()) == (12, 3)
    assert flat.abt.frame.equals(again.abt.frame)
    assert flat.split.stamp == "not time-honest"
    assert "not time-honest" in flat.split.tested_on
    assert build().split.stamp == ""


def test_folds_hold_every_row_once():
    counts = build(split=TableSplit("folds", folds=4, seed=1)).abt.frame["part"].value_counts()
    assert counts.to_dict() == {f"fold {number}": 10 for number in (1, 2, 3, 4)}


def test_labels_that_reach_into_the_test_are_left_out_and_counted():
    months = [f"2025-{1 + number % 6:02d}" for number in range(60)]
    table = rows(60, month=months)
    split = TableSplit("later", first=date(2025, 5, 31))
    flat = build(table, split=split, cutoff="month", horizon=Horizon(2))
    frame = flat.abt.frame
    assert sorted(frame.loc[frame["part"] == "train", "cutoff_date"].dt.month.unique()) == [1, 2, 3]
    assert sorted(frame.loc[frame["part"] == "test", "cutoff_date"].dt.month.unique()) == [5, 6]
    april = flat.abt.waterfall[pd.to_datetime(flat.abt.waterfall["cutoff_date"]).dt.month == 4]
    assert dict(zip(april["step"], april["rows"], strict=True))["label_reaches_into_test"] == 10
    assert flat.split.out_of_time == (date(2025, 5, 31), date(2025, 6, 30))


def test_rows_without_a_label_are_counted_and_left_out():
    labels = ["yes", "no", None, ""] * 10
    flat = build(rows(y=labels), split=TableSplit("random", share=0.5, seed=1))
    assert len(flat.abt.frame) == 20
    steps = dict(zip(flat.abt.waterfall["step"], flat.abt.waterfall["rows"], strict=True))
    assert (steps["all"], steps["no_label"], steps["sample"], steps["events"]) == (40, 20, 20, 10)


def test_dates_become_days_to_the_cut_off_and_later_ones_are_a_leak():
    months, opened = ["2025-01-31"] * 40, ["2025-01-01"] * 40
    split = TableSplit("random", share=0.3)
    frame = build(rows(month=months, opened=opened), split=split, cutoff="month").abt.frame
    assert frame["opened"].unique().tolist() == [30.0]
    with pytest.raises(LeakageError, match="opened lies after the cut-off on 1 of 40 rows"):
        build(rows(month=months, opened=["2025-02-01", *opened[1:]]), split=split, cutoff="month")
    with pytest.raises(CrmmlError, match="opened holds dates; expected a `cutoff:` column"):
        build(rows(opened=opened))


def test_a_feature_that_is_the_label_is_found():
    copy = ["1" if number % 4 == 0 else "0" for number in range(40)]
    assert label_copies(build(rows(outcome=copy)).abt) == ["outcome"]


@pytest.mark.parametrize(
    ("table", "roles", "code", "said"),
    [
        (rows(), {"label": "Y"}, "D003", r"no column 'Y', which label names\. Did you mean 'y'"),
        (rows(), {"leave_out": ("agee",)}, "D003", "'agee', which leave_out names. Did you mean 'age'"),
        (rows(), {"event": "yess"}, "D018", r"y is 'yess' on no row \(it holds no 30, yes 10\).*Did you mean 'yes'"),
        (rows(), {"event": None}, "D018", r"holds no 30, yes 10; expected 0 and 1, or the value that counts"),
        (rows(y=["no"] * 40), {}, "D018", r"y is 'yes' on no row \(it holds no 40\)"),
        (rows(id=["K1"] * 40), {}, "D005", r"id repeats on 39 of 40 rows \(first: \*\*\*K1\)"),
        (rows(id=[None] * 40), {}, "D011", "id is empty on 40 of 40 rows"),
        (rows(w=["1"] * 39 + ["-1"]), {"weight": "w"}, "D013", "missing, zero, negative or no number on 1 of 40"),
        (rows(month=["2025-13"] * 40), {"cutoff": "month"}, "D008", r"no date on 40 of 40 rows \(first: '2025-13'\)"),
        (rows(y=[""] * 40), {"event": None}, "D018", "y holds nothing"),
        (rows(age=None, job=None, segment=None), {}, "D020", "no column to learn from"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.startswith("D0") else "",
)
def test_a_table_that_cannot_be_used_is_refused_in_one_message(table, roles, code, said):
    with pytest.raises(CrmmlError, match=said) as caught:
        build(table, **roles)
    assert caught.value.code == code


def test_yes_in_yaml_is_true_and_still_means_yes():
    assert build(event="true").abt.frame["label"].sum() == 10


def test_a_batch_is_read_as_training_read_it():
    abt = build(missing={"job": ("unknown",)}).abt
    roles = Roles(label="y", event="yes", key="id", missing={"job": ("unknown",)})
    batch, ignored = batch_frame(rows(4, y=None, extra=["x"] * 4), roles, abt.features, source="new.csv")
    assert ignored == ("extra",)
    assert batch["job"].fillna("-").tolist() == ["-", "clerk", "-", "clerk"]
    assert batch["age"].tolist() == [20.0, 25.0, 30.0, 35.0]
    with pytest.raises(CrmmlError, match=r"new.csv has no column 'age'.*Did you mean 'Age'"):
        batch_frame(rows(4).rename_columns(["id", "Age", "job", "segment", "y"]), roles, abt.features, source="new.csv")
