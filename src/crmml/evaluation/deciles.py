"""Calibration of amounts by decile, one cut-off at a time: whether each tenth brings what was said of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.evaluation.bootstrap import Customers, figure

Array = npt.NDArray[np.float64]
TOLERANCE = 0.10
GROUPS = 10


def decile_calibration(
    actual: Array, predicted: Array, customers: npt.NDArray[Any], *, resamples: int = 300, seed: int = 0
) -> dict[str, Any]:
    """Ten equal groups in order of the prediction on the rows of one cut-off, lowest first.

    The tolerance of a group is 10 % of its mean prediction, and never less than
    10 % of the mean size of all predictions: a tenth of customers who bring
    about nothing has no percentage of its own. A group is `within` where its
    gap (actual less predicted) is, `noise` where it is not and the 95 % interval
    of the gap (customers drawn) reaches into the tolerance, else `off`.

    Returns
    -------
    dict
        `deciles`, rows of `group, rows, predicted, actual, gap (value, low,
        high), tolerance, verdict`; the number of groups with each verdict; and
        `decile_error`, the sum of all gaps over the sum of all sizes that came.
    """
    parts = np.array_split(np.argsort(predicted, kind="stable"), min(GROUPS, len(predicted)))
    least = TOLERANCE * float(np.abs(predicted).mean())
    rows: list[dict[str, Any]] = []
    for index, part in enumerate(parts):
        said, came = float(predicted[part].mean()), float(actual[part].mean())
        drawn = Customers(np.asarray(customers)[part], resamples=resamples, seed=seed)
        gap = figure(*drawn.estimate(_mean_of(actual[part] - predicted[part])))
        tolerance = max(TOLERANCE * abs(said), least)
        told: dict[str, Any] = {
            "group": index + 1,
            "rows": len(part),
            "predicted": said,
            "actual": came,
            "gap": gap.as_dict(),
        }
        rows.append(told | {"tolerance": tolerance, "verdict": _verdict(gap.value, gap.low, gap.high, tolerance)})
    counts = {name: sum(row["verdict"] == name for row in rows) for name in ("within", "noise", "off")}
    size = sum(abs(row["actual"]) for row in rows)
    error = sum(abs(row["actual"] - row["predicted"]) for row in rows) / size if size else None
    return {"deciles": rows, "deciles_by_verdict": counts, "decile_error": error}


def _mean_of(values: Array) -> Any:
    return lambda weights: np.divide(
        weights @ values, weights.sum(axis=1), out=np.full(len(weights), np.nan), where=weights.sum(axis=1) > 0
    )


def _verdict(gap: float | None, low: float | None, high: float | None, tolerance: float) -> str:
    if gap is not None and abs(gap) <= tolerance:
        return "within"
    reaches = low is None or high is None or (low <= tolerance and high >= -tolerance)
    return "noise" if reaches else "off"
