"""Contact logs whose effect is known: how often a model of them is let through, and whom it would contact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from crmml.evaluation.uplift import Trial
from crmml.modelling.uplift import Uplift, fit_uplift

EFFECTS = {"none": 0.0, "harm": -0.6, "help": 1.0}
"""By how much a contact changes the chance to take, as a share of it."""
LOGS, ROWS, BASE = 250, 1_200, 0.035


@dataclass(frozen=True)
class Planted:
    """Of so many logs of one effect: the share let through by the gate, and the mean share of customers foreseen to gain."""

    effect: str
    logs: int
    usable: float
    contacted: float


def learned_of(effect: float, seed: int, *, rows: int = ROWS) -> tuple[Uplift, np.ndarray]:
    """One log drawn and learned: few events an arm, so that the effect in proportion to the chance is all that is learned."""
    rng = np.random.default_rng(seed)
    base = BASE * rng.exponential(1, rows).clip(0.1, 4)
    X, treated = np.column_stack([rng.normal(size=rows), base]), rng.random(rows) < 0.6
    happens = rng.random(rows) < base * (1 + effect * treated)
    return fit_uplift(X, Trial(happens, treated, 0.6), np.arange(rows), base=1, seed=seed, threads=1), X


def planted(effect: str, *, logs: int = LOGS) -> Planted:
    """Logs of one effect; a model that is not usable leaves every list to propensity, and contacts nobody itself."""
    usable, contacted = 0, 0.0
    for seed in range(logs):
        learned, X = learned_of(EFFECTS[effect], seed)
        if learned.helps or (learned.is_usable and learned.serves == "differences"):
            usable += 1
            contacted += float((learned.effect(X) > 0).mean())
    return Planted(effect, logs, usable / logs, contacted / logs)
