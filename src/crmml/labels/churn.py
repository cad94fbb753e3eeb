"""Churn: closed, attrited, silent. Each is version 1 of its rule; a changed rule is a new version."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.labels.frame import Observed, complete_until, flag, holdings, holds_on
from crmml.sources.bank import Bank


def closed(bank: Bank, base: ir.Table) -> Observed:
    """1 if at the end of the label window the customer has left or holds no account of a main product.

    Who holds none at the cut-off is out (`no_main_product`); who has none left
    when the gap ends is out (`gone_in_gap`).
    """
    main = holdings(bank).filter(_.main)
    joined = base.join(main, "customer_id")
    held = joined.group_by("row_id").aggregate(
        at_cutoff=holds_on(joined, joined.cutoff_date).any(),
        at_start=holds_on(joined, joined.window_start).any(),
        at_end=holds_on(joined, joined.window_end).any(),
    )
    left = bank.table("customers").group_by("customer_id").aggregate(left_on=_.left_on.max())
    rows = base.left_join(held, "row_id").drop("row_id_right")
    rows = rows.left_join(left, "customer_id")
    gone = {
        point: ~ibis.coalesce(rows[f"at_{point}"], False)
        | ibis.coalesce(rows.left_on <= rows[f"window_{point}"], False)
        for point in ("start", "end")
    }
    rows = rows.select(
        "row_id",
        label=gone["end"].cast("float64"),
        reason=flag(~ibis.coalesce(rows.at_cutoff, False), "no_main_product"),
        in_gap=flag(gone["start"], "gone_in_gap"),
    )
    return Observed(rows, complete_until(bank, "accounts", "customers"))
