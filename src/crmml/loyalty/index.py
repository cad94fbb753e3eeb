"""The index of depth and persistence: five components of equal weight, declared before any label was looked at.

Every component is a rule on features known at the cut-off and lies in [0, 1];
nothing is fitted, so that an index of today compares with one of last year.
Equal weights where no fitted ones are called for: Dawes, The robust beauty of
improper linear models in decision making, American Psychologist 34, 1979. Length,
depth and breadth of a relationship: Reinartz and Kumar, The impact of customer
relationship characteristics on profitable lifetime duration, Journal of Marketing
67, 2003. Rhythm as the sign of partial defection: Buckinx and Van den Poel,
Customer base analysis, European Journal of Operational Research 164, 2005.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
FAMILIES_OF_A_FULL_RELATIONSHIP = 5
MONTHS_OF_A_LONG_RELATIONSHIP = 120
TOTAL = 100.0


@dataclass(frozen=True)
class Sign:
    """One sign of loyalty: the features it needs, and the rule that makes a share in [0, 1] of them (null: no sign)."""

    needs: tuple[str, ...]
    rule: Callable[[Mapping[str, Array]], Array]
    formula: str


@dataclass(frozen=True)
class Component:
    """Signs of one kind; its share is the mean of the signs a bank has the features for."""

    name: str
    zh: str
    en: str
    signs: tuple[Sign, ...]

    def usable(self, columns: Sequence[str]) -> tuple[Sign, ...]:
        """The signs whose features are there."""
        return tuple(sign for sign in self.signs if set(sign.needs) <= set(columns))


def _kept(recent: str, usual: str) -> Sign:
    """How much of the usual level is still there, at most all of it."""

    def share(of: Mapping[str, Array]) -> Array:
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(of[usual] > 0, of[recent] / of[usual], 0.0)

    return Sign((recent, usual), share, f"{recent} / {usual}")


def _kept_count(recent: str, year: str, months: int) -> Sign:
    """How much of the usual count of so many months is still there."""

    def share(of: Mapping[str, Array]) -> Array:
        usual = of[year] * months / 12
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(usual > 0, of[recent] / usual, 0.0)

    return Sign((recent, year), share, f"{recent} / ({year} x {months} / 12)")


COMPONENTS: tuple[Component, ...] = (
    Component(
        "depth",
        "产品深度",
        "products held",
        (
            Sign(
                ("product_families",),
                lambda of: of["product_families"] / FAMILIES_OF_A_FULL_RELATIONSHIP,
                "product_families / 5",
            ),
        ),
    ),
    Component(
        "tenure",
        "关系年限",
        "length of the relationship",
        (
            Sign(
                ("tenure_months",),
                lambda of: np.log1p(np.maximum(of["tenure_months"], 0)) / np.log1p(MONTHS_OF_A_LONG_RELATIONSHIP),
                "ln(1 + tenure_months) / ln(121)",
            ),
        ),
    ),
    Component(
        "main_bank",
        "主办行",
        "main bank: salary and payments arrive",
        (
            Sign(("salary_payments_3m",), lambda of: of["salary_payments_3m"] / 3, "salary_payments_3m / 3"),
            _kept_count("turnover_in_1m", "turnover_in_12m", 1),
        ),
    ),
    Component(
        "persistence",
        "余额持久",
        "balances stay",
        (_kept("deposits_mean_1m", "deposits_mean_12m"), _kept("assets_last", "assets_mean_12m")),
    ),
    Component(
        "rhythm",
        "活动节奏",
        "rhythm of activity",
        (
            _kept_count("transactions_1m", "transactions_12m", 1),
            _kept_count("transactions_3m", "transactions_12m", 3),
            Sign(
                ("days_since_last_inflow",),
                lambda of: 1 - of["days_since_last_inflow"] / 90,
                "1 - days_since_last_inflow / 90",
            ),
        ),
    ),
)


def usable_components(columns: Sequence[str]) -> tuple[Component, ...]:
    """The components a bank has at least one sign of."""
    return tuple(component for component in COMPONENTS if component.usable(columns))


def loyalty_index(features: pd.DataFrame) -> pd.DataFrame:
    """The index of every row, and the points of each component, which add up to it exactly.

    Components without any feature in the table are left out, and the others
    share the 100 points equally. A sign that is null for a customer (no deposit,
    no salary ever) gives no points.

    Parameters
    ----------
    features : DataFrame
        One row per customer at a cut-off.

    Returns
    -------
    DataFrame
        `index` in [0, 100] and `points_<component>`, in the order of the rows; no column where nothing is usable.
    """
    components = usable_components(list(features.columns))
    if not components:
        return pd.DataFrame(index=features.index)
    weight = TOTAL / len(components)
    points = {f"points_{one.name}": weight * _share(one, features) for one in components}
    index = np.zeros(len(features))
    for column in points.values():
        index = index + column
    return pd.DataFrame({"index": index, **points}, index=features.index)


def _share(component: Component, features: pd.DataFrame) -> Array:
    shares = []
    for sign in component.usable(list(features.columns)):
        of = {name: pd.to_numeric(features[name]).to_numpy(dtype=float, na_value=np.nan) for name in sign.needs}
        shares.append(np.clip(np.nan_to_num(sign.rule(of), nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0))
    return np.asarray(np.mean(shares, axis=0))
