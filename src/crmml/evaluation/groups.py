"""How a model does for groups of customers: calibration and ranking of each, with intervals by customer.

Rows of a group are ranked within their cut-off only; its AUC is the mean over
the cut-offs that hold enough of both outcomes. Sums (observed over expected)
are over all cut-offs, because totals rank nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.evaluation import calibration
from crmml.evaluation.bootstrap import Customers, Figure, figure
from crmml.evaluation.discrimination import Ranked, RankedMoney

Array = npt.NDArray[np.float64]
#: Fewer customers would tell about single ones.
LEAST_CUSTOMERS = 30
#: Fewer events (or others) at a cut-off rank or slope mostly by chance.
LEAST_EVENTS = 10
RESAMPLES = 100
#: Predicted amounts that cancel to less than this share of their size are no base for a ratio.
LEAST_NET = 0.1


@dataclass(frozen=True)
class TestRows:
    """The test rows as numbers, in any order; `scale` is the log-odds of a probability, else the predicted money."""

    __test__ = False  # not a test of pytest's

    label: Array
    scale: Array
    customers: npt.NDArray[np.str_]
    periods: npt.NDArray[np.str_]
    is_money: bool

    @property
    def served(self) -> Array:
        """The probability, or the money."""
        return self.scale if self.is_money else 1.0 / (1.0 + np.exp(-self.scale))

    def only(self, rows: npt.NDArray[np.bool_]) -> TestRows:
        """Some of the rows."""
        return TestRows(self.label[rows], self.scale[rows], self.customers[rows], self.periods[rows], self.is_money)


def group_figures(
    rows: TestRows, groups: npt.NDArray[np.str_], *, resamples: int = RESAMPLES, seed: int = 0
) -> list[dict[str, Any]]:
    """One entry for each group of at least 30 customers, the largest first; the others together as `few`.

    Parameters
    ----------
    groups : ndarray of shape (n_rows,)
        The group of each row.

    Returns
    -------
    list of dict
        `group, rows, customers, events, event_customers` (null for money), `observed, predicted` (means),
        and as value, low, high: `discrimination` (AUC, or normalised Gini), `slope, intercept,
        observed_over_expected`; a figure that cannot be told is null (of money, also a ratio to predictions that cancel).
    """
    named = merge_few(groups, rows.customers)
    order = sorted(np.unique(named), key=lambda name: (name == FEW, -int((named == name).sum()), name))
    return [
        {"group": str(name)} | figures_of(rows.only(named == name), resamples=resamples, seed=seed) for name in order
    ]


FEW = "few"


def merge_few(groups: npt.NDArray[np.str_], customers: npt.NDArray[np.str_]) -> npt.NDArray[np.str_]:
    """The groups, those of fewer than 30 customers as one named `few`."""
    merged = np.asarray(groups, dtype=object).copy()
    for name in np.unique(groups):
        inside = groups == name
        if len(np.unique(customers[inside])) < LEAST_CUSTOMERS:
            merged[inside] = FEW
    return merged.astype(str)


def figures_of(rows: TestRows, *, resamples: int = RESAMPLES, seed: int = 0) -> dict[str, Any]:
    """The figures of some rows, as `group_figures` has them."""
    told: dict[str, Any] = {
        "rows": len(rows.label),
        "customers": len(np.unique(rows.customers)),
        "events": None if rows.is_money else int(rows.label.sum()),
        "event_customers": None if rows.is_money else len(np.unique(rows.customers[rows.label == 1])),
        "observed": float(rows.label.mean()),
        "predicted": float(rows.served.mean()),
    }
    if told["customers"] < LEAST_CUSTOMERS:
        hidden = ("observed", "predicted", "discrimination", "slope", "intercept", "observed_over_expected")
        return told | dict.fromkeys(("events", "event_customers", *hidden))
    drawn = Customers(rows.customers, resamples=resamples, seed=seed)
    made = _statistics(rows)
    values = {name: statistic(np.ones((1, len(rows.label))))[0] for name, statistic in made.items()}
    resampled: dict[str, list[Array]] = {name: [] for name in made}
    for weights in drawn.draws():
        for name, statistic in made.items():
            resampled[name].append(statistic(weights))
    for name in ("discrimination", "slope", "intercept", "observed_over_expected"):
        found = figure(float(values[name]), np.concatenate(resampled[name])) if name in made else Figure(None)
        told[name] = found.as_dict() if found.value is not None else None
    return told


def _statistics(rows: TestRows) -> dict[str, Callable[[Array], Array]]:
    made: dict[str, Callable[[Array], Array]] = {}
    if abs(rows.served.sum()) >= LEAST_NET * np.abs(rows.served).sum() > 0:
        made["observed_over_expected"] = lambda weights: calibration.observed_over_expected(
            rows.label, rows.served, weights
        )
    blocks = [inside for inside in _periods(rows) if _is_enough(rows, inside)]
    if blocks:
        ranked = [
            (inside, RankedMoney(rows.label[inside], rows.scale[inside]).gini)
            if rows.is_money
            else (inside, Ranked(rows.label[inside], rows.scale[inside]).auc)
            for inside in blocks
        ]
        made["discrimination"] = lambda weights: np.mean(
            [statistic(weights[:, inside]) for inside, statistic in ranked], axis=0
        )
    if rows.is_money:
        made |= {
            "slope": lambda weights: _line(rows, weights)[0],
            "intercept": lambda weights: _line(rows, weights)[1],
        }
    elif blocks and (start := _start(rows)) is not None:
        made |= {
            "slope": lambda weights: calibration.slopes(rows.scale, rows.label, weights, start=start)[:, 1],
            "intercept": lambda weights: in_the_large(rows.scale, rows.label, weights),
        }
    return made


def in_the_large(log_odds: Array, label: Array, weights: Array, *, steps: int = 8) -> Array:
    """The intercept of a logistic regression with the served log-odds as offset: 0 where the level is right.

    >>> in_the_large(np.zeros(4), np.array([1.0, 0, 0, 0]), np.ones((1, 4))).round(4).tolist()
    [-1.0986]
    """
    level = np.zeros(len(weights))
    total, observed = weights.sum(axis=1), weights @ label
    with np.errstate(all="ignore"):
        for _ in range(steps):
            p = 1.0 / (1.0 + np.exp(-(log_odds[None, :] + level[:, None])))
            gap, curve = observed - (weights * p).sum(axis=1), (weights * p * (1 - p)).sum(axis=1)
            level = level + np.clip(gap / curve, -3.0, 3.0)
    return np.where((observed > 0) & (observed < total), level, np.nan)


def _periods(rows: TestRows) -> list[npt.NDArray[np.bool_]]:
    return [rows.periods == period for period in np.unique(rows.periods)]


def _is_enough(rows: TestRows, inside: npt.NDArray[np.bool_]) -> bool:
    label = rows.label[inside]
    if rows.is_money:
        return len(label) >= LEAST_CUSTOMERS and bool(np.ptp(label) > 0)
    return LEAST_EVENTS <= label.sum() <= len(label) - LEAST_EVENTS


def _start(rows: TestRows) -> Array | None:
    try:
        return calibration.fit_logistic(rows.scale, rows.label)
    except ValueError:
        return None


def _line(rows: TestRows, weights: Array) -> tuple[Array, Array]:
    """Weighted least-squares slope and intercept of what came on what was predicted, for each weighting."""
    x, y = rows.scale, rows.label
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    spread = weights @ (x * x) / total - mean_x**2
    shared = weights @ (x * y) / total - mean_x * mean_y
    slope = np.divide(shared, spread, out=np.full(len(weights), np.nan), where=spread > 0)
    return slope, mean_y - slope * mean_x
