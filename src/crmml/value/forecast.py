"""Twelve months ahead for the whole bank: seasonal naive, autoregression, and bottom-up from the customers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from crmml.value.book import Book

Floats = NDArray[np.float64]
HORIZON = 12
YEAR = 12
LEAST_MONTHS = 24  # fewer are no history to forecast from
LEAST_TRAINED = 18  # months before the first origin of the back-test
SEASONAL_FROM = 36  # months from which a seasonal pattern is estimated beside the lags
MOST_LAGS = 3
BANDS = (0.5, 0.8, 0.95)
Base = Literal["last", "year_ago"]
METHODS = ("seasonal_naive", "autoregression", "bottom_up")


def seasonal_naive(series: Floats) -> Floats:
    """Each month as twelve months before: what any other method must beat.

    References
    ----------
    .. [1] Hyndman and Athanasopoulos, Forecasting: Principles and Practice, 3rd edition, OTexts 2021, section 5.2.

    Examples
    --------
    >>> seasonal_naive(np.arange(24.0))[:3].tolist()
    [12.0, 13.0, 14.0]
    """
    return series[-YEAR:][:HORIZON].copy()


def autoregression(series: Floats) -> Floats:
    """An autoregression with a constant, one to three lags by BIC, and month dummies from 36 months on.

    References
    ----------
    .. [1] Hamilton, Time Series Analysis, Princeton 1994, chapters 3 and 5; statsmodels' AutoReg (conditional
       least squares).
    """
    from statsmodels.tools.sm_exceptions import SingularMatrixWarning
    from statsmodels.tsa.ar_model import AutoReg, ar_select_order

    scale = float(np.abs(series).max()) or 1.0
    if np.abs(series[YEAR:] - series[:-YEAR]).max(initial=0.0) <= 1e-9 * scale:
        return seasonal_naive(series)  # it repeats itself: there is no error to estimate from
    options = {"trend": "c", "seasonal": len(series) >= SEASONAL_FROM, "period": YEAR}
    with warnings.catch_warnings():
        # Months that never differ leave a month dummy free: the shortest solution is taken.
        warnings.simplefilter("ignore", SingularMatrixWarning)
        chosen = ar_select_order(series / scale, maxlag=MOST_LAGS, ic="bic", **options)
        fitted = AutoReg(series / scale, chosen.ar_lags or 0, **options).fit()
        ahead = np.asarray(fitted.forecast(HORIZON), dtype=float) * scale
    return ahead


class BottomUp:
    """Every customer's own month carried forward, with the change that customers like it have shown, and newcomers.

    A customer counts with its own month a year before (`year_ago`, for a flow
    with seasons) or its last month (`last`, for a level); one that was not there
    a year before, with its last month. To it comes the mean change, over all
    earlier origins, of customers in the same group: there for a year or not, by
    band of the base (up to the median, the 80 %, the 95 % quantile, above). What
    customers bring who come after the origin is the mean over earlier origins.
    Changes are means per customer, not ratios, so the sum may be negative.
    """

    def __init__(self, book: Book, base: Base) -> None:
        self.book, self.base = book, base
        months = len(book.months)
        shape = (months, HORIZON, 2 * (len(BANDS) + 1))
        self._sums, self._counts = np.zeros(shape), np.zeros((months, shape[2]))
        self._new = np.full((months, HORIZON), np.nan)
        for origin in range(YEAR if base == "year_ago" else 0, months):
            self._look(origin)

    def forecast(self, origin: int) -> Floats:
        """The months after `origin` (a place of a month), from what was known at its end."""
        here = self.book.is_there[:, origin]
        counts = np.bincount(self._groups(origin), minlength=self._counts.shape[1])
        ahead = self.newcomers(origin)
        for step in range(HORIZON):
            own = self._base(origin, step, here).sum()
            ahead[step] += own + counts @ self._change(origin, step) + self._rest(origin, step)
        return ahead

    def newcomers(self, origin: int) -> Floats:
        """What customers bring who come after the origin, by month: the mean over earlier origins; 0 where none is known."""
        ahead = np.zeros(HORIZON)
        for step in range(HORIZON):
            seen = self._new[: max(0, origin - step), step]
            seen = seen[np.isfinite(seen)]
            ahead[step] = seen.mean() if len(seen) else 0.0
        return ahead

    def _look(self, origin: int) -> None:
        """Changes and newcomers of the months after an origin, as far as they are known."""
        here = self.book.is_there[:, origin]
        groups = self._groups(origin)
        width = self._counts.shape[1]
        self._counts[origin] = np.bincount(groups, minlength=width)
        for step in range(min(HORIZON, len(self.book.months) - 1 - origin)):
            later = self.book.values[:, origin + 1 + step]
            change = later[here] - self._base(origin, step, here)
            self._sums[origin, step] = np.bincount(groups, change, minlength=width)
            self._new[origin, step] = later[~here].sum()

    def _base(self, origin: int, step: int, who: NDArray[np.bool_]) -> Floats:
        last = self.book.values[who, origin]
        place = origin + 1 + step - YEAR
        if self.base == "last" or place < 0:
            return last
        return np.where(self.book.is_there[who, place], self.book.values[who, place], last)

    def _groups(self, origin: int) -> NDArray[np.int64]:
        """The group of each customer that is there at the origin."""
        here = self.book.is_there[:, origin]
        begin = max(0, origin - YEAR + 1)
        size = self.book.values[here, begin : origin + 1].mean(axis=1)
        edges = np.quantile(size, BANDS) if len(size) else np.zeros(len(BANDS))
        is_old = self.book.is_there[here, begin]
        return np.searchsorted(edges, size) * 2 + is_old

    def _change(self, origin: int, step: int) -> Floats:
        """The mean change per customer of each group, over the origins whose month after `step` was known at `origin`."""
        seen = slice(0, max(0, origin - step))
        counts = np.where(np.isfinite(self._new[seen, step])[:, None], self._counts[seen], 0.0).sum(axis=0)
        sums = self._sums[seen, step].sum(axis=0)
        return np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)

    def _rest(self, origin: int, step: int) -> float:
        place = origin + 1 + step - YEAR
        return float(self.book.rest[place if self.base == "year_ago" and place >= 0 else origin])


def methods(book: Book, base: Base) -> dict[str, Callable[[int], Floats]]:
    """The forecasts of a book, each a function from the place of an origin to twelve values."""
    total, customers = book.total, BottomUp(book, base)
    return {
        "seasonal_naive": lambda origin: seasonal_naive(total[: origin + 1]),
        "autoregression": lambda origin: autoregression(total[: origin + 1]),
        "bottom_up": customers.forecast,
    }
