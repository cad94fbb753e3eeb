"""Offers to customers: `targeting.allocate` against sorting by value and taking what fits."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd

from benchmarks.measure import Row, Times, compared, take_turns
from crmml.targeting import Allocation, Capacities, Limit, ListSpec, Offer, allocate, check_allocation
from crmml.targeting.room import Room, room_of

ALLOCATE = "allocation of offers"
GREEDY = "greedy, best first"
TRIMMED = "top 1, then trim"
SORTED = "numpy.argsort alone"
SECONDS, GAP = 10.0, 0.005
OFFERS = ("card", "fund", "insurance", "loan", "savings_plan", "time_deposit")
CHANNELS = ("phone", "branch", "phone", "branch", "app", "app")
COSTS = (12.0, 20.0, 12.0, 30.0, 1.0, 1.0)
BRANCHES, MANAGERS_EACH, ELIGIBLE = 50, 8, 0.6


def make_candidates(customers: int, *, seed: int = 11) -> pd.DataFrame:
    """Candidates with values that differ by customer and by offer, about 60 % of all pairs."""
    random = np.random.default_rng(seed)
    managers = random.integers(0, BRANCHES * MANAGERS_EACH, customers)
    wealth = random.lognormal(0, 0.8, customers)
    appeal = np.array([1.6, 1.3, 0.9, 1.4, 0.7, 0.6])
    value = 60 * wealth[:, None] * appeal * random.lognormal(0, 0.7, (customers, len(OFFERS))) - np.array(COSTS)
    who, what = np.nonzero(random.random(value.shape) < ELIGIBLE)
    return pd.DataFrame(
        {
            "customer_id": pd.Series([f"C{number:08d}" for number in range(customers)]).iloc[who].to_numpy(),
            "offer": np.array(OFFERS)[what],
            "channel": np.array(CHANNELS)[what],
            "branch_id": np.array([f"B{number:02d}" for number in range(BRANCHES)])[managers[who] // MANAGERS_EACH],
            "manager_id": np.array([f"M{number:03d}" for number in range(BRANCHES * MANAGERS_EACH)])[managers[who]],
            "contact_cost": np.array(COSTS)[what],
            "expected_value": value[who, what].round(2),
        }
    )


def make_spec(customers: int) -> ListSpec:
    """Every kind of limit at once: offer, channel, branch, manager, total and budget."""
    offers = tuple(
        Offer(name, name, name, channel, cost, value_if_taken=1.0, capacity=customers // 25)
        for name, channel, cost in zip(OFFERS, CHANNELS, COSTS, strict=True)
    )
    capacities = Capacities(
        total=customers // 6,
        per_channel={"phone": customers // 15, "branch": customers // 20},
        per_branch=Limit(customers // 6 // BRANCHES),
        per_manager=Limit(customers // 5 // (BRANCHES * MANAGERS_EACH)),
        budget=customers * 3.0,
    )
    return ListSpec("bench", "基准", "benchmark", "benchmark", offers, capacities, 0.0, 1, 30, explore_share=0.0)


def run(*, customers: int, rounds: int) -> list[Row]:
    candidates, spec = make_candidates(customers), make_spec(customers)
    room = room_of(spec, candidates)
    allocation = allocate(candidates, room)
    taken = {GREEDY: greedy(candidates, room), TRIMMED: top_then_trim(candidates, room)}
    broken = {name: _broken(candidates.iloc[rows], spec, candidates) for name, rows in
              {ALLOCATE: allocation.chosen, **taken}.items()}  # fmt: skip
    times = take_turns(
        {
            ALLOCATE: lambda: allocate(candidates, room),
            GREEDY: lambda: greedy(candidates, room),
            TRIMMED: lambda: top_then_trim(candidates, room),
            SORTED: lambda: np.argsort(-candidates["expected_value"].to_numpy(), kind="stable"),
        },
        rounds=rounds,
    )
    size = f"{customers:,} customers × {len(OFFERS)} offers, {len(candidates):,} candidates"
    return [
        _time(times, size, f"{broken[ALLOCATE]} rules violated by ours, {broken[GREEDY]} by the other"),
        compared(times, ALLOCATE, TRIMMED, size=size, checked=f"{broken[TRIMMED]} rules violated by the other"),
        compared(times, ALLOCATE, SORTED, size=size, checked="sorted only, nothing chosen"),
        *(_gap(candidates, allocation, rows, name, size, broken[ALLOCATE]) for name, rows in taken.items()),
    ]


def _time(times: Times, size: str, checked: str) -> Row:
    seconds = times.median(ALLOCATE)
    row = compared(times, ALLOCATE, GREEDY, size=size, goal=f"≤ {SECONDS:g} s", checked=checked)
    return dataclasses.replace(row, met=seconds <= SECONDS)


def _gap(candidates: pd.DataFrame, allocation: Allocation, taken: np.ndarray, name: str, size: str, broken: int) -> Row:
    gap = 1 - float(candidates["expected_value"].to_numpy()[taken].sum()) / allocation.bound
    return Row(
        what="gap to the upper bound of any list",
        against=name,
        size=size,
        ours=f"{allocation.gap:.4%}",
        theirs=f"{gap:.3%}",
        ratio=f"{allocation.gap / gap:.2g}" if gap > 0 else "",
        goal=f"gap ≤ {GAP:.1%}, 0 violated rules",
        met=allocation.gap <= GAP and broken == 0,
        checked=f"{len(allocation.chosen):,} rows by ours, {len(taken):,} by the other",
    )


def top_then_trim(candidates: pd.DataFrame, room: Room) -> np.ndarray:
    """Positions of each customer's best offer, of which the best that fit are kept."""
    best = candidates["expected_value"].groupby(candidates["customer_id"]).idxmax().to_numpy()
    return best[greedy(candidates.iloc[best], room)]


def greedy(candidates: pd.DataFrame, room: Room) -> np.ndarray:
    """Positions of the rows of highest value that still fit, in that order."""
    value = candidates["expected_value"].to_numpy()
    cost = candidates["contact_cost"].to_numpy()
    customer = pd.factorize(candidates["customer_id"])[0]
    codes, free = [], []
    for kind, column in (
        ("offer", "offer"),
        ("channel", "channel"),
        ("branch", "branch_id"),
        ("manager", "manager_id"),
    ):
        code, keys = pd.factorize(candidates[column])
        codes.append(code)
        free.append(np.array([room.free[kind][key] for key in keys]))
    served = np.zeros(customer.max() + 1, dtype=bool)
    total, budget, taken = room.total, room.budget, []
    for row in np.argsort(-value, kind="stable"):
        if value[row] <= 0 or total < 1:
            break
        if served[customer[row]] or cost[row] > budget:
            continue
        if any(left[code[row]] < 1 for code, left in zip(codes, free, strict=True)):
            continue
        for code, left in zip(codes, free, strict=True):
            left[code[row]] -= 1
        served[customer[row]] = True
        total, budget = total - 1, budget - cost[row]
        taken.append(row)
    return np.array(taken, dtype=np.int64)


def _broken(rows: pd.DataFrame, spec: ListSpec, candidates: pd.DataFrame) -> int:
    return len(check_allocation(rows.assign(arm="treated"), spec, candidates[["customer_id", "offer", "channel"]]))
