"""Who is treated, who is held out, and who is tried at random.

The list must be able to say afterwards what it brought, so a share of the
chosen is held out at random (control), and a few customers drawn at random
from all eligible ones get a random offer (explore), whatever their score.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from crmml.errors import GateError
from crmml.targeting.allocation import Allocation, allocate, empty_reason
from crmml.targeting.greedy import Slots
from crmml.targeting.room import COUNTED, NOBODY, Parts, Room, ids_of, room_of
from crmml.targeting.rounding import draw_share
from crmml.targeting.spec import ListSpec

TREATED, CONTROL, EXPLORE = "treated", "control", "explore"
_NOBODY_OF = f"{NOBODY} × "
_MARGIN = 3.0
"""Standard deviations of a control draw kept above a minimum share, so that hardly any draw is made again."""
_DRAWS, _NEXT_SEED = 200, 1_000_003


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
    tried = candidates.iloc[draw_explore(candidates, room, _explore_rows(spec, candidates, room), spec.seed)]
    rest = candidates[~candidates["customer_id"].isin(tried["customer_id"])]
    left = room.less(tried)
    stretched = left.stretched(spec.control_share, _money_apart(candidates), _parts(candidates))
    found = _allocated(spec, rest, stretched)
    if not len(found.chosen) and tried.empty and (rest["expected_value"] > 0).any():
        raise GateError(
            "the list is empty: one offer per customer through one channel, within capacities, leaves no row"
            + (f" ({reason})" if (reason := empty_reason(rest, stretched)) else "")
            + "; raise a capacity",
            code="G010",
        )
    chosen = _with_control(spec, rest.iloc[found.chosen], left)
    return Chosen(pd.concat([chosen, tried.assign(arm=EXPLORE)]) if len(tried) else chosen, found)


def _allocated(spec: ListSpec, rest: pd.DataFrame, room: Room) -> Allocation:
    """The allocation; with so many members of each minimum share more that the control draw leaves enough of them."""
    found = allocate(rest, room)
    if not room.shares or spec.control_share == 0 or not len(found.chosen):
        return found
    spread = math.sqrt(len(found.chosen) * spec.control_share / (1 - spec.control_share))
    margins = [_MARGIN * spread * math.sqrt(share.share * (1 - share.share)) for share in room.shares]
    try:
        return allocate(rest, room.with_margins(margins))
    except GateError:
        return found


def _money_apart(candidates: pd.DataFrame) -> float:
    """What one contact of every offer and channel costs in all."""
    return float(candidates.drop_duplicates(["offer", "channel"])["contact_cost"].sum())


def _parts(candidates: pd.DataFrame) -> Parts:
    """In how many parts a channel, branch, or product of a branch is held to its control share, where not as one."""
    kinds = candidates[["offer", "channel"]].drop_duplicates()
    channels = Counter(kinds["offer"].tolist())
    offers = Counter(kinds["channel"].tolist()) if max(channels.values(), default=1) > 1 else {}
    branches = ids_of(candidates, COUNTED["branch"])
    pairs = pd.DataFrame({"branch": branches, "manager": _managers(candidates)}).drop_duplicates()
    is_nested = not pairs["manager"].duplicated().any()
    alone = pairs["manager"].str.startswith(_NOBODY_OF)
    cells = candidates[["offer", "channel"]].assign(branch=branches).drop_duplicates()
    by_offer = {
        key: channels[offer]
        for key, offer in zip(ids_of(candidates, COUNTED["offer_branch"]), candidates["offer"], strict=True)
    }
    return {
        "channel": offers,
        "manager": {NOBODY: max(1, int(alone.sum()))},
        "branch": {} if is_nested else Counter(cells["branch"].tolist()),
        "offer_branch": by_offer if offers else {},
    }


def draw_explore(candidates: pd.DataFrame, room: Room, wanted: int, seed: int) -> np.ndarray:
    """Positions of `wanted` random customers, each with a random offer and channel of theirs, as far as there is room."""
    if wanted == 0:
        return np.empty(0, dtype=np.int64)
    random = np.random.default_rng([seed, 1])
    customer = pd.factorize(candidates["customer_id"])[0]
    starts = np.searchsorted(customer, np.arange(customer.max() + 2))
    drawn: list[int] = []
    free = {kind: dict(ids) for kind, ids in room.free.items()}
    keys = {kind: ids_of(candidates, columns).to_numpy() for kind, columns in COUNTED.items()}
    costs, budget = candidates["contact_cost"].to_numpy(), room.budget
    for number in random.permutation(len(starts) - 1):
        if len(drawn) == min(wanted, room.total):
            break
        row = int(random.integers(starts[number], starts[number + 1]))
        if costs[row] <= budget and all(free[kind].get(keys[kind][row], 1) >= 1 for kind in COUNTED):
            drawn.append(row)
            budget -= costs[row]
            for kind in COUNTED:
                if keys[kind][row] in free[kind]:
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


def _managers(rows: pd.DataFrame) -> pd.Series:
    """The managers of rows; those without one are told apart by branch, so that managers lie within branches."""
    managers = ids_of(rows, COUNTED["manager"])
    return managers.where(managers != NOBODY, _NOBODY_OF + ids_of(rows, COUNTED["branch"]))


def draw_control(rows: pd.DataFrame, share: float, *, seed: int) -> np.ndarray:
    """Which of the chosen rows are held out; each manager, branch, offer and channel to within one row of its share."""
    groups = {kind: ids_of(rows, COUNTED[kind]) for kind in ("branch", "offer", "channel")}
    codes = {kind: pd.factorize(ids, sort=True)[0] for kind, ids in {"manager": _managers(rows), **groups}.items()}
    return draw_share(Fraction(str(share)), seed=seed, **codes)


def _with_control(spec: ListSpec, rows: pd.DataFrame, left: Room) -> pd.DataFrame:
    """The rows with their arm; drawn again while the rows to contact fall short of a minimum share."""
    if spec.control_share == 0 or rows.empty:
        return rows.assign(arm=TREATED)
    for attempt in range(_DRAWS):
        held = draw_control(rows, spec.control_share, seed=spec.seed + attempt * _NEXT_SEED)
        if all(share.surplus(rows[~held]) >= -1e-9 for share in left.shares):
            return rows.assign(arm=pd.array(np.where(held, CONTROL, TREATED), dtype="str"))
    raise GateError(
        f"a minimum share is not kept by the rows left to contact in {_DRAWS} draws of the control arm; expected one "
        "that is. Lower capacities.minimum_shares or control_share",
        code="G013",
    )
