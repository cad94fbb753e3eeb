"""The expected value of an offer, every factor of it a column."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmml.vocabulary import EFFECT_SOURCES, PROPENSITY, PROPENSITY_ZH, SAVE_RATE, SAVE_RATE_ZH, UPLIFT, UPLIFT_ZH

__all__ = [
    "EFFECT_SOURCES",
    "PROPENSITY",
    "PROPENSITY_ZH",
    "SAVE_RATE",
    "SAVE_RATE_ZH",
    "UPLIFT",
    "UPLIFT_ZH",
    "expected_value",
]


def expected_value(
    effect: np.ndarray | pd.Series,
    value_if_taken: np.ndarray | pd.Series,
    prob_take: np.ndarray | pd.Series,
    incentive: np.ndarray | pd.Series,
    contact_cost: np.ndarray | pd.Series,
) -> np.ndarray:
    """Expected gain from contacting a customer with an offer, in currency.

    effect × value_if_taken − prob_take × incentive − contact_cost: the incentive
    is paid to everybody who takes, also to those who would have taken anyway.

    Examples
    --------
    >>> expected_value(np.array([0.24]), np.array([1180.0]), np.array([0.24]), np.array([0.0]), np.array([15.2]))
    array([268.])
    """
    gain = np.asarray(effect) * np.asarray(value_if_taken) - np.asarray(prob_take) * np.asarray(incentive)
    return gain - np.asarray(contact_cost)


def with_expected_value(candidates: pd.DataFrame) -> pd.DataFrame:
    """The candidates with `effect`, `effect_source` and `expected_value`.

    The effect is the uplift where there is one, else `prob_take`, stamped
    "propensity, not causal"; of an offer that keeps customers it is what the save
    rate saves where no uplift is known.
    """
    uplift = candidates["uplift"].to_numpy(dtype=float)
    is_causal = ~np.isnan(uplift)
    saved = candidates["saved"].to_numpy(dtype=float) if "saved" in candidates else np.full(len(candidates), np.nan)
    is_assumed = ~is_causal & ~np.isnan(saved)
    effect = np.where(is_causal, uplift, np.where(is_assumed, saved, candidates["prob_take"].to_numpy()))
    source = np.where(is_causal, UPLIFT, np.where(is_assumed, SAVE_RATE, PROPENSITY))
    return candidates.assign(
        effect=effect,
        effect_source=pd.array(source, dtype="str"),
        expected_value=expected_value(
            effect,
            candidates["value_if_taken"].to_numpy(),
            candidates["prob_take"].to_numpy(),
            candidates["incentive"].to_numpy(),
            candidates["contact_cost"].to_numpy(),
        ),
    )


def rank(table: pd.DataFrame) -> np.ndarray:
    """The rank of each row by expected value, then customer, offer and channel; the best is 1."""
    order = np.lexsort((table["channel"], table["offer"], table["customer_id"], -table["expected_value"].to_numpy()))
    ranks = np.empty(len(table), dtype=np.int64)
    ranks[order] = np.arange(1, len(table) + 1)
    return ranks
