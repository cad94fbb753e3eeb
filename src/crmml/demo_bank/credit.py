"""Loans, mortgages and cards: instalments, arrears, cures, defaults, write-offs."""

from __future__ import annotations

import numpy as np

from crmml.demo_bank.books import outside_account
from crmml.demo_bank.draws import Floats, Ints
from crmml.demo_bank.flows import cents, spread
from crmml.demo_bank.hazards import CURES, NOISE_DEFAULTS, ROLLS, Outlook, misses
from crmml.demo_bank.state import DEFAULT_BUCKET, State
from crmml.demo_bank.words import CARD, CURRENT, LOAN, MORTGAGE

CARD_RATE = 0.18
_WRITTEN_OFF_AFTER = 10
_CURES_IN_DEFAULT = 0.03
_PROVISION = np.array([0.012, 0.06, 0.20, 0.35, 0.55])


def annuity(principal: Floats, rate: Floats, months: Ints) -> Floats:
    """The level monthly instalment that repays `principal` at `rate` a year in `months`."""
    step = rate / 12
    return principal * step / (1 - (1 + step) ** -months)


def lend(
    state: State, rows: Ints, family: int, month: int, day: Ints, amount: Floats, rate: Floats, term: Ints
) -> None:
    """Open a loan or mortgage and pay it out to the current account.

    Those of before the first month are booked with what is still owed then.
    """
    slot = family - LOAN
    principal = cents(np.round(amount, -3))
    instalment = cents(annuity(principal / 100, rate, term))
    first_day = state.months.starts[0]
    behind = np.where(day < first_day, np.minimum((first_day - day) // 31, term - 3), 0)
    owed = np.minimum(np.rint(instalment * (1 - (1 + rate / 12) ** (behind - term)) / (rate / 12)), principal)
    owed = np.where(behind > 0, owed, principal).astype(np.int64)
    state.books.open(rows, family, day, month)
    state.books.set_terms(rows, family, day, rate=rate)
    if month < 0:
        state.books.post(rows, family, -owed, np.full(len(rows), first_day - 1), "opening", "counter")
    else:
        state.books.move(rows, family, CURRENT, principal, day, "disbursement", "counter")
    state.instalment[rows, slot], state.left[rows, slot] = instalment, term - behind
    state.unpaid[rows, slot] = 0
    collateral = np.where(family == MORTGAGE, principal * 1.5, 0).astype(np.int64)
    state.record("loans", state.books.account[rows, family], rows, day, principal, rate, term, instalment, collateral)


def step_arrears(state: State, month: int, living: Ints, outlook: Outlook) -> Ints:
    """Move the ladder of unpaid instalments by a month; gives each customer's bucket before."""
    before = state.bucket.copy()
    borrower = np.zeros(len(before), bool)
    borrower[living] = state.owes[living] & ((state.left[living] > 0).any(axis=1) | (before[living] > 0))
    luck = state.draws.uniform("arrears", month)
    if state.noise:
        fresh = borrower & (before == 0) & (luck < NOISE_DEFAULTS)
        state.bucket = np.where(fresh, DEFAULT_BUCKET, before)
    else:
        chance = misses(state.people, outlook)[np.arange(len(before)), outlook.regime]
        ladder = np.minimum(before, 3)
        roll, cure = ROLLS[ladder], CURES[ladder]
        moved = np.where(luck < roll, before + 1, np.where(luck < roll + cure, 0, before))
        state.bucket = np.where(borrower & (before == 0), (luck < chance).astype(np.int64), state.bucket)
        state.bucket = np.where(borrower & (before > 0) & (before < DEFAULT_BUCKET), moved, state.bucket)
    defaulted = borrower & (before >= DEFAULT_BUCKET)
    state.bucket = np.where(defaulted, np.where(luck < _CURES_IN_DEFAULT, 0, before + 1), state.bucket)
    return before


def collect(state: State, month: int, before: Ints) -> None:
    """Interest accrues and instalments are paid, or not; a cured borrower pays all that was due."""
    start = state.months.starts[month]
    for family in (LOAN, MORTGAGE):
        slot = family - LOAN
        rows = np.flatnonzero(state.books.holds(family) & (state.books.opened_month[:, family] < month))
        day = start + state.people.due_day[rows] - 1
        owed = -state.books.balance[rows, family]
        interest = np.rint(owed * state.books.rate[rows, family] / 12).astype(np.int64)
        interest = np.where(state.bucket[rows] >= DEFAULT_BUCKET, 0, interest)
        state.books.post(rows, family, -interest, day, "interest", "system")
        owed = owed + interest
        bucket, was = state.bucket[rows], before[rows]
        due = np.where(state.left[rows, slot] > 0, state.instalment[rows, slot], 0)
        last = state.left[rows, slot] <= 1
        unpaid = state.unpaid[rows, slot]
        instalment = state.instalment[rows, slot]
        paid = np.where(bucket == 0, due + unpaid, np.where(bucket == was, np.minimum(instalment, unpaid + due), 0))
        paid = np.where(bucket >= DEFAULT_BUCKET, 0, paid)
        paid = np.minimum(np.where((bucket == 0) & last, owed, paid), owed)
        outside = outside_account(state.draws.uniform("other bank")[rows])
        state.books.fund(rows, paid, day - 1, outside)
        state.books.move(rows, CURRENT, family, paid, day, "repayment", "system")
        state.unpaid[rows, slot] = np.maximum(unpaid + due - paid, 0)
        state.left[rows, slot] = np.maximum(state.left[rows, slot] - 1, 0)
        done = (state.books.balance[rows, family] == 0) & (paid > 0)
        end_loan(state, rows[done], family, day[done])
    state.bucket = np.where(state.owes, state.bucket, 0)


def end_loan(state: State, rows: Ints, family: int, day: Ints) -> None:
    """Close the accounts of loans that are paid or written off."""
    state.record("loan_ends", state.books.account[rows, family], np.asarray(day))
    state.books.close(rows, family, day)
    slot = family - LOAN
    for column in (state.instalment, state.left, state.unpaid):
        column[rows, slot] = 0


def write_off(state: State, month: int) -> None:
    """Loans some months in default are written off; a part is recovered."""
    for family in (LOAN, MORTGAGE):
        slot = family - LOAN
        rows = np.flatnonzero(state.books.holds(family) & (state.bucket >= DEFAULT_BUCKET + _WRITTEN_OFF_AFTER))
        day = np.full(len(rows), state.months.ends[month] - 2)
        owed = -state.books.balance[rows, family]
        part = (0.90 if family == MORTGAGE else 0.65) * (0.6 + 0.6 * state.draws.uniform("recovered", rows=rows))
        recovered = np.floor(owed * part).astype(np.int64)
        outside = outside_account(state.draws.uniform("other bank")[rows])
        state.books.post(rows, family, recovered, day, "recovery", "counter", outside)
        state.books.post(rows, family, owed - recovered, day, "write_off", "system")
        state.record("write_offs", state.books.account[rows, family], day, recovered)
        state.instalment[rows, slot] = 0
        end_loan(state, rows, family, day)
    state.bucket = np.where(state.owes, state.bucket, 0)


def report_arrears(state: State, month: int) -> None:
    """One row per open loan and month end: days past due, overdue amount, outstanding, provision."""
    months = state.months
    for family in (LOAN, MORTGAGE):
        rows = np.flatnonzero(state.books.holds(family))
        bucket = state.bucket[rows]
        new = state.books.opened_month[rows, family] == month
        bucket = np.where(new, 0, bucket)
        oldest = np.clip(month - bucket + 1, 0, month)
        before_start = np.maximum(bucket - month - 1, 0)
        due = months.starts[oldest] + state.people.due_day[rows] - 1 - 30 * before_start
        days = np.where(bucket > 0, months.ends[month] - due, 0)
        owed = -state.books.balance[rows, family]
        overdue = np.where(new, 0, np.minimum(state.unpaid[rows, family - LOAN], owed))
        provision = np.rint(owed * _PROVISION[np.minimum(bucket, 4)]).astype(np.int64)
        as_of = np.full(len(rows), months.ends[month])
        state.record("arrears", state.books.account[rows, family], rows, as_of, days, overdue, owed, provision)


def use_cards(state: State, month: int, living: Ints) -> None:
    """Card purchases, interest on what was carried over, and the monthly payment."""
    books, people, draws, months = state.books, state.people, state.draws, state.months
    mask = np.zeros(len(people), bool)
    mask[living] = True
    rows = np.flatnonzero(books.holds(CARD) & mask & (books.opened_month[:, CARD] < month) & ~state.in_default)
    if not len(rows):
        return
    debt = -books.balance[rows, CARD]
    day = np.full(len(rows), months.starts[month] + 17)
    stressed = (state.regime[rows] > 0) | (state.bucket[rows] > 0)
    carried = people.revolver[rows] * np.where(stressed, 1.25, 1.0)
    keeps = np.minimum(np.floor(debt * np.minimum(carried, 0.95)).astype(np.int64), state.limit[rows])
    pays = np.maximum(debt - keeps, 0)
    fee = np.rint(debt * books.rate[rows, CARD] / 12).astype(np.int64)
    outside = outside_account(draws.uniform("other bank")[rows])
    books.fund(rows, pays, day - 1, outside)
    books.move(rows, CURRENT, CARD, pays, day, "card_payment", "system")
    books.post(rows, CARD, -fee, day, "interest", "system")
    yearly = rows[(month - books.opened_month[rows, CARD]) % 12 == 1]
    books.post(
        yearly, CARD, np.full(len(yearly), -12_000), np.full(len(yearly), months.starts[month] + 18), "fee", "system"
    )
    room = state.limit[rows] + books.balance[rows, CARD]
    wanted = (
        cents(people.income[rows] * 0.30) * (1 + 0.35 * stressed) * np.exp(0.3 * draws.normal("card", month, rows=rows))
    )
    total = np.zeros(len(people), dtype=np.int64)
    total[rows] = np.maximum(np.minimum(wanted, 0.9 * room), 0)
    counts = draws.count("card count", month, 0.8 + 0.9 * people.shops)
    who, amounts, part = spread(state, "card", month, total, counts)
    when = months.starts[month] - 1 + draws.day("card day", month, 1, int(months.days[month]), rows=who, index=part + 1)
    shop = outside_account(draws.uniform("shop", rows=who, index=part + 1))
    books.post(who, CARD, -amounts, when, "shopping", "online", shop)
