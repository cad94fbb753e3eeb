"""Products taken: what customers hold at first, campaigns, new accounts, and the end of terms."""

from __future__ import annotations

import numpy as np

from crmml.demo_bank import credit
from crmml.demo_bank.books import outside_account
from crmml.demo_bank.draws import Floats, Ints
from crmml.demo_bank.flows import cents
from crmml.demo_bank.hazards import NOISE_TAKES, Outlook, contacted, takes
from crmml.demo_bank.state import State
from crmml.demo_bank.words import (
    CARD,
    CURRENT,
    INSURANCE,
    INVESTMENT,
    LOAN,
    MORTGAGE,
    OFFER_FAMILY,
    PAYROLL,
    SAVINGS,
    TIME_DEPOSIT,
)

ASSIGNED_SHARE = 0.28
TREATED_SHARE = 0.70
WORKS_MONTHS = 3
RESTS_MONTHS = 4
MORTGAGE_CHANCE = 0.0040
RENEWS = 0.55
SELLS = 0.025
COMMISSION = 0.12
MANAGEMENT_FEE = 0.0020
_SAVINGS_RATES = ((0, 0.0085), (21, 0.0075), (29, 0.0065), (36, 0.0055), (45, 0.0045))
_DEPOSIT_RATES = ((0, 0.0225), (21, 0.0210), (29, 0.0195), (36, 0.0180), (45, 0.0150))


def rate_at(table: tuple[tuple[int, float], ...], month: int) -> float:
    """The rate of a dated table in a month."""
    return [rate for since, rate in table if since <= max(month, 0)][-1]


def deposit_rate(month: int, yuan: Floats) -> Floats:
    """What a new time deposit pays: large ones get more than they earn."""
    more = np.select([yuan > 200_000, yuan > 50_000], [0.0060, 0.0025], 0.0)
    return np.asarray(rate_at(_DEPOSIT_RATES, month) + more, dtype=np.float64)


def loan_rate(state: State, rows: Ints, month: int) -> Floats:
    """Dearer for the riskier, as far as the bank can tell."""
    people = state.people
    seen = 0.5 * people.risk_z[rows] + 0.8 * state.draws.normal("rating", rows=rows)
    base = np.where(people.company[rows], 0.068, 0.088) - 0.0001 * month
    return np.asarray(np.clip(base + 0.006 * seen, 0.04, 0.12).round(4), dtype=np.float64)


def mortgage_rate(month: int) -> float:
    return round(0.0500 - 0.00025 * max(month, 0), 4)


def card_limit(income: Floats) -> Floats:
    return np.clip(np.round(income * 3, -3), 3_000, 100_000)


def start_relation(state: State, rows: Ints, day: Ints, month: int) -> None:
    """The accounts a customer begins with; `month` is -1 for those from before the first month."""
    people, books, draws = state.people, state.books, state.draws
    state.active[rows] = True
    wealth = people.income[rows] * np.exp(-0.1 + 1.25 * people.wealth_z[rows])
    _open_deposit(state, rows, CURRENT, day, month, wealth, 0.002)
    state.idle[rows] = books.balance[rows, CURRENT]
    chance = draws.uniform("savings")[rows]
    saver = chance < np.where(people.company[rows], 0.05, 0.38)
    save = rows[saver]
    more = wealth[saver] * np.exp(0.5 * draws.normal("saved", rows=save))
    _open_deposit(state, save, SAVINGS, day[saver], month, more, rate_at(_SAVINGS_RATES, month))
    paid = people.salaried[rows]
    books.open(rows[paid], PAYROLL, day[paid], month)
    if month < 0:
        _start_products(state, rows)


def _open_deposit(state: State, rows: Ints, family: int, day: Ints, month: int, yuan: Floats, rate: float) -> None:
    state.books.open(rows, family, day, month)
    state.books.set_terms(rows, family, day, rate=np.full(len(rows), rate))
    booked = np.maximum(day, state.months.starts[0] - 1)
    state.books.post(rows, family, cents(np.maximum(yuan, 100)), booked, "opening", "counter")


def _start_products(state: State, rows: Ints) -> None:
    """Products held at the start of the first month, opened in the two years before."""
    chance = np.minimum(takes(state.people, state.outlook(-1))[rows] * 14, 0.6)
    for offer, family in enumerate(OFFER_FAMILY):
        chosen = rows[state.draws.uniform("held", offer)[rows] < chance[:, offer]]
        age = (state.draws.uniform("held age", offer)[chosen] * 700).astype(np.int64)
        day = np.maximum(state.months.starts[0] - 2 - age, state.people.joined_on[chosen])
        open_product(state, chosen, int(family), -1, day)
    home = (state.draws.uniform("home")[rows] < 0.16) & ~state.people.company[rows]
    chosen = rows[home]
    day = np.maximum(state.months.starts[0] - 2 - state.people.number[chosen] % 700, state.people.joined_on[chosen])
    open_product(state, chosen, MORTGAGE, -1, day)


def open_product(state: State, rows: Ints, family: int, month: int, day: Ints) -> None:
    """Open one account of a family for each of `rows`, with what comes with it."""
    books, people, draws = state.books, state.people, state.draws
    booked = np.maximum(day, state.months.starts[0] - 1)
    outside = outside_account(draws.uniform("other bank")[rows])
    size = draws.uniform("size", month + 1, rows=rows, index=family + 1)
    income = people.income[rows]
    if family == CARD:
        books.open(rows, family, day, month)
        limit = card_limit(income)
        state.limit[rows] = cents(limit)
        books.set_terms(rows, family, day, rate=np.where(people.revolver[rows] > 0, credit.CARD_RATE, 0.0), limit=limit)
    elif family in (TIME_DEPOSIT, INVESTMENT) and month < 0:
        yuan = np.round(income * np.exp(0.9 + 0.9 * people.wealth_z[rows] + size), -2)
        books.open(rows, family, day, month)
        books.post(rows, family, cents(yuan), booked, "opening", "counter")
        if family == TIME_DEPOSIT:
            _set_deposit(state, rows, month, day, size)
    elif family in (TIME_DEPOSIT, INVESTMENT):
        own = np.floor(np.maximum(books.balance[rows, CURRENT], 0) * (0.15 + 0.3 * size)).astype(np.int64)
        fresh = cents(np.round(income * np.exp(1.0 + 0.8 * people.wealth_z[rows] + size), -2))
        books.post(rows, CURRENT, fresh, booked, "transfer_in", "counter", outside)
        books.open(rows, family, day, month)
        books.move(rows, CURRENT, family, own + fresh, booked, "own_transfer", "counter")
        if family == TIME_DEPOSIT:
            _set_deposit(state, rows, month, day, size)
    elif family == INSURANCE:
        books.open(rows, family, day, month)
    elif family == LOAN:
        amount = np.where(people.company[rows], np.minimum(income * (1 + 2 * size), 3e6), income * (4 + 10 * size))
        term = np.where(people.company[rows], 12, np.where(size < 0.4, 24, 48))
        credit.lend(state, rows, family, month, day, np.maximum(amount, 5_000), loan_rate(state, rows, month), term)
    elif family == MORTGAGE:
        amount, rate = income * (45 + 40 * size), np.full(len(rows), mortgage_rate(month))
        credit.lend(state, rows, family, month, day, amount, rate, np.full(len(rows), 240))


def _set_deposit(state: State, rows: Ints, month: int, day: Ints, size: Floats) -> None:
    yuan = state.books.balance[rows, TIME_DEPOSIT] / 100
    state.books.set_terms(rows, TIME_DEPOSIT, day, rate=deposit_rate(month, yuan))
    term = np.where(size < 0.25, 6, np.where(size < 0.8, 12, 24))
    state.began[rows] = np.where(month < 0, (term * size).astype(np.int64) - term, month)
    state.matures[rows] = state.began[rows] + term


def open_to_offers(state: State) -> np.ndarray:
    """Who may take each offer: active and without an account of that family (n, 5)."""
    free = state.books.account[:, OFFER_FAMILY] == 0
    return free & state.active[:, None] & ~state.in_default[:, None]


def run_campaign(state: State, month: int) -> None:
    """At the start of a month some customers are drawn for one offer each, and of them the treated by lot."""
    draws, months = state.draws, state.months
    offer = (draws.uniform("campaign offer", month) * 5).astype(np.int64)
    everybody = np.arange(len(offer))
    rested = month - state.last_contact >= RESTS_MONTHS
    willing = open_to_offers(state)[everybody, offer] & rested & ~state.people.refuses & ~state.people.company
    rows = np.flatnonzero(willing & (draws.uniform("campaign", month) < ASSIGNED_SHARE))
    treated = draws.uniform("arm", month)[rows] < TREATED_SHARE
    state.last_contact[rows] = month
    state.contacts[rows[treated], offer[rows[treated]]] = month
    day = np.full(len(rows), months.starts[month])
    called = day + 1 + (draws.uniform("called", month)[rows] * 20).astype(np.int64)
    reached = treated & (draws.uniform("reached", month)[rows] < 0.97)
    state.record("contacts", rows, offer[rows], day, treated, np.where(reached, called, -1), np.full(len(rows), month))


def take_products(state: State, month: int, living: Ints, outlook: Outlook) -> None:
    """New accounts of the month, by the chances of the state at the end of the month before."""
    chance = takes(state.people, outlook)
    if state.noise:
        chance = np.tile(np.array(NOISE_TAKES), (len(chance), 1))
    works = month - state.contacts < WORKS_MONTHS
    chance = np.where(works, contacted(chance, state.people.response), chance)
    free = open_to_offers(state)
    lives = np.zeros(len(chance), bool)
    lives[living] = True
    for offer, family in enumerate(OFFER_FAMILY):
        luck = state.draws.uniform("take", month, index=offer + 1)
        rows = np.flatnonzero(free[:, offer] & lives & (luck < chance[:, offer]))
        day = state.months.starts[month] - 1 + state.draws.day("take day", month, 3, 27, rows=rows, index=offer + 1)
        open_product(state, rows, int(family), month, day)
        state.record("taken", rows, np.full(len(rows), offer), day, np.full(len(rows), month))
    fits = lives & ~state.books.holds(MORTGAGE) & ~state.people.company & (state.people.age < 58) & ~state.in_default
    rows = np.flatnonzero(fits & state.draws.happens("buys home", month, MORTGAGE_CHANCE))
    open_product(state, rows, MORTGAGE, month, np.full(len(rows), state.months.starts[month] + 14))


def end_terms(state: State, month: int, living: Ints) -> None:
    """Time deposits fall due (half are renewed), investments are sold, insurance premiums and fees are booked."""
    books, draws, start = state.books, state.draws, state.months.starts[month]
    due = living[books.holds(TIME_DEPOSIT)[living] & (state.matures[living] <= month)]
    held = month - state.began[due]
    day = start - 1 + draws.day("maturity", month, 3, 20, rows=due)
    interest = np.floor(books.balance[due, TIME_DEPOSIT] * books.rate[due, TIME_DEPOSIT] * held / 12)
    books.post(due, TIME_DEPOSIT, interest.astype(np.int64), day, "interest", "system")
    renews = ~state.draining[due] & (draws.uniform("renews", month)[due] < RENEWS)
    again, gone = due[renews], due[~renews]
    _set_deposit(state, again, month, day[renews], draws.uniform("renewed", month, rows=again))
    amount = books.balance[gone, TIME_DEPOSIT].copy()
    books.move(gone, TIME_DEPOSIT, CURRENT, amount, day[~renews], "own_transfer", "system")
    books.close(gone, TIME_DEPOSIT, day[~renews])
    _step_investments(state, month, living)


def _step_investments(state: State, month: int, living: Ints) -> None:
    books, draws, start = state.books, state.draws, state.months.starts[month]
    rows = living[books.holds(INVESTMENT)[living] & (books.opened_month[living, INVESTMENT] < month)]
    if state.months.closes_quarter(month):
        fee = np.rint(books.balance[rows, INVESTMENT] * MANAGEMENT_FEE).astype(np.int64)
        gain = np.rint(books.balance[rows, INVESTMENT] * 0.006).astype(np.int64)
        books.post(rows, INVESTMENT, gain, np.full(len(rows), start + 9), "interest", "system")
        books.post(rows, INVESTMENT, -fee, np.full(len(rows), start + 9), "fee", "system")
    sells = draws.uniform("sells", month)[rows] < np.where(state.draining[rows], 0.35, SELLS)
    sold = rows[sells]
    day = np.full(len(sold), start + 11)
    books.move(sold, INVESTMENT, CURRENT, books.balance[sold, INVESTMENT].copy(), day, "own_transfer", "mobile")
    books.close(sold, INVESTMENT, day)
    rows = living[books.holds(INSURANCE)[living]]
    age = month - books.opened_month[rows, INSURANCE]
    yearly = rows[(age % 12 == 1) & (age < 36)]
    income = state.people.income[yearly]
    fee = cents(np.clip(income * 0.35, 300, 20_000) * COMMISSION)
    day = np.full(len(yearly), start + 7)
    books.post(yearly, INSURANCE, fee, day, "premium", "system")
    books.post(yearly, INSURANCE, -fee, day, "fee", "system")
    ended = rows[age >= 37]
    books.close(ended, INSURANCE, np.full(len(ended), start + 7))


def change_terms(state: State, month: int) -> None:
    """Savings rates follow the bank's table; mortgages reprice in January; some card limits rise."""
    books, start = state.books, state.months.starts[month]
    if any(since == month for since, _ in _SAVINGS_RATES):
        rows = np.flatnonzero(books.holds(SAVINGS))
        day = np.full(len(rows), start)
        books.set_terms(rows, SAVINGS, day, rate=np.full(len(rows), rate_at(_SAVINGS_RATES, month)))
    if month and state.months.last_days[month].month == 1:
        rows = np.flatnonzero(books.holds(MORTGAGE))
        rate = np.minimum(books.rate[rows, MORTGAGE], mortgage_rate(month) + 0.003)
        books.set_terms(rows, MORTGAGE, np.full(len(rows), start), rate=rate)
    if month % 6 == 5:
        rows = np.flatnonzero(books.holds(CARD) & (state.bucket == 0) & state.draws.happens("limit", month, 0.12))
        state.limit[rows] = (state.limit[rows] * 1.25).astype(np.int64) // 10_000 * 10_000
        books.set_terms(rows, CARD, np.full(len(rows), start), limit=state.limit[rows] / 100)
