"""How a scored batch differs from the rows a model was trained on, feature by feature.

Everything is compared with the baseline frozen in the bundle, so a batch is
judged alike whoever scores it, and in whatever chunks its rows arrive.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import Encoding, Reference
from crmml.evaluation.stability import bin_counts, psi

Array = npt.NDArray[np.float64]
#: By custom a shift to watch, and one to look into; no law says so.
WATCH, ALARM = 0.10, 0.25
#: Of fewer rows a PSI is mostly chance.
LEAST_ROWS = 100
_NAMED = 4


class BatchWatch:
    """Counts of a batch while its rows pass.

    Parameters
    ----------
    encoding : Encoding
        The columns of the model.
    reference : Reference
        Its frozen population.
    """

    def __init__(self, encoding: Encoding, reference: Reference) -> None:
        self._encoding, self._baseline = encoding, reference.baseline
        self.rows = 0
        self._unseen = dict.fromkeys(encoding.names, 0)
        self._missing = dict.fromkeys(encoding.names, 0)
        self._outside = dict.fromkeys(encoding.names, 0)
        self._fractions = dict.fromkeys(encoding.names, 0)
        self._bins: dict[str, Array] = {}

    def add(self, X: Array, unseen: Mapping[str, int]) -> None:
        """Count some rows: their matrix, and the unseen levels found while it was made."""
        self.rows += len(X)
        for position, name in enumerate(self._encoding.names):
            values, base = X[:, position], self._baseline.get(name, {})
            self._unseen[name] += unseen.get(name, 0)
            # A level never seen is read as missing, and told apart from one.
            self._missing[name] += int(np.isnan(values).sum()) - unseen.get(name, 0)
            if "edges" in base:
                counts = bin_counts(values, base["edges"])
                self._bins[name] = self._bins.get(name, np.zeros(len(counts))) + counts
            if name not in self._encoding.levels and base.get("range"):
                low, high = base["range"]
                self._outside[name] += int(((values < low) | (values > high)).sum())
                if base.get("whole") == [1.0]:
                    self._fractions[name] += int((values[~np.isnan(values)] % 1 != 0).sum())

    def report(self) -> list[dict[str, Any]]:
        """One row per feature, in the order of the model.

        `feature, rows, unseen_rows` (a level training never saw, read as missing),
        `missing_share, missing_share_trained, outside_rows` (below the least or above
        the largest value of training), `fraction_rows` (a fraction where training held
        whole numbers only), `psi` (null on fewer than 100 rows).
        """
        return [self._row(name) for name in self._encoding.names]

    def _row(self, name: str) -> dict[str, Any]:
        base = self._baseline.get(name, {})
        enough = self.rows >= LEAST_ROWS and name in self._bins
        trained = base.get("missing")
        return {
            "feature": name,
            "rows": self.rows,
            "unseen_rows": self._unseen[name],
            "missing_share": self._missing[name] / self.rows if self.rows else None,
            "missing_share_trained": trained[0] if trained else None,
            "outside_rows": self._outside[name],
            "fraction_rows": self._fractions[name],
            "psi": _psi(base["counts"], self._bins[name]) if enough else None,
        }


def _psi(trained: Sequence[float], batch: Array) -> float:
    """The shift between two sets of counts of different size: both scaled to the smaller."""
    one, other = np.asarray(trained, float), np.asarray(batch, float)
    size = min(one.sum(), other.sum())
    return psi(one * size / one.sum(), other * size / other.sum())


def batch_summary(rows: Sequence[Mapping[str, Any]]) -> str:
    """A batch in one line; an empty text where nothing is to be said.

    >>> batch_summary([{"feature": "age", "unseen_rows": 0, "outside_rows": 3, "fraction_rows": 0, "psi": 0.31}])
    'outside the training range: age 3; PSI above 0.25: age 0.31'
    """
    parts = []
    for key, words in (
        ("unseen_rows", "unseen levels, read as missing"),
        ("outside_rows", "outside the training range"),
        ("fraction_rows", "fractions where training held whole numbers"),
    ):
        parts.append(_listed(words, [(row["feature"], row[key], f"{row[key]:,}") for row in rows if row[key]]))
    shifted = [(row["feature"], row["psi"], f"{row['psi']:.2f}") for row in rows if (row["psi"] or 0) > ALARM]
    parts.append(_listed(f"PSI above {ALARM:g}", shifted))
    return "; ".join(part for part in parts if part)


def _listed(words: str, found: Sequence[tuple[str, float, str]]) -> str:
    if not found:
        return ""
    worst = sorted(found, key=lambda each: (-each[1], each[0]))
    more = f" and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
    return f"{words}: " + ", ".join(f"{name} {said}" for name, _, said in worst[:_NAMED]) + more
