"""What one taker of an offer is worth in the twelve months after taking it.

Estimated from customers who took the product before: the first-year
contribution of the new product (already net of expected loss, capital and those
who left again) less what it displaced on the customer's other accounts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmml.errors import SourceError
from crmml.targeting.candidates import Table, as_frame, require_columns
from crmml.targeting.spec import ListSpec, Offer, ValueEstimate

CONFIG, PRODUCT, SEGMENT = "config", "takers_product", "takers_segment"


@dataclass(frozen=True)
class SegmentMeans:
    """Mean values of earlier takers of one product, drawn towards the product's mean.

    `table` is indexed by segment: `takers` (count), `mean`, `weight` (share of
    the segment's own mean in `value`) and `value`, in currency.
    """

    product_mean: float
    takers: int
    table: pd.DataFrame


def with_values(spec: ListSpec, candidates: pd.DataFrame, takers: Table | None) -> pd.DataFrame:
    """The candidates with `value_if_taken` (currency) and where it comes from.

    `value_source` is `config`, `takers_product` or `takers_segment`;
    `value_source_zh` and `value_source_en` say how and from how many takers.

    Raises
    ------
    SourceError
        If an offer has neither a fixed value nor enough earlier takers (D019).
    """
    history = None if takers is None else _takers(takers, spec.value)
    parts = [
        _priced(offer, rows, history, spec.value) for offer in spec.offers if len(rows := _rows_of(candidates, offer))
    ]
    return pd.concat(parts).sort_index()


def segment_means(values: np.ndarray, segments: np.ndarray, spec: ValueEstimate) -> SegmentMeans:
    """Shrunken means by segment: w × segment mean + (1 − w) × product mean, w = n τ² / (n τ² + σ²).

    σ² is the pooled variance within segments, τ² the variance between their
    true means by the method of moments; τ² = 0 where segments differ no more
    than chance. Values are winsorised first.

    References
    ----------
    .. [1] Bühlmann and Gisler, A Course in Credibility Theory, 2005, chapter 4.

    Examples
    --------
    >>> asked = ValueEstimate(minimum_takers=2, winsorise=0)
    >>> means = segment_means(np.array([8, 12, 88, 112.0]), np.array(["a", "a", "b", "b"]), asked)
    >>> means.product_mean, means.table["value"].round(2).tolist()
    (55.0, [10.82, 99.18])
    """
    low, high = np.quantile(values, [spec.winsorise, 1 - spec.winsorise])
    drawn = pd.Series(np.clip(values, low, high))
    mean = float(drawn.mean())
    groups = drawn.groupby(segments)
    table = pd.DataFrame({"takers": groups.size(), "mean": groups.mean()})
    within, between = _variances(groups, len(drawn), mean)
    strength = table["takers"] * between
    weight = strength / (strength + within) if between > 0 else table["takers"] * 0.0
    table["weight"] = weight.where(table["takers"] >= spec.minimum_takers, 0.0)
    table["value"] = table["weight"] * table["mean"] + (1 - table["weight"]) * mean
    return SegmentMeans(mean, len(drawn), table)


def _variances(groups: pd.api.typing.SeriesGroupBy, n: int, mean: float) -> tuple[float, float]:
    """Variance within segments and between their true means (one-way analysis of variance)."""
    sizes, means = groups.size().to_numpy(dtype=float), groups.mean().to_numpy()
    k = len(sizes)
    inside = float((groups.var(ddof=0) * groups.size()).sum())
    if k < 2 or n <= k:
        return inside, 0.0
    within = inside / (n - k)
    spread = float((sizes * (means - mean) ** 2).sum()) / (k - 1)
    typical = (n - (sizes**2).sum() / n) / (k - 1)
    return within, max(0.0, (spread - within) / typical)


def _takers(table: Table, spec: ValueEstimate) -> pd.DataFrame:
    frame = as_frame(table)
    needed = ["product_id", "family", "customer_id", "first_year_contribution", "displaced", *spec.segments]
    require_columns(frame, needed, what="takers")
    value = frame["first_year_contribution"].astype(float) - frame["displaced"].astype(float)
    if not np.isfinite(value).all():
        raise SourceError(
            f"takers: value is not a number on {(~np.isfinite(value)).sum():,} rows; expected amounts", code="D013"
        )
    return frame.assign(value=value)


def _rows_of(candidates: pd.DataFrame, offer: Offer) -> pd.DataFrame:
    return candidates[candidates["offer"] == offer.product]


def _priced(offer: Offer, rows: pd.DataFrame, history: pd.DataFrame | None, spec: ValueEstimate) -> pd.DataFrame:
    if offer.value_if_taken is not None:
        return rows.assign(
            value_if_taken=float(offer.value_if_taken),
            value_source=CONFIG,
            value_source_zh="配置给定",
            value_source_en="given in the config",
        )
    past = pd.DataFrame({"value": []}) if history is None else history[_is_taker(history, offer)]
    if len(past) < spec.minimum_takers:
        raise SourceError(
            f"takers: {len(past)} earlier takers of {offer.product}; expected {spec.minimum_takers} or more. "
            "Give the offer a value_if_taken in the config, or a longer history",
            code="D019",
        )
    means = segment_means(past["value"].to_numpy(), _segments(past, spec), spec)
    found = means.table.reindex(_segments(rows, spec))
    weight = found["weight"].fillna(0.0).to_numpy()
    takers = np.where(weight > 0, found["takers"].fillna(0), means.takers).astype(int)
    return rows.assign(
        value_if_taken=found["value"].fillna(means.product_mean).to_numpy(),
        value_source=np.where(weight > 0, SEGMENT, PRODUCT),
        **_words(found.index.to_numpy(), takers, weight, means.takers),
    )


def _is_taker(history: pd.DataFrame, offer: Offer) -> pd.Series:
    return (history["product_id"] == offer.product) | (history["family"] == offer.product)


def _segments(frame: pd.DataFrame, spec: ValueEstimate) -> np.ndarray:
    if not spec.segments:
        return np.full(len(frame), "all")
    words = [frame[column].astype("str").fillna("-") for column in spec.segments]
    return np.array([" / ".join(row) for row in zip(*words, strict=True)], dtype=object)


def _words(segments: np.ndarray, takers: np.ndarray, weight: np.ndarray, of_product: int) -> dict[str, list[str]]:
    rows = list(zip(segments.tolist(), takers.tolist(), weight.tolist(), strict=True))
    said = {cell: _sentence(*cell, of_product) for cell in set(rows)}
    pairs = [said[cell] for cell in rows]
    return {"value_source_zh": [zh for zh, _ in pairs], "value_source_en": [en for _, en in pairs]}


def _sentence(segment: object, takers: int, weight: float, of_product: int) -> tuple[str, str]:
    if weight <= 0:
        return (
            f"{of_product:,} 位已购客户首年贡献的均值",
            f"mean first-year contribution of {of_product:,} earlier takers",
        )
    return (
        f"同类已购客户首年贡献({segment},{takers:,} 位,权重 {weight:.0%})与产品均值({of_product:,} 位)加权",
        f"first-year contribution of {takers:,} like takers ({segment}), weight {weight:.0%}, "
        f"rest the mean of all {of_product:,} takers",
    )
