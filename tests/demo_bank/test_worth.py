"""What the synthetic bank says an account is worth is what it brings: the same months lived with it and without it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from crmml.demo_bank import life, taking
from crmml.demo_bank.books import Books
from crmml.demo_bank.draws import Draws
from crmml.demo_bank.foresight import foresee
from crmml.demo_bank.months import months_from_start
from crmml.demo_bank.people import BEFORE_START, make_people
from crmml.demo_bank.state import State
from crmml.demo_bank.words import CARD, CURRENT, INVESTMENT, OFFERS, SAVINGS, TIME_DEPOSIT
from crmml.demo_bank.worth import _CARD_BUILDS_UP, COST_OF_ACCOUNT, COST_OF_BOOKING, FTP

BEGINS, YEAR = 16, 12
ON_CURRENT = FTP["current"] - 0.002


@dataclass(frozen=True)
class Lived:
    """A year after `BEGINS`, yuan of each customer: what the deposits earned by account, fees, and a card's mean debt by year."""

    state: State
    current: np.ndarray
    deposit: np.ndarray
    fees: np.ndarray
    debt: np.ndarray


def lived(monkeypatch, offer: str, *, takes: bool, years: int = 1) -> Lived:
    """The years from `BEGINS`, in which all who may do or do not take one product in the first month."""
    numbers, calendar = np.arange(1_200), months_from_start(BEGINS + years * YEAR)
    draws = Draws(99, numbers)
    people = make_people(99, draws, numbers, calendar)
    state = State(people, draws, Books(calendar, numbers), calendar, False)
    early = np.flatnonzero((people.join_month == BEFORE_START) & people.has_history)
    taking.start_relation(state, early, people.joined_on[early], -1)
    natural, place = taking.takes, OFFERS.index(offer)
    current, deposit, fees = (np.zeros(len(numbers)) for _ in range(3))
    debt = np.zeros((len(numbers), years))
    for month in range(calendar.count):
        if month == BEGINS - 1:
            life.live_month(state, month)
            foresee(state, month)
            continue
        if month >= BEGINS:
            chance = 1.0 if takes and month == BEGINS else 0.0
            forced = lambda people, outlook, chance=chance: _with(natural(people, outlook), place, chance)  # noqa: E731
            monkeypatch.setattr(taking, "takes", forced)
        life.live_month(state, month)
        yuan = state.books.balance / 100
        if month >= BEGINS:
            current += (yuan[:, CURRENT] + yuan[:, SAVINGS]) * ON_CURRENT / YEAR
            deposit += yuan[:, TIME_DEPOSIT] * (FTP["time_deposit"] - state.books.rate[:, TIME_DEPOSIT]) / YEAR
            fees += taking.MANAGEMENT_FEE * yuan[:, INVESTMENT] * calendar.closes_quarter(month)
            debt[:, (month - BEGINS) // YEAR] += np.maximum(-yuan[:, CARD], 0) / YEAR
    monkeypatch.setattr(taking, "takes", natural)
    return Lived(state, current, deposit, fees, debt)


def _with(chances: np.ndarray, place: int, chance: float) -> np.ndarray:
    chances[:, place] = chance
    return chances


@dataclass(frozen=True)
class Brought:
    """Of those who may take it: what the truth says it is worth, what it brought itself, and on the current account."""

    value: np.ndarray
    own: np.ndarray
    current: np.ndarray


@pytest.fixture(scope="module")
def offered(request):
    with pytest.MonkeyPatch.context() as patch:
        one, other = (lived(patch, request.param, takes=takes) for takes in (True, False))
    rows, *_, values = one.state.records["truth"][-1]
    value = values[:, OFFERS.index(request.param)]
    may = ~np.isnan(value) & ~one.state.people.company[rows]
    rows, value = rows[may], value[may]
    usual = value < np.quantile(value, 0.95)  # a twentieth has a third of the money, and would decide alone
    own = (one.deposit + one.fees - other.deposit - other.fees)[rows]
    return request.param, Brought(value[usual], own[usual], (one.current - other.current)[rows][usual])


@pytest.mark.parametrize("offered", ["investment", "time_deposit"], indirect=True)
def test_an_account_brings_what_the_truth_says(offered):
    name, brought = offered
    opening = {"investment": 3 * COST_OF_BOOKING["counter"], "time_deposit": 12.0}[name]
    earned = brought.own + brought.current - YEAR * COST_OF_ACCOUNT[name] - opening
    assert brought.value.mean() == pytest.approx(earned.mean(), rel=0.15)
    assert np.corrcoef(brought.value, earned)[0, 1] > 0.5


@pytest.mark.parametrize("offered", ["investment"], indirect=True)
def test_what_is_moved_out_of_the_current_account_comes_back_within_the_year(offered):
    _, brought = offered
    assert abs(brought.current.mean()) < 0.1 * brought.own.mean()


def test_the_debt_on_a_new_card_builds_up_as_the_truth_says():
    with pytest.MonkeyPatch.context() as patch:
        debt = lived(patch, "card", takes=True, years=2).debt
    took = debt[:, 1] > 0
    assert debt[took, 0].mean() / debt[took, 1].mean() == pytest.approx(_CARD_BUILDS_UP, abs=0.05)
