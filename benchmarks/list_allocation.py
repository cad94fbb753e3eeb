"""Offers to customers: `targeting.allocate` against sorting by value and taking what fits."""

from __future__ import annotations

import numpy as np
import pandas as pd

from benchmarks.measure import Row, compared, take_turns
from crmml.targeting import Capacities, Limit, ListSpec, Offer, allocate, check_allocation
from crmml.targeting.room import Room, room_of

ALLOCATE = "allocation of offers"
GREEDY = "numpy argsort, best first"
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
    taken = greedy(candidates, room)
    broken = {name: _broken(candidates.iloc[rows], spec, candidates) for name, rows in
              ((ALLOCATE, allocation.chosen), (GREEDY, taken))}  # fmt: skip
    times = take_turns(
        {ALLOCATE: lambda: allocate(candidates, room), GREEDY: lambda: greedy(candidates, room)}, rounds=rounds
    )
    size = f"{customers:,} customers × {len(OFFERS)} offers, {len(candidates):,} candidates"
    value = float(candidates["expected_value"].to_numpy()[taken].sum())
    greedy_gap = 1 - value / allocation.bound
    return [
        compared(
            times,
            ALLOCATE,
            GREEDY,
            size=size,
            at_most=4,
            checked=f"{broken[ALLOCATE]} rules violated by ours, {broken[GREEDY]} by the other",
        ),
        Row(
            what="gap to the upper bound of any list",
            against=GREEDY,
            size=size,
            ours=f"{allocation.gap:.3%}",
            theirs=f"{greedy_gap:.3%}",
            ratio=f"{allocation.gap / greedy_gap:.2g}" if greedy_gap > 0 else "",
            goal="gap ≤ 1 %, 0 violated rules",
            met=allocation.gap <= 0.01 and broken[ALLOCATE] == 0,
            checked=f"{len(allocation.chosen):,} rows by ours, {len(taken):,} by the other",
        ),
    ]


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
