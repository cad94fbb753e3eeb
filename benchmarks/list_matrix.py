"""A million customers × 20 offers with product and product × branch capacities, each contestant in a process of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.frozen import in_own_process
from benchmarks.measure import Row
from crmml.allocation import Limits, Problem, solve
from crmml.limits import Limit
from crmml.targeting import Capacities, ListSpec, Offer, check_allocation

OFFERS, BRANCHES, SEED = 20, 50, 23
ELIGIBLE = 0.6
GAP = 0.01
OURS, GREEDY, TRIMMED, SORTED = "allocation of offers", "greedy, best first", "top 1, then trim", "numpy.argsort alone"


def make_matrix(customers: int) -> tuple[np.ndarray, np.ndarray]:
    """Values by offer and customer (-inf: not eligible or not worth it), and each customer's branch."""
    random = np.random.default_rng(SEED)
    wealth = random.lognormal(0, 0.8, customers).astype(np.float32)
    branch = random.integers(0, BRANCHES, customers).astype(np.int32)
    value = np.empty((OFFERS, customers), dtype=np.float32)
    for offer, appeal in enumerate(np.linspace(0.4, 1.6, OFFERS)):
        noise = np.exp(0.7 * random.standard_normal(customers, dtype=np.float32))
        value[offer] = 60 * np.float32(appeal) * wealth * noise - np.float32(1 + 1.5 * offer)
        value[offer, (random.random(customers) > ELIGIBLE) | (value[offer] <= 0)] = -np.inf
    return value, branch


def capacities(customers: int) -> tuple[int, int]:
    """Rows of a product, and of a product in a branch: together a quarter of the customers, branches tighter by a third."""
    return customers // 4 // OFFERS, customers // 3 // OFFERS // BRANCHES


def allocated(value: np.ndarray, branch: np.ndarray) -> tuple[np.ndarray, float]:
    """The offer of each customer by `crmml`, and the bound."""
    product, cell = capacities(value.shape[1])
    every = np.arange(OFFERS)
    limits = (
        Limits("offer_branch", branch, every, np.full((BRANCHES, OFFERS), float(cell)), np.zeros((BRANCHES, OFFERS))),
        Limits("offer", None, every, np.full((1, OFFERS), float(product)), np.zeros((1, OFFERS))),
    )
    found = solve(Problem(value, limits, np.zeros(OFFERS)))
    return found.column, found.bound


def greedy(value: np.ndarray, branch: np.ndarray) -> tuple[np.ndarray, float]:
    """Every candidate from the best on, taken where it fits."""
    product, cell = capacities(value.shape[1])
    free, cells = [product] * OFFERS, [cell] * (OFFERS * BRANCHES)
    column, left = np.full(value.shape[1], -1, dtype=np.int16), product * OFFERS
    served = bytearray(value.shape[1])
    where, customers = branch.tolist(), value.shape[1]
    order = np.argsort(-value, axis=None)[: int(np.count_nonzero(value > 0))]
    for start in range(0, len(order), 1 << 18):
        for at in order[start : start + (1 << 18)].tolist():
            offer, customer = divmod(at, customers)
            slot = offer * BRANCHES + where[customer]
            if served[customer] or free[offer] < 1 or cells[slot] < 1:
                continue
            served[customer] = 1
            free[offer] -= 1
            cells[slot] -= 1
            column[customer] = offer
            left -= 1
        if not left:
            break
    return column, np.nan


def trimmed(value: np.ndarray, branch: np.ndarray) -> tuple[np.ndarray, float]:
    """Each customer's best offer, then the best rows of every product and branch, then of every product."""
    product, cell = capacities(value.shape[1])
    column = np.where(value.max(axis=0) > 0, value.argmax(axis=0), -1).astype(np.int16)
    for most, groups in ((cell, branch), (product, np.zeros_like(branch))):
        rows = np.flatnonzero(column >= 0)
        group = groups[rows].astype(np.int64) * OFFERS + column[rows]
        order = np.lexsort((-value[column[rows], rows], group))
        first = np.searchsorted(group[order], np.arange(group.max() + 1))
        place = np.arange(len(order)) - first[group[order]]
        column[rows[order[place >= most]]] = -1
    return column, np.nan


def sorted_only(value: np.ndarray, branch: np.ndarray) -> tuple[np.ndarray, float]:
    """The matrix sorted and nothing chosen: the least that a ranking does."""
    np.argsort(value, axis=None)
    return np.full(value.shape[1], -1, dtype=np.int16), np.nan


CONTESTANTS: dict[str, Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, float]]] = {
    OURS: allocated,
    GREEDY: greedy,
    TRIMMED: trimmed,
    SORTED: sorted_only,
}


def measure(name: str, customers: int, told: Path) -> None:
    """One contestant, timed without the making of the matrix; what it found as JSON."""
    value, branch = make_matrix(customers)
    began = time.perf_counter()
    column, bound = CONTESTANTS[name](value, branch)
    seconds = time.perf_counter() - began
    rows = np.flatnonzero(column >= 0)
    worth = float(value[column[rows], rows].sum(dtype=float))
    broken = len(check_allocation(*_as_list(value, branch, column, rows)))
    found = {"seconds": seconds, "value": worth, "bound": bound, "rows": len(rows), "broken": broken}
    told.write_text(json.dumps(found), encoding="utf-8")


def run(folder: Path, *, customers: int) -> list[Row]:
    found = {}
    for name in CONTESTANTS:
        told = folder / "told.json"
        _, memory = in_own_process(measure, name, customers, told)
        found[name] = {**json.loads(told.read_text(encoding="utf-8")), "memory": memory}
    return [_row(found, name, customers) for name in (GREEDY, TRIMMED, SORTED)]


def _row(found: dict[str, dict[str, float]], name: str, customers: int) -> Row:
    ours, other = found[OURS], found[name]
    bound = ours["bound"]
    gap, broken = 1 - ours["value"] / bound, ours["broken"]
    is_list = other["rows"] > 0
    said = f", gap {1 - other['value'] / bound:.2%}" if is_list else ", no list"
    return Row(
        what=OURS,
        against=name,
        size=f"{customers:,} customers × {OFFERS} offers, product and product × branch capacities",
        ours=f"{ours['seconds']:.3g} s, {ours['memory']:.2f} GB, gap {gap:.4%}",
        theirs=f"{other['seconds']:.3g} s, {other['memory']:.2f} GB{said}",
        ratio=f"{ours['seconds'] / other['seconds']:.3g}",
        goal=f"gap ≤ {GAP:.0%}, 0 violated rules",
        met=gap <= GAP and broken == 0,
        checked=f"{broken:.0f} rules violated by ours"
        + (
            f", {other['broken']:.0f} by the other; {ours['rows']:,.0f} and {other['rows']:,.0f} rows"
            if is_list
            else ""
        ),
    )


def _as_list(
    value: np.ndarray, branch: np.ndarray, column: np.ndarray, rows: np.ndarray
) -> tuple[pd.DataFrame, ListSpec, pd.DataFrame]:
    """The chosen rows as a list, what was asked for, and the candidates allowed among them."""
    product, cell = capacities(value.shape[1])
    names = [f"offer {number}" for number in range(OFFERS)]
    offers = tuple(Offer(name, name, name, "phone", 0.0, value_if_taken=1.0, capacity=product) for name in names)
    limits = Capacities(per_product_branch=dict.fromkeys(names, Limit(cell)))
    listed = pd.DataFrame(
        {
            "customer_id": rows,
            "offer": np.array(names, dtype=object)[column[rows]],
            "channel": "phone",
            "branch_id": branch[rows].astype(str),
            "manager_id": "-",
            "contact_cost": 0.0,
            "expected_value": value[column[rows], rows],
            "arm": "treated",
        }
    )
    spec = ListSpec("bench", "基准", "benchmark", "benchmark", offers, limits, 0.0, 1, 30, explore_share=0.0)
    return listed, spec, listed[np.isfinite(listed["expected_value"])]
