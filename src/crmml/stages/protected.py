"""Protected attributes for whoever judges a model: read apart from everything a model learns from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.sources.bank import Bank

UNKNOWN = "not known"
_AGES = (25, 35, 45, 55, 65)
_MOST_LEVELS = 20


def protected_of(bank: Bank) -> pd.DataFrame | None:
    """`customer_id` and the protected attributes of the bank's customers, one row each; None where it names none.

    Of a customer with a history the newest row counts: who somebody is does not depend on the cut-off.
    """
    customers = bank.table("customers")
    names = [name for name in bank.spec.protected if name in customers.columns]
    if not names:
        return None
    order = [name for name in ("valid_from", "posted_on") if name in customers.columns]
    frame = customers.select("customer_id", *order, *names).to_pandas()
    if order:
        frame = frame.sort_values(["customer_id", *order], na_position="first", kind="stable")
    frame = frame.drop_duplicates("customer_id", keep="last")
    return frame[["customer_id", *names]].reset_index(drop=True)


def attribute_names(protected: pd.DataFrame) -> list[str]:
    """The attributes of a table of protected values."""
    return [name for name in protected.columns if name not in ("customer_id", "cutoff_date")]


def beside(protected: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """The attributes of the customers of `keys`, row by row."""
    shared: Sequence[str] = [name for name in ("customer_id", "cutoff_date") if name in protected and name in keys]
    frame = protected.assign(customer_id=protected["customer_id"].astype(str))
    rows = keys[list(shared)].assign(customer_id=keys["customer_id"].astype(str).to_numpy())
    return rows.merge(frame, on=list(shared), how="left", validate="many_to_one")[attribute_names(protected)]


def groups_of(values: pd.Series, cutoffs: pd.Series) -> npt.NDArray[np.str_]:
    """The group of each row: a level as it is, a birthday as an age band at the cut-off, a number as its quarter.

    More than 20 levels of text are the 19 most frequent and `other`; what is not there is `not known`.
    """
    if pd.api.types.is_datetime64_any_dtype(values) or _are_days(values):
        ages = (pd.to_datetime(cutoffs) - pd.to_datetime(values)).dt.days / 365.25
        bands = np.array(["< 25", "25-34", "35-44", "45-54", "55-64", "65 +"])
        return _known(bands[np.searchsorted(_AGES, ages.fillna(0).to_numpy(), side="right")], values)
    numbers = pd.to_numeric(values, errors="coerce")
    if numbers.notna().sum() == values.notna().sum() and numbers.nunique() > _MOST_LEVELS:
        edges = np.unique(numbers.quantile([0.25, 0.5, 0.75]))
        words = [f"≤ {edges[0]:,.6g}", *(f"≤ {edge:,.6g}" for edge in edges[1:]), f"> {edges[-1]:,.6g}"]
        return _known(np.array(words)[np.searchsorted(edges, numbers.fillna(0), side="left")], values)
    texts = values.astype(object).where(values.notna(), UNKNOWN).astype(str)
    frequent = texts.value_counts().index[: _MOST_LEVELS - 1]
    levels = texts if texts.nunique() <= _MOST_LEVELS else texts.where(texts.isin(frequent), "other")
    return np.asarray(levels.to_numpy(), dtype=str)


def _are_days(values: pd.Series) -> bool:
    known = values.dropna()
    return bool(len(known)) and hasattr(known.iloc[0], "toordinal")


def _known(groups: npt.NDArray[np.str_], values: pd.Series) -> npt.NDArray[np.str_]:
    return np.asarray(np.where(values.notna().to_numpy(), groups, UNKNOWN), dtype=str)
