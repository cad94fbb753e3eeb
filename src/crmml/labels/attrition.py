"""Churn by balance: the money is gone, though the accounts are open."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.economics import DEPOSIT_FAMILIES
from crmml.labels.frame import Observed, complete_until, flag
from crmml.labels.targets import KEPT, Churn
from crmml.sources.bank import Bank
from crmml.sources.movements import holders, movements

FUNDS = (*DEPOSIT_FAMILIES, "investment")
EPOCH = date(1970, 1, 1)
EDGES = ("before", "cutoff_date", "window_start", "window_end")


def attrited(bank: Bank, base: ir.Table, target: Churn) -> Observed:
    """1 if the daily average of the label window is at most half of that before the cut-off.

    Deposits and investments are one sum, so that the customer's own transfers
    between them cancel; a joint account counts in full for each holder. Both
    averages are by booking date. Out are customers whose average before the
    cut-off is below `floor` (`below_floor`), rows whose window before the
    cut-off begins before the balances were observed (`no_history`), and those
    whose average of the gap's days is already at most half (`gone_in_gap`).
    """
    rows = with_areas(bank, base)
    earlier = average_between(rows, "before", "cutoff_date")
    later = average_between(rows, "window_start", "window_end")
    gap = average_between(rows, "cutoff_date", "window_start")
    source = "balances" if bank.has("balances") else "transactions"
    is_short = rows.before < ibis.literal(bank.observed_from(source)) - ibis.interval(days=1)
    is_below = earlier < ibis.literal(float(target.floor or 0))
    had_gap = rows.window_start > rows.cutoff_date
    rows = rows.select(
        "row_id",
        label=(later <= KEPT * earlier).cast("float64"),
        reason=ibis.coalesce(flag(is_short, "no_history"), flag(is_below, "below_floor")),
        in_gap=flag(had_gap & (gap <= KEPT * earlier), "gone_in_gap"),
    )
    return Observed(rows, complete_until(bank, source))


def average_between(rows: ir.Table, start: str, end: str) -> ir.FloatingColumn:
    """Average balance over the days after `start` up to `end`, in currency."""
    days = rows[end].delta(rows[start], unit="day")
    area = ibis.coalesce(rows[f"area_{end}"], 0.0) - ibis.coalesce(rows[f"area_{start}"], 0.0)
    return area / ibis.ifelse(days == 0, 1, days) / 100


def with_areas(bank: Bank, base: ir.Table, edges: Sequence[str] = EDGES) -> ir.Table:
    """`base` with `area_<edge>`, the balance-days of its customers up to each edge, see `sums_at_edges`."""
    sums = sums_at_edges(bank, base, edges)
    rows = base
    for edge in edges:
        at = sums.select("customer_id", **{edge: "day", f"area_{edge}": "area"})
        rows = rows.left_join(at, ["customer_id", edge]).drop("customer_id_right", f"{edge}_right")
    return rows


def sums_at_edges(bank: Bank, base: ir.Table, edges: Sequence[str] = EDGES) -> ir.Table:
    """Balance-days of each customer from the beginning to each edge of a window: customer_id, day, area.

    With a(i) booked on day d(i), the sum of the end-of-day balances up to day d is
    (d + 1) × sum a(i) - sum a(i) d(i): two running sums in cents, exact at any order.
    """
    flows = fund_flows(bank).semi_join(base, "customer_id").mutate(is_edge=ibis.literal(0, "int8"))
    zero = ibis.literal(0, "int64")
    ends = [
        base.select("customer_id", day=base[edge], cents=zero, is_edge=ibis.literal(1, "int8")).distinct()
        for edge in edges
    ]
    daily = (
        ibis.union(flows, *ends)
        .group_by(["customer_id", "day"])
        .aggregate(cents=_.cents.sum().cast("int64"), is_edge=_.is_edge.max())
        .mutate(number=_.day.delta(ibis.literal(EPOCH), unit="day"))
    )
    so_far = ibis.window(group_by="customer_id", order_by="day", preceding=None, following=0)
    summed = daily.mutate(
        amount=_.cents.sum().over(so_far).cast("int64"), moment=(_.cents * _.number).sum().over(so_far).cast("int64")
    )
    return summed.filter(_.is_edge == 1).select(
        "customer_id", "day", area=(_.amount * (_.number + 1) - _.moment).cast("float64")
    )


def fund_flows(bank: Bank) -> ir.Table:
    """What moved on a customer's deposits and investments, by booking date: customer_id, day, cents."""
    moved = movements(bank).filter(_.family.isin(FUNDS)).join(_holding(bank), "account_id")
    during = (moved.since.isnull() | (moved.since <= moved.day)) & (moved.until.isnull() | (moved.until >= moved.day))
    return moved.filter(during).select(
        "customer_id", day=ibis.greatest(moved.day, moved.posted_on), cents=(moved.amount * 100).cast("int64")
    )


def _holding(bank: Bank) -> ir.Table:
    return holders(bank).select("account_id", "customer_id", "since", "until")
