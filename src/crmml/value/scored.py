"""The portfolio's next twelve months as the sum of what a model foresees of each customer, and how that has done."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from crmml.value.book import Book
from crmml.value.forecast import HORIZON, BottomUp, methods


def by_model(
    book: Book, tested: pd.DataFrame | None, served: Mapping[str, float] | None
) -> tuple[pd.DataFrame, float | None]:
    """Sums of a contribution model's figures for single customers, beside the other forecasts of the same twelve months.

    What the model does not speak of is added: customers outside its population at their usual month, and the usual
    newcomers.

    Parameters
    ----------
    tested : DataFrame, optional
        customer_id, cutoff_date, predicted: cut-offs later than all the model learned from.
    served : mapping, optional
        What the model foresees of each customer now.

    Returns
    -------
    DataFrame
        One row per tested cut-off whose twelve months are over: origin, customers, model, seasonal_naive,
        autoregression, bottom_up (all sums of twelve months, in currency), actual.
    float or None
        The sum for the twelve months ahead.
    """
    customers = BottomUp(book, "year_ago")
    places = {month: place for place, month in enumerate(book.months)}
    rows = []
    if tested is not None:
        ways = methods(book, "year_ago")
        for cutoff, part in tested.groupby("cutoff_date", sort=True):
            place = places.get(pd.Timestamp(str(cutoff)).date())
            if place is None or place + HORIZON >= len(book.months) or place < HORIZON:
                continue
            others = {name: float(way(place).sum()) for name, way in ways.items()}
            known = dict(zip(part["customer_id"], part["predicted"], strict=True))
            rows.append(
                {
                    "origin": book.months[place],
                    "customers": len(part),
                    "model": whole(book, customers, place, known),
                    **others,
                    "actual": float(book.total[place + 1 : place + 1 + HORIZON].sum()),
                }
            )
    ahead = None if served is None else whole(book, customers, len(book.months) - 1, served)
    return pd.DataFrame(rows), ahead


def whole(book: Book, customers: BottomUp, place: int, foreseen: Mapping[str, float]) -> float:
    """The model's sum, with the customers it does not speak of and the newcomers.

    Those are mostly customers in default, whose one month of loss must not be
    repeated: each counts with the median of its last twelve months.
    """
    others = ~np.isin(book.customers.astype(str), np.array(list(foreseen), dtype=str)) & book.is_there[:, place]
    usual = np.median(book.values[others, max(0, place - HORIZON + 1) : place + 1], axis=1)
    return float(sum(foreseen.values()) + HORIZON * usual.sum() + customers.newcomers(place).sum())


def errors_by_model(rows: pd.DataFrame) -> pd.DataFrame:
    """Mean absolute error of the twelve months' sum by method, over the cut-offs the model was tested on.

    Returns
    -------
    DataFrame
        method, origins, mae, share (of the mean outcome), bias; the best first.
    """
    names = [name for name in rows.columns if name not in ("origin", "customers", "actual")]
    found = []
    for name in names:
        miss = rows[name] - rows["actual"]
        size = float(rows["actual"].abs().mean())
        found.append(
            {
                "method": name,
                "origins": len(rows),
                "mae": float(miss.abs().mean()),
                "share": float(miss.abs().mean()) / size if size > 0 else np.nan,
                "bias": float(miss.mean()),
            }
        )
    columns = ["method", "origins", "mae", "share", "bias"]
    return pd.DataFrame(found, columns=columns).sort_values("mae", ignore_index=True)
