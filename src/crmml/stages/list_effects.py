"""What contacts change, beside the scores of the offers that a list is made from."""

from __future__ import annotations

import pandas as pd


def with_effects(uptake: dict[str, pd.DataFrame], effects: pd.DataFrame | None) -> dict[str, pd.DataFrame]:
    """The scores of each offer with `uplift`, or `uplift_<channel>` where a model tells channels apart."""
    if effects is None:
        return uptake
    found = dict(uptake)
    for offer, part in effects.groupby("offer"):
        if offer not in found:
            continue
        scores = found[str(offer)]
        for channel, rows in part.groupby("channel", dropna=False):
            column = "uplift" if pd.isna(channel) else "uplift_" + str(channel)
            of_customer = rows.set_index("customer_id")["effect"]
            scores = scores.assign(**{column: scores["customer_id"].map(of_customer)})
        found[str(offer)] = scores
    return found


def speakers_of(effects: pd.DataFrame | None) -> dict[str, str]:
    """The uplift models behind a list, by name."""
    return {} if effects is None else dict(effects[["model", "version"]].drop_duplicates().itertuples(index=False))
