"""What a list was asked for and cannot do, in words: a smallest set of rules in conflict, with their numbers."""

from __future__ import annotations

import dataclasses

import numpy as np

from crmml.allocation import Demand, Limits, Problem, conflict
from crmml.targeting.room import Room

_KEYS = {
    "offer": ("capacity of {key}", "minimum_per_product {key}"),
    "channel": ("per_channel {key}", ""),
    "offer_branch": ("per_product_branch {key}", ""),
    "manager": ("per_manager", ""),
    "branch": ("per_branch", "minimum_per_branch {key}"),
    "total": ("total", "a list of one row"),
}
_TOGETHER = ("manager", "branch", "offer_branch")
"""Kinds whose upper limits are one rule of the config."""


def conflict_text(problem: Problem, room: Room, *, at_least_one: bool = False) -> str | None:
    """The rules in conflict, such as "minimum_per_product card ≥ 50, capacity of card ≤ 40"; None where none is proven.

    With `at_least_one` what is asked for is one row on the list.
    """
    if at_least_one:
        problem = _asking_for_one(problem)
    demands = _demands(problem)
    found = conflict(problem, demands)
    if not found:
        return None
    said = [_said(problem, demand, room) for demand in found if not (at_least_one and demand.part == "least")]
    minimums = [demand for demand in found if demand.part in ("least", "share")]
    if len(found) == 1 and minimums and not at_least_one:
        said.append(f"{_available(problem, minimums[0]):,} customers are eligible for it and worth contacting")
    return ", ".join(said)


def _asking_for_one(problem: Problem) -> Problem:
    limits = tuple(each for each in problem.limits if each.kind != "total")
    total = [each.most for each in problem.limits if each.kind == "total"]
    asked = Limits("total", None, None, total[0] if total else np.full((1, 1), np.inf), np.ones((1, 1)), ("",))
    limits = tuple(dataclasses.replace(each, least=np.zeros(each.least.shape)) for each in limits)
    return dataclasses.replace(problem, limits=(*limits, asked))


def _demands(problem: Problem) -> list[Demand]:
    """Upper limits first, the widest first, so that what stays is close to what was asked for."""
    demands = []
    for number, limits in enumerate(problem.limits):
        cells = np.flatnonzero(np.isfinite(limits.most.ravel())).tolist()
        if limits.kind in _TOGETHER:
            demands.append(Demand("most", number, tuple(cells)))
        else:
            demands += [Demand("most", number, (cell,)) for cell in cells]
    if np.isfinite(problem.budget):
        demands.append(Demand("budget"))
    demands += [Demand("share", number) for number in range(len(problem.shares))]
    for number, limits in enumerate(problem.limits):
        demands += [Demand("least", number, (cell,)) for cell in np.flatnonzero(limits.least.ravel()).tolist()]
    return sorted((demand for demand in demands if demand.cells), key=lambda demand: demand.part in ("least", "share"))


def _said(problem: Problem, demand: Demand, room: Room) -> str:
    if demand.part == "budget":
        asked = room.budget if room.contacted is None else room.contacted.budget
        return f"budget {asked:,.2f} (a contact costs {problem.cost.min():,.2f} at least)"
    if demand.part == "share":
        return f"minimum_shares {demand.number + 1} ≥ {problem.shares[demand.number].share:.0%} of the rows"
    limits = problem.limits[demand.number]
    most, least = _KEYS[limits.kind]
    if demand.part == "most" and limits.kind in _TOGETHER:
        return f"{most.format(key='')} ≤ {_sum(_contacted(room, limits.kind)):,.0f} rows together".replace("  ", " ")
    key = limits.names[demand.cells[0]]
    asked_for = _contacted(room, limits.kind) if demand.part == "most" else (room.contacted or room).least[limits.kind]
    count = asked_for[key]
    solved = float((limits.most if demand.part == "most" else limits.least).ravel()[demand.cells[0]])
    with_control = f" ({solved:,.0f} with the control arm)" if solved != count else ""
    name, sign = (most, "≤") if demand.part == "most" else (least, "≥")
    return f"{name.format(key=key)} {sign} {count:,.0f} rows{with_control}"


def _contacted(room: Room, kind: str) -> dict[str, float]:
    asked = room.contacted or room
    return {"": asked.total} if kind == "total" else dict(asked.free[kind])


def _sum(counts: dict[str, float]) -> float:
    return sum(count for count in counts.values() if np.isfinite(count))


def _available(problem: Problem, demand: Demand) -> int:
    """Customers with a candidate that helps to meet a minimum."""
    can = problem.value > -np.inf
    if demand.part == "share":
        member = problem.shares[demand.number].member
        return int((can & member).any(axis=0).sum())
    limits = problem.limits[demand.number]
    column, customer = np.nonzero(can)
    inside = limits.cells(customer, column) == demand.cells[0]
    return len(np.unique(customer[inside]))
