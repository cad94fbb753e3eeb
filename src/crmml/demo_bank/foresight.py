"""The true chances at each month's end, from the very hazards the simulation draws from.

States that change by lot within the window (income, complaints, arrears) are
summed over all their paths by backward recursion; slow ones (products held,
balances, card use) stay as they are at the cut-off, which is the only
approximation.
"""

from __future__ import annotations

import numpy as np

from crmml.demo_bank.draws import Floats, Ints
from crmml.demo_bank.hazards import (
    COMPLAINT_AGES,
    CURES,
    INCOME_RETURNS,
    LEAVES_WHEN_DRAINING,
    NOISE_DEFAULTS,
    NOISE_LEAVES,
    NOISE_TAKES,
    REGIMES,
    ROLLS,
    STAYS_AFTER_ALL,
    Outlook,
    complains,
    contacted,
    income_stops,
    misses,
    starts_to_leave,
    takes,
)
from crmml.demo_bank.people import People
from crmml.demo_bank.state import State
from crmml.demo_bank.taking import open_to_offers

_CLOSED_GAP, _CLOSED_MONTHS = 1, 3


def foresee(state: State, month: int) -> None:
    """Write down the truth at the end of `month` for every active customer."""
    rows = np.flatnonzero(state.active)
    outlook = state.outlook(month)
    leaves = chance_to_leave(state.people, outlook, noise=state.noise)
    months_left = state.left.max(axis=1)
    defaults = chance_of_default(state.people, outlook, months_left, noise=state.noise)
    free = open_to_offers(state)
    monthly = takes(state.people, outlook) if not state.noise else np.tile(np.array(NOISE_TAKES), (len(free), 1))
    alone = np.where(free, 1 - (1 - monthly) ** 3, np.nan)
    asked = np.where(free, 1 - (1 - contacted(monthly, state.people.response)) ** 3, np.nan)
    end = np.full(len(rows), state.months.ends[month])
    state.record("truth", rows, end, leaves[rows], defaults[rows], alone[rows], asked[rows])


def _next_month(values: Floats, people: People) -> Floats:
    """Expectation over next month's income regime and complaint age of `values` (n, 5, 4)."""
    stops, new = income_stops(people)[:, None], complains(people)[:, None]
    by_regime = np.empty_like(values)
    by_regime[:, 0] = stops * values[:, 1] + (1 - stops) * values[:, 0]
    for regime in range(1, REGIMES):
        back = INCOME_RETURNS[regime]
        by_regime[:, regime] = back * values[:, 0] + (1 - back) * values[:, min(regime + 1, REGIMES - 1)]
    result = np.empty_like(values)
    for age in range(COMPLAINT_AGES):
        older = age + 1 if 0 < age < COMPLAINT_AGES - 1 else 0
        result[:, :, age] = new * by_regime[:, :, 1] + (1 - new) * by_regime[:, :, older]
    return result


def chance_to_leave(people: People, outlook: Outlook, *, noise: bool) -> Floats:
    """Chance that all accounts are closed in the three months after the next, given they are not closed in it."""
    count = len(people)
    if noise:
        return np.full(count, 1 - (1 - NOISE_LEAVES) ** _CLOSED_MONTHS)
    hazard = starts_to_leave(people, outlook)
    staying = np.zeros((count, REGIMES, COMPLAINT_AGES))
    draining = np.zeros_like(staying)
    goes, stays = LEAVES_WHEN_DRAINING, STAYS_AFTER_ALL
    for _ in range(_CLOSED_GAP + _CLOSED_MONTHS):
        later_staying, later_draining = _next_month(staying, people), _next_month(draining, people)
        staying = hazard * later_draining + (1 - hazard) * later_staying
        draining = goes + (1 - goes - stays) * later_draining + stays * later_staying
    everybody = np.arange(count)
    within = np.where(
        outlook.draining,
        draining[everybody, outlook.regime, outlook.complaint],
        staying[everybody, outlook.regime, outlook.complaint],
    )
    in_gap = np.where(outlook.draining, goes, 0.0)
    return np.where(outlook.in_default, 0.0, (within - in_gap) / (1 - in_gap))


def chance_of_default(people: People, outlook: Outlook, months_left: Ints, *, noise: bool) -> Floats:
    """Chance of 90 days past due within twelve months; nan for those who owe nothing or are in default."""
    borrower = outlook.owes & ~outlook.in_default
    window = np.clip(months_left, 1, 12)
    if noise:
        return np.where(borrower, 1 - (1 - NOISE_DEFAULTS) ** window, np.nan)
    miss = misses(people, outlook)
    leaving = 0.8 * starts_to_leave(people, outlook)[:, :, 0]
    leaving = np.where(outlook.draining[:, None], LEAVES_WHEN_DRAINING, leaving)
    chance = np.zeros((len(people), 4, REGIMES))
    found = np.zeros(len(people))
    everybody = np.arange(len(people))
    start = np.minimum(outlook.bucket, 3)
    for step in range(1, 13):
        later = _next_regime(chance, people)
        fresh = np.empty_like(chance)
        fresh[:, 0] = (1 - leaving) * (miss * later[:, 1] + (1 - miss) * later[:, 0])
        for rung in range(1, 4):
            up = later[:, rung + 1] if rung < 3 else 1.0
            roll, cure = ROLLS[rung], CURES[rung]
            fresh[:, rung] = (1 - leaving) * (roll * up + cure * later[:, 0] + (1 - roll - cure) * later[:, rung])
        chance = fresh
        found = np.where(window == step, chance[everybody, start, outlook.regime], found)
    return np.where(borrower, found, np.nan)


def _next_regime(values: Floats, people: People) -> Floats:
    """Expectation over next month's income regime of `values` (n, buckets, 5)."""
    stops = income_stops(people)[:, None]
    result = np.empty_like(values)
    result[:, :, 0] = stops * values[:, :, 1] + (1 - stops) * values[:, :, 0]
    for regime in range(1, REGIMES):
        back = INCOME_RETURNS[regime]
        result[:, :, regime] = back * values[:, :, 0] + (1 - back) * values[:, :, min(regime + 1, REGIMES - 1)]
    return result
