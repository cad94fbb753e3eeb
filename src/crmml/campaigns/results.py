"""What became of each customer of a campaign, for both arms alike: the frozen rows beside the latest word."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from crmml.campaigns.frozen import Campaign
from crmml.campaigns.outcomes import latest
from crmml.campaigns.statuses import KNOWN
from crmml.periods import shift_months
from crmml.targeting.arms import CONTROL, TREATED


def window_end(campaign: Campaign, offer: str) -> date:
    """The last day on which taking the offer counts."""
    return shift_months(campaign.assigned_on, int(campaign.about["offers"][offer]["horizon_months"]))


def with_results(campaign: Campaign, history: pd.DataFrame) -> pd.DataFrame:
    """One row per row of the list, with what is known of it.

    Added to the columns of the list: `status` (code), `status_on`, `contacted_on`, `told_channel`, `is_contacted`,
    `is_reached`, `is_taken` (boolean, null where unknown; within the window of its offer), `taken_on`, `result_on`
    (the day up to which the result is known), `window_end`.
    """
    rows = campaign.rows.assign(customer_id=campaign.rows["customer_id"].astype("str"))
    word = latest(history).reindex(rows["customer_id"]).reset_index(drop=True)
    rows = rows.reset_index(drop=True)
    ends = {str(offer): window_end(campaign, str(offer)) for offer in rows["offer"].unique()}
    rows["window_end"] = rows["offer"].map(ends).astype("object")
    status = word["status"].astype("object")
    called = word["contacted_on"].notna()
    rows["status"], rows["status_on"] = status, word["status_on"]
    rows["contacted_on"], rows["told_channel"] = word["contacted_on"], word["channel"]
    rows["is_contacted"] = [_means(code, "contacted") or day for code, day in zip(status, called, strict=True)]
    rows["is_reached"] = [_means(code, "reached") for code in status]
    late = [isinstance(day, date) and day > end for day, end in zip(word["taken_on"], rows["window_end"], strict=True)]
    taken = word["is_taken"].astype("boolean")
    rows["is_taken"] = taken.mask(pd.Series(late), False)
    rows["taken_on"], rows["result_on"] = word["taken_on"], word["result_on"]
    return rows


def knows_both_arms(rows: pd.DataFrame) -> bool:
    """Whether results are known for treated and control customers: statuses alone exist for the treated only."""
    known = rows[rows["is_taken"].notna()]
    return {TREATED, CONTROL} <= set(known["arm"])


def contact_rows(campaign: Campaign, history: pd.DataFrame) -> pd.DataFrame:
    """The campaign as rows of the canonical table `contacts`, one per row of the list whose offer is a product.

    An explored customer was treated. `outcome` is `taken` or `not_taken` where the result is settled (taken, or the
    window is over) and known for both arms, else the status's code. `responded_on` is the day a contacted customer took.
    """
    rows = with_results(campaign, history)
    products: Mapping[str, list[str]] = {code: one["products"] for code, one in campaign.about["offers"].items()}
    rows = rows[rows["offer"].map(lambda offer: bool(products[offer]))]
    both = knows_both_arms(rows)
    records = [_record(campaign, row, products[row["offer"]][0], both=both) for row in rows.to_dict("records")]
    return pd.DataFrame({name: pd.Series([one[name] for one in records], dtype="object") for name in _COLUMNS})


_COLUMNS = (
    *("customer_id", "product_id", "assigned_on", "arm", "is_contacted", "contacted_on", "channel"),
    *("list_id", "responded_on", "outcome"),
)


def _record(campaign: Campaign, row: Mapping[Any, Any], product: str, *, both: bool) -> dict[str, Any]:
    status = row["status"] if isinstance(row["status"], str) else None
    called = row["contacted_on"] if isinstance(row["contacted_on"], date) else None
    took_on = row["taken_on"] if isinstance(row["taken_on"], date) else None
    is_contacted = bool(row["is_contacted"])
    # Without a day of its own a contact is known by the day its status was told.
    called = called or (row["status_on"] if is_contacted and isinstance(row["status_on"], date) else None)
    responded = took_on if called is not None and took_on is not None and took_on >= called else None
    return {
        "customer_id": row["customer_id"],
        "product_id": product,
        "assigned_on": campaign.assigned_on,
        "arm": CONTROL if row["arm"] == CONTROL else TREATED,
        "is_contacted": is_contacted,
        "contacted_on": called if is_contacted else None,
        "channel": (row["told_channel"] or row["channel"]) if is_contacted else None,
        "list_id": campaign.list_id,
        "responded_on": responded if is_contacted else None,
        "outcome": _outcome(row, status, both=both),
    }


def _outcome(row: Mapping[Any, Any], status: str | None, *, both: bool) -> str | None:
    if both and not pd.isna(row["is_taken"]):
        if row["is_taken"]:
            return "taken"
        if row["result_on"] >= row["window_end"]:
            return "not_taken"
    return status


def _means(code: object, what: str) -> bool:
    return isinstance(code, str) and bool(getattr(KNOWN[code], what))
