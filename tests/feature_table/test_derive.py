"""Features computed from other columns of the same row."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crmml.errors import ConfigError
from crmml.feature_table import Roles, TableSplit, batch_frame, build_abt
from crmml.feature_table.derive import columns_of, derived, expanded

GROUPS = {"bills": ("bill_*",)}
COLUMNS = ("limit", "bill_1", "bill_2", "bill_3", "area")


def table(count=40, **changed):
    numbers = np.arange(count)
    columns = {
        "id": [f"K{number:03d}" for number in numbers],
        "limit": [None if number == 3 else 0 if number == 4 else 100 for number in numbers],
        "bill_1": numbers * 1.0,
        "bill_2": numbers * 2.0,
        "bill_3": numbers * 6.0,
        "area": ["town" if number % 2 else "land" for number in numbers],
        "y": [int(number % 4 == 0) for number in numbers],
    }
    return pa.table({name: pa.array(values) for name, values in (columns | changed).items() if values is not None})


def roles(**derive):
    return Roles(label="y", key="id", groups=GROUPS, derive=derive)


def build(given=None, **derive):
    split = TableSplit("last", share=0.2, by="rows")
    return build_abt(given or table(), roles(**derive), split, horizon=None, source="t.csv").abt


def test_a_ratio_and_the_mean_of_a_group_worked_by_hand():
    abt = build(used='bill_1 / "limit"', usual='list_avg(bills) / "limit"')
    assert abt.frame["used"].tolist()[:3] == [0.0, 0.01, 0.02]
    assert abt.frame["usual"].tolist()[:3] == [0.0, 0.03, 0.06]  # (1 + 2 + 6) / 3 of 100
    assert abt.frame["usual"].isna().tolist()[2:6] == [False, True, True, False]  # no limit, a limit of zero


def test_a_group_is_written_out_so_the_formula_stands_by_itself():
    info = next(info for info in build(usual="list_avg(bills)").features if info.name == "usual")
    assert info.formula == 'list_avg(["bill_1", "bill_2", "bill_3"])'


def test_a_column_that_comes_later_does_not_join_the_group():
    asked = {"usual": "list_avg(bills)", "first": "bills[1] - bills[-1]"}
    infos = build(**asked).features
    batch, ignored = batch_frame(table(3, bill_9=[5.0, 5.0, 5.0], y=None), roles(**asked), infos, source="new.csv")
    assert batch["usual"].tolist() == [0.0, 3.0, 6.0]
    assert batch["first"].tolist() == [0.0, -5.0, -10.0]
    assert ignored == ("bill_9",)


def test_a_batch_without_a_column_that_is_only_derived_from_is_refused():
    asked = {"used": 'bill_1 / "limit"'}
    infos = [info for info in build(**asked).features if info.name == "used"]
    with pytest.raises(Exception, match="no column 'limit'"):
        batch_frame(table(3, limit=None), roles(**asked), infos, source="new.csv")


def test_codes_for_not_known_are_taken_out_before_anything_is_derived():
    given = Roles(label="y", key="id", missing={"bill_1": ("7",)}, derive={"used": "bill_1 * 2"})
    frame = build_abt(table(), given, TableSplit("last", share=0.2, by="rows"), horizon=None, source="t").abt.frame
    assert frame.index[frame["used"].isna()].tolist() == [7]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("avg(bill_1)", "reaches beyond its own row"),
        ("bill_1 - avg(bill_1) OVER ()", "reaches beyond its own row"),
        ("(SELECT max(bill_1) FROM given)", "reaches beyond its own row"),
        ("bill_1 * random()", "reaches beyond its own row"),
        ("bill_1 +", "is no expression"),
        ("1 + 1", "names no column"),
        ("limt / 2", "did you mean 'limit'"),
        ("y * 1", "names 'y'"),
        ("id", "names 'id'"),
        ("area / 2", "holds text"),
        ("no_such(bill_1)", "cannot be computed"),
        ("bills", "cannot be computed"),
    ],
)
def test_an_expression_that_cannot_be_a_feature_is_refused_in_words(expression, said):
    with pytest.raises(ConfigError, match="(?i)" + said):
        build(new=expression)


def test_a_derived_feature_never_hides_a_column():
    with pytest.raises(ConfigError, match="name of a column"):
        build(bill_1="bill_2 * 2")


def test_levels_are_compared_where_the_column_is_a_category():
    given = Roles(label="y", key="id", categories=("area",), derive={"in_town": "CAST(area = 'town' AS INT)"})
    abt = build_abt(table(), given, TableSplit("last", share=0.2, by="rows"), horizon=None, source="t").abt
    assert abt.frame["in_town"].tolist()[:2] == [0.0, 1.0]


@settings(deadline=None, max_examples=20)
@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30), st.data())
def test_other_rows_never_change_a_value(values, data):
    written = expanded({"a": "list_stddev_pop(bills) / (1 + abs(bill_1))"}, COLUMNS, GROUPS)
    frame = {name: pd.Series(values) * factor for name, factor in (("bill_1", 1), ("bill_2", 3), ("bill_3", -2))}
    place = data.draw(st.integers(0, len(values) - 1))
    alone = {name: column.iloc[[place]] for name, column in frame.items()}
    assert derived(written, alone)["a"].tolist() == [derived(written, frame)["a"][place]]


def test_what_an_expression_reads_is_told_once_in_a_column_of_its_own():
    assert sorted(columns_of('bill_2 / "limit" + bill_2')) == ["bill_2", "limit"]
