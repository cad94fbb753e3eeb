"""The months of a chunk of customers, one after the other."""

from __future__ import annotations

import numpy as np

from crmml.demo_bank import credit, flows, taking
from crmml.demo_bank.books import Books, outside_account
from crmml.demo_bank.draws import Draws, Ints, poisson
from crmml.demo_bank.foresight import foresee
from crmml.demo_bank.hazards import (
    INCOME_RETURNS,
    LEAVES_WHEN_DRAINING,
    MOVES_INCOME,
    NOISE_LEAVES,
    STAYS_AFTER_ALL,
    Outlook,
    complains,
    income_stops,
    next_complaint,
    next_regime,
    starts_to_leave,
)
from crmml.demo_bank.months import Months
from crmml.demo_bank.people import BEFORE_START, make_people
from crmml.demo_bank.state import State
from crmml.demo_bank.words import CARD, CURRENT, FAMILIES, INVESTMENT, LOAN, MORTGAGE, SAVINGS, TIME_DEPOSIT


def live(seed: int, numbers: Ints, months: Months, *, noise: bool) -> State:
    """All months of the customers with the given numbers."""
    draws = Draws(seed, numbers)
    people = make_people(seed, draws, numbers, months)
    state = State(people, draws, Books(months, numbers), months, noise)
    early = np.flatnonzero((people.join_month == BEFORE_START) & people.has_history)
    taking.start_relation(state, early, people.joined_on[early], -1)
    for month in range(months.count):
        live_month(state, month)
        foresee(state, month)
    return state


def live_month(state: State, month: int) -> None:
    """One month. Money goes out before it comes in, so that no day's balance is below zero."""
    people = state.people
    outlook = state.outlook(month - 1)
    flows.undress(state, month)
    living = leave(state, month, np.flatnonzero(state.active))
    change_mind(state, month, living, outlook)
    change_income(state, month, living)
    if state.months.has_campaign(month):
        taking.run_campaign(state, month)
    before = credit.step_arrears(state, month, living, outlook)
    credit.collect(state, month, before)
    credit.use_cards(state, month, living)
    flows.drain(state, month, living)
    flows.spend(state, month, living)
    taking.take_products(state, month, living, outlook)
    taking.end_terms(state, month, living)
    flows.receive_income(state, month, living)
    flows.save(state, month, living)
    flows.charge_and_credit(state, month, living)
    state.idle = 0.6 * state.idle + 0.4 * state.books.balance[:, CURRENT]
    flows.dress(state, month, living)
    credit.write_off(state, month)
    joining = np.flatnonzero((people.join_month == month) & people.has_history)
    taking.start_relation(state, joining, people.joined_on[joining], month)
    taking.change_terms(state, month)
    credit.report_arrears(state, month)
    use_channels(state, month, living)
    complain(state, month, living)


def leave(state: State, month: int, living: Ints) -> Ints:
    """Close every account of those who go this month; gives the positions of those who stay."""
    luck = state.draws.uniform("leaves", month)[living]
    if state.noise:
        goes = luck < NOISE_LEAVES
    else:
        goes = state.draining[living] & ~state.in_default[living] & (luck < LEAVES_WHEN_DRAINING)
    rows = living[goes]
    day = state.months.starts[month] - 1 + state.draws.day("leaving day", month, 5, 26, rows=rows)
    close_everything(state, rows, day)
    state.active[rows], state.draining[rows], state.left_on[rows] = False, False, day
    return living[~goes]


def close_everything(state: State, rows: Ints, day: Ints) -> None:
    """Repay what is owed, gather what is there, send it to another bank, close."""
    books = state.books
    outside = outside_account(state.draws.uniform("other bank")[rows])
    if not len(rows):
        return
    for family in (SAVINGS, TIME_DEPOSIT, INVESTMENT):
        books.move(rows, family, CURRENT, books.balance[rows, family].copy(), day, "own_transfer", "counter")
    debt = -books.balance[rows][:, [LOAN, MORTGAGE, CARD]]
    books.fund(rows, debt.sum(axis=1), day, outside)
    for family in (LOAN, MORTGAGE, CARD):
        books.move(rows, CURRENT, family, -books.balance[rows, family], day, "repayment", "counter")
    books.post(rows, CURRENT, -books.balance[rows, CURRENT], day, "transfer_out", "counter", outside)
    for family in range(len(FAMILIES)):
        held = books.holds(family)[rows]
        if family in (LOAN, MORTGAGE):
            credit.end_loan(state, rows[held], family, day[held])
        else:
            books.close(rows[held], family, day[held])
    state.bucket[rows] = 0


def use_channels(state: State, month: int, living: Ints) -> None:
    """Logins to the mobile bank and visits at the counter, counted by the month."""
    mobile = np.where(state.people.mobile[living] < 0.35, 0.0, 9 * state.people.mobile[living] ** 1.3)
    fading = np.where(state.draining[living], 0.35, 1.0)
    logins = poisson(state.draws.uniform("logins", month)[living], mobile * fading)
    calls = np.where(state.people.mobile[living] < 0.35, 0.75, 0.25)
    visits = poisson(state.draws.uniform("visits", month)[living], calls)
    state.record("channel_use", living, np.full(len(living), state.months.ends[month]), logins, visits)


def change_income(state: State, month: int, living: Ints) -> None:
    """Income stops arriving or comes back, seen in this month's bookings."""
    chance = np.where(state.draining, MOVES_INCOME, income_stops(state.people))
    stops = state.draws.happens("income stops", month, chance)[living]
    returns = state.draws.happens("income returns", month, INCOME_RETURNS[state.regime])[living]
    regime = state.regime.copy()
    regime[living] = next_regime(regime[living], stops, returns)
    state.regime = regime


def change_mind(state: State, month: int, living: Ints, outlook: Outlook) -> None:
    """Some begin to leave and move money from this month on; some of those who did stay after all."""
    people, draws = state.people, state.draws
    lives = np.zeros(len(people), bool)
    lives[living] = True
    hazard = starts_to_leave(people, outlook)[np.arange(len(people)), outlook.regime, outlook.complaint]
    begins = lives & ~outlook.draining & draws.happens("begins to leave", month, hazard)
    stays = outlook.draining & draws.happens("stays", month, STAYS_AFTER_ALL / (1 - LEAVES_WHEN_DRAINING))
    state.draining = (outlook.draining | begins) & lives & ~stays & (not state.noise)


def complain(state: State, month: int, living: Ints) -> None:
    """New complaints, and the older ones a month older."""
    draws, count = state.draws, len(state.people)
    lives = np.zeros(count, bool)
    lives[living] = True
    new = lives & draws.happens("complains", month, complains(state.people))
    state.complaint = np.where(lives, next_complaint(state.complaint, new), state.complaint)
    rows = np.flatnonzero(new)
    day = state.months.starts[month] - 1 + draws.day("complaint day", month, 1, 28, rows=rows)
    closed = day + 2 + (draws.uniform("complaint takes", month)[rows] ** 2 * 60).astype(np.int64)
    state.record("complaints", rows, day, closed)
