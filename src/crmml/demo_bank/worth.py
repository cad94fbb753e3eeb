"""What customers and offers are truly worth in the next twelve months, in yuan.

The prices are those of `configs/demo/bank.yaml` (a test holds them equal).
Expectations are closed formulas, not simulations: balances return to their
smoothed level, loans run off by plan, those who are leaving drain, and every
part is weighted with the true chance that the customer is still there.
"""

from __future__ import annotations

import numpy as np

from crmml.demo_bank.draws import Floats, Ints
from crmml.demo_bank.flows import LOW_BALANCE, MESSAGE_FEE_SHARE, expected_bookings
from crmml.demo_bank.hazards import Outlook
from crmml.demo_bank.state import DEFAULT_BUCKET, State
from crmml.demo_bank.taking import COMMISSION, MANAGEMENT_FEE, card_limit, deposit_rate
from crmml.demo_bank.words import (
    CARD,
    CHANNELS,
    CURRENT,
    FAMILIES,
    INSURANCE,
    INVESTMENT,
    LOAN,
    MORTGAGE,
    SAVINGS,
    TIME_DEPOSIT,
)

FTP = {"current": 0.0155, "savings": 0.0180, "time_deposit": 0.0250, "loan": 0.0260, "mortgage": 0.0280, "card": 0.0250}
PROB_DEFAULT = {
    "loan": (0.06, 0.25, 0.45, 0.70),
    "mortgage": (0.025, 0.20, 0.40, 0.65),
    "card": (0.02, 0.20, 0.45, 0.70),
}
LGD = {"loan": 0.35, "mortgage": 0.10, "card": 0.60}
CCF_EAD = {"loan": 0.0, "mortgage": 0.0, "card": 0.30}
CCF_CAPITAL = {"loan": 0.0, "mortgage": 0.0, "card": 0.20}
RISK_WEIGHT = {"loan": 0.75, "mortgage": 0.50, "card": 0.75}
CAPITAL_RATIO, HURDLE = 0.085, 0.10
COST_OF_ACCOUNT = {
    "current": 22.0,
    "savings": 2.0,
    "time_deposit": 2.0,
    "loan": 20.0,
    "mortgage": 15.0,
    "card": 5.0,
    "insurance": 1.0,
    "investment": 2.0,
    "service": 0.5,
}
COST_OF_BOOKING = {"counter": 9.0, "atm": 1.2, "mobile": 0.2, "online": 0.3, "system": 0.05}
CARD_FEE = 120.0
_GROWTH = 1.13  # incomes and balances rise, and new deposits bring money from other banks
_LEFT_WHEN_DRAINING = 0.27
_IN_DEFAULT = 0.65  # of the year until the write-off
# Of a year's margin on what was moved out of the current account: balances return to their usual level, sooner where some is sold.
_DEPOSIT_KEEPS_AWAY, _INVESTMENT_KEEPS_AWAY = 0.4, 0.1
_OPENING = 3 * COST_OF_BOOKING["counter"]
_CARD_BUILDS_UP = 0.87  # average use of a card in its first year, as a share of its later use


def contribution_next_year(
    state: State, month: int, outlook: Outlook, present: Floats, defaults: Floats, take: Floats
) -> Floats:
    """Expected contribution of each customer in the twelve months after the cut-off, products still to come included.

    `present` is the expected share of the year with the bank, `defaults` the
    chance of default (nan: none), `take` the monthly chances of taking.
    """
    chance = np.nan_to_num(defaults)
    total = _on_deposits(state, outlook, present) + _on_credit(state, outlook, present, chance)
    total = total + _fees(state) * present - _service(state) * present
    coming = 1 - (1 - np.nan_to_num(take)) ** 12
    return total + (coming * 0.5 * value_if_taken(state, month, present)).sum(axis=1)


def _on_deposits(state: State, outlook: Outlook, present: Floats) -> Floats:
    books = state.books
    lasting = _GROWTH * np.where(outlook.draining, _LEFT_WHEN_DRAINING, present)
    usual = {
        CURRENT: 0.5 * (state.idle + books.balance[:, CURRENT] - state.dressed) / 100,
        SAVINGS: books.balance[:, SAVINGS] / 100,
        TIME_DEPOSIT: books.balance[:, TIME_DEPOSIT] / 100 * 0.80,
    }
    earned = [usual[f] * (FTP[FAMILIES[f]] - books.rate[:, f]) for f in usual]
    return np.sum(earned, axis=0) * lasting


def _on_credit(state: State, outlook: Outlook, present: Floats, chance: Floats) -> Floats:
    """Interest less funding, loss and capital on loans, mortgages and cards."""
    books = state.books
    rung = np.minimum(outlook.bucket, 3)
    sound = outlook.bucket < DEFAULT_BUCKET
    total = np.zeros(len(present))
    for family in (LOAN, MORTGAGE, CARD):
        name = FAMILIES[family]
        drawn = np.maximum(-books.balance[:, family], 0) / 100
        if family == CARD:
            average, unused = drawn, np.maximum(state.limit / 100 - drawn, 0) * books.holds(CARD)
        else:
            average, unused = drawn * run_off(state.left[:, family - LOAN]), np.zeros_like(drawn)
        exposed = average + CCF_EAD[name] * unused
        loss = np.array(PROB_DEFAULT[name])[rung] * LGD[name] * exposed
        if family != CARD:
            loss = loss + 0.9 * chance * LGD[name] * drawn
        capital = HURDLE * CAPITAL_RATIO * RISK_WEIGHT[name] * (average + CCF_CAPITAL[name] * unused)
        lasts = np.where(sound, present, _IN_DEFAULT)
        total += (average * (books.rate[:, family] - FTP[name]) - loss * sound - capital) * lasts
    return total


def run_off(left: Ints) -> Floats:
    """Average balance of the next twelve months as a share of today's, for loans with `left` months to go.

    >>> run_off(np.array([1, 12, 240])).round(2)
    array([0.08, 0.54, 0.98])
    """
    left = np.maximum(left, 1)
    return np.where(left >= 12, 1 - 5.5 / left, (left + 1) / 24)


def _fees(state: State) -> Floats:
    books, people = state.books, state.people
    messages = (state.draws.uniform("message fee") < MESSAGE_FEE_SHARE) & ~people.company
    fees = 24.0 * messages + np.where(people.company, 12 * (10 + 0.0004 * people.income), 0.0)
    fees = fees + 12.0 * ((state.idle < LOW_BALANCE) & ~people.company)
    fees = fees + CARD_FEE * books.holds(CARD)
    fees = fees + 4 * MANAGEMENT_FEE * books.balance[:, INVESTMENT] / 100 * 0.87
    return fees + _premium(state) * COMMISSION * books.holds(INSURANCE)


def _premium(state: State) -> Floats:
    return np.clip(state.people.income * 0.35, 300, 20_000)


def _service(state: State) -> Floats:
    held = (state.books.account > 0) @ np.array([COST_OF_ACCOUNT[name] for name in FAMILIES])
    counts = expected_bookings(state)
    work = np.stack([COST_OF_BOOKING[channel] * counts[channel] for channel in CHANNELS]).sum(axis=0)
    return np.asarray(12 * (held + work), dtype=np.float64)


def value_if_taken(state: State, month: int, present: Floats) -> Floats:
    """Expected contribution of the twelve months after taking each offer, less what it displaces: (n, 5).

    Set by living the same months twice, with the account and without it, and comparing the ledgers.
    """
    people = state.people
    income, wealth_z = people.income, people.wealth_z
    stays = np.maximum(present, 0.5)
    on_current = FTP["current"] - 0.002
    own = 0.3 * np.maximum(state.idle, 0) / 100
    fresh = income * np.exp(1.5 + 0.8 * wealth_z)
    limit = card_limit(income)
    used = _CARD_BUILDS_UP * np.minimum(income * 0.30 / np.maximum(1 - people.revolver, 0.15), 0.75 * limit)
    card = CARD_FEE + used * (0.18 * (people.revolver > 0) - FTP["card"]) - 60 - 20 - _OPENING
    card = card - PROB_DEFAULT["card"][0] * LGD["card"] * (used + CCF_EAD["card"] * (limit - used))
    card = card - HURDLE * CAPITAL_RATIO * RISK_WEIGHT["card"] * (used + CCF_CAPITAL["card"] * (limit - used))
    size = own + fresh
    moved = own * on_current
    deposit = size * (FTP["time_deposit"] - deposit_rate(month, size)) - moved * _DEPOSIT_KEEPS_AWAY - 24 - 12
    invest = size * 0.85 * 4 * MANAGEMENT_FEE - moved * _INVESTMENT_KEEPS_AWAY - 24 - _OPENING
    insure = _premium(state) * COMMISSION - 12
    amount = np.where(people.company, np.minimum(income * 2, 3e6), income * 9)
    rate = np.where(people.company, 0.068, 0.088) + 0.003 * people.risk_z
    average = np.where(people.company, 0.54, 0.80) * amount
    risk = PROB_DEFAULT["loan"][0] + 0.8 * 0.05 * np.exp(0.9 * people.risk_z - 0.4)
    lend = average * (rate - FTP["loan"] - risk * LGD["loan"] - HURDLE * CAPITAL_RATIO * RISK_WEIGHT["loan"]) - 270
    values = np.stack([card, deposit, invest, insure, lend], axis=1)
    return values * stays[:, None]
