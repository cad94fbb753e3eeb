"""Who the customers are: what the bank sees of them, and the traits it does not."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from crmml.demo_bank.draws import Draws, Floats, Ints
from crmml.demo_bank.months import Months
from crmml.demo_bank.words import INDUSTRIES, MANAGERS_PER_BRANCH, OCCUPATIONS, REGIONS

Flags = NDArray[np.bool_]
BEFORE_START = -1
_OCCUPATION_SHARES = np.array([0.22, 0.20, 0.17, 0.05, 0.04, 0.05, 0.12, 0.11, 0.04])
_OCCUPATION_INCOME = np.array([-0.45, -0.05, 0.15, 0.30, 0.40, 0.35, 0.20, -0.30, -0.20])
_OCCUPATION_SALARIED = np.array([0.30, 0.88, 0.95, 0.98, 0.98, 0.98, 0.10, 0.90, 0.45])
_BRANCH_SHARES = np.array([0.22, 0.17, 0.14, 0.12, 0.11, 0.10, 0.08, 0.06])
_MANAGER_SHARES = np.array([0.5, 0.3, 0.2])


@dataclass(frozen=True)
class People:
    """One entry per customer. `*_z` are standard scores the bank never sees in full.

    `join_month` is -1 for customers of before the first month; `income` is yuan
    a month (a firm's turnover for companies).
    """

    number: Ints
    company: Flags
    has_history: Flags
    join_month: Ints
    joined_on: Ints
    born_on: Ints
    age: Floats
    female: Flags
    region: Ints
    occupation: Ints
    industry: Ints
    branch: Ints
    manager: Ints
    refuses: Flags
    salaried: Flags
    married: Flags
    same_as_previous: Flags
    income: Floats
    income_z: Floats
    wealth_z: Floats
    loyalty_z: Floats
    risk_z: Floats
    mobile: Floats
    offer_z: Floats
    response: Floats
    salary_day: Ints
    due_day: Ints
    dresses: Flags
    revolver: Floats
    shops: Floats

    def __len__(self) -> int:
        return len(self.number)


Record = TypeVar("Record")


def part_of(record: Record, rows: Ints) -> Record:
    """The customers at positions `rows` of a dataclass of arrays."""
    columns: dict[str, Any] = {field.name: getattr(record, field.name)[rows] for field in fields(record)}  # type: ignore[arg-type]
    return type(record)(**columns)


def pick(uniform: Floats, shares: Floats) -> Ints:
    """The class of each uniform number when classes have the given shares."""
    edges = np.cumsum(shares) / np.sum(shares)
    return np.minimum(np.searchsorted(edges, uniform), len(shares) - 1).astype(np.int64)


def make_people(seed: int, draws: Draws, numbers: Ints, months: Months) -> People:
    """The customers with the given numbers (0, 1, 2 …); neighbours with even and odd numbers may be related."""
    count = len(numbers)
    company = draws.uniform("company") < 0.08
    occupation = pick(draws.uniform("occupation"), _OCCUPATION_SHARES)
    age = np.clip(44 + 14 * draws.normal("age"), 19, 84)
    age = np.where(OCCUPATION_IS_RETIRED[occupation], np.maximum(age, 58), age)
    income_z = draws.normal("income")
    person_income = np.exp(8.45 + _OCCUPATION_INCOME[occupation] + 0.45 * income_z)
    income = np.where(company, np.exp(11.2 + 0.9 * income_z), person_income)
    wealth_z = 0.5 * income_z + np.sqrt(0.75) * draws.normal("wealth")
    risk_z = -0.4 * wealth_z + np.sqrt(0.84) * draws.normal("risk")
    branch = pick(draws.uniform("branch"), _BRANCH_SHARES)
    join_month, joined_on = _joined(draws, months)
    other = _neighbour(numbers, count)
    pair = Draws(seed, numbers // 2).uniform("pair")
    persons = ~company & ~company[other] & (other != np.arange(count))
    same = (numbers % 2 == 1) & (pair < 0.04) & persons
    married = (pair > 0.70) & persons
    born_on = (-365.25 * (age - 53 + draws.uniform("birthday"))).astype(np.int64)
    female = draws.uniform("gender") < 0.5
    mobile = 1.6 / (1 + np.exp(0.055 * (age - 42) - 0.9 * draws.normal("mobile")))
    return People(
        number=numbers,
        company=company,
        has_history=draws.uniform("history") > 0.02,
        join_month=join_month,
        joined_on=joined_on,
        born_on=np.where(same, born_on[other], born_on),
        age=age,
        female=np.where(same, female[other], np.where(married & (numbers % 2 == 1), ~female[other], female)),
        region=np.where(draws.uniform("region") < 0.8, branch, (draws.uniform("region2") * len(REGIONS)).astype(int)),
        occupation=occupation,
        industry=(draws.uniform("industry") * len(INDUSTRIES)).astype(np.int64),
        branch=branch,
        manager=branch * MANAGERS_PER_BRANCH + pick(draws.uniform("manager"), _MANAGER_SHARES),
        refuses=draws.uniform("refuses") < 0.04,
        salaried=(draws.uniform("salaried") < _OCCUPATION_SALARIED[occupation]) & ~company,
        married=married,
        same_as_previous=same,
        income=income,
        income_z=income_z,
        wealth_z=wealth_z,
        loyalty_z=draws.normal("loyalty"),
        risk_z=risk_z,
        mobile=mobile,
        offer_z=np.stack([draws.normal("offer", k) for k in range(5)], axis=1),
        response=_response(draws, mobile),
        salary_day=5 + (draws.uniform("salary day") * 11).astype(np.int64),
        due_day=5 + (draws.uniform("due day") * 21).astype(np.int64),
        dresses=draws.uniform("dresses") < 0.04,
        revolver=np.where(draws.uniform("revolver") < 0.5, 0.15 + 0.7 * draws.uniform("revolves"), 0.0),
        shops=np.exp(0.35 + 0.5 * draws.normal("shops")),
    )


OCCUPATION_IS_RETIRED = np.array([name == "退休" for name in OCCUPATIONS])


def _joined(draws: Draws, months: Months) -> tuple[Ints, Ints]:
    """Month of joining (-1: before the first) and the day; three fifths were there at the start."""
    early = draws.uniform("early") < 0.60
    month = (draws.uniform("join month") * months.count).astype(np.int64)
    day = months.starts[month] + (draws.uniform("join day") * 27).astype(np.int64)
    long_ago = months.starts[0] - 1 - (draws.uniform("join year") ** 1.5 * 4700).astype(np.int64)
    return np.where(early, BEFORE_START, month), np.where(early, long_ago, day)


def _response(draws: Draws, mobile: Floats) -> Floats:
    """By how much a contact multiplies the chance of taking, less one, per customer and offer.

    Two in five are lost causes (nothing changes), one in ten would rather not be
    disturbed, the rest respond, users of the mobile bank more.
    """
    columns = []
    for offer in range(5):
        kind = draws.uniform("response", offer)
        strength = (0.9 + 1.6 * np.clip(mobile, 0, 1.6)) * (0.5 + draws.uniform("strength", offer))
        columns.append(np.where(kind < 0.40, 0.0, np.where(kind < 0.50, -0.6, strength)))
    return np.stack(columns, axis=1)


def _neighbour(numbers: Ints, count: int) -> Ints:
    """The position of the other customer of each pair (0 and 1, 2 and 3 …); one without another is its own."""
    return np.minimum(np.arange(count) + np.where(numbers % 2 == 0, 1, -1), count - 1)
