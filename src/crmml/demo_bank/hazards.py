"""How likely things are in a month: leaving, missing an instalment, taking a product.

The simulation draws from these functions and the truth is computed from them,
so that the two cannot differ. Each takes the state at a month's end and gives
the chance for the month after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from crmml.demo_bank.draws import Floats, Ints
from crmml.demo_bank.people import Flags, People

REGIMES = 5  # 0: income arrives; 1, 2, 3: stopped for so many months; 4: for longer
COMPLAINT_AGES = 4  # 0: none in the last three months; 1, 2, 3: months since, newest first
LEAVES_WHEN_DRAINING = 0.34
STAYS_AFTER_ALL = 0.08
MOVES_INCOME = 0.95  # a month, of those who are leaving
NOISE_LEAVES = 0.019
NOISE_DEFAULTS = 0.005
NOISE_TAKES = (0.011, 0.010, 0.008, 0.007, 0.009)
INCOME_RETURNS = np.array([0.0, 0.14, 0.14, 0.14, 0.06])
_REGIME_LEAVE = np.array([1.0, 15.0, 20.0, 14.0, 3.5])
_COMPLAINT_LEAVE = np.array([1.0, 8.0, 6.0, 3.0])
ROLLS = np.array([0.0, 0.38, 0.55, 0.70])
CURES = np.array([0.0, 0.46, 0.24, 0.12])


@dataclass(frozen=True)
class Outlook:
    """What the chances of a month depend on, one entry per customer.

    `products` counts held families, `tenure` is months since joining, `idle` is
    the smoothed current balance and `wealth` all deposits and investments (yuan),
    `use` the used share of the card limit.
    """

    products: Ints
    tenure: Ints
    owes: Flags
    only_mortgage: Flags
    in_default: Flags
    draining: Flags
    regime: Ints
    complaint: Ints
    bucket: Ints
    idle: Floats
    wealth: Floats
    use: Floats


def income_stops(people: People) -> Floats:
    """Chance that income stops arriving."""
    return np.where(people.salaried, 0.019, 0.013) * np.exp(0.25 * people.risk_z)


def complains(people: People) -> Floats:
    """Chance of a complaint."""
    return np.where(people.company, 0.013, 0.011) * np.exp(-0.3 * people.loyalty_z)


def starts_to_leave(people: People, outlook: Outlook) -> Floats:
    """Chance to begin moving money away, by customer, income regime and complaint age: (n, 5, 4)."""
    newness = np.where(outlook.tenure < 12, 1.5, 1.0)
    level = np.exp(-4.28 - 0.50 * people.loyalty_z - 0.16 * (outlook.products - 2.5)) * newness
    level = level * np.where(outlook.owes, 0.8, 1.0) * np.where(outlook.in_default, 0.0, 1.0)
    hazard = level[:, None, None] * _REGIME_LEAVE[None, :, None] * _COMPLAINT_LEAVE[None, None, :]
    return np.minimum(hazard, 0.45)


def misses(people: People, outlook: Outlook) -> Floats:
    """Chance that a borrower who is up to date misses an instalment, by income regime: (n, 5)."""
    level = -3.88 + 1.10 * people.risk_z + 1.5 * (outlook.use - 0.4) - 0.9 * outlook.only_mortgage
    stressed = np.array([0.0, 1.3, 1.5, 1.5, 0.9])
    return 1 / (1 + np.exp(-(level[:, None] + stressed[None, :])))


def takes(people: People, outlook: Outlook) -> Floats:
    """Chance to take each of the five offers uncontacted, were it not yet held: (n, 5)."""
    mobile = people.mobile - 0.6
    arrives = outlook.regime == 0
    idle = np.log((outlook.idle + 300) / 7_500)
    wealth = np.log((outlook.wealth + 1_000) / 17_000)
    person = ~people.company
    income = np.where(person, people.income_z, 0.0)
    card = -5.4 + 1.6 * (people.salaried & arrives) + 1.4 * mobile + 0.6 * income - 0.03 * (people.age - 44)
    deposit = -5.32 + 1.05 * np.clip(idle, -3, 3) + 0.03 * (people.age - 44)
    invest = -6.0 + 1.05 * np.clip(wealth, -3, 3) + 1.4 * mobile
    insure = -5.8 + 1.9 * outlook.owes + 1.0 * people.married + 0.5 * income - 0.035 * np.abs(people.age - 40)
    lend = np.where(people.company, -3.6, -4.75) + 1.0 * people.income_z - 0.85 * np.clip(wealth, -3, 3)
    lend = lend + 1.5 * (people.occupation == 6) * person - 0.05 * np.maximum(people.age - 58, 0)
    scores = np.stack([card, deposit, invest, insure, lend], axis=1) + 0.6 * people.offer_z
    scores[people.company, 0] = -7.0
    scores[people.company, 3] = -7.0
    chance = np.minimum(np.exp(scores), 0.25)
    chance = chance * np.where(outlook.draining, 0.15, 1.0)[:, None] * np.where(outlook.bucket > 0, 0.2, 1.0)[:, None]
    return np.where(outlook.in_default[:, None], 0.0, chance)


def contacted(chance: Floats, response: Floats) -> Floats:
    """The monthly chance while a contact works (the month of the contact and the two after)."""
    return np.minimum(chance * (1 + response), 0.6)


def next_regime(regime: Ints, stops: Flags, returns: Flags) -> Ints:
    """The income regime a month later."""
    stopped = np.where(returns, 0, np.minimum(regime + 1, REGIMES - 1))
    return np.where(regime == 0, np.where(stops, 1, 0), stopped)


def next_complaint(age: Ints, new: NDArray[np.bool_]) -> Ints:
    """The complaint age a month later."""
    return np.where(new, 1, np.where((age > 0) & (age < COMPLAINT_AGES - 1), age + 1, 0))
