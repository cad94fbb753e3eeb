"""Customers of whom little is known, told from the features of a row: their figures are shown apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

FEW_BOOKINGS = 12
_CREDIT = ("accounts_loan_last", "accounts_mortgage_last", "accounts_card_last", "debt_last")
_BOOKINGS = "transactions_12m"
SPARSE = 0.5


@dataclass(frozen=True)
class Thin:
    """A kind of thin file: its name, its definition by columns (the same in both languages), and the rows it holds of."""

    name: str
    zh: str
    en: str
    definition: str
    rows: npt.NDArray[np.bool_]


def thin_files(frame: pd.DataFrame, features: list[str]) -> list[Thin]:
    """The kinds of thin file that the features of a table can tell.

    Few bookings: fewer than 12 in 12 months. Deposits only: neither a loan, a
    mortgage nor a card, and no debt. Sparse: more than half of the features null.
    """
    found = []
    if _BOOKINGS in frame and _BOOKINGS in features:
        few = np.asarray(frame[_BOOKINGS].fillna(0).to_numpy(dtype=float) < FEW_BOOKINGS, dtype=bool)
        found.append(Thin("few_bookings", "交易稀少", "few bookings", f"{_BOOKINGS} < {FEW_BOOKINGS} (null = 0)", few))
    credit = [name for name in _CREDIT if name in frame and name in features]
    if credit:
        owes = np.asarray((frame[credit].fillna(0).to_numpy(dtype=float) > 0).any(axis=1), dtype=bool)
        found.append(
            Thin("deposits_only", "仅有存款", "deposits only", " = 0, ".join(credit) + " = 0 (null = 0)", ~owes)
        )
    gaps = frame[features].isna().to_numpy(dtype=float)
    empty = np.asarray(gaps.mean(axis=1) > SPARSE, dtype=bool)
    found.append(Thin("sparse", "特征缺失过半", "sparse", f"nulls / {len(features)} > {SPARSE:.0%}", empty))
    return found
