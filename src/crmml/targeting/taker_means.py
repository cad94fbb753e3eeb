"""Mean values of earlier takers by ever finer segments, the newest takers counting most where that foretells better."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[np.float64]
Labels = npt.NDArray[np.object_]
HALF_LIVES = (24, 12, 6)
"""Months after which a taker counts half, tried beside counting all alike."""
_BETTER = 0.005


@dataclass(frozen=True)
class SegmentMeans:
    """Mean values of earlier takers of one product, each segment drawn towards the wider one it is part of.

    `table` is indexed by segment, wider ones before: `takers` (count), `mean`,
    `weight` (share of the segment's own mean in `value`) and `value`, in currency.
    """

    product_mean: float
    takers: int
    table: pd.DataFrame

    def at(self, levels: Sequence[Labels]) -> pd.DataFrame:
        """`takers`, `weight`, `value` and `segment` of rows, by the finest of their segments that has takers; else the product's."""
        rows = len(levels[0]) if levels else 0
        found = pd.DataFrame({"takers": self.takers, "weight": 0.0, "value": self.product_mean}, index=range(rows))
        found["segment"] = ""
        for labels in levels:
            own = self.table.reindex(labels).reset_index(drop=True)
            known = own["takers"].notna().to_numpy()
            for name in ("takers", "weight", "value"):
                found[name] = np.where(known, own[name], found[name])
            found["segment"] = np.where(known, labels, found["segment"])
        return found.assign(takers=found["takers"].astype(int))


def levels_of(frame: pd.DataFrame, segments: Sequence[str]) -> list[Labels]:
    """The segment of each row by the first column, by the first two, and so on: from wide to fine."""
    words = [frame[column].astype("str").fillna("-").to_numpy(object) for column in segments]
    if not words:
        return [np.full(len(frame), "all", dtype=object)]
    found = [words[0]]
    for column in words[1:]:
        found.append(np.array([f"{wider} / {own}" for wider, own in zip(found[-1], column, strict=True)], dtype=object))
    return found


def segment_means(
    values: Array, levels: Sequence[Labels], *, winsorise: float = 0.0, weight: Array | None = None
) -> SegmentMeans:
    """Shrunken means by segment: w × segment mean + (1 − w) × that of the wider segment, w = n τ² / (n τ² + σ²).

    On each level σ² is the pooled variance within segments, τ² the variance
    between their true means within the wider ones, by the method of moments;
    τ² = 0 where segments differ no more than chance. Few takers tell little, and
    read what is known of wider circles. Values are drawn in to the quantiles
    first; with weights n is the effective number, (Σ w)² / Σ w².

    Parameters
    ----------
    values : ndarray of shape (n_takers,)
        In currency.
    levels : sequence of ndarray of shape (n_takers,)
        Segments from wide to fine, from `levels_of`.
    winsorise : float
        The share drawn in at either end.
    weight : ndarray of shape (n_takers,), optional
        How much each taker counts.

    References
    ----------
    .. [1] Bühlmann and Gisler, A Course in Credibility Theory, 2005, chapters 4 and 6.

    Examples
    --------
    >>> means = segment_means(np.array([8, 12, 88, 112.0]), [np.array(["a", "a", "b", "b"])])
    >>> means.product_mean, means.table["value"].round(2).tolist()
    (55.0, [10.82, 99.18])
    """
    low, high = np.quantile(values, [winsorise, 1 - winsorise])
    counted = np.ones(len(values)) if weight is None else weight
    rows = pd.DataFrame({"value": np.clip(values, low, high), "weight": counted, "wider": ""})
    mean = float(np.average(rows["value"], weights=counted))
    known = pd.Series({"": mean})
    tables = []
    for labels in levels:
        rows["segment"] = labels
        table = _level(rows, known)
        tables.append(table)
        known = table["value"]
        rows["wider"] = labels
    return SegmentMeans(mean, len(rows), pd.concat(tables)[["takers", "mean", "weight", "value"]])


def _level(rows: pd.DataFrame, known: pd.Series) -> pd.DataFrame:
    """The segments of one level, each drawn towards what is `known` of the wider one."""
    table = _groups(rows, "segment").assign(wider=rows.groupby("segment")["wider"].first())
    wider = _groups(rows, "wider").reindex(table["wider"])
    within, between = _variances(rows, table, wider)
    strength = table["size"] * between
    table["weight"] = strength / (strength + within) if between > 0 else 0.0
    prior = known.reindex(table["wider"]).to_numpy()
    table["value"] = table["weight"] * table["mean"] + (1 - table["weight"]) * prior
    return table


def _groups(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """By group: takers, effective size and weighted mean."""
    weighted = rows.assign(square=rows["weight"] ** 2, product=rows["weight"] * rows["value"]).groupby(column)
    sums = weighted[["weight", "square", "product"]].sum()
    return pd.DataFrame(
        {
            "takers": weighted.size(),
            "size": sums["weight"] ** 2 / sums["square"],
            "mean": sums["product"] / sums["weight"],
        }
    )


def _variances(rows: pd.DataFrame, table: pd.DataFrame, wider: pd.DataFrame) -> tuple[float, float]:
    """Variance within segments and between their true means within wider ones (one-way analysis of variance)."""
    size, parents = table["size"].to_numpy(), len(set(table["wider"]))
    scale = rows["segment"].map(table["size"] / rows.groupby("segment")["weight"].sum())
    inside = float((rows["weight"] * scale * (rows["value"] - rows["segment"].map(table["mean"])) ** 2).sum())
    n, k = float(size.sum()), len(table)
    if k <= parents or n <= k:
        return inside, 0.0
    within = inside / (n - k)
    spread = float((size * (table["mean"].to_numpy() - wider["mean"].to_numpy()) ** 2).sum()) / (k - parents)
    of_wider = pd.Series(size).groupby(table["wider"].to_numpy())
    typical = float((of_wider.sum() - of_wider.apply(lambda one: (one**2).sum()) / of_wider.sum()).sum()) / (
        k - parents
    )
    return within, max(0.0, (spread - within) / typical) if typical > 0 else 0.0


def half_life(
    values: Array, levels: Sequence[Labels], opened_on: npt.NDArray[np.datetime64], *, winsorise: float
) -> int | None:
    """After how many months a taker counts half: what foretold each later year's takers best from those before.

    None, all alike, unless a half-life lowers the squared error by half a percent: prices that moved show in the newest.
    """
    months = opened_on.astype("datetime64[M]").astype(int)
    years = months // 12
    low, high = np.quantile(values, [winsorise, 1 - winsorise])
    drawn = np.clip(values, low, high)
    tested = [year for year in np.unique(years)[1:] if (years == year).sum() > 1 and (years < year).sum() > 1]
    errors = {
        life: sum(_error(drawn, levels, months, years, year, life) for year in tested) for life in (None, *HALF_LIVES)
    }
    best = min(errors, key=lambda life: errors[life])
    return best if errors[best] < (1 - _BETTER) * errors[None] else None


def recency(opened_on: npt.NDArray[np.datetime64], life: int | None) -> Array:
    """How much each taker counts: half as much for every `life` months before the newest."""
    months = opened_on.astype("datetime64[M]").astype(int)
    return np.ones(len(months)) if life is None else np.asarray(0.5 ** ((months.max() - months) / life))


def _error(
    values: Array,
    levels: Sequence[Labels],
    months: npt.NDArray[np.int64],
    years: npt.NDArray[np.int64],
    year: int,
    life: int | None,
) -> float:
    """Squared error of the takers of a year, foretold from those before."""
    before, then = years < year, years == year
    weight = np.ones(int(before.sum())) if life is None else 0.5 ** ((months[before].max() - months[before]) / life)
    means = segment_means(values[before], [labels[before] for labels in levels], weight=weight)
    foretold = means.at([labels[then] for labels in levels])["value"].to_numpy()
    return float(((values[then] - foretold) ** 2).sum())
