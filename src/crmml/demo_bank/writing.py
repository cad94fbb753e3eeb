"""Parquet files written piece by piece, in row groups of one size however the pieces are cut."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

ROW_GROUP = 200_000


class Writer:
    """One file: rows are kept until a row group is full, so the bytes do not depend on the pieces."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: pq.ParquetWriter | None = None
        self._kept: list[pa.Table] = []
        self._rows = 0

    def add(self, table: pa.Table) -> None:
        self._kept.append(table)
        self._rows += table.num_rows
        while self._rows >= ROW_GROUP:
            self._write(ROW_GROUP)

    def _write(self, rows: int) -> None:
        whole = pa.concat_tables(self._kept)
        if self._file is None:
            self._file = pq.ParquetWriter(self._path, whole.schema, compression="zstd")
        self._file.write_table(whole.slice(0, rows).combine_chunks(), row_group_size=ROW_GROUP)
        rest = whole.slice(rows)
        self._kept, self._rows = [rest], rest.num_rows

    def close(self) -> None:
        self._write(self._rows)
        if self._file is not None:
            self._file.close()


class Folder:
    """The files of a folder, opened as their first rows come."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._writers: dict[str, Writer] = {}

    def add(self, tables: Mapping[str, pa.Table]) -> None:
        for name, table in tables.items():
            if name not in self._writers:
                self._writers[name] = Writer(self._directory / f"{name}.parquet")
            self._writers[name].add(table)

    def __enter__(self) -> Folder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for writer in self._writers.values():
            writer.close()


def money(cents: NDArray[np.int64]) -> pa.Array:
    """Cents as DECIMAL(18,2)."""
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0], wide[:, 1] = cents, cents >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(wide)])


def days(numbers: NDArray[np.int64], *, absent: NDArray[np.bool_] | None = None) -> pa.Array:
    """Day numbers as dates, null where `absent`."""
    return pa.array(numbers.astype(np.int32), type=pa.int32(), mask=absent).cast(pa.date32())


def compact(numbers: NDArray[np.int64], *, absent: NDArray[np.bool_] | None = None) -> pa.Array:
    """Day numbers as whole numbers 20250131, 0 where `absent`, as older systems keep dates."""
    dates = numbers.astype("datetime64[D]")
    year = dates.astype("datetime64[Y]").astype(np.int64) + 1970
    month = dates.astype("datetime64[M]").astype(np.int64) % 12 + 1
    day = (dates - dates.astype("datetime64[M]")).astype(np.int64) + 1
    value = (year * 10_000 + month * 100 + day).astype(np.int32)
    return pa.array(value if absent is None else np.where(absent, 0, value).astype(np.int32))


def words(codes: NDArray[np.int64], texts: tuple[str, ...]) -> pa.Array:
    """Codes as text, dictionary encoded."""
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int8)), pa.array(list(texts)))


def customer_ids(numbers: NDArray[np.int64]) -> pa.Array:
    """Customer numbers as seven digits."""
    digits = (numbers[:, None] // 10 ** np.arange(6, -1, -1) % 10 + ord("0")).astype(np.uint8)
    return _texts(digits, 7)


def account_ids(numbers: NDArray[np.int64], *, absent: NDArray[np.bool_] | None = None) -> pa.Array:
    """Account numbers as twelve digits, null where `absent`."""
    digits = (numbers[:, None] // 10 ** np.arange(11, -1, -1) % 10 + ord("0")).astype(np.uint8)
    texts = _texts(digits, 12)
    return texts if absent is None else pa.compute.if_else(pa.array(~absent), texts, pa.scalar(None, pa.string()))


def _texts(digits: NDArray[np.uint8], width: int) -> pa.Array:
    offsets = (np.arange(len(digits) + 1) * width).astype(np.int32)
    return pa.StringArray.from_buffers(len(digits), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(digits)))
