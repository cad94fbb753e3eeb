"""What the places that an offer would take are worth to others: the shadow prices of the limits it counts against."""

from __future__ import annotations

import pandas as pd

from crmml.targeting.room import COUNTED, ids_of


def prices_of(rows: pd.DataFrame, use: pd.DataFrame) -> pd.DataFrame:
    """The price of each kind of limit for each candidate; a place that a minimum asks for has a price below 0.

    Parameters
    ----------
    rows
        Candidates: the columns of `room.COUNTED`, `contact_cost`, and those that mark the members of minimum shares.
    use
        One row per limit: `kind, key, price` (currency per row, or per unit of currency of the budget).

    Returns
    -------
    DataFrame
        One row per candidate, one column per kind of limit, in currency; no column where nothing of a kind is scarce.
    """
    if "price" not in use:
        return pd.DataFrame(index=rows.index)
    scarce = use[use["price"].fillna(0.0) != 0.0]
    found = {str(kind): _price(str(kind), limits, rows) for kind, limits in scarce.groupby("kind", sort=False)}
    return pd.DataFrame({kind: price for kind, price in found.items() if price is not None}, index=rows.index)


def _price(kind: str, limits: pd.DataFrame, rows: pd.DataFrame) -> pd.Series | None:
    if kind == "total":
        return pd.Series(float(limits["price"].sum()), index=rows.index)
    if kind == "budget":
        return rows["contact_cost"].astype(float) * float(limits["price"].sum())
    of_kind = kind.removeprefix("minimum_")
    if of_kind not in COUNTED:
        return None
    prices = limits.set_index("key")["price"].to_dict()
    sign = 1.0 if kind == of_kind else -1.0
    return sign * ids_of(rows, COUNTED[of_kind]).map(prices).fillna(0.0).astype(float)
