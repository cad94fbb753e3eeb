"""Uptake: a customer without a product opens one."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from crmml.labels.frame import Observed, complete_until, flag, holdings, holds_on
from crmml.labels.targets import Uptake
from crmml.sources.bank import Bank


def uptake(bank: Bank, base: ir.Table, target: Uptake) -> Observed:
    """1 if an account of the product is opened in the label window, by `accounts.opened_on`.

    Customers who hold it at the cut-off are out (`holds_product`), and those who
    open it inside the gap (`took_in_gap`). One who held it once and closed it is in.
    """
    held = holdings(bank)
    is_product = held.family == target.product_family if target.product_family else held.product_id == target.product_id
    joined = base.join(held.filter(is_product), "customer_id")
    took = joined.held_from
    by_row = joined.group_by("row_id").aggregate(
        holds=holds_on(joined, joined.cutoff_date).any(),
        in_gap_too=((took > joined.cutoff_date) & (took <= joined.window_start)).any(),
        takes=((took > joined.window_start) & (took <= joined.window_end)).any(),
    )
    rows = base.select("row_id").left_join(by_row, "row_id").drop("row_id_right")
    rows = rows.select(
        "row_id",
        label=ibis.coalesce(rows.takes, False).cast("float64"),
        reason=flag(rows.holds, "holds_product"),
        in_gap=flag(rows.in_gap_too, "took_in_gap"),
    )
    return Observed(rows, complete_until(bank, "accounts"))
