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
from crmml.demo_bank.people import People, part_of
from crmml.demo_bank.state import State
from crmml.demo_bank.taking import WORKS_MONTHS, open_to_offers
from crmml.demo_bank.worth import contribution_next_year, value_if_taken

YEAR = 12
_CLOSED_GAP = 1
CHURN_MONTHS = (1, 3, 6, 12)
_LEAVES_FOR_GOOD = 0.6  # of those who begin to leave, the part that is gone before a loan can go wrong


def foresee(state: State, month: int) -> None:
    """Write down the truth at the end of `month` for every active customer."""
    rows = np.flatnonzero(state.active)
    outlook = state.outlook(month)
    leaves, present = np.zeros((len(outlook.regime), len(CHURN_MONTHS))), np.ones(len(outlook.regime))
    leaves[rows], present[rows] = chance_to_leave(
        part_of(state.people, rows), part_of(outlook, rows), noise=state.noise
    )
    defaults = _defaults_of_borrowers(state, outlook)
    free = open_to_offers(state)
    chance = takes(state.people, outlook) if not state.noise else np.tile(np.array(NOISE_TAKES), (len(free), 1))
    chance = np.where(free, chance, np.nan)
    alone = 1 - (1 - chance) ** WORKS_MONTHS
    asked = 1 - (1 - contacted(chance, state.people.response)) ** WORKS_MONTHS
    values = np.where(free, value_if_taken(state, month, present), np.nan)
    worth = contribution_next_year(state, month, outlook, present, defaults, chance)
    end = np.full(len(rows), state.months.ends[month])
    columns = (leaves, defaults, worth, alone, asked, values)
    state.record("truth", rows, end, *(column[rows] for column in columns))


def _defaults_of_borrowers(state: State, outlook: Outlook) -> Floats:
    rows = np.flatnonzero(state.active & outlook.owes & ~outlook.in_default)
    months_left = state.left[rows].max(axis=1)
    chances = np.full(len(state.active), np.nan)
    if len(rows):
        some, their = part_of(state.people, rows), part_of(outlook, rows)
        chances[rows] = chance_of_default(some, their, months_left, noise=state.noise)
    return chances


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


def chance_to_leave(people: People, outlook: Outlook, *, noise: bool) -> tuple[Floats, Floats]:
    """Chances that all accounts are closed in so many months after the next, given they are not closed in it: (n, 4).

    Also gives the expected share of the next twelve months that the customer is there.
    """
    count, everybody = len(people), np.arange(len(people))
    if noise:
        share = np.mean((1 - NOISE_LEAVES) ** np.arange(1, YEAR + 1))
        return np.tile(1 - (1 - NOISE_LEAVES) ** np.array(CHURN_MONTHS), (count, 1)), np.full(count, share)
    hazard = starts_to_leave(people, outlook)
    staying = np.zeros((count, REGIMES, COMPLAINT_AGES))
    draining = np.zeros_like(staying)
    goes, stays = LEAVES_WHEN_DRAINING, STAYS_AFTER_ALL
    gone = np.zeros((YEAR + _CLOSED_GAP, count))
    for month in range(YEAR + _CLOSED_GAP):
        later_staying, later_draining = _next_month(staying, people), _next_month(draining, people)
        staying = hazard * later_draining + (1 - hazard) * later_staying
        draining = goes + (1 - goes - stays) * later_draining + stays * later_staying
        from_here = np.where(outlook.draining[:, None, None], draining, staying)
        gone[month] = from_here[everybody, outlook.regime, outlook.complaint]
    in_gap = gone[_CLOSED_GAP - 1][:, None]
    by_then = gone[[_CLOSED_GAP + months - 1 for months in CHURN_MONTHS]].T
    leaves = (by_then - in_gap) / (1 - in_gap)
    present = 1 - gone[:YEAR].mean(axis=0)
    return np.where(outlook.in_default[:, None], 0.0, leaves), np.where(outlook.in_default, 1.0, present)


def chance_of_default(people: People, outlook: Outlook, months_left: Ints, *, noise: bool) -> Floats:
    """Chance of 90 days past due within twelve months, of borrowers who are not in default."""
    if noise:
        return np.asarray(1 - (1 - NOISE_DEFAULTS) ** np.clip(months_left, 1, YEAR), dtype=np.float64)
    miss = misses(people, outlook)
    leaving = _LEAVES_FOR_GOOD * starts_to_leave(people, outlook)[:, :, 0]
    leaving = np.where(outlook.draining[:, None], LEAVES_WHEN_DRAINING, leaving)
    chance = np.zeros((len(people), 4, REGIMES))
    for month in range(YEAR, 0, -1):
        later = _next_regime(chance, people)
        missed = miss * (months_left >= month)[:, None]
        fresh = np.empty_like(chance)
        fresh[:, 0] = missed * later[:, 1] + (1 - missed) * later[:, 0]
        for rung in range(1, 4):
            up = later[:, rung + 1] if rung < 3 else 1.0
            roll, cure = ROLLS[rung], CURES[rung]
            fresh[:, rung] = roll * up + cure * later[:, 0] + (1 - roll - cure) * later[:, rung]
        chance = (1 - leaving[:, None]) * fresh
    return chance[np.arange(len(people)), outlook.bucket, outlook.regime]


def _next_regime(values: Floats, people: People) -> Floats:
    """Expectation over next month's income regime of `values` (n, buckets, 5)."""
    stops = income_stops(people)[:, None]
    result = np.empty_like(values)
    result[:, :, 0] = stops * values[:, :, 1] + (1 - stops) * values[:, :, 0]
    for regime in range(1, REGIMES):
        back = INCOME_RETURNS[regime]
        result[:, :, regime] = back * values[:, :, 0] + (1 - back) * values[:, :, min(regime + 1, REGIMES - 1)]
    return result
