"""What one taker of an offer is worth in the twelve months after taking it.

Estimated from customers who took the product before: the first-year
contribution of the new product (already net of expected loss, capital and those
who left again) less what it displaced on the customer's other accounts, beside
like customers who did not take it (`ledger.displacement`).

The takers' table has one row per taken product: `customer_id`, `product_id`,
`family`, `first_year_contribution`, `displaced` (contribution lost on the
customer's other accounts, positive where they lost, null where not known; both
in currency), the segment columns and, where the newest may count more, `opened_on`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmml.errors import SourceError
from crmml.targeting.candidates import Table, as_frame, require_columns
from crmml.targeting.keeping import SELL
from crmml.targeting.spec import ListSpec, Offer, ValueEstimate
from crmml.targeting.taker_means import half_life, levels_of, recency, segment_means

TAKERS = ("customer_id", "product_id", "family", "first_year_contribution", "displaced")
CONFIG, PRODUCT, SEGMENT = "config", "takers_product", "takers_segment"


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
    levels, theirs = levels_of(rows, spec.segments), levels_of(past, spec.segments)
    values, life = past["gained"].to_numpy(), None
    if "opened_on" in past:
        opened = past["opened_on"].to_numpy().astype("datetime64[D]")
        life = half_life(values, theirs, opened, winsorise=spec.winsorise)
    weight = None if life is None else recency(opened, life)
    gained = segment_means(values, theirs, winsorise=spec.winsorise, weight=weight).at(levels)
    lost = _displacement(past, levels, spec)
    return rows.assign(
        value_if_taken=gained["value"].to_numpy() - lost["value"].to_numpy(),
        value_source=np.where(gained["weight"] > 0, SEGMENT, PRODUCT),
        **_words(gained, lost, len(past), life),
    )


def _displacement(past: pd.DataFrame, levels: list[np.ndarray], spec: ValueEstimate) -> pd.DataFrame:
    """Mean displacement by row, as far as the product's lies beyond chance.

    Never negative: what grows elsewhere is not counted as brought by the offer. The share kept is that of James and
    Stein for one mean, 1 − (standard error / mean)²: twelve months of all a customer's accounts are noisy.
    """
    known = past[past["lost"].notna()]
    rows = len(levels[0])
    if len(known) < spec.minimum_takers:
        return pd.DataFrame({"value": np.zeros(rows), "takers": 0})
    values = known["lost"].to_numpy()
    drawn = np.clip(values, *np.quantile(values, [spec.winsorise, 1 - spec.winsorise]))
    mean, error = float(drawn.mean()), float(drawn.std(ddof=1) / np.sqrt(len(drawn))) if len(drawn) > 1 else np.inf
    kept = max(0.0, 1 - (error / mean) ** 2) if mean > 0 else 0.0
    lost = segment_means(values, levels_of(known, spec.segments), winsorise=spec.winsorise).at(levels)
    return lost.assign(value=kept * lost["value"].clip(lower=0.0), takers=len(known))


def _is_taker(history: pd.DataFrame, offer: Offer) -> pd.Series:
    return (history["product_id"] == offer.product) | (history["family"] == offer.product)


def _words(gained: pd.DataFrame, lost: pd.DataFrame, takers: int, life: int | None) -> dict[str, list[str]]:
    columns = (gained["segment"], gained["takers"], gained["weight"], lost["value"], lost["takers"])
    rows = list(zip(*(column.tolist() for column in columns), strict=True))
    said = {row: _sentence(*row, takers=takers, life=life) for row in set(rows)}
    return {
        "value_source_zh": [said[row][0] for row in rows],
        "value_source_en": [said[row][1] for row in rows],
    }


def _sentence(
    segment: str, of_segment: int, weight: float, lost: float, lost_takers: int, *, takers: int, life: int | None
) -> tuple[str, str]:
    zh = f"{takers:,} 位已购客户首年贡献的均值"
    en = f"mean first-year contribution of {takers:,} earlier takers"
    if weight > 0:
        zh = f"同类已购客户首年贡献({segment},{of_segment:,} 位,权重 {weight:.0%}),其余取自更大范围(共 {takers:,} 位)"
        en = f"first-year contribution of {of_segment:,} like takers ({segment}), weight {weight:.0%}, rest wider circles of {takers:,} takers"
    if life is not None:
        zh, en = f"{zh};近期者权重更大(半衰期 {life} 个月)", f"{en}; the newest count most (half-life {life} months)"
    if lost_takers == 0:
        return f"{zh};替代未知,未扣", f"{en}; displacement not known, not taken off"
    return f"{zh};已扣替代 {lost:,.0f}", f"{en}; less {lost:,.0f} displaced"
