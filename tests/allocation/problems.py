"""Small problems with numbers by hand, and random ones of every kind of limit."""

from __future__ import annotations

import dataclasses
from itertools import product

import numpy as np

from crmml.allocation import Limits, Problem, Share

NONE = -np.inf


def limits(kind: str, most, *, customers=None, columns=None, least=None) -> Limits:
    most = np.asarray(most, dtype=float)
    asked = np.zeros(most.shape) if least is None else np.asarray(least, dtype=float)
    names = tuple(str(number) for number in range(most.size))
    as_codes = [None if codes is None else np.asarray(codes, dtype=np.int32) for codes in (customers, columns)]
    return Limits(kind, *as_codes, most, asked, names)


def problem(value, *kinds: Limits, cost=None, budget=np.inf, shares=()) -> Problem:
    value = np.asarray(value, dtype=float)
    return Problem(value, kinds, np.zeros(len(value)) if cost is None else np.asarray(cost, float), budget, shares)


def random_problem(seed: int, customers: int = 6, columns: int = 3) -> Problem:
    """Every kind of limit at once, tight enough to matter, with minimums now and then."""
    random = np.random.default_rng(seed)
    value = random.lognormal(2, 1, (columns, customers)) - 4
    value[value <= 0] = NONE
    manager = random.integers(0, 3, customers)
    branch = manager // 2
    offer = np.arange(columns) % 2
    least = np.zeros((1, 2))
    least[0, 0] = random.integers(0, 2)
    asked = Share(random.random(customers) < 0.4, 0.3) if random.random() < 0.5 else None
    return problem(
        value,
        limits("offer_branch", random.integers(1, 4, (2, 2)), customers=branch, columns=offer),
        limits("offer", random.integers(1, customers, (1, 2)), columns=offer, least=least),
        limits("channel", random.integers(1, customers, (1, columns)), columns=np.arange(columns)),
        limits("manager", random.integers(0, 3, (3, 1)), customers=manager),
        limits("branch", random.integers(1, 5, (2, 1)), customers=branch),
        limits("total", [[customers - 1]]),
        cost=random.integers(1, 4, columns),
        budget=float(random.integers(3, 12)),
        shares=() if asked is None else (asked,),
    )


def keeps(given: Problem, column: np.ndarray) -> bool:
    """Whether an allocation keeps every limit and minimum, counted row by row."""
    rows = [(customer, int(chosen)) for customer, chosen in enumerate(column) if chosen >= 0]
    if any(given.value[chosen, customer] == NONE for customer, chosen in rows):
        return False
    for each in given.limits:
        counts = np.zeros(each.most.shape)
        for customer, chosen in rows:
            group = 0 if each.columns is None else each.columns[chosen]
            counts[0 if each.customers is None else each.customers[customer], group] += 1
        if (counts > each.most).any() or (counts < each.least).any():
            return False
    if sum(given.cost[chosen] for _, chosen in rows) > given.budget + 1e-9:
        return False
    members = [sum(bool(share.member[customer]) for customer, _ in rows) for share in given.shares]
    return all(
        count >= share.share * len(rows) - share.offset - 1e-9
        for count, share in zip(members, given.shares, strict=True)
    )


def brute_force(given: Problem) -> float | None:
    """The best value of every allocation there is; None where none keeps all."""
    best = None
    for column in product(range(-1, given.columns), repeat=given.customers):
        chosen = np.array(column)
        if keeps(given, chosen):
            worth = given.worth(chosen)
            best = worth if best is None else max(best, worth)
    return best


def without(given: Problem, kind: str) -> Problem:
    """The problem with one kind of limit gone: a solver that forgets it."""
    return dataclasses.replace(given, limits=tuple(each for each in given.limits if each.kind != kind))
