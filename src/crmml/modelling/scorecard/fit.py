"""A points scorecard: features cut into bins, a logistic regression on their weights of evidence, points."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.bundle.encoding import codes_of, numbers_of
from crmml.modelling.scorecard.binning import UNSEEN, bin_feature, find_bins
from crmml.modelling.scorecard.bins import Binned
from crmml.modelling.scorecard.choice import Candidate, keep_telling, keep_unlike, most_telling
from crmml.modelling.scorecard.settings import ScorecardSpec

if TYPE_CHECKING:
    from crmml.features.declare import FeatureInfo

Array = npt.NDArray[np.float64]
SAFER, LIKELIER = "safer", "likelier"
_DIGITS = 9
_AGAINST = {
    "zh": "在其他变量之旁符号与分箱相反",
    "en": "beside the others it would count against what its bins say",
}


@dataclass(frozen=True)
class Scorecard:
    """A fitted scorecard.

    The log-odds of the event are `intercept` less the sum of coefficient × WoE; the score is `base_points` plus
    the points of each feature's bin. More points are `direction`: safer for a default model, likelier for any other.

    Attributes
    ----------
    infos, binned, coefficients : tuple
        One entry for each feature, the strongest first.
    levels : mapping
        Of each category the code of every level.
    left_out : mapping
        Feature whose optimal bins were looked at and that is not in the scorecard, to why (`zh`, `en`).
    rows, events : float
        What it was learned from.
    """

    target: str
    spec: ScorecardSpec
    infos: tuple[FeatureInfo, ...]
    binned: tuple[Binned, ...]
    coefficients: tuple[float, ...]
    intercept: float
    levels: Mapping[str, Mapping[str, int]]
    rows: float
    events: float
    left_out: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        return self.spec.more_points or (SAFER if self.target == "default" else LIKELIER)

    @property
    def base_points(self) -> float:
        """The points of a customer whose every bin has the average rate."""
        sign = -1.0 if self.direction == SAFER else 1.0
        return self.spec.base_score + self.spec.factor * sign * (self.intercept + math.log(self.spec.base_odds))

    def points(self, position: int) -> Array:
        """The points of every bin of a feature."""
        sign = 1.0 if self.direction == SAFER else -1.0
        woe = self.binned[position].woe
        return np.asarray(sign * self.spec.factor * self.coefficients[position] * woe + 0.0)

    def predict_log_odds(self, frame: pd.DataFrame) -> Array:
        """Log-odds of the event of each row.

        Parameters
        ----------
        frame : DataFrame
            A column for each feature; a category never seen weighs nothing, a null has the Missing bin's weight.
        """
        log_odds = np.full(len(frame), self.intercept)
        for binned, coefficient in zip(self.binned, self.coefficients, strict=True):
            log_odds -= coefficient * binned.woe[self._places(binned, frame)]
        return log_odds

    def score(self, frame: pd.DataFrame) -> Array:
        """Points of each row."""
        total = np.full(len(frame), self.base_points)
        for position, binned in enumerate(self.binned):
            total += self.points(position)[self._places(binned, frame)]
        return total

    def _places(self, binned: Binned, frame: pd.DataFrame) -> npt.NDArray[np.intp]:
        levels = self.levels.get(binned.name)
        values = column_values(frame[binned.name], levels)
        return find_bins(binned, values, special=self.spec.special, levels=levels)


def column_values(values: pd.Series, levels: Mapping[str, int] | None) -> Array:
    """A column as numbers, or as codes of its levels, where a level never seen is -1."""
    if levels is None:
        return numbers_of(values)
    codes, _ = codes_of(values, levels)
    return np.where(np.isnan(codes) & values.notna().to_numpy(), UNSEEN, codes)


def fit_scorecard(
    frame: pd.DataFrame,
    label: Array,
    infos: Sequence[FeatureInfo],
    *,
    levels: Mapping[str, Mapping[str, int]],
    target: str,
    spec: ScorecardSpec | None = None,
    weight: Array | None = None,
) -> Scorecard:
    """A scorecard of training rows; nothing else is looked at, and the same rows give the same scorecard.

    The features that tell most by a quick information value are cut into optimal bins. Those that then tell less
    than 0.02 beyond chance, are too like a stronger one, or would count against what their bins say are left out.

    Parameters
    ----------
    frame : DataFrame
        Training rows, a column for each of `infos`.
    label : ndarray of shape (n_rows,)
        0 or 1, both present.
    levels : mapping
        Code of every level of the categories, as the model beside it has them.
    target : str
        The kind of target, for expected signs.
    """
    spec = spec or ScorecardSpec()
    weight = np.ones(len(label)) if weight is None else np.asarray(weight, dtype=float)
    columns = {info.name: column_values(frame[info.name], levels.get(info.name)) for info in infos}
    left_out: dict[str, Mapping[str, str]] = {}
    candidates = []
    for info in most_telling(infos, columns, label, weight, levels):
        own = levels.get(info.name)
        binned = bin_feature(
            info, columns[info.name], label, target=target, weight=weight, special=spec.special, levels=own
        )
        places = find_bins(binned, columns[info.name], special=spec.special, levels=own)
        candidates.append(Candidate(info, binned, binned.woe[places]))
    candidates = keep_telling(candidates, label, left_out)
    candidates = keep_unlike(candidates, int(spec.most_features), left_out)
    candidates, coefficients, intercept = _regress(candidates, label, weight, left_out)
    return Scorecard(
        target,
        spec,
        tuple(one.info for one in candidates),
        tuple(one.binned for one in candidates),
        coefficients,
        intercept,
        {one.info.name: dict(levels[one.info.name]) for one in candidates if one.info.name in levels},
        float(weight.sum()),
        float((weight * label).sum()),
        left_out,
    )


def _regress(
    candidates: list[Candidate], label: Array, weight: Array, left_out: dict[str, Mapping[str, str]]
) -> tuple[list[Candidate], tuple[float, ...], float]:
    """The candidates whose coefficient has the sign of their bins, their coefficients, and the intercept.

    The one that counts most against its bins is taken out first, then all is fitted again.
    """
    # A config is read without scikit-learn.
    from sklearn.linear_model import LogisticRegression

    while candidates:
        woes = np.column_stack([one.woe for one in candidates])
        model = LogisticRegression(solver="newton-cholesky", tol=1e-8, max_iter=100)
        model.fit(-woes, label, sample_weight=weight)
        found = model.coef_[0]
        if found.min() > 0:
            # Rounded, so that the order in which processors add does not show.
            return candidates, tuple(np.round(found, _DIGITS).tolist()), round(float(model.intercept_[0]), _DIGITS)
        against = candidates[int(found.argmin())]
        left_out[against.info.name] = _AGAINST
        candidates = [one for one in candidates if one is not against]
    rate = float(np.average(label, weights=weight))
    return [], (), round(math.log(rate / (1 - rate)), _DIGITS)
