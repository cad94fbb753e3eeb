"""Everyday money: income, spending, fees, interest, month-end dressing, and the drain of those who leave."""

from __future__ import annotations

import numpy as np

from crmml.demo_bank.books import outside_account
from crmml.demo_bank.draws import Floats, Ints
from crmml.demo_bank.state import State
from crmml.demo_bank.words import CARD, CHANNEL, CURRENT, LOAN, MORTGAGE, SAVINGS

CURRENT_RATE = 0.002
MESSAGE_FEE_SHARE = 0.45
LOW_BALANCE = 30_000
_SHARES = (("bill", 0.20), ("shopping", 0.35), ("cash", 0.18), ("transfer_out", 0.27))


def cents(yuan: Floats) -> Ints:
    return np.rint(np.asarray(yuan) * 100).astype(np.int64)


def spread(state: State, purpose: str, month: int, total: Ints, counts: Ints) -> tuple[Ints, Ints, Ints]:
    """Cut each customer's total into `counts` unequal parts: positions, cents and part numbers."""
    counts = np.where(total > 0, np.maximum(counts, 1), 0)
    rows = np.repeat(np.arange(len(counts)), counts)
    part = np.arange(len(rows)) - np.repeat(np.cumsum(counts) - counts, counts)
    weight = 0.25 + state.draws.uniform(purpose + " part", month, rows=rows, index=part + 1)
    whole = np.bincount(rows, weights=weight, minlength=len(counts))
    return rows, np.floor(weight / whole[rows] * total[rows]).astype(np.int64), part


def receive_income(state: State, month: int, living: Ints) -> None:
    """Salaries on pay day, other people's irregular receipts, firms' sales; little of it when income stopped."""
    people, draws, months = state.people, state.draws, state.months
    years = month / 12
    arrives = (state.regime == 0) & np.isin(np.arange(len(people)), living)
    usual = people.income * 1.04**years * np.exp(0.04 * draws.normal("income noise", month))
    bonus = 1.0 + 0.6 * (months.last_days[month].month == 1)
    paid = np.flatnonzero(arrives & people.salaried)
    day = months.starts[month] + people.salary_day[paid] - 1
    employer = outside_account(draws.uniform("employer")[paid])
    state.books.post(paid, CURRENT, cents(usual[paid] * bonus), day, "salary", "system", employer)
    season = np.where(people.company, 1.0, 0.75 + 0.5 * draws.uniform("season", month))
    season = season * (1.5 if months.festival(month) else 1.0)
    strength = np.where(arrives, 1.0, 0.12) * np.isin(np.arange(len(people)), living)
    other = np.where(people.salaried, 0.10, 1.0) * usual * season * strength
    other = np.where(people.salaried & (draws.uniform("extra", month) > 0.4), 0.0, other)
    counts = 1 + draws.count("receipts", month, np.where(people.company, 3.5 * strength, 0.7))
    rows, amounts, part = spread(state, "receipts", month, cents(other), counts)
    day = months.starts[month] - 1 + draws.day("receipt day", month, 1, int(months.days[month]), rows=rows, index=part)
    payer = outside_account(draws.uniform("payer", rows=rows, index=part + 1))
    for kind, chosen in (("sales", people.company[rows]), ("transfer_in", ~people.company[rows])):
        state.books.post(rows[chosen], CURRENT, amounts[chosen], day[chosen], kind, "online", payer[chosen])


def spend(state: State, month: int, living: Ints) -> None:
    """Bills, shopping, cash and transfers, out of what is there before the month's income arrives."""
    opening = state.books.balance[:, CURRENT]
    people, draws, months = state.people, state.draws, state.months
    mask = np.zeros(len(people), bool)
    mask[living] = True
    usual = people.income * 1.04 ** (month / 12) * np.where(people.salaried, 1.06, 1.05)
    usual = usual * np.where(state.regime == 0, 1.0, 0.65)
    target = people.income * np.exp(0.05 + 1.25 * people.wealth_z)
    surplus = opening / 100 - target
    shock = np.where(draws.uniform("shock", month) < 0.012, 0.35 + 0.4 * draws.uniform("shock size", month), 0.0)
    wanted = 0.97 * usual * np.exp(0.13 * draws.normal("spending", month)) + 0.06 * surplus
    wanted = np.maximum(wanted, 0.25 * usual) * (1.45 if months.festival(month) else 1.0)
    wanted = wanted + shock * np.maximum(opening, 0) / 100
    can = np.maximum(0.95 * opening, 0)
    budget = np.where(mask, np.minimum(cents(wanted), can), 0).astype(np.int64)
    means = usual_counts(state)
    for kind, share in _SHARES:
        total = np.floor(budget * share).astype(np.int64)
        counts = draws.count(kind, month, means[kind])
        rows, amounts, part = spread(state, kind, month, np.where(counts > 0, total, 0), counts)
        day = months.starts[month] - 1 + draws.day(kind, month, 1, int(months.days[month]), rows=rows, index=part + 1)
        payee = outside_account(draws.uniform("payee " + kind, rows=rows, index=part + 1))
        firm = people.company[rows]
        written = {"shopping": "supplier", "cash": "supplier", "bill": "tax", "transfer_out": "transfer_out"}[kind]
        channel = _channel(state, kind, month, rows, part)
        state.books.post(rows[~firm], CURRENT, -amounts[~firm], day[~firm], kind, channel[~firm], payee[~firm])
        state.books.post(rows[firm], CURRENT, -amounts[firm], day[firm], written, channel[firm], payee[firm])


def usual_counts(state: State) -> dict[str, Floats]:
    """Average number of payments a month by kind."""
    people = state.people
    personal = {
        "bill": np.full(len(people), 1.0),
        "shopping": people.shops * (0.7 + 0.5 * people.mobile),
        "cash": np.where(people.mobile > 0.7, 0.65, 1.1),
        "transfer_out": 0.7 + 0.4 * people.mobile,
    }
    return {kind: np.where(people.company, 3.0, mean) for kind, mean in personal.items()}


def expected_bookings(state: State) -> dict[str, Floats]:
    """Average number of bookings a month by channel: payments, receipts, card purchases, the bank's own."""
    people, books = state.people, state.books
    counts = usual_counts(state)
    mobile, at_hand, counter = channel_shares(people.mobile)
    paid = counts["bill"] + counts["shopping"] + counts["transfer_out"]
    bought = np.where(books.holds(CARD), 1.0 + 0.9 * people.shops, 0.0)
    receipts = np.where(people.company, 4.5, np.where(people.salaried, 0.7, 1.8))
    debts = books.holds(LOAN).astype(float) + books.holds(MORTGAGE)
    return {
        "counter": counter * paid + 0.25 * counts["cash"],
        "atm": 0.75 * counts["cash"],
        "mobile": mobile * paid,
        "online": at_hand * paid + receipts + bought,
        "system": 1.5 + people.salaried + 2 * books.holds(SAVINGS) + 3 * debts + 2.5 * books.holds(CARD),
    }


def channel_shares(mobile: Floats) -> tuple[Floats, Floats, Floats]:
    """Shares of payments made by telephone, elsewhere electronically, and at the counter."""
    digital = 0.25 + 0.5 * np.minimum(mobile, 1.2)
    return digital, 0.93 - digital, np.full(len(mobile), 0.07)


def _channel(state: State, kind: str, month: int, rows: Ints, part: Ints) -> Ints:
    """Mobile users pay by telephone, others at the counter or a machine."""
    chance = state.draws.uniform("channel " + kind, month, rows=rows, index=part + 1)
    if kind == "cash":
        return np.where(chance < 0.75, CHANNEL["atm"], CHANNEL["counter"])
    digital, elsewhere, _ = channel_shares(state.people.mobile[rows])
    other = np.where(chance < digital + elsewhere, CHANNEL["online"], CHANNEL["counter"])
    return np.where(chance < digital, CHANNEL["mobile"], other)


def save(state: State, month: int, living: Ints) -> None:
    """A standing order into the savings account, and back when the current account runs low."""
    books = state.books
    rows = living[books.holds(SAVINGS)[living] & ~state.draining[living]]
    day = state.months.ends[month]
    spare = books.balance[rows, CURRENT] - cents(state.people.income[rows] * 1.2)
    put = np.where(spare > 0, spare // 8, 0)
    back = np.where(spare < 0, np.minimum(-spare // 6, books.balance[rows, SAVINGS] // 3), 0)
    books.move(rows, CURRENT, SAVINGS, put, np.full(len(rows), day), "own_transfer", "system")
    books.move(rows, SAVINGS, CURRENT, back, np.full(len(rows), day), "own_transfer", "mobile")


def drain(state: State, month: int, living: Ints) -> None:
    """Those who are about to leave move a part of their money to another bank each month."""
    rows = living[state.draining[living]]
    share = 0.12 + 0.40 * state.draws.uniform("drain", month, rows=rows)
    day = state.months.starts[month] - 1 + state.draws.day("drain day", month, 20, 27, rows=rows)
    outside = outside_account(state.draws.uniform("other bank")[rows])
    own = np.floor(np.maximum(state.books.balance[rows, CURRENT], 0) * share).astype(np.int64)
    savings = np.floor(state.books.balance[rows, SAVINGS] * share).astype(np.int64)
    state.books.move(rows, SAVINGS, CURRENT, savings, day, "own_transfer", "mobile")
    state.books.post(rows, CURRENT, -(own + savings), day, "transfer_out", "mobile", outside)


def charge_and_credit(state: State, month: int, living: Ints) -> None:
    """Fees each month; interest on current and savings accounts each quarter."""
    books, people, months = state.books, state.people, state.months
    end = months.ends[month]
    for_message = living[(state.draws.uniform("message fee")[living] < MESSAGE_FEE_SHARE) & ~people.company[living]]
    fees = np.zeros(len(people), dtype=np.int64)
    fees[for_message] += 200
    firms = living[people.company[living]]
    fees[firms] += cents(10 + 0.0004 * people.income[firms])
    if months.closes_quarter(month):
        low = living[(books.balance[living, CURRENT] < LOW_BALANCE) & ~people.company[living]]
        fees[low] += 300
        for family, rate in ((CURRENT, np.full(len(people), CURRENT_RATE)), (SAVINGS, books.rate[:, SAVINGS])):
            rows = living[books.holds(family)[living]]
            earned = np.floor(np.maximum(books.balance[rows, family], 0) * rate[rows] / 4).astype(np.int64)
            books.post(rows, family, earned, np.full(len(rows), months.starts[month] + 20), "interest", "system")
    able = living[books.balance[living, CURRENT] > fees[living] + 100]
    books.post(able, CURRENT, -fees[able], np.full(len(able), end), "fee", "system")


def dress(state: State, month: int, living: Ints) -> None:
    """Some bring money for the last day of a quarter and take it away two days later."""
    if not state.months.closes_quarter(month):
        return
    rows = living[state.people.dresses[living] & ~state.draining[living] & ~state.in_default[living]]
    amount = cents(state.people.income[rows] * (4 + 8 * state.draws.uniform("dress", month, rows=rows)))
    outside = outside_account(state.draws.uniform("other bank")[rows])
    day = np.full(len(rows), state.months.ends[month])
    state.books.post(rows, CURRENT, amount, day, "transfer_in", "online", outside)
    state.dressed[rows] = amount


def undress(state: State, month: int) -> None:
    """The money brought for the month's end goes back on the second day."""
    rows = np.flatnonzero(state.dressed)
    outside = outside_account(state.draws.uniform("other bank")[rows])
    day = np.full(len(rows), state.months.starts[month] + 1)
    state.books.post(rows, CURRENT, -state.dressed[rows], day, "transfer_out", "online", outside)
    state.dressed[rows] = 0
