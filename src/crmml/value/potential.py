"""What a customer could bring: the gap to a high quantile of its peers, by component, never negative."""

from __future__ import annotations

import numpy as np
import pandas as pd

from crmml.ledger.close import COMPONENTS
from crmml.peers import LEAST_CUSTOMERS

#: Gains fall short of the peers' high quantile; costs exceed the low one.
GAINS = ("deposit_margin", "credit_margin", "fees")
COSTS = ("expected_loss", "service_cost", "capital_charge")
ALL = "all"


def potential(customers: pd.DataFrame, segment: pd.Series, *, quantile: float) -> pd.DataFrame:
    """The gap of every customer to a high quantile of its peers.

    A high quantile of what alike customers bring stands for what a customer
    could bring: it is a level that a known share of peers already reach. The
    gap is measured on the contribution as a whole (`potential_12m`) and on each
    component alone. The component gaps say where the whole comes from; their sum
    is more than the whole, because hardly anybody is at the quantile in all of
    them at once. It is a comparison, not a forecast: nothing says the gap will
    be closed.

    Parameters
    ----------
    customers : DataFrame
        `customer_id`, the components of `GAINS` and `COSTS`, `contribution`, of one year, in currency.
    segment : Series
        The peers of each row. Segments of fewer than 30 customers are compared with all; where all are
        fewer than 30 there is nothing to compare with, and the figures are null.
    quantile : float
        Of the peers, such as 0.8; costs are measured against 1 - quantile.

    Returns
    -------
    DataFrame
        customer_id, segment, peers (the segment compared with, or `all`), peer_customers, is_thin (compared
        with all, or with none), contribution, peer_quantile, potential_12m, `gap_<component>` (currency per
        year, not negative), largest_gap (the component with the largest of these; null where all are 0).

    References
    ----------
    .. [1] Perlich, Rosset, Lawrence and Zadrozny, High-Quantile Modeling for Customer Wallet Estimation and Other
       Applications, KDD 2007, pp. 977-985 (the wallet as a high quantile of alike customers).
    .. [2] Glady and Croux, Predicting Customer Wallet Without Survey Data, Journal of Service Research 11(3), 2009
       (potential of wallet = size of wallet - actual, for a retail bank).
    """
    peers = peers_of(segment)
    frame = customers.reset_index(drop=True)
    groups = peers.reset_index(drop=True)
    enough = len(frame) >= LEAST_CUSTOMERS
    found = pd.DataFrame(
        {
            "customer_id": frame["customer_id"],
            "segment": segment.to_numpy(),
            "peers": groups.to_numpy(),
            "peer_customers": _counts(frame, groups).to_numpy(),
            "is_thin": ((groups != segment.reset_index(drop=True)) | (not enough)).to_numpy(),
            "contribution": frame["contribution"],
        }
    )
    level = _level(frame["contribution"], groups, quantile) if enough else np.nan
    found["peer_quantile"] = level
    found["potential_12m"] = np.maximum(0.0, level - frame["contribution"])
    for name in (*GAINS, *COSTS):
        share = quantile if name in GAINS else 1 - quantile
        target = _level(frame[name], groups, share) if enough else pd.Series(np.nan, index=frame.index)
        short = target - frame[name] if name in GAINS else frame[name] - target
        found[f"gap_{name}"] = short.clip(lower=0.0)
    gaps = found[[f"gap_{name}" for name in (*GAINS, *COSTS)]]
    found["largest_gap"] = _largest(gaps)
    return found


def peers_of(segment: pd.Series) -> pd.Series:
    """The segment each row is compared with: its own, or `all` where that has fewer than 30 customers."""
    return segment.where(segment.map(segment.value_counts()) >= LEAST_CUSTOMERS, ALL)


def average_of_peers(customers: pd.DataFrame, customer_id: str) -> dict[str, float] | None:
    """Components of a customer's peers on average, itself among them; None for one without a segment.

    `customers` holds `customer_id`, `segment` (null for those not observed at the cut-off), components, contribution.
    """
    observed = customers[customers["segment"].notna()]
    peers = peers_of(observed["segment"])
    own = peers[observed["customer_id"] == customer_id]
    if own.empty:
        return None
    inside = observed if own.iloc[0] == ALL else observed[peers == own.iloc[0]]
    return {name: float(inside[name].mean()) for name in (*COMPONENTS, "contribution")}


def _level(values: pd.Series, groups: pd.Series, share: float) -> pd.Series:
    """The quantile of the peers of each row; of all rows for those compared with all."""
    by_group = values.groupby(groups).quantile(share).to_dict()
    return groups.map({**by_group, ALL: values.quantile(share)}).astype(float)


def _counts(frame: pd.DataFrame, groups: pd.Series) -> pd.Series:
    counts = {**groups.value_counts().to_dict(), ALL: len(frame)}
    return groups.map(counts).astype(int)


def _largest(gaps: pd.DataFrame) -> pd.Series:
    names = np.array([name.removeprefix("gap_") for name in gaps.columns], dtype=object)
    amounts = gaps.fillna(0.0).to_numpy(dtype=float)
    largest = [
        name if top > 0 else None for name, top in zip(names[amounts.argmax(axis=1)], amounts.max(axis=1), strict=True)
    ]
    return pd.Series(largest, index=gaps.index, dtype=object)


def by_peers(found: pd.DataFrame) -> pd.DataFrame:
    """Potential summed by the peers compared with: what the page shows.

    Returns
    -------
    DataFrame
        peers, customers, below (how many lie below the quantile), peer_quantile, potential_12m and every gap, summed.
    """
    sums = [name for name in found.columns if name.startswith("gap_")]
    found = found.assign(below=found["potential_12m"] > 0)
    table = found.groupby("peers", sort=True).agg(
        customers=("customer_id", "size"),
        below=("below", "sum"),
        peer_quantile=("peer_quantile", "first"),
        potential_12m=("potential_12m", "sum"),
        **{name: (name, "sum") for name in sums},
    )
    return table.reset_index()
