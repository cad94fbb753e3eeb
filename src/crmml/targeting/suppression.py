"""Who is left alone, read on the newest data and never used as a feature.

The table has one row per customer: `customer_id`, `refuses_marketing`,
`in_arrears`, `has_left`, `open_complaint` (booleans) and `last_contacted_on`
(date, null if never). A customer without a row is not known on the newest data
and is left alone too.
"""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd

from crmml.errors import SourceError
from crmml.targeting.candidates import Table, customers_table, require_columns
from crmml.targeting.decisions import Decisions, Step
from crmml.targeting.keeping import WIN_BACK
from crmml.targeting.spec import Suppression

FLAGS = {
    "has_left": Step("has_left", "已销户或身故", "has left or died"),
    "refuses_marketing": Step("refuses_marketing", "拒绝营销", "refuses marketing"),
    "in_arrears": Step("in_arrears", "当前逾期", "in arrears now"),
    "open_complaint": Step("open_complaint", "有未结投诉", "open complaint"),
}


def with_suppression(candidates: pd.DataFrame, table: Table) -> pd.DataFrame:
    """The candidates with the four flags, `is_known` and `last_contacted_on` of their customers."""
    frame = customers_table(table, what="suppression")
    require_columns(frame, [*FLAGS, "last_contacted_on"], what="suppression")
    for flag in FLAGS:
        if frame[flag].isna().any():
            raise SourceError(
                f"suppression: {flag} is null on {frame[flag].isna().sum():,} rows; expected true or false", code="D013"
            )
    found = frame.set_index("customer_id").reindex(candidates["customer_id"])
    known = pd.Index(candidates["customer_id"]).isin(frame["customer_id"])
    flags = {flag: found[flag].eq(True).to_numpy(dtype=bool) for flag in FLAGS}
    contacted = pd.to_datetime(found["last_contacted_on"]).astype("datetime64[s]").to_numpy()
    return candidates.assign(**flags, is_known=known, last_contacted_on=contacted)


def apply_suppression(decisions: Decisions, spec: Suppression, candidates: pd.DataFrame, *, as_of: date) -> None:
    """Remove those to be left alone on the day `as_of`, one counted rule at a time.

    Raises
    ------
    SourceError
        If a customer was contacted after `as_of`.
    GateError
        If a rule removes the last candidate.
    """
    decisions.keep(Step("unknown", "最新数据中无此客户", "not in the newest data"), candidates["is_known"].to_numpy())
    is_winback = (
        (candidates["offer_kind"] == WIN_BACK).to_numpy(dtype=bool, na_value=False)
        if "offer_kind" in candidates
        else np.zeros(len(candidates), dtype=bool)
    )
    switched = {"in_arrears": spec.in_arrears, "open_complaint": spec.open_complaint}
    for flag, step in FLAGS.items():
        if switched.get(flag, True):
            # Who has left is the very population of winning back.
            spared = is_winback if flag == "has_left" else np.zeros(len(candidates), dtype=bool)
            decisions.keep(step, ~candidates[flag].to_numpy() | spared)
    days = (pd.Timestamp(as_of) - candidates["last_contacted_on"]).dt.days
    if (days < 0).any():
        raise SourceError(
            f"suppression: last_contacted_on is after {as_of} on {(days < 0).sum():,} rows; expected on or before it",
            code="D009",
        )
    if spec.contacted_within_days:
        limit = spec.contacted_within_days
        step = Step("contacted", f"{limit} 天内已联系", f"contacted within {limit} days")
        decisions.keep(step, ~np.asarray(days < limit, dtype=bool))
