"""Internal prices by tenor: how a family is priced on a curve, and rates between two tenors."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class CurveRule:
    """How the funds of a product family are priced on a curve of the table `rates`.

    With `own_term` money is priced once, on the day it is placed or lent, at
    the curve of that day for its own term (`account_terms.matures_on`,
    `loans.term_months`), and for `tenor_months` where an account has no term.
    Without, money has no maturity: the curve of each month's first day is read
    at `tenor_months`, the family's behavioural tenor (1 for a floating rate).
    `spread` is added, a fraction per year; `older` is the rate of money placed
    before the curve begins.

    Raises
    ------
    ValueError
        If there is neither an own term nor a tenor, or a rate is in percent.

    References
    ----------
    .. [1] Dermine, Fund Transfer Pricing for Deposits and Loans, Foundation and Advanced, INSEAD 2012.
    .. [2] Wyle and Tsaig, Implementing High Value Fund Transfer Pricing Systems, Moody's Analytics 2011.
    """

    curve: str
    tenor_months: int | None = None
    own_term: bool = False
    spread: float = 0.0
    older: float | None = None

    def __post_init__(self) -> None:
        if not self.own_term and self.tenor_months is None:
            raise ValueError(
                f"curve {self.curve} has neither tenor_months (money without maturity) nor own_term: true "
                "(money with one); expected one of them"
            )
        if self.tenor_months is not None and not 0 <= self.tenor_months <= 600:
            raise ValueError(f"tenor_months is {self.tenor_months}; expected months from 0 to 600")
        for name, value in (("spread", self.spread), ("older", self.older)):
            if value is not None and not -1 < value < 1:
                raise ValueError(f"{name} is {value!r}; expected a fraction per year such as 0.035, not percent")


def interpolated(tenors: ArrayLike, rates: ArrayLike, tenor: ArrayLike) -> Floats:
    """Rates of a curve between its tenors, on the straight line; not a number outside of them.

    Nothing is extended beyond the ends: a curve that stops at five years says
    nothing of ten.

    Parameters
    ----------
    tenors : array-like of shape (n_points,)
        Months, ascending.
    rates : array-like of shape (n_points,)
        Fractions per year.
    tenor : array-like
        Months to be priced.

    Returns
    -------
    ndarray
        Fractions per year.

    References
    ----------
    .. [1] Hagan and West, Interpolation Methods for Curve Construction, Applied Mathematical Finance 13, 2006.

    Examples
    --------
    >>> interpolated([3, 12, 36], [0.015, 0.018, 0.024], [3, 6, 24, 60]).round(6).tolist()
    [0.015, 0.016, 0.021, nan]
    """
    points, values = np.asarray(tenors, dtype=float), np.asarray(rates, dtype=float)
    return np.interp(np.asarray(tenor, dtype=float), points, values, left=np.nan, right=np.nan)


def months_between(start: date, end: date) -> int:
    """Whole months from one day to another, to the nearest; two month ends are whole months apart.

    >>> months_between(date(2025, 1, 31), date(2025, 2, 28)), months_between(date(2025, 1, 10), date(2025, 4, 3))
    (1, 3)
    """
    months = (end.year - start.year) * 12 + end.month - start.month
    if _is_month_end(start) and _is_month_end(end):
        return months
    over = end.day - start.day
    return months + (over > 15) - (over < -15)


def usual_step(months: ArrayLike) -> int | None:
    """The usual months from one quote of a series to the next; None where there is no rhythm to be out of.

    A series quoted in three months or more has one if half or more of its steps are the shortest one.

    >>> usual_step([1, 2, 3, 5, 6]), usual_step([1, 8, 10, 31]), usual_step([1, 2])
    (1, None, None)
    """
    steps = np.diff(np.unique(np.asarray(months)))
    if len(steps) < 2 or (steps == steps.min()).mean() < 0.5:
        return None
    return int(steps.min())


def _is_month_end(day: date) -> bool:
    return date.fromordinal(day.toordinal() + 1).day == 1
