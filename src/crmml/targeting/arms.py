"""Who is treated, who is held out, and who is tried at random.

The list must be able to say afterwards what it brought, so a share of the
chosen is held out at random (control), and a few customers drawn at random
from all eligible ones get a random offer (explore), whatever their score.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from crmml.targeting.allocation import Allocation, Slots, allocate
from crmml.targeting.room import COUNTED, Room, ids_of, room_of
from crmml.targeting.rounding import draw_share
from crmml.targeting.spec import ListSpec

TREATED, CONTROL, EXPLORE = "treated", "control", "explore"


@dataclass(frozen=True)
class Chosen:
    """The rows of a list with their `arm`, and the allocation that found the treated and control rows."""

    rows: pd.DataFrame
    allocation: Allocation


def choose(spec: ListSpec, candidates: pd.DataFrame) -> Chosen:
    """Allocate the offers and draw the arms.

    Explore rows are drawn first, because they are contacted and use capacity.
    The allocation then has room for n rows wherever n less the control share
    fits, and each manager, branch, offer, channel and the total holds out its
    share to within one row; so the rows that are contacted never exceed a
    capacity. Every chosen row has the same probability of being held out.

    Parameters
    ----------
    candidates
        Eligible and unsuppressed, sorted by customer, offer and channel, with their expected value.
    """
    room = room_of(spec, candidates)
    kinds = candidates.drop_duplicates(["offer", "channel"])
    reserve = float(kinds["contact_cost"].sum())
    parts = Counter(kinds["channel"].tolist()) if kinds["offer"].duplicated().any() else None
    tried = candidates.iloc[draw_explore(candidates, room, _explore_rows(spec, candidates, room), spec.seed)]
    rest = candidates[~candidates["customer_id"].isin(tried["customer_id"])]
    found = allocate(rest, room.less(tried).stretched(spec.control_share, reserve, parts))
    chosen = _with_control(spec, rest.iloc[found.chosen])
    return Chosen(pd.concat([chosen, tried.assign(arm=EXPLORE)]) if len(tried) else chosen, found)


def draw_explore(candidates: pd.DataFrame, room: Room, wanted: int, seed: int) -> np.ndarray:
    """Positions of `wanted` random customers, each with a random offer and channel of theirs, as far as there is room."""
    if wanted == 0:
        return np.empty(0, dtype=np.int64)
    random = np.random.default_rng([seed, 1])
    customer = pd.factorize(candidates["customer_id"])[0]
    starts = np.searchsorted(customer, np.arange(customer.max() + 2))
    drawn: list[int] = []
    free = {kind: dict(ids) for kind, ids in room.free.items()}
    keys = {kind: ids_of(candidates, column).to_numpy() for kind, column in COUNTED.items()}
    costs, budget = candidates["contact_cost"].to_numpy(), room.budget
    for number in random.permutation(len(starts) - 1):
        if len(drawn) == min(wanted, room.total):
            break
        row = int(random.integers(starts[number], starts[number + 1]))
        if costs[row] <= budget and all(free[kind][keys[kind][row]] >= 1 for kind in COUNTED):
            drawn.append(row)
            budget -= costs[row]
            for kind in COUNTED:
                free[kind][keys[kind][row]] -= 1
    return np.sort(np.array(drawn, dtype=np.int64))


def _explore_rows(spec: ListSpec, candidates: pd.DataFrame, room: Room) -> int:
    """The explore share of the rows a plain best-first pass would treat."""
    values = candidates["expected_value"].to_numpy()
    useful = candidates[values > 0]
    if spec.explore_share == 0 or useful.empty:
        return 0
    order = np.argsort(-useful["expected_value"].to_numpy(), kind="stable")
    return round(spec.explore_share * len(Slots.of(useful, room).fill(order)))


def _with_control(spec: ListSpec, rows: pd.DataFrame) -> pd.DataFrame:
    if spec.control_share == 0 or rows.empty:
        return rows.assign(arm=TREATED)
    codes = {kind: pd.factorize(ids_of(rows, column), sort=True)[0] for kind, column in COUNTED.items()}
    held = draw_share(Fraction(str(spec.control_share)), seed=spec.seed, **codes)
    return rows.assign(arm=pd.array(np.where(held, CONTROL, TREATED), dtype="str"))
