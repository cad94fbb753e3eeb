"""The state of a chunk of customers at a month's end, and the record of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from crmml.demo_bank.books import Books
from crmml.demo_bank.draws import Draws, Floats, Ints
from crmml.demo_bank.hazards import Outlook
from crmml.demo_bank.months import Months
from crmml.demo_bank.people import Flags, People
from crmml.demo_bank.words import CARD, CURRENT, INVESTMENT, LOAN, MORTGAGE, PAYROLL, SAVINGS, TIME_DEPOSIT

DEFAULT_BUCKET = 4
Record = list[tuple[NDArray, ...]]


@dataclass
class State:
    """One entry per customer; money in cents. `bucket` counts unpaid instalments, from 4 on in default."""

    people: People
    draws: Draws
    books: Books
    months: Months
    noise: bool
    active: Flags = field(init=False)
    draining: Flags = field(init=False)
    left_on: Ints = field(init=False)
    regime: Ints = field(init=False)
    complaint: Ints = field(init=False)
    bucket: Ints = field(init=False)
    idle: Floats = field(init=False)
    dressed: Ints = field(init=False)
    limit: Ints = field(init=False)
    instalment: Ints = field(init=False)
    left: Ints = field(init=False)
    unpaid: Ints = field(init=False)
    began: Ints = field(init=False)
    matures: Ints = field(init=False)
    contacts: Ints = field(init=False)
    last_contact: Ints = field(init=False)
    records: dict[str, Record] = field(default_factory=dict)

    def __post_init__(self) -> None:
        count = len(self.people)
        self.active, self.draining = np.zeros(count, bool), np.zeros(count, bool)
        for name in ("left_on", "regime", "complaint", "bucket", "dressed", "limit"):
            setattr(self, name, np.zeros(count, dtype=np.int64))
        self.idle = np.zeros(count)
        self.instalment, self.left, self.unpaid = (np.zeros((count, 2), dtype=np.int64) for _ in "123")
        self.began, self.matures = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
        self.contacts = np.full((count, 5), -100, dtype=np.int64)
        self.last_contact = np.full(count, -100, dtype=np.int64)

    def record(self, name: str, *columns: NDArray) -> None:
        if len(columns[0]):
            self.records.setdefault(name, []).append(columns)

    @property
    def owes(self) -> Flags:
        return self.books.holds(LOAN) | self.books.holds(MORTGAGE)

    @property
    def in_default(self) -> Flags:
        return self.bucket >= DEFAULT_BUCKET

    @property
    def deposits(self) -> Ints:
        return self.books.balance[:, [CURRENT, SAVINGS, TIME_DEPOSIT]].sum(axis=1)

    def outlook(self, month: int) -> Outlook:
        """What the chances of the month after `month` depend on."""
        books = self.books
        used = np.maximum(-books.balance[:, CARD], 0) / np.maximum(self.limit, 1)
        held = (books.account > 0).sum(axis=1) - books.holds(PAYROLL)
        return Outlook(
            products=held,
            tenure=month - np.where(self.people.join_month < 0, -24, self.people.join_month),
            owes=self.owes,
            only_mortgage=books.holds(MORTGAGE) & ~books.holds(LOAN),
            in_default=self.in_default,
            draining=self.draining,
            regime=self.regime,
            complaint=self.complaint,
            bucket=self.bucket,
            idle=self.idle / 100,
            wealth=(self.deposits + books.balance[:, INVESTMENT]) / 100,
            use=np.where(books.holds(CARD), used, 0.3),
        )
