"""The door to LightGBM for everything that serves: text in, margins and contributions out.

Only float64 matrices go in. LightGBM's parser ends the process on a damaged
text, so callers check digests before they come here.
"""

from __future__ import annotations

import os
import re

# LightGBM's threads wait for each other by spinning; on cores shared with other work that costs up to twenty times.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import lightgbm as lgb
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def canonical_text(booster: lgb.Booster, *, trees: int | None = None) -> str:
    """A booster as text that does not tell on how many threads it was made."""
    text = booster.model_to_string(num_iteration=-1 if trees is None else trees)
    return re.sub(r"\[num_threads: -?\d+\]", "[num_threads: 0]", text)


class Booster:
    """A parsed booster of one raw score.

    Parameters
    ----------
    text : str
        LightGBM's text form, already checked against its digest.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self._parsed = lgb.Booster(model_str=text)

    @property
    def width(self) -> int:
        """How many feature columns it expects."""
        return int(self._parsed.num_feature())

    @property
    def trees(self) -> int:
        return int(self._parsed.num_trees())

    def margin(self, X: Array) -> Array:
        """Raw score of each row."""
        if len(X) == 0:
            return np.empty(0)
        return np.asarray(self._parsed.predict(X, raw_score=True), dtype=float)

    def contributions(self, X: Array) -> tuple[Array, float]:
        """Additive contributions (n_rows, n_features) and the base to which they add; with it they sum to the margin."""
        if len(X) == 0:
            return np.empty((0, self.width)), 0.0
        both = np.asarray(self._parsed.predict(X, pred_contrib=True), dtype=float)
        return both[:, :-1], float(both[0, -1])

    def importance(self) -> Array:
        """Gain of each feature over all splits."""
        return np.asarray(self._parsed.feature_importance(importance_type="gain"), dtype=float)
