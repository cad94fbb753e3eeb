"""The next best customers, should a place of the list fall free: eligible, worth contacting, in no arm."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import numpy as np
import pandas as pd

from crmml.targeting.candidates import Table
from crmml.targeting.columns import TABLE, finish
from crmml.targeting.prices import prices_of
from crmml.targeting.spec import ListSpec

RESERVE = "reserve"
CROWDED_OUT = "no_room"
COLUMNS = (*TABLE, "place", "net_value")


def reserve_of(
    spec: ListSpec,
    candidates: pd.DataFrame,
    listed: pd.Series,
    use: pd.DataFrame,
    uptake: Mapping[str, Table],
    *,
    suppress_as_of: date,
) -> pd.DataFrame:
    """The reserve of a list: the columns of the list with arm `reserve`, `place` and `net_value`.

    Per manager (per branch where a customer has none) the `per_manager`
    customers with the highest net value: expected value less the prices of the
    places the offer would take. One offer each; nobody who is on the list in
    any arm, so nobody who is held out.

    Parameters
    ----------
    candidates
        Every candidate with its `decision`.
    listed
        The customers of the list, control rows too.
    use
        The limits with their prices.
    """
    left = candidates[(candidates["decision"] == CROWDED_OUT) & ~candidates["customer_id"].isin(listed)]
    left = left[left["expected_value"] > 0]
    if left.empty or spec.reserve.per_manager == 0:
        return pd.DataFrame(columns=list(COLUMNS))
    left = left.assign(net_value=left["expected_value"] - prices_of(left, use).sum(axis=1))
    order = ["net_value", "expected_value", "customer_id", "offer", "channel"]
    ranked = left.sort_values(order, ascending=[False, False, True, True, True]).drop_duplicates("customer_id")
    desks = ranked["manager_id"].fillna("- " + ranked["branch_id"].astype("str").fillna(""))
    ranked = ranked.assign(place=ranked.groupby(desks.to_numpy(), sort=False).cumcount() + 1, arm=RESERVE)
    ranked = ranked[ranked["place"] <= spec.reserve.per_manager]
    table = finish(spec, ranked, uptake, suppress_as_of=suppress_as_of)
    beside = ranked.set_index("customer_id")[["place", "net_value"]].loc[table["customer_id"]]
    table = table.assign(place=beside["place"].to_numpy(), net_value=beside["net_value"].to_numpy())
    by_desk = np.lexsort((table["place"], table["manager_id"].fillna(""), table["branch_id"].fillna("")))
    return table.iloc[by_desk].reset_index(drop=True)
