"""What the synthetic bank says an account is worth is what it brings: the same months lived with it and without it."""

from __future__ import annotations

import numpy as np
import pytest

from crmml.demo_bank import life, taking
from crmml.demo_bank.books import Books
from crmml.demo_bank.draws import Draws
from crmml.demo_bank.foresight import foresee
from crmml.demo_bank.months import months_from_start
from crmml.demo_bank.people import BEFORE_START, make_people
from crmml.demo_bank.state import State
from crmml.demo_bank.words import CURRENT, INVESTMENT, OFFERS, SAVINGS
from crmml.demo_bank.worth import COST_OF_ACCOUNT, COST_OF_BOOKING, FTP

BEGINS, YEAR = 16, 12
OFFER = OFFERS.index("investment")
ON_CURRENT = FTP["current"] - 0.002


def lived(monkeypatch, *, takes: bool) -> tuple[State, np.ndarray, np.ndarray]:
    """A year from `BEGINS` in which all who may do or do not take an investment: margins on current and savings, and fees."""
    numbers, calendar = np.arange(1_200), months_from_start(BEGINS + YEAR)
    draws = Draws(99, numbers)
    people = make_people(99, draws, numbers, calendar)
    state = State(people, draws, Books(calendar, numbers), calendar, False)
    early = np.flatnonzero((people.join_month == BEFORE_START) & people.has_history)
    taking.start_relation(state, early, people.joined_on[early], -1)
    natural = taking.takes
    margin, fees = np.zeros(len(numbers)), np.zeros(len(numbers))
    for month in range(calendar.count):
        if month == BEGINS - 1:
            life.live_month(state, month)
            foresee(state, month)
            continue
        if month >= BEGINS:
            chance = 1.0 if takes and month == BEGINS else 0.0
            forced = lambda people, outlook, chance=chance: _with(natural(people, outlook), chance)  # noqa: E731
            monkeypatch.setattr(taking, "takes", forced)
        life.live_month(state, month)
        yuan = state.books.balance / 100
        if month >= BEGINS:
            margin += (yuan[:, CURRENT] + yuan[:, SAVINGS]) * ON_CURRENT / YEAR
            fees += taking.MANAGEMENT_FEE * yuan[:, INVESTMENT] * calendar.closes_quarter(month)
    monkeypatch.setattr(taking, "takes", natural)
    return state, margin, fees


def _with(chances: np.ndarray, chance: float) -> np.ndarray:
    chances[:, OFFER] = chance
    return chances


@pytest.fixture(scope="module")
def both():
    """Of all who may take one: what the truth says it is worth, what it brought in fees, and on the other accounts."""
    with pytest.MonkeyPatch.context() as patch:
        state, margin, fees = lived(patch, takes=True)
        _, without, no_fees = lived(patch, takes=False)
    rows, *_, values = state.records["truth"][-1]
    value = values[:, OFFER]
    may = ~np.isnan(value) & ~state.people.company[rows]
    rows, value = rows[may], value[may]
    usual = value < np.quantile(value, 0.95)  # a twentieth has a third of the money, and would decide alone
    return value[usual], (fees - no_fees)[rows][usual], (margin - without)[rows][usual]


def test_an_investment_brings_what_the_truth_says(both):
    value, fees, others = both
    costs = YEAR * COST_OF_ACCOUNT["investment"] + 3 * COST_OF_BOOKING["counter"]
    brought = fees + others - costs
    assert value.mean() == pytest.approx(brought.mean(), rel=0.15)
    assert np.corrcoef(value, brought)[0, 1] > 0.5


def test_what_is_moved_out_of_the_current_account_comes_back_within_the_year(both):
    _, fees, others = both
    assert abs(others.mean()) < 0.1 * fees.mean()
