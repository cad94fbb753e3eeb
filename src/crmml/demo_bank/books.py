"""The bank's books of one chunk of customers: accounts, running balances and bookings, as they come about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crmml.demo_bank.draws import Floats, Ints
from crmml.demo_bank.months import Months
from crmml.demo_bank.words import CHANNEL, CURRENT, FAMILIES, KIND

STILL_OPEN = -1
_OWN = 6 * 10**11
_OUTSIDE = 9 * 10**11


def account_number(customer: Ints, family: int, serial: Ints) -> Ints:
    """Twelve digits: 6, seven of the customer, two of the family, two of the serial number."""
    return _OWN + customer * 10**4 + family * 100 + serial


def outside_account(uniform: Floats) -> Ints:
    """An account at another bank."""
    return _OUTSIDE + (uniform * 10**9).astype(np.int64)


@dataclass
class Books:
    """Balances are cents, positive when the bank owes the customer; `account` is 0 where none is open."""

    months: Months
    numbers: Ints
    balance: Ints = field(init=False)
    account: Ints = field(init=False)
    serial: Ints = field(init=False)
    opened_month: Ints = field(init=False)
    rate: Floats = field(init=False)
    opened: list[tuple[Ints, ...]] = field(default_factory=list)
    closed: list[tuple[Ints, Ints]] = field(default_factory=list)
    terms: list[tuple[NDArray, ...]] = field(default_factory=list)
    bookings: list[tuple[Ints, ...]] = field(default_factory=list)

    def __post_init__(self) -> None:
        shape = (len(self.numbers), len(FAMILIES))
        self.balance = np.zeros(shape, dtype=np.int64)
        self.account = np.zeros(shape, dtype=np.int64)
        self.serial = np.zeros(shape, dtype=np.int64)
        self.opened_month = np.full(shape, -1000, dtype=np.int64)
        self.rate = np.zeros(shape)

    def holds(self, family: int) -> NDArray[np.bool_]:
        return self.account[:, family] > 0

    def open(self, rows: Ints, family: int, day: Ints, month: Ints | int) -> None:
        """Open an account of a family on day numbers `day`; `rows` must not repeat."""
        self.serial[rows, family] += 1
        number = account_number(self.numbers[rows], family, self.serial[rows, family])
        self.account[rows, family] = number
        self.opened_month[rows, family] = month
        self.opened.append((number, rows, np.full(len(rows), family), np.asarray(day)))

    def close(self, rows: Ints, family: int, day: Ints) -> None:
        self.closed.append((self.account[rows, family].copy(), np.asarray(day)))
        self.account[rows, family] = 0

    def set_terms(
        self, rows: Ints, family: int, day: Ints, *, rate: Floats | None = None, limit: Floats | None = None
    ) -> None:
        """Write down a rate (fraction a year) or a limit (yuan) that holds from `day`."""
        if rate is not None:
            self.rate[rows, family] = rate
        written = limit if limit is not None else np.full(len(rows), np.nan)
        self.terms.append((self.account[rows, family].copy(), np.asarray(day), self.rate[rows, family].copy(), written))

    def post(
        self,
        rows: Ints,
        family: int,
        cents: Ints,
        day: Ints,
        kind: str,
        channel: str | Ints,
        counter: Ints | int = 0,
    ) -> None:
        """Book `cents` on the accounts of `rows` (which may repeat); zero amounts are left out."""
        cents = np.asarray(cents, dtype=np.int64)
        change = np.bincount(rows, weights=cents, minlength=len(self.numbers))
        self.balance[:, family] += change.astype(np.int64)
        size = len(rows)
        codes = np.full(size, CHANNEL[channel]) if isinstance(channel, str) else channel
        other = np.broadcast_to(np.asarray(counter, dtype=np.int64), (size,))
        entry = (self.account[rows, family], rows, np.asarray(day), cents, np.full(size, KIND[kind]), codes, other)
        real = cents != 0
        self.bookings.append(entry if real.all() else tuple(column[real] for column in entry))

    def move(self, rows: Ints, source: int, target: int, cents: Ints, day: Ints, kind: str, channel: str) -> None:
        """Transfer between two accounts of the same customer."""
        self.post(rows, source, -cents, day, kind, channel, self.account[rows, target])
        self.post(rows, target, cents, day, kind, channel, self.account[rows, source])

    def fund(self, rows: Ints, needed: Ints, day: Ints, outside: Ints) -> None:
        """Bring money from another bank where the current account holds less than `needed` cents."""
        missing = np.maximum(needed - self.balance[rows, CURRENT], 0)
        self.post(rows, CURRENT, missing, day, "transfer_in", "online", outside)


def stacked(parts: Sequence[tuple[NDArray, ...]]) -> tuple[NDArray, ...]:
    """The columns of many small tables, one under the other."""
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))
