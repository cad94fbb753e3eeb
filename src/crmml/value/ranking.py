"""What judging customers by deposits hides and costs, against what they contribute."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SHARES = (0.01, 0.02, 0.05, 0.10, 0.20, 0.50)
CURVE_POINTS = 200
#: Fewer customers in a cell would tell about single ones.
LEAST = 20


def order_of(values: Floats, ids: Sequence[str]) -> NDArray[np.int64]:
    """Places of the rows from the largest value down; among equals by id, so that an order is always the same."""
    return np.lexsort((np.asarray(ids, dtype=str), -np.nan_to_num(values)))


def rank_of(values: Floats, ids: Sequence[str]) -> NDArray[np.int64]:
    """The rank of every row, 1 for the largest value."""
    ranks = np.empty(len(values), dtype=np.int64)
    ranks[order_of(values, ids)] = np.arange(1, len(values) + 1)
    return ranks


def tops(customers: int, also: Sequence[int] = ()) -> list[int]:
    """How many customers the tops hold that are compared: shares of all, and the counts of `also` that fit.

    >>> tops(1000, also=(500, 5000))
    [10, 20, 50, 100, 200, 500]
    """
    counts = {max(1, round(share * customers)) for share in SHARES} | {count for count in also if count < customers}
    return sorted(counts)


def missed(worth: Floats, by: Floats, ids: Sequence[str], top: int) -> int:
    """How many of the `top` rows by `by` are not among the `top` rows by `worth`."""
    return len(set(order_of(by, ids)[:top].tolist()) - set(order_of(worth, ids)[:top].tolist()))


def compare_tops(worth: Floats, by: Floats, ids: Sequence[str], counts: Sequence[int]) -> pd.DataFrame:
    """What the top N by another measure contribute, against the top N by contribution.

    Returns
    -------
    DataFrame
        One row per N: top, share_of_customers, missed (of the top N by `by`, not among the true top N),
        best (contribution of the true top N), reached (of the top N by `by`), cost = best - reached, kept = reached / best
        (null where the best is not positive).
    """
    truly, other = np.cumsum(worth[order_of(worth, ids)]), np.cumsum(worth[order_of(by, ids)])
    rows = []
    for top in counts:
        best, reached = float(truly[top - 1]), float(other[top - 1])
        rows.append(
            {
                "top": top,
                "share_of_customers": top / len(worth),
                "missed": missed(worth, by, ids, top),
                "best": best,
                "reached": reached,
                "cost": best - reached,
                "kept": reached / best if best > 0 else np.nan,
            }
        )
    return pd.DataFrame(rows)


def concentration(worth: Floats) -> pd.DataFrame:
    """The share of all contribution that the best customers bring; above 1 where others lose it again.

    Null where the total is not positive: a share of a loss says nothing.

    References
    ----------
    .. [1] Kaplan and Cooper, Cost and Effect, Harvard Business School Press 1998, chapter 10 (the whale curve).
    """
    ordered = np.cumsum(np.sort(worth)[::-1])
    total = float(ordered[-1]) if len(ordered) else 0.0
    rows = []
    for share in SHARES:
        top = max(1, round(share * len(worth)))
        part = float(ordered[top - 1]) if len(ordered) else 0.0
        rows.append({"share_of_customers": share, "customers": top, "contribution": part,
                     "share": part / total if total > 0 else np.nan})  # fmt: skip
    return pd.DataFrame(rows)


def whale_curves(worth: Floats, orders: dict[str, Floats], ids: Sequence[str]) -> pd.DataFrame:
    """Cumulative contribution as customers are taken in an order, from none to all.

    Returns
    -------
    DataFrame
        `share_of_customers`, and one column of cumulative contribution per order.
    """
    places = np.unique(np.linspace(0, len(worth), min(len(worth), CURVE_POINTS) + 1).astype(int))
    curves = {"share_of_customers": places / max(1, len(worth))}
    for name, values in orders.items():
        summed = np.concatenate([[0.0], np.cumsum(worth[order_of(values, ids)])])
        curves[name] = summed[places]
    return pd.DataFrame(curves)


def losers(worth: pd.Series, cell: pd.Series) -> pd.DataFrame:
    """Rows that lose money, by cell, the largest loss first; cells of fewer than 20 rows go together as `other`.

    Returns
    -------
    DataFrame
        cell, rows, losing, losing_share, loss (the sum of what is below zero, not positive), contribution (of all rows).
    """
    sizes = cell.map(cell.value_counts())
    named = cell.where(sizes >= LEAST, "other")
    frame = pd.DataFrame({"cell": named.to_numpy(), "worth": worth.to_numpy(dtype=float)})
    frame["loss"] = frame["worth"].clip(upper=0.0)
    frame["is_losing"] = frame["worth"] < 0
    table = frame.groupby("cell", sort=True).agg(
        rows=("worth", "size"), losing=("is_losing", "sum"), loss=("loss", "sum"), contribution=("worth", "sum")
    )
    table.insert(2, "losing_share", table["losing"] / table["rows"])
    return table.reset_index().sort_values(["loss", "cell"], ignore_index=True)


def dressing(average: pd.Series, month_ends: pd.Series) -> dict[str, float]:
    """How far the mean of the month ends lies above the daily average of the same year, by customer.

    Returns
    -------
    dict
        `daily` and `month_end` (totals), `above` (their ratio - 1; null without deposits), `dressed` customers (month
        ends at least a fifth above their daily average) of `customers` with deposits.
    """
    held = average > 0
    daily, end = float(average.sum()), float(month_ends.sum())
    return {
        "daily": daily,
        "month_end": end,
        "above": end / daily - 1 if daily > 0 else np.nan,
        "customers": int(held.sum()),
        "dressed": int((month_ends[held] >= 1.2 * average[held]).sum()),
    }
