"""Which forecast would have been right: every method at every past origin, with what was known then."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from crmml.periods import shift_months
from crmml.value.book import Book
from crmml.value.forecast import HORIZON, LEAST_MONTHS, LEAST_TRAINED, YEAR, Base, methods

Floats = NDArray[np.float64]
Way = Callable[[int], Floats]
INTERVAL = (0.1, 0.9)
LEAST_ERRORS = 10  # errors of a horizon before an interval is made of them


@dataclass(frozen=True)
class Forecast:
    """A series, its forecasts and how they would have done.

    Attributes
    ----------
    history : DataFrame
        month_end, value.
    ahead : DataFrame
        method, month_end, horizon (0 for the sum of the twelve months), value, low, high (80 % interval from the
        method's own past errors at that horizon; null where fewer than 10 are known).
    errors : DataFrame
        One row per method, origin and horizon: forecast, actual, scale (mean absolute seasonal difference before
        the origin).
    scores : DataFrame
        One row per method and horizon (0 for the sum of all twelve months): origins, mae, mase, bias, coverage.
    best : str
        The method with the lowest mean MASE over the horizons, the plainer one where two are equal.
    """

    history: pd.DataFrame
    ahead: pd.DataFrame
    errors: pd.DataFrame
    scores: pd.DataFrame
    best: str

    @property
    def ranking(self) -> pd.DataFrame:
        """Methods by mean MASE over the horizons, the best first."""
        monthly = self.scores[self.scores["horizon"] > 0]
        table = monthly.groupby("method").agg(mase=("mase", "mean"), mae=("mae", "mean"), origins=("origins", "max"))
        return table.sort_values(["mase", "mae"]).reset_index()


def forecast(book: Book, base: Base) -> Forecast | None:
    """Twelve months ahead by every method, each tested at every past origin; None below 24 months."""
    if len(book.months) < LEAST_MONTHS:
        return None
    ways = methods(book, base)
    total = book.total
    errors = _past(total, book, ways)
    scores = score(errors)
    monthly = scores[scores["horizon"] > 0].groupby("method")["mase"].mean()
    order = list(ways)
    best = min(order, key=lambda name: (monthly[name], order.index(name)))
    history = pd.DataFrame({"month_end": list(book.months), "value": total})
    return Forecast(history, _ahead(book, ways, errors), errors, scores, best)


def _past(total: Floats, book: Book, ways: Mapping[str, Way]) -> pd.DataFrame:
    """Forecasts and outcomes from every origin that has months after it."""
    parts = []
    for origin in range(LEAST_TRAINED - 1, len(total) - 1):
        known = min(HORIZON, len(total) - 1 - origin)
        scale = seasonal_scale(total[: origin + 1])
        for name, way in ways.items():
            parts.append(
                pd.DataFrame(
                    {
                        "method": name,
                        "origin": book.months[origin],
                        "horizon": np.arange(1, known + 1),
                        "forecast": way(origin)[:known],
                        "actual": total[origin + 1 : origin + 1 + known],
                        "scale": scale,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def seasonal_scale(series: Floats) -> float:
    """Mean absolute difference to the month a year before: the unit of the scaled error.

    References
    ----------
    .. [1] Hyndman and Koehler, Another Look at Measures of Forecast Accuracy, International Journal of Forecasting
       22(4), 2006.

    Examples
    --------
    >>> seasonal_scale(np.r_[np.zeros(12), np.full(6, 2.0)])
    2.0
    """
    return float(np.abs(series[YEAR:] - series[:-YEAR]).mean())


def score(errors: pd.DataFrame) -> pd.DataFrame:
    """Errors by method and horizon, and of the twelve months' sum as horizon 0.

    Returns
    -------
    DataFrame
        method, horizon, origins, mae, mase (mean of |error| / scale; null where the series never moved), bias (mean of
        forecast - actual), share (mae over the mean absolute outcome), coverage (share of outcomes inside the
        80 % interval made of earlier errors alone; null where no origin had 10 of them).
    """
    sums = errors.groupby(["method", "origin"], sort=True).agg(
        horizon=("horizon", "count"), forecast=("forecast", "sum"), actual=("actual", "sum"), scale=("scale", "first")
    )
    whole = sums[sums["horizon"] == HORIZON].reset_index().assign(horizon=0)
    whole["scale"] *= HORIZON
    rows = []
    for (method, _), part in pd.concat([errors, whole]).groupby(["method", "horizon"], sort=True):
        horizon = int(part["horizon"].iloc[0])
        part = part.sort_values("origin")
        miss = part["forecast"] - part["actual"]
        scale = part["scale"].where(part["scale"] > 0)
        size = float(part["actual"].abs().mean())
        rows.append(
            {
                "method": method,
                "horizon": horizon,
                "origins": len(part),
                "mae": float(miss.abs().mean()),
                "mase": float((miss.abs() / scale).mean()),
                "bias": float(miss.mean()),
                "share": float(miss.abs().mean()) / size if size > 0 else np.nan,
                "coverage": _coverage(part, horizon),
            }
        )
    return pd.DataFrame(rows)


def _coverage(part: pd.DataFrame, horizon: int) -> float:
    """How often the outcome lay inside the interval that the errors known by the origin would have made.

    An error of an origin is known only once its month has passed.
    """
    wait = max(horizon, 1) if horizon else HORIZON
    off = (part["actual"] - part["forecast"]).to_numpy()
    inside = []
    for place in range(len(off)):
        known = off[: max(0, place - wait + 1)]
        if len(known) >= LEAST_ERRORS:
            low, high = np.quantile(known, INTERVAL)
            inside.append(low <= off[place] <= high)
    return float(np.mean(inside)) if inside else np.nan


def _ahead(book: Book, ways: Mapping[str, Way], errors: pd.DataFrame) -> pd.DataFrame:
    """The forecasts from the last month, and their sum as horizon 0, with intervals from each method's own past errors."""
    last = len(book.months) - 1
    parts = []
    for name, way in ways.items():
        values = way(last)
        table = pd.DataFrame(
            {
                "method": name,
                "month_end": [shift_months(book.months[last], step) for step in range(HORIZON + 1)],
                "horizon": np.arange(HORIZON + 1),
                "value": np.concatenate([[values.sum()], values]),
            }
        )
        table.loc[0, "month_end"] = table["month_end"].iloc[-1]
        off = _off(errors[errors["method"] == name])
        known = [off[off["horizon"] == step]["off"] for step in table["horizon"]]
        for column, share in zip(("low", "high"), INTERVAL, strict=True):
            width = [one.quantile(share) if len(one) >= LEAST_ERRORS else np.nan for one in known]
            table[column] = table["value"] + width
        parts.append(table)
    return pd.concat(parts, ignore_index=True)


def _off(errors: pd.DataFrame) -> pd.DataFrame:
    """Outcome less forecast by horizon; horizon 0 for the sum of twelve known months."""
    each = errors.assign(off=errors["actual"] - errors["forecast"])[["origin", "horizon", "off"]]
    sums = each.groupby("origin").agg(count=("horizon", "count"), off=("off", "sum")).reset_index()
    return pd.concat([each, sums[sums["count"] == HORIZON].assign(horizon=0)[["origin", "horizon", "off"]]])
