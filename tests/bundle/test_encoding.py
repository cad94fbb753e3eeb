from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from crmml.bundle import Encoding, learn_levels
from crmml.errors import SourceError


def test_levels_are_coded_by_their_text_and_rare_ones_share_the_last_code():
    values = pd.Series(["b"] * 20 + ["a"] * 25 + ["c"] * 3 + ["d"] * 2 + [None])
    assert learn_levels(values, range(51)) == {"a": 0, "b": 1, "c": 2, "d": 2}


def test_a_level_is_counted_by_customers_and_not_by_rows():
    values = pd.Series(["a"] * 30 + ["b"] * 30)
    customers = [f"c{row}" for row in range(30)] + ["one"] * 30
    assert learn_levels(values, customers) == {"a": 0, "b": 1}
    assert learn_levels(values, customers, least=1) == {"a": 0, "b": 1}
    assert learn_levels(pd.Series(["a"] * 30 + ["b"] * 30 + ["c"] * 2), [*customers, "x", "y"]) == {
        "a": 0,
        "b": 1,
        "c": 1,
    }


def test_whole_number_levels_read_alike_with_and_without_nulls():
    levels = {"1": 0, "2": 1}
    encoding = Encoding(("grade",), {"grade": levels})
    for values in (pd.Series([1, 2]), pd.Series([1.0, 2.0]), pd.Series(["1", "2"]), pd.Series([1, 2], dtype="Int64")):
        X, unseen = encoding.encode(pd.DataFrame({"grade": values}))
        assert X[:, 0].tolist() == [0.0, 1.0]
        assert unseen == {}
    X, unseen = encoding.encode(pd.DataFrame({"grade": [1.0, np.nan]}))
    assert np.isnan(X[1, 0])
    assert unseen == {}


def test_numbers_of_every_type_become_float_and_nulls_nan():
    frame = pd.DataFrame(
        {
            "flag": pd.Series([True, None], dtype="boolean"),
            "whole": pd.Series([3, None], dtype="Int32"),
            "endless": [np.inf, 1.0],
            "text": pd.Series([None, None], dtype="str"),
        }
    )
    X, _ = Encoding(("flag", "whole", "endless", "text")).encode(frame)
    assert X.dtype == np.float64
    assert np.array_equal(X, [[1, 3, np.nan, np.nan], [np.nan, np.nan, 1, np.nan]], equal_nan=True)


def test_a_missing_column_and_text_in_a_number_are_refused():
    encoding = Encoding(("a", "b"))
    with pytest.raises(SourceError, match=r"lack 1 of 2 columns .*first: b"):
        encoding.encode(pd.DataFrame({"a": [1.0]}))
    with pytest.raises(SourceError, match="b holds 'ten'; expected numbers"):
        encoding.encode(pd.DataFrame({"a": [1.0], "b": ["ten"]}))


def test_an_empty_frame_has_an_empty_matrix():
    X, unseen = Encoding(("a",), {}).encode(pd.DataFrame({"a": pd.Series([], dtype=float)}))
    assert X.shape == (0, 1)
    assert unseen == {}


def test_a_merged_code_reads_as_other():
    encoding = Encoding(("b",), {"b": {"x": 0, "y": 1, "z": 1}})
    assert [encoding.decode("b", code) for code in (0.0, 1.0, np.nan)] == ["x", "other", None]


def test_an_arrow_batch_reads_as_the_frame_of_it():
    rows = {
        "whole": pa.array([3, None, -1], pa.int32()),
        "number": pa.array([np.inf, 0.5, None], pa.float64()),
        "money": pa.array([Decimal("1.25"), None, Decimal("7.00")], pa.decimal128(18, 2)),
        "flag": pa.array([True, None, False]),
        "level": pa.array(["a", "new", None]).dictionary_encode(),
        "code": pa.array([1, 2, None], pa.int64()),
        "empty": pa.nulls(3),
    }
    batch = pa.record_batch(rows)
    encoding = Encoding(tuple(rows), {"level": {"a": 0}, "code": {"1": 0, "2": 1}})
    X, unseen = encoding.encode(batch)
    expected, counted = encoding.encode(batch.to_pandas())
    assert np.array_equal(X, expected, equal_nan=True)
    assert X[:, 2].tolist()[::2] == [1.25, 7.0]
    assert X[:, 5].tolist()[:2] == [0.0, 1.0]
    assert unseen == counted == {"level": 1}


def test_a_missing_column_and_text_are_refused_of_an_arrow_batch_too():
    encoding = Encoding(("a", "b"))
    with pytest.raises(SourceError, match=r"lack 1 of 2 columns .*first: b"):
        encoding.encode(pa.record_batch({"a": [1.0]}))
    with pytest.raises(SourceError, match="b holds 'ten'; expected numbers"):
        encoding.encode(pa.record_batch({"a": [1.0], "b": ["ten"]}))
