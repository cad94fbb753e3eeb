"""Decimals as float64, each the nearest to its value."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


def exact_float(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A decimal column as float64; other columns are returned as they are.

    Arrow's own cast multiplies by 0.01, which misses the nearest float64 of
    3.03; whole cents divided by 100 do not.

    >>> from decimal import Decimal
    >>> exact_float(pa.chunked_array([pa.array([Decimal("3.03"), None])])).to_pylist()
    [3.03, None]
    """
    if not pa.types.is_decimal(column.type):
        return column
    factor = 10**column.type.scale
    whole = pc.multiply(column.cast(pa.decimal128(26, column.type.scale)), pa.scalar(factor, pa.int32()))
    null = column.is_null().combine_chunks().to_numpy(zero_copy_only=False)
    cents = whole.cast(pa.int64()).fill_null(0).to_numpy().astype(np.float64)
    return pa.chunked_array([pa.array(cents / factor, pa.float64(), mask=null)])
