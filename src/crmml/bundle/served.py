"""A model as it is served: probability or money, with parts that add up exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from crmml.bundle.encoding import Encoding
from crmml.bundle.part import HORIZON, Part
from crmml.bundle.reference import Reference
from crmml.peers import segment_of

if TYPE_CHECKING:
    from crmml.features.declare import FeatureInfo

Array = npt.NDArray[np.float64]
SIGNS = {"margin": 1.0, "fees": 1.0, "expected_loss": -1.0, "service_cost": -1.0, "capital_charge": -1.0}
TOTAL = "contribution"
#: The column that says how many months ahead a row of a model of several horizons looks.


@dataclass(frozen=True)
class Bundle:
    """Everything a score is made from; data only.

    `components` is empty for a probability; for a contribution it names the five
    parts of money. A model of several horizons has in `curve` the reference of
    each, in months, and speaks of one of them (`horizon`), whose reference is
    `reference`; `at` makes it speak of another. `unseen` counts, by column, the levels of the last `encode`
    that training never saw.
    """

    name: str
    target: str
    features: tuple[FeatureInfo, ...]
    encoding: Encoding
    parts: tuple[Part, ...]
    reference: Reference
    card: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    curve: Mapping[int, Reference] = field(default_factory=dict)
    unseen: dict[str, int] = field(default_factory=dict, compare=False)

    @property
    def components(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts if part.name in SIGNS)

    @property
    def is_money(self) -> bool:
        return bool(self.components)

    @property
    def is_effect(self) -> bool:
        """Whether it serves what a contact changes, in units of the outcome."""
        return self.target == "uplift"

    @property
    def horizon(self) -> int | None:
        """The months that a model of several horizons speaks of, None for any other model."""
        months = self.encoding.fixed.get(HORIZON)
        return None if months is None else int(months)

    @property
    def names(self) -> tuple[str, ...]:
        """The feature columns in the order of the matrix."""
        return self.encoding.names

    @property
    def concepts(self) -> tuple[str, ...]:
        """The concept group of each feature column."""
        return tuple(info.concept for info in self.features)

    def known_shares(self) -> list[tuple[FeatureInfo, float]]:
        """The features a booster splits on, each with the share of the reference population it had a value for."""
        gains = sum(part.booster.importance() for part in self.parts)
        shares = []
        for info, gain in zip(self.features, np.atleast_1d(gains), strict=True):
            counts = self.reference.baseline.get(info.name, {}).get("counts", [])
            if gain > 0 and sum(counts) > 0 and info.name not in self.encoding.fixed:
                shares.append((info, 1 - counts[-1] / sum(counts)))
        return shares

    def encode(self, rows: pd.DataFrame | pa.RecordBatch) -> Array:
        """Float64 matrix (n_rows, n_features) of a frame or an Arrow batch of features.

        Raises
        ------
        SourceError
            If a column the model was trained on is missing.
        """
        X, counts = self.encoding.encode(rows)
        self.unseen.clear()
        self.unseen.update(counts)
        return X

    def at(self, months: int) -> Bundle:
        """The same model speaking of another of its horizons: chances, reasons, grades and peers of that one."""
        encoding = replace(self.encoding, fixed={HORIZON: float(months)})
        return replace(self, encoding=encoding, reference=self.curve[months])

    def ahead(self, X: Array, months: int) -> Array:
        """The rows of a matrix looking `months` ahead."""
        moved = X.copy()
        moved[:, self.names.index(HORIZON)] = months
        return moved

    def probabilities(self, X: Array) -> dict[int, Array]:
        """The calibrated probability within each horizon of the curve, never falling from one to the next."""
        return {months: self.probability(self.ahead(X, months)) for months in self.curve}

    def held_up(self, X: Array) -> dict[int, float]:
        """The share of rows, by horizon, whose chance is that of a shorter horizon, since their own would lie below it."""
        taken = {months: self._only.along(self.ahead(X, months), self.names)[1] for months in self.curve}
        return {months: float((step < months).mean()) for months, step in taken.items()}

    def margin(self, X: Array) -> Array:
        """Raw score before calibration, of a probability."""
        raw = self._only.booster.margin(X)
        if self._only.start:
            raw = raw + self._only.begins_at(X[:, self.names.index(HORIZON)])
        return raw

    def log_odds(self, X: Array) -> Array:
        """Calibrated log-odds: `intercept + slope × margin`, of a curve those of its horizon (`Part.along`)."""
        if self._only.start:
            return self._only.along(X, self.names)[0]
        return self._only.intercept + self._only.slope * self.margin(X)

    def probability(self, X: Array) -> Array:
        """Calibrated probability, in ]0, 1[."""
        return probability_of(self.log_odds(X))

    def contributions(self, X: Array) -> tuple[Array, float]:
        """What each feature adds to the served scale, and the base it adds to.

        Returns
        -------
        (ndarray of shape (n_rows, n_features), float)
            Log-odds of a probability, or yuan of a contribution, where losses,
            costs and charges are already subtracted. Base plus the row's sum is
            `log_odds`, or the total of `predict_money`.
        """
        total, base = np.zeros((len(X), len(self.names))), 0.0
        for part in self.parts:
            sign = SIGNS.get(part.name, 1.0)
            added, start = part.contributions(X, self.names)
            total += sign * added
            base += sign * start
        return total, base

    def predict_money(self, X: Array) -> pd.DataFrame:
        """The components of the next 12 months' contribution and their total, in yuan.

        Expected loss, service cost and capital charge are amounts to subtract;
        `contribution` is margin + fees less the three, added in this order.
        """
        amounts = {part.name: self._amount(part, X) for part in self.parts}
        total = np.zeros(len(X))
        for name, sign in SIGNS.items():
            total = total + sign * amounts[name]
        return pd.DataFrame({**amounts, TOTAL: total})

    def effect(self, X: Array) -> Array:
        """What a contact changes, in units of the outcome."""
        return self._amount(self.parts[0], X)

    def served(self, X: Array) -> Array:
        """What people see: the probability, the contribution in yuan, or the effect."""
        if self.is_effect:
            return self.effect(X)
        return self.predict_money(X)[TOTAL].to_numpy() if self.is_money else self.probability(X)

    def scale(self, X: Array) -> Array:
        """What reasons add up to: the log-odds, the contribution in yuan, or the effect."""
        if self.is_effect:
            return self.effect(X)
        return self.predict_money(X)[TOTAL].to_numpy() if self.is_money else self.log_odds(X)

    def segments(self, frame: pd.DataFrame) -> npt.NDArray[Any]:
        """The peer segment of each row: the column `segment`, else that of `peers.segment_of`."""
        if "segment" in frame.columns:
            return frame["segment"].astype(object).to_numpy()
        return segment_of(frame).astype(object).to_numpy()

    def peer_contributions(self, segments: Sequence[str] | npt.NDArray[Any]) -> tuple[Array, Array]:
        """The peers' mean contributions (n_rows, n_features) and their mean of the scale (n_rows,)."""
        return self.reference.peer_rows(segments, "contributions"), self.reference.peer_rows(segments, "served")

    def peer_components(self, segments: Sequence[str] | npt.NDArray[Any]) -> Array:
        """The peers' mean components of money (n_rows, 5), in the order of `components`."""
        return self.reference.peer_rows(segments, "components")

    def grade(self, served: npt.ArrayLike) -> npt.NDArray[np.str_]:
        """`1` (lowest) to `10` (highest) of a probability or an amount."""
        return self.reference.grade(served)

    def percentile(self, served: npt.ArrayLike) -> Array:
        """Share of the reference population below a probability or an amount, in percent."""
        return self.reference.percentile(served)

    @property
    def _only(self) -> Part:
        if self.is_money:
            raise ValueError(f"{self.name} serves money; it has no log-odds")
        return self.parts[0]

    def _amount(self, part: Part, X: Array) -> Array:
        return part.amount(part.known(X, self.names), part.booster.margin(X))


def probability_of(log_odds: npt.ArrayLike) -> Array:
    """`1 / (1 + exp(-log-odds))`, without overflow.

    >>> probability_of([0.0, 2.0]).round(4).tolist()
    [0.5, 0.8808]
    """
    x = np.asarray(log_odds, dtype=float)
    return np.where(x >= 0, 1.0, np.exp(np.minimum(x, 0.0))) / (1.0 + np.exp(-np.abs(x)))
