"""The out-of-time report: figures per cut-off, their mean, and intervals by customer.

Cut-offs are never pooled: a figure is computed on each, and the headline is the
mean over them. Its interval comes from drawing customers once for all cut-offs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.evaluation import calibration, discrimination
from crmml.evaluation.bootstrap import Customers, Figure, figure, verdict
from crmml.evaluation.deciles import decile_calibration
from crmml.evaluation.discrimination import Ranked, RankedMoney

Array = npt.NDArray[np.float64]
Statistic = Callable[[Array], Array]
_DIFFERENCE = "difference"


def probability_report(
    label: Array,
    log_odds: Array,
    *,
    benchmark: Array | None,
    customers: npt.NDArray[Any],
    cutoffs: npt.NDArray[Any],
    resamples: int = 300,
    seed: int = 0,
    weight: Array | None = None,
) -> dict[str, Any]:
    """How good probabilities are on test rows.

    Parameters
    ----------
    label, log_odds : ndarray of shape (n_rows,)
        0 or 1, and the served log-odds.
    benchmark : ndarray of shape (n_rows,), optional
        Another score of the same rows, higher is more likely.
    customers, cutoffs : ndarray of shape (n_rows,)
    weight : ndarray of shape (n_rows,), optional
        How much each row counts in AUC, Gini, calibration, event rate and mean; other figures count rows.

    Returns
    -------
    dict
        `headline` and `per_cutoff` (a list): `auc`, `gini`, `calibration_slope`,
        `observed_over_expected` as value, low, high; `ks`, `lift_10pct`,
        `brier`, `log_loss`, `rows`, `events`; and `benchmark`.
    """
    probability = 1.0 / (1.0 + np.exp(-log_odds))

    def statistics(rows: npt.NDArray[np.intp]) -> dict[str, Statistic]:
        y, x, p = label[rows], log_odds[rows], probability[rows]
        ranked, start = Ranked(y, x), _start(x, y, None if weight is None else weight[rows])
        made: dict[str, Statistic] = {
            "auc": ranked.auc,
            "calibration_slope": lambda weights: calibration.slopes(x, y, weights, start=start)[:, 1],
            "observed_over_expected": lambda weights: calibration.observed_over_expected(y, p, weights),
        }
        if benchmark is not None:
            made["benchmark"] = Ranked(y, benchmark[rows]).auc
        return made

    def plain(rows: npt.NDArray[np.intp]) -> dict[str, float]:
        y, x, p = label[rows], log_odds[rows], probability[rows]
        return {
            "ks": discrimination.ks(y, x),
            "lift_10pct": discrimination.lift(y, x),
            "brier": discrimination.brier(y, p),
            "log_loss": discrimination.log_loss(y, x),
            "event_rate": float(np.average(y, weights=None if weight is None else weight[rows])),
            "mean_prediction": float(np.average(p, weights=None if weight is None else weight[rows])),
        }

    report = _report(statistics, plain, "auc", customers, cutoffs, resamples=resamples, seed=seed, row_weight=weight)
    for part in [report["headline"], *report["per_cutoff"]]:
        part["gini"] = _doubled(part["auc"])
    events = [int(label[cutoffs == cutoff].sum()) for cutoff in np.unique(cutoffs)]
    for part, count in zip(report["per_cutoff"], events, strict=True):
        part["events"] = count
    report["headline"]["events"] = sum(events)
    report["headline"]["deciles"] = calibration.decile_table(probability, label)
    return report


def money_report(
    actual: Array,
    predicted: Array,
    *,
    benchmark: Array | None,
    customers: npt.NDArray[Any],
    cutoffs: npt.NDArray[Any],
    resamples: int = 300,
    seed: int = 0,
) -> dict[str, Any]:
    """How good amounts are on test rows: as `probability_report`, with `normalised_gini`, `mae`, `rmse`.

    Each cut-off has its `deciles` with intervals, see `decile_calibration`.
    """

    def statistics(rows: npt.NDArray[np.intp]) -> dict[str, Statistic]:
        y, x = actual[rows], predicted[rows]
        made: dict[str, Statistic] = {
            "normalised_gini": RankedMoney(y, x).gini,
            "calibration_slope": lambda weights: _linear_slopes(x, y, weights),
            "observed_over_expected": lambda weights: calibration.observed_over_expected(y, x, weights),
        }
        if benchmark is not None:
            made["benchmark"] = RankedMoney(y, benchmark[rows]).gini
        return made

    def plain(rows: npt.NDArray[np.intp]) -> dict[str, float]:
        gap = predicted[rows] - actual[rows]
        return {
            "mae": float(np.abs(gap).mean()),
            "rmse": float(np.sqrt((gap**2).mean())),
            "mean_actual": float(actual[rows].mean()),
            "mean_prediction": float(predicted[rows].mean()),
        }

    report = _report(statistics, plain, "normalised_gini", customers, cutoffs, resamples=resamples, seed=seed)
    report["headline"]["deciles"] = calibration.decile_table(predicted, actual)
    for part in report["per_cutoff"]:
        rows = np.flatnonzero(cutoffs.astype(str) == part["cutoff_date"])
        part |= decile_calibration(actual[rows], predicted[rows], customers[rows], resamples=resamples, seed=seed)
    return report


def _report(
    statistics: Callable[[npt.NDArray[np.intp]], Mapping[str, Statistic]],
    plain: Callable[[npt.NDArray[np.intp]], Mapping[str, float]],
    measure: str,
    customers: npt.NDArray[Any],
    cutoffs: npt.NDArray[Any],
    *,
    resamples: int,
    seed: int,
    row_weight: Array | None = None,
) -> dict[str, Any]:
    blocks = [np.flatnonzero(cutoffs == cutoff) for cutoff in np.unique(cutoffs)]
    made = [statistics(rows) for rows in blocks]
    names = list(made[0])
    drawn_from = Customers(customers, resamples=resamples, seed=seed)
    values, drawn = _estimate(drawn_from, blocks, made, names, row_weight=row_weight)
    per_cutoff = []
    for index, (cutoff, rows) in enumerate(zip(np.unique(cutoffs), blocks, strict=True)):
        figures = {name: figure(values[index, k], drawn[:, index, k]) for k, name in enumerate(names)}
        per_cutoff.append({"cutoff_date": str(cutoff), "rows": len(rows), **_told(figures), **_clean(plain(rows))})
    judged = np.atleast_1d(np.isfinite(values).all(axis=1))
    judged = judged if judged.any() else ~judged
    mean_values, mean_drawn = values[judged].mean(axis=0), drawn[:, judged].mean(axis=1)
    figures = {name: figure(mean_values[k], mean_drawn[:, k]) for k, name in enumerate(names)}
    shared = [plain(rows) for rows, keep in zip(blocks, judged, strict=True) if keep]
    means = {key: float(np.mean([part[key] for part in shared])) for key in shared[0]}
    headline = {"rows": sum(map(len, blocks)), "cutoffs": int(judged.sum()), **_told(figures), **_clean(means)}
    report: dict[str, Any] = {"measure": measure, "headline": headline, "per_cutoff": per_cutoff}
    if "benchmark" in names:
        gap = names.index(measure), names.index("benchmark")
        difference = figure(mean_values[gap[0]] - mean_values[gap[1]], mean_drawn[:, gap[0]] - mean_drawn[:, gap[1]])
        report["benchmark"] = {
            measure: headline.pop("benchmark"),
            _DIFFERENCE: difference.as_dict(),
            "verdict": verdict(difference),
        }
    return report


def _estimate(
    customers: Customers,
    blocks: Sequence[npt.NDArray[np.intp]],
    made: Sequence[Mapping[str, Statistic]],
    names: Sequence[str],
    *,
    row_weight: Array | None = None,
) -> tuple[Array, Array]:
    """Every statistic of every block on all rows (blocks, names), and on each resample (resamples, blocks, names)."""
    ones = np.ones((1, len(customers.codes)))

    def judge(weights: Array) -> Array:
        if row_weight is not None:
            weights = weights * row_weight
        return np.stack(
            [
                np.stack([block[name](weights[:, rows]) for name in names], axis=-1)
                for rows, block in zip(blocks, made, strict=True)
            ],
            axis=1,
        )

    drawn = [judge(weights) for weights in customers.draws()]
    empty = np.empty((0, len(blocks), len(names)))
    return judge(ones)[0], np.concatenate(drawn) if drawn else empty


def _start(log_odds: Array, label: Array, weight: Array | None = None) -> Array:
    try:
        return calibration.fit_logistic(log_odds, label, weight)
    except ValueError:
        return np.array([0.0, np.nan])


def _linear_slopes(x: Array, y: Array, weights: Array) -> Array:
    total = weights.sum(axis=1)
    mean_x, mean_y = weights @ x / total, weights @ y / total
    spread = weights @ (x * x) / total - mean_x**2
    shared = weights @ (x * y) / total - mean_x * mean_y
    return np.divide(shared, spread, out=np.full(len(weights), np.nan), where=spread > 0)


def _told(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {name: value.as_dict() for name, value in figures.items()}


def _clean(values: Mapping[str, float]) -> dict[str, float | None]:
    return {name: float(value) if np.isfinite(value) else None for name, value in values.items()}


def _doubled(auc: Mapping[str, float | None]) -> dict[str, float | None]:
    return {end: None if value is None else 2 * value - 1 for end, value in auc.items()}
