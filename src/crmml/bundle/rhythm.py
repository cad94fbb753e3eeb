"""How many bookings a customer's own rhythm lets expect: a rate that is known only as well as few bookings tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import hyp2f1

Array = npt.NDArray[np.float64]
#: The features a rhythm is read from: bookings of the last twelve months, days since the last, days since the first account.
BOOKINGS, FIRST = "transactions_12m", "days_since_first_opening"
LAST = ("days_since_last_inflow", "days_since_last_outflow")
WINDOW_DAYS = 365.0
DAYS_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class Rhythm:
    """A BG/NBD model of bookings, and what each brings.

    Bookings come at a rate of the customer's own, drawn from a gamma (`shape`,
    `days`); after each the customer may stop, with a chance of his own, drawn
    from a beta (`stops`, `stays`). `amount` is the feature with the money of the
    bookings of the window; its mean a booking is shrunken to `mean` as if
    `weight` bookings of that amount had been seen before.

    References
    ----------
    .. [1] Fader, Hardie and Lee, "Counting your customers" the easy way, Marketing Science 24 (2005) 275-284.
    """

    shape: float
    days: float
    stops: float
    stays: float
    amount: str | None = None
    mean: float = 1.0
    weight: float = 0.0

    def expected(self, X: Array, names: Sequence[str], months: float) -> Array:
        """The amount, or the number of bookings, of the next `months`; 0 without a booking ever known."""
        frequency, recency, age = history(X, names)
        bookings = self.bookings(frequency, recency, age, months * DAYS_A_MONTH)
        known = np.nan_to_num(X[:, names.index(BOOKINGS)])
        return np.where(age > 0, bookings, 0.0) * self._each(X, names, known)

    def bookings(self, frequency: Array, recency: Array, age: Array, days: float) -> Array:
        """Expected bookings of the next `days`, given `frequency` in `age` days, the last after `recency` of them."""
        r, alpha, a, b = self.shape, self.days, self.stops, self.stays
        total = a + b + frequency - 1
        series = hyp2f1(r + frequency, b + frequency, total, days / (alpha + age + days))
        with np.errstate(all="ignore"):
            decay = np.exp((r + frequency) * (np.log(alpha + age) - np.log(alpha + age + days)))
            while_there = total / (a - 1) * (1 - decay * series)
        rate = (r + frequency) / (alpha + age) * days
        # The series can leave the floats for hundreds of bookings; such a rhythm is known, and hardly stops.
        usable = np.isfinite(while_there) & (while_there >= 0) & (while_there <= 1.000001 * rate)
        return np.where(usable, while_there, rate) * self.still_there(frequency, recency, age)

    def still_there(self, frequency: Array, recency: Array, age: Array) -> Array:
        """The chance that a customer has not stopped yet."""
        again = np.maximum(frequency, 1.0)
        log_odds = (
            np.log(self.stops / (self.stays + again - 1))
            + (self.shape + again) * (np.log(self.days + age) - np.log(self.days + recency))
        )  # fmt: skip
        return np.where(frequency > 0, 1.0 / (1.0 + np.exp(np.minimum(log_odds, 700.0))), 1.0)

    def _each(self, X: Array, names: Sequence[str], known: Array) -> Array:
        if self.amount is None:
            return np.full(len(X), self.mean)
        amount = np.nan_to_num(X[:, names.index(self.amount)]).clip(min=0.0)
        return (amount + self.weight * self.mean) / (known + self.weight)


def history(X: Array, names: Sequence[str]) -> tuple[Array, Array, Array]:
    """Repeated bookings, days from the beginning to the last, and days observed, of the last twelve months.

    The booking with which a customer began in the window is his beginning, no
    repetition. Null features are an age of 0: nothing is known.
    """
    known = X[:, names.index(BOOKINGS)]
    first = X[:, names.index(FIRST)]
    columns = [X[:, names.index(name)] for name in LAST if name in names]
    since = np.fmin.reduce([np.full(len(X), np.inf), *columns])
    is_new = first < WINDOW_DAYS
    age = np.where(np.isnan(known) | np.isnan(first), 0.0, np.minimum(np.nan_to_num(first), WINDOW_DAYS))
    frequency = np.maximum(np.nan_to_num(known) - is_new, 0.0)
    recency = np.where(frequency > 0, np.clip(age - since, 0.0, age), 0.0)
    return frequency, recency, age


def has_rhythm(names: Sequence[str]) -> bool:
    """Whether the features hold what a rhythm is read from."""
    return BOOKINGS in names and FIRST in names and any(name in names for name in LAST)
