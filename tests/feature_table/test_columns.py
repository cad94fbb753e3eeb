"""What a column of a flat file is: number, category, days, or refused with words."""

import pandas as pd
import pyarrow as pa
import pytest

from crmml.errors import SourceError
from crmml.feature_table.columns import read_as, read_column, texts_of, without_codes


def column(*cells, is_category=False, name="amount"):
    return read_column(name, texts_of(pa.chunked_array([list(cells)])), is_category=is_category)


def test_numbers_are_numbers_however_they_were_written():
    read = column("3", " 2.5 ", "1e3", "", "nan", None)
    assert read.kind == "number"
    assert read.values.tolist()[:3] == [3.0, 2.5, 1000.0]
    assert read.values.isna().tolist() == [False, False, False, True, True, True]


def test_whole_numbers_and_floats_of_one_code_are_one_level():
    assert column("2", "2.0", "3", is_category=True).values.tolist() == ["2", "2", "3"]
    assert texts_of(pa.chunked_array([pa.array([2.0, None, 3.0])])).tolist() == ["2", None, "3"]


def test_codes_with_leading_zeros_stay_codes():
    read = column(*["01", "02", "10"] * 10)
    assert read.kind == "category"
    assert set(read.values) == {"01", "02", "10"}


def test_booleans_are_two_levels():
    read = column(True, False, None, True)
    assert (read.kind, read.values.tolist()) == ("category", ["true", "false", None, "true"])


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["1", "2", "3", "n/a"], r"1 of 4 cells that are none \('n/a' 1\).*missing: \{amount: \['n/a'\]\}"),
        (["1", "2", "-", "-", "3", "?", "4", "5"], r"3 of 8 cells.*'-' 2, '\?' 1"),
    ],
)
def test_numbers_with_stray_words_are_refused_with_what_to_write(cells, said):
    with pytest.raises(SourceError, match=said) as caught:
        column(*cells)
    assert caught.value.code == "D012"


def test_words_with_a_few_numbers_among_them_are_a_category():
    assert column("a", "b", "1", "c").kind == "category"


def test_missing_codes_are_taken_out_of_numbers_and_words_alike():
    texts = texts_of(pa.chunked_array([["-1", "-1.0", "unknown", "5"]]))
    assert without_codes(texts, {"-1", "unknown"}).fillna("-").tolist() == ["-", "-", "-", "5"]


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ([f"C{number:05d}" for number in range(30)], "30 levels on 30 rows: reads as an id"),
        ([f"C{number % 1200}" for number in range(6000)], "1,200 levels, more than 1,000"),
        ([str(number) for number in range(100, 140)], "numbers the rows one after the other"),
        ([None, None], "no value on any row"),
    ],
)
def test_what_cannot_be_learned_from_is_dropped_with_the_reason(cells, reason):
    assert reason in column(*cells).dropped


def test_days_are_days_and_impossible_days_are_not():
    assert column("2025-02-28", "2024-02-29").kind == "date"
    assert column("2025-02-30", "2024-02-29").kind == "category"


def test_a_later_batch_whose_numbers_became_text_is_refused():
    with pytest.raises(
        SourceError, match=r"amount held numbers in training; 2 of 3 cells do not \('high' 2\)"
    ) as caught:
        read_as("amount", "number", pd.Series(["1", "high", "high", None], dtype=object))
    assert caught.value.code == "D023"
    assert caught.value.exit_code == 4
