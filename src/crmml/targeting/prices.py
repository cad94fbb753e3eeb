"""What the places that an offer would take are worth to others: the shadow prices of the limits it counts against."""

from __future__ import annotations

import pandas as pd

from crmml.targeting.room import COUNTED, ids_of


def prices_of(rows: pd.DataFrame, use: pd.DataFrame) -> pd.DataFrame:
    """The price of each kind of limit for each candidate.

    Parameters
    ----------
    rows
        Candidates: the columns of `room.COUNTED` and `contact_cost`.
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
    found: dict[str, pd.Series] = {}
    for kind, limits in scarce.groupby("kind", sort=False):
        if kind in COUNTED:
            prices = limits.set_index("key")["price"].to_dict()
            found[str(kind)] = ids_of(rows, COUNTED[str(kind)]).map(prices).fillna(0.0).astype(float)
        elif kind == "total":
            found["total"] = pd.Series(float(limits["price"].sum()), index=rows.index)
        elif kind == "budget":
            found["budget"] = rows["contact_cost"].astype(float) * float(limits["price"].sum())
    return pd.DataFrame(found, index=rows.index)
