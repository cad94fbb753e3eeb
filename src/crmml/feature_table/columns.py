"""One column of a flat table as a feature: a number, a category, days since a date, or refused with words.

Text keeps its meaning only where it must: numbers are numbers however they were
stored, codes with leading zeros stay codes, and what is half numbers and half
words is refused rather than guessed.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
import pyarrow as pa

from crmml.errors import SourceError

MOST_LEVELS = 1_000
_FEW_LEVELS = 20
_MOSTLY = 0.5
_EXAMPLES = 5
#: What programs write for a cell that holds nothing. "NA" and "None" are left alone: they can be levels.
_NOTHING = {"", "nan", "NaN", "NAN", "null", "NULL", "<NA>", "\\N"}

Kind = Literal["number", "category", "date"]


@dataclass(frozen=True)
class Column:
    """A column ready to be used, or the reason why it is not.

    `values` are float64, text with None, or days (datetime64) by `kind`;
    `dropped` says why a column cannot be learned from ("" if it can).
    """

    name: str
    kind: Kind
    values: pd.Series
    dropped: str = ""


def texts_of(values: pa.ChunkedArray) -> pd.Series:
    """Cells as text without blanks at their ends, None where there is nothing; whole numbers without a point."""
    if pa.types.is_null(values.type):
        return pd.Series([None] * len(values), dtype=object)
    frame = values.to_pandas()
    if pd.api.types.is_bool_dtype(frame.dtype) or pa.types.is_boolean(values.type):
        return frame.map({True: "true", False: "false"}).astype(object).where(frame.notna(), None)
    if pd.api.types.is_numeric_dtype(frame.dtype) or pa.types.is_decimal(values.type):
        return numbers_as_text(pd.to_numeric(frame.astype("float64")))
    if pa.types.is_date(values.type) or pa.types.is_timestamp(values.type):
        days = pd.to_datetime(frame)
        return days.dt.strftime("%Y-%m-%d").astype(object).where(days.notna(), None)
    text = frame.astype(object).map(lambda cell: None if cell is None or cell != cell else str(cell).strip())
    return text.where(text.notna() & ~text.isin(_NOTHING), None)


def numbers_as_text(values: pd.Series) -> pd.Series:
    """Numbers as the shortest text that reads back: 3.0 is "3".

    >>> numbers_as_text(pd.Series([3.0, 2.5, float("nan")])).tolist()
    ['3', '2.5', None]
    """
    return pd.Series(
        [None if cell != cell else np.format_float_positional(cell, trim="-") for cell in values], dtype=object
    )


def code_of(value: object) -> str:
    """A missing code, an event or a level as the cells of a table write it.

    >>> code_of(-1), code_of(-1.0), code_of(" unknown "), code_of(True)
    ('-1', '-1', 'unknown', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return np.format_float_positional(float(value), trim="-")
    text = str(value).strip()
    return (
        text if _has_leading_zero(text) or _number(text) is None else np.format_float_positional(float(text), trim="-")
    )


def without_codes(texts: pd.Series, codes: Collection[str]) -> pd.Series:
    """The cells with the codes that mean "not known" taken out."""
    if not codes:
        return texts
    unknown = {cell for cell in texts.dropna().unique() if code_of(cell) in codes or cell in codes}
    return texts.where(~texts.isin(unknown), None)


def read_column(name: str, texts: pd.Series, *, is_category: bool) -> Column:
    """What a column of cells is.

    Raises
    ------
    SourceError
        D012 if the cells are numbers and words mixed.
    """
    present = texts.dropna()
    if present.empty:
        return Column(name, "number", pd.Series(np.nan, index=texts.index), "no value on any row")
    if is_category:
        return _category(name, texts.map(code_of, na_action="ignore").where(texts.notna(), None))
    levels = pd.Series(present.unique())
    if _are_days(levels):
        days = pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
        return Column(name, "date", days)
    numbers = pd.to_numeric(levels, errors="coerce")
    is_number = numbers.notna() & np.isfinite(numbers.to_numpy(float)) & ~levels.map(_has_leading_zero)
    if is_number.all():
        return _number_column(name, pd.to_numeric(texts, errors="coerce").astype(float))
    odd = present[~present.isin(set(levels[is_number]))]
    if len(odd) < _MOSTLY * len(present) and not levels.map(_has_leading_zero).any():
        raise SourceError(_mixed(name, odd, len(present)), code="D012")
    return _category(name, texts)


def read_as(name: str, kind: str, texts: pd.Series) -> pd.Series:
    """A column of a later batch as training read it.

    Raises
    ------
    SourceError
        D023 if numbers became text, D008 if dates did.
    """
    if kind == "category":
        return texts.map(code_of, na_action="ignore").where(texts.notna(), None)
    read = (
        pd.to_numeric(texts, errors="coerce").astype(float)
        if kind == "number"
        else pd.to_datetime(texts, format="%Y-%m-%d", errors="coerce")
    )
    odd = texts[read.isna() & texts.notna() & ~texts.astype("str").str.lower().isin(("nan",))]
    if len(odd):
        what, code = ("numbers", "D023") if kind == "number" else ("dates such as 2025-06-30", "D008")
        raise SourceError(
            f"{name} held {what} in training; {len(odd):,} of {int(texts.notna().sum()):,} cells do not "
            f"({_counted(odd)}). Mend the file, or train again with these codes under `missing:`",
            code=code,
        )
    return read


def _number_column(name: str, values: pd.Series) -> Column:
    known = values.dropna()
    counts_rows = len(known) == len(values) > _FEW_LEVELS and bool((known == known.round()).all()) and known.is_unique
    if counts_rows and known.max() - known.min() == len(known) - 1:
        return Column(name, "number", values, "numbers the rows one after the other; name it as the key")
    return Column(name, "number", values)


def _category(name: str, texts: pd.Series) -> Column:
    levels, known = int(texts.nunique()), int(texts.notna().sum())
    if levels > _FEW_LEVELS and levels > _MOSTLY * known:
        return Column(
            name, "category", texts, f"{levels:,} levels on {known:,} rows: reads as an id, not as a category"
        )
    if levels > MOST_LEVELS:
        return Column(name, "category", texts, f"{levels:,} levels, more than {MOST_LEVELS:,}: group them first")
    return Column(name, "category", texts)


def _mixed(name: str, odd: pd.Series, known: int) -> str:
    codes = ", ".join(repr(str(cell)) for cell in odd.value_counts().index[:_EXAMPLES])
    return (
        f"{name} holds numbers, and {len(odd):,} of {known:,} cells that are none ({_counted(odd)}). Write missing: "
        f"{{{name}: [{codes}]}} if they mean not known, or categories: [{name}] if all are codes"
    )


def _counted(cells: pd.Series) -> str:
    """The most frequent cells with their counts."""
    counts = cells.astype(str).value_counts()
    said = ", ".join(f"{cell[:30]!r} {count:,}" for cell, count in counts.head(_EXAMPLES).items())  # type: ignore[index]
    return said + (" …" if len(counts) > _EXAMPLES else "")


def _are_days(levels: pd.Series) -> bool:
    text = levels.astype("str")
    return bool(text.str.fullmatch(r"\d{4}-\d{2}-\d{2}").all()) and bool(
        pd.to_datetime(text, format="%Y-%m-%d", errors="coerce").notna().all()
    )


def _has_leading_zero(text: str) -> bool:
    return len(text) > 1 and text[0] == "0" and text[1].isdigit()


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
