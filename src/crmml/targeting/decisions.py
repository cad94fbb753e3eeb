"""What became of every candidate: the rule that removed it, or that it was chosen.

One column answers both "how many did each rule remove" (the waterfall) and "why
is this customer not on the list".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmml.errors import GateError


@dataclass(frozen=True)
class Step:
    """One step of the waterfall: a rule that removes candidates, or (`is_total`) a count of those left."""

    code: str
    zh: str
    en: str
    is_total: bool = False


class Decisions:
    """The steps taken so far, and for every candidate the step that removed it (-1 while none has)."""

    def __init__(self, candidates: pd.DataFrame) -> None:
        self.steps: list[Step] = []
        self.removed_at = np.full(len(candidates), -1)
        self._customers = pd.factorize(candidates["customer_id"])[0]
        self._waterfall: list[dict[str, object]] = []

    @property
    def left(self) -> np.ndarray:
        """Which candidates no rule has removed yet."""
        return self.removed_at < 0

    def keep(self, step: Step, meets: np.ndarray) -> None:
        """Remove the candidates left that do not meet a rule.

        Raises
        ------
        GateError
            If nobody is left, naming the rule that removed the last candidate.
        """
        before = self.left
        leaving = before & ~np.asarray(meets, dtype=bool)
        self.removed_at[leaving] = len(self.steps)
        self._note(step, before)
        if before.any() and not self.left.any():
            raise GateError(
                f"the list is empty: rule '{step.en}' ({step.zh}) removed the last {before.sum():,} candidates; "
                "expected at least one left. Loosen this rule or one before it",
                code="G010",
            )

    def total(self, step: Step) -> None:
        """Count those left under a name."""
        self._note(step, self.left)

    def waterfall(self) -> pd.DataFrame:
        """One row per step: `step, zh, en, is_total, removed, candidates, customers` (the last two: left after it)."""
        return pd.DataFrame(self._waterfall)

    def of_candidates(self, candidates: pd.DataFrame) -> pd.DataFrame:
        """The candidates with their `decision`: the code of the step that removed it, or 'chosen'."""
        codes = np.array([step.code for step in self.steps] + ["chosen"])
        return candidates.assign(decision=pd.array(codes[self.removed_at], dtype="str"))

    def _note(self, step: Step, before: np.ndarray) -> None:
        self.steps.append(step)
        left = self.left
        self._waterfall.append(
            {
                "step": step.code,
                "zh": step.zh,
                "en": step.en,
                "is_total": step.is_total,
                "removed": int(before.sum() - left.sum()),
                "candidates": int(left.sum()),
                "customers": int(np.count_nonzero(np.bincount(self._customers[left]))),
            }
        )
