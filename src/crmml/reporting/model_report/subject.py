"""What a report is about, and which rows it explains."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pandas as pd

_FEW_ROWS = 500


@dataclass(frozen=True)
class Subject:
    """What the report is about, beyond what the card tells."""

    version: str
    bank_zh: str
    bank_en: str
    title_zh: str = ""
    title_en: str = ""
    currency: str = "CNY"
    made_on: date | None = None  # given by the caller; a report holds no clock of its own


def sample_rows(frame: pd.DataFrame, predictions: pd.DataFrame) -> pd.DataFrame:
    """The feature rows to explain: those of the newest test cut-off, or of all where that has few (events).

    Parameters
    ----------
    frame : DataFrame
        The table the model was trained and tested on.
    predictions : DataFrame
        Its test rows.
    """
    days = pd.to_datetime(frame["cutoff_date"])
    if days.isna().any():
        return frame[frame["customer_id"].isin(predictions["customer_id"])]
    tested = pd.to_datetime(predictions["cutoff_date"])
    newest = frame[days == tested.max()]
    return newest if len(newest) >= _FEW_ROWS else frame[days >= tested.min()]
