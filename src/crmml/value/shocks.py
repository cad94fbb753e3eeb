"""What moves the bank's contribution: shocks one by one, and a combined one taken apart."""

from __future__ import annotations

import math
from itertools import combinations
from typing import Any

import pandas as pd

from crmml.ledger.close import COMPONENTS
from crmml.ledger.reprice import Moved, OpenYear
from crmml.value.spec import FACTORS, NEUTRAL, ShockSpec

MONEY = (*COMPONENTS, "contribution")


class Shocks:
    """A year closed again and again; what was closed once is not closed twice."""

    def __init__(self, year: OpenYear, spec: ShockSpec) -> None:
        self.year, self.spec = year, spec
        self._closed: dict[tuple[tuple[str, float], ...], dict[str, dict[str, int]]] = {}

    def cents(self, levels: dict[str, float]) -> dict[str, dict[str, int]]:
        """Family -> component -> cents under these levels of the factors."""
        key = tuple(sorted((name, level) for name, level in levels.items() if level != NEUTRAL[name]))
        if key not in self._closed:
            spec = self.spec
            moved = Moved(**dict(key), pass_through=spec.pass_through, fees_follow=spec.fees_follow,
                          costs_follow=spec.costs_follow)  # fmt: skip
            self._closed[key] = self.year.close(moved)
        return self._closed[key]

    def total(self, levels: dict[str, float], name: str = "contribution") -> int:
        return sum(cents[name] for cents in self.cents(levels).values())


def shock_table(shocks: Shocks) -> pd.DataFrame:
    """Changes against the year as it was, by shock and family.

    Returns
    -------
    DataFrame
        factor (one of the four, or `combined`), level (null for `combined`), family (`all` for the bank), the change of
        each component (costs positive) and of the contribution, in currency; margin + fees - expected_loss -
        service_cost - capital_charge = contribution in every row, and families sum to the bank, to the cent.
    """
    rows = []
    asked = [(factor, level, {factor: level}) for factor in FACTORS for level in getattr(shocks.spec, factor)]
    if shocks.spec.combined:
        asked.append(("combined", float("nan"), dict(shocks.spec.combined)))
    base = shocks.cents({})
    for factor, level, levels in asked:
        moved = shocks.cents(levels)
        for family in ("all", *base):
            chosen = list(base) if family == "all" else [family]
            change = {name: sum(moved[one][name] - base[one][name] for one in chosen) / 100 for name in MONEY}
            rows.append({"factor": factor, "level": level, "family": family, **change})
    return pd.DataFrame(rows, columns=["factor", "level", "family", *MONEY])


def taken_apart(shocks: Shocks) -> pd.DataFrame:
    """The combined shock by factor: alone, with the interaction as a row of its own, and by Shapley's shares.

    Alone + interaction = whole; the Shapley shares sum to the whole too, with no
    order of the factors preferred: a share is the mean of what the factor adds
    over all orders in which they could have come.

    Returns
    -------
    DataFrame
        factor (then `interaction` and `whole`), level, alone, shapley (null for the interaction), in currency. Shares
        are rounded to cents, the last takes the rest.

    References
    ----------
    .. [1] Shapley, A Value for n-Person Games, in Contributions to the Theory of Games II, Princeton 1953.
    """
    levels = {name: level for name, level in shocks.spec.combined.items() if level != NEUTRAL[name]}
    base = shocks.total({})
    whole = shocks.total(levels) - base
    alone = {name: shocks.total({name: level}) - base for name, level in levels.items()}
    shares = {name: round(shapley(shocks, levels, name)) for name in levels}
    if shares:
        last = list(shares)[-1]
        shares[last] += whole - sum(shares.values())
    rows: list[dict[str, Any]] = [
        {"factor": name, "level": level, "alone": alone[name] / 100, "shapley": shares[name] / 100}
        for name, level in levels.items()
    ]
    rows.append({"factor": "interaction", "level": None, "alone": (whole - sum(alone.values())) / 100, "shapley": None})
    rows.append({"factor": "whole", "level": None, "alone": whole / 100, "shapley": whole / 100})
    return pd.DataFrame(rows, columns=["factor", "level", "alone", "shapley"])


def shapley(shocks: Shocks, levels: dict[str, float], name: str) -> float:
    """The mean of what a factor adds, in cents, over all orders of the factors."""
    others = [other for other in levels if other != name]
    share = 0.0
    for size in range(len(others) + 1):
        weight = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(levels))
        for chosen in combinations(others, size):
            before = {other: levels[other] for other in chosen}
            share += weight * (shocks.total({**before, name: levels[name]}) - shocks.total(before))
    return share
