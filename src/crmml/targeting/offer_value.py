"""What one taker of an offer is worth in the twelve months after taking it.

Estimated from customers who took the product before: the first-year
contribution of the new product (already net of expected loss, capital and those
who left again) less what it displaced on the customer's other accounts, beside
like customers who did not take it (`ledger.displacement`).

The takers' table has one row per taken product: `customer_id`, `product_id`,
`family`, `first_year_contribution`, `displaced` (contribution lost on the
customer's other accounts, positive where they lost, null where not known; both
in currency) and the segment columns.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmml.errors import SourceError
from crmml.targeting.candidates import Table, as_frame, require_columns
from crmml.targeting.keeping import SELL
from crmml.targeting.spec import ListSpec, Offer, ValueEstimate

TAKERS = ("customer_id", "product_id", "family", "first_year_contribution", "displaced")
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

    def at(self, segments: np.ndarray) -> pd.DataFrame:
        """`takers`, `weight` and `value` of these segments; one without takers reads the product's mean."""
        found = self.table.reindex(segments).reset_index(drop=True)
        found["weight"] = found["weight"].fillna(0.0)
        return found.assign(
            takers=found["takers"].where(found["weight"] > 0, self.takers).astype(int),
            value=found["value"].fillna(self.product_mean),
        )


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
    require_columns(frame, [*TAKERS, *spec.segments], what="takers")
    gained, lost = frame["first_year_contribution"].astype(float), frame["displaced"].astype(float)
    wrong = ~np.isfinite(gained) | np.isinf(lost)
    if wrong.any():
        raise SourceError(f"takers: value is not a number on {wrong.sum():,} rows; expected amounts", code="D013")
    return frame.assign(gained=gained, lost=lost)


def _rows_of(candidates: pd.DataFrame, offer: Offer) -> pd.DataFrame:
    return candidates[candidates["offer"] == offer.product]


def _priced(offer: Offer, rows: pd.DataFrame, history: pd.DataFrame | None, spec: ValueEstimate) -> pd.DataFrame:
    if offer.value_if_taken is None and offer.kind != SELL:
        names = {"value_if_taken": "value_at_risk", "value_source": "at_risk_source"}
        names |= {f"value_source_{language}": f"at_risk_{language}" for language in ("zh", "en")}
        return rows.assign(**{name: rows[column] for name, column in names.items()})
    if offer.value_if_taken is not None:
        return rows.assign(
            value_if_taken=float(offer.value_if_taken),
            value_source=CONFIG,
            value_source_zh="配置给定",
            value_source_en="given in the config",
        )
    past = pd.DataFrame() if history is None else history[_is_taker(history, offer)]
    if len(past) < spec.minimum_takers:
        raise SourceError(
            f"takers: {len(past)} earlier takers of {offer.product}; expected {spec.minimum_takers} or more. "
            "Give the offer a value_if_taken in the config, or a longer history",
            code="D019",
        )
    segments = _segments(rows, spec)
    gained = segment_means(past["gained"].to_numpy(), _segments(past, spec), spec).at(segments)
    lost = _displacement(past, segments, spec)
    return rows.assign(
        value_if_taken=gained["value"].to_numpy() - lost["value"].to_numpy(),
        value_source=np.where(gained["weight"] > 0, SEGMENT, PRODUCT),
        **_words(segments, gained, lost, len(past)),
    )


def _displacement(past: pd.DataFrame, segments: np.ndarray, spec: ValueEstimate) -> pd.DataFrame:
    """Mean displacement by row, never negative: what grows elsewhere is not counted as brought by the offer."""
    known = past[past["lost"].notna()]
    if len(known) < spec.minimum_takers:
        return pd.DataFrame({"value": np.zeros(len(segments)), "takers": 0})
    lost = segment_means(known["lost"].to_numpy(), _segments(known, spec), spec).at(segments)
    return lost.assign(value=lost["value"].clip(lower=0.0), takers=len(known))


def _is_taker(history: pd.DataFrame, offer: Offer) -> pd.Series:
    return (history["product_id"] == offer.product) | (history["family"] == offer.product)


def _segments(frame: pd.DataFrame, spec: ValueEstimate) -> np.ndarray:
    if not spec.segments:
        return np.full(len(frame), "all")
    words = [frame[column].astype("str").fillna("-") for column in spec.segments]
    return np.array([" / ".join(row) for row in zip(*words, strict=True)], dtype=object)


def _words(segments: np.ndarray, gained: pd.DataFrame, lost: pd.DataFrame, takers: int) -> dict[str, list[str]]:
    of_segment, weight = gained["takers"].tolist(), gained["weight"].tolist()
    rows = list(
        zip(segments.tolist(), of_segment, weight, lost["value"].tolist(), lost["takers"].tolist(), strict=True)
    )
    said = {(one, n, w, less, m): _sentence(one, n, w, less, m, takers) for one, n, w, less, m in set(rows)}
    return {
        "value_source_zh": [said[row][0] for row in rows],
        "value_source_en": [said[row][1] for row in rows],
    }


def _sentence(
    segment: str, of_segment: int, weight: float, lost: float, lost_takers: int, takers: int
) -> tuple[str, str]:
    zh = f"{takers:,} 位已购客户首年贡献的均值"
    en = f"mean first-year contribution of {takers:,} earlier takers"
    if weight > 0:
        zh = f"同类已购客户首年贡献({segment},{of_segment:,} 位,权重 {weight:.0%})与产品均值({takers:,} 位)加权"
        en = f"first-year contribution of {of_segment:,} like takers ({segment}), weight {weight:.0%}, rest the mean of all {takers:,} takers"
    if lost_takers == 0:
        return f"{zh};替代未知,未扣", f"{en}; displacement not known, not taken off"
    return f"{zh};已扣替代 {lost:,.0f}", f"{en}; less {lost:,.0f} displaced"
