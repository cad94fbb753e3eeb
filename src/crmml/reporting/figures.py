"""Tables behind the report's charts: aggregates only, never a row of a customer."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from crmml.evaluation.calibration import decile_table
from crmml.evaluation.rates import wilson
from crmml.evaluation.stability import bin_counts, psi

_PANELS = 3


def newest(predictions: pd.DataFrame, count: int = _PANELS) -> dict[str, pd.DataFrame]:
    """The test rows of the newest cut-offs (for events: quarters) that hold both outcomes, oldest first."""
    groups = {str(period): rows for period, rows in predictions.groupby("period", sort=True)}
    both = {period: rows for period, rows in groups.items() if rows["label"].nunique() > 1}
    return dict(list(both.items())[-count:])


def calibration_bins(predicted: np.ndarray, label: np.ndarray, *, groups: int = 10) -> pd.DataFrame:
    """Predicted and observed rates of equal groups, with Wilson intervals.

    Returns
    -------
    DataFrame
        `predicted`, `observed`, `low`, `high`, `rows`, lowest prediction first.
    """
    table = pd.DataFrame(decile_table(predicted, label, groups=groups)).rename(columns={"actual": "observed"})
    low, high = wilson(table["observed"].to_numpy() * table["rows"].to_numpy(), table["rows"].to_numpy(dtype=float))
    return table.assign(low=low, high=high)


def rank_table(score: np.ndarray, label: np.ndarray, *, groups: int = 10) -> list[dict[str, Any]]:
    """Deciles from the highest score down: rows, events, rate, lift, share of events found so far, gap of the curves.

    The rows and events of all deciles sum to those of the test set.
    """
    parts = np.array_split(np.argsort(-score, kind="stable"), min(groups, len(score)))
    total, rate = float(label.sum()), float(label.mean())
    rows, events, table = 0, 0.0, []
    for index, part in enumerate(parts):
        rows, events = rows + len(part), events + float(label[part].sum())
        others = (rows - events) / max(1.0, len(label) - total)
        table.append(
            {
                "decile": index + 1,
                "rows": len(part),
                "events": int(label[part].sum()),
                "rate": float(label[part].mean()),
                "lift": float(label[part].mean()) / rate if rate else float("nan"),
                "found": events / total if total else float("nan"),
                "gap": (events / total if total else float("nan")) - others,
                "least": float(score[part].min()),
                "rows_so_far": rows,
                "events_so_far": int(events),
            }
        )
    largest = max(range(len(table)), key=lambda index: abs(table[index]["gap"]))
    return [row | {"is_ks": index == largest} for index, row in enumerate(table)]


def money_deciles(predicted: np.ndarray, actual: np.ndarray) -> pd.DataFrame:
    """Mean prediction and outcome by decile of the prediction, best first, with the share of all that is in it."""
    table = pd.DataFrame(decile_table(predicted, actual)).iloc[::-1].reset_index(drop=True)
    total = float((table["actual"] * table["rows"]).sum())
    return table.assign(share=table["actual"] * table["rows"] / total if total > 0 else np.nan)


def shift_of(quantiles: np.ndarray, values: np.ndarray) -> dict[str, Any]:
    """How the test rows fall into the deciles of the frozen training scores, and the PSI.

    Parameters
    ----------
    quantiles : ndarray
        The evenly spaced quantiles frozen in the bundle.
    values : ndarray
        The served figures of the test rows.
    """
    inner = np.unique(np.quantile(quantiles, np.linspace(0.1, 0.9, 9)))
    train = bin_counts(quantiles, inner)[:-1]
    test = bin_counts(values, inner)[:-1]
    scaled = train * (test.sum() / train.sum())
    return {"edges": inner, "train": train / train.sum(), "test": test / test.sum(), "psi": psi(scaled, test)}
