"""Feature rows as the matrix a booster reads: fixed columns, fixed codes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from crmml.errors import SourceError

Array = npt.NDArray[np.float64]
OTHER = "other"
LEAST_CUSTOMERS = 20


@dataclass(frozen=True)
class Encoding:
    """The columns of a model in order, and the code of every level of its categories.

    Rare levels share the code of `other`. A level never seen in training has no
    code: it becomes missing, and is counted. A column of `fixed` has one value on
    every row, and is not read from them.
    """

    names: tuple[str, ...]
    levels: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fixed: Mapping[str, float] = field(default_factory=dict)

    @property
    def read(self) -> tuple[str, ...]:
        """The columns that rows must have, in order."""
        return tuple(name for name in self.names if name not in self.fixed)

    @property
    def categorical(self) -> list[int]:
        """Positions of the categories among the columns."""
        return [position for position, name in enumerate(self.names) if name in self.levels]

    def encode(self, rows: pd.DataFrame | pa.RecordBatch) -> tuple[Array, dict[str, int]]:
        """The matrix (n_rows, n_features) of a frame or an Arrow batch, and the unseen levels counted by column.

        Raises
        ------
        SourceError
            If a column is missing or holds text where a number is expected.
        """
        is_arrow = isinstance(rows, pa.RecordBatch)
        self._require_columns(rows.schema.names if is_arrow else rows.columns)
        # A batch is columns already: laid down as they come, they are read twice as fast as row by row.
        X = np.empty((len(rows), len(self.names)), dtype=np.float64, order="F" if is_arrow else "C")
        unseen: dict[str, int] = {}
        for position, name in enumerate(self.names):
            if name in self.fixed:
                X[:, position] = self.fixed[name]
            elif name in self.levels:
                values = rows.column(name).to_pandas() if is_arrow else rows[name]
                X[:, position], count = codes_of(values, self.levels[name])
                if count:
                    unseen[name] = count
            elif is_arrow:
                X[:, position] = _numbers_of_arrow(rows.column(name), name)
            else:
                X[:, position] = numbers_of(rows[name])
        return X, unseen

    def _require_columns(self, found: Collection[str]) -> None:
        absent = [name for name in self.read if name not in found]
        if absent:
            raise SourceError(
                f"the features lack {len(absent)} of {len(self.names)} columns the model was trained on "
                f"(first: {absent[0]}); build the features with the families of the model's config",
                code="M004",
            )

    def decode(self, name: str, code: float) -> str | None:
        """The level (or levels merged) behind a code."""
        if np.isnan(code):
            return None
        found = [level for level, number in self.levels[name].items() if number == int(code)]
        return found[0] if len(found) == 1 else OTHER


def learn_levels(
    values: pd.Series, customers: Sequence[object] | pd.Series, *, least: int = LEAST_CUSTOMERS
) -> dict[str, int]:
    """Codes of the levels of one category, in order of their text; those of few customers share the last.

    Parameters
    ----------
    values : Series of shape (n_rows,)
        The category on training rows.
    customers : sequence of shape (n_rows,)
        The customer of each row.
    least : int
        A level with fewer customers is rare.
    """
    texts = _texts(values)
    pairs = pd.DataFrame({"level": texts, "customer": np.asarray(customers, dtype=str)}).dropna(subset=["level"])
    counts = pairs.drop_duplicates().groupby("level", sort=True).size()
    common = [str(level) for level, count in counts.items() if count >= least]
    codes = {level: code for code, level in enumerate(common)}
    return codes | {str(level): len(common) for level, count in counts.items() if count < least}


def codes_of(values: pd.Series, levels: Mapping[str, int]) -> tuple[Array, int]:
    """The code of each value (missing where null or unseen) and how many were unseen."""
    # A value is put into text once, however many rows hold it; the place of a null, -1, is that of the last code.
    places, distinct = pd.factorize(values)
    known = _texts(pd.Series(distinct)).map(dict(levels)).to_numpy(dtype=float, na_value=np.nan)
    codes: Array = np.append(np.asarray(known, dtype=np.float64), np.nan)[places]
    return codes, int((np.isnan(codes) & (places >= 0)).sum())


def numbers_of(values: pd.Series) -> Array:
    """A column as float64, null as NaN; infinities become NaN as well."""
    if not (pd.api.types.is_numeric_dtype(values) or pd.api.types.is_bool_dtype(values)):
        try:
            values = pd.to_numeric(values)
        except (ValueError, TypeError) as error:
            raise SourceError(
                f"{values.name} holds {_first_word(values)!r}; expected numbers, as in training", code="D023"
            ) from error
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    infinite = np.isinf(numbers)
    return np.where(infinite, np.nan, numbers) if infinite.any() else numbers


def _numbers_of_arrow(column: pa.Array, name: str) -> Array:
    """As `numbers_of`; whole and floating numbers without a detour by pandas."""
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        return numbers_of(column.to_pandas().rename(name))
    numbers: Array = column.to_numpy(zero_copy_only=False)
    infinite = np.isinf(numbers)
    return np.where(infinite, np.nan, numbers) if infinite.any() else numbers


def _first_word(values: pd.Series) -> str:
    """The first cell that is no number."""
    odd = pd.to_numeric(values, errors="coerce").isna() & values.notna()
    return str(values[odd].iloc[0])[:40]


def _texts(values: pd.Series) -> pd.Series:
    """The values as text, null kept; whole numbers read alike whether or not nulls made them floats."""
    if pd.api.types.is_float_dtype(values):
        whole = values.dropna()
        if (whole == whole.round()).all():
            values = values.astype("Int64")
    return values.astype(object).map(lambda value: None if pd.isna(value) else str(value)).astype("str")
