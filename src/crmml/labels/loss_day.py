"""On which day a customer was lost, for the rows whose churn label is 1."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _
from ibis.util import gen_name

from crmml.labels.attrition import average_between, fund_flows, with_areas
from crmml.labels.frame import holdings, windowed
from crmml.labels.silence import active_days, last_active, patience
from crmml.labels.targets import KEPT, Churn, Target
from crmml.periods import Horizon
from crmml.sources.bank import Bank


def loss_days(bank: Bank, snapshots: ir.Table, target: Target, horizon: Horizon) -> ir.Table | None:
    """The day each lost customer was lost: customer_id, cutoff_date, lost_on; None where the target does not tell.

    `closed`: the day of leaving, or on which the last account of a main product
    was closed. `attrited`: the first day of the label window that ends with a
    balance of at most half the average before the cut-off. `silent`: the first
    day on which the silence was longer than the customer's patience. Labels the
    bank owns carry no day.

    Parameters
    ----------
    snapshots : Table
        The snapshots whose label is 1; of others the day has no meaning.
    """
    if not isinstance(target, Churn):
        return None
    find = {"closed": _closed_on, "attrited": _half_gone_on, "silent": _silent_on}[target.kind]
    name = gen_name("lost_base")
    base = bank.connection.create_table(name, windowed(snapshots, horizon), temp=True)
    try:
        found = base.select("row_id", "customer_id", "cutoff_date").inner_join(find(bank, base), "row_id")
        rows = found.select("customer_id", "cutoff_date", "lost_on")
        return bank.connection.create_table(gen_name("lost"), rows, temp=True)
    finally:
        bank.connection.raw_sql(f'DROP TABLE "{name}"')


def _closed_on(bank: Bank, base: ir.Table) -> ir.Table:
    main = holdings(bank).filter(_.main)
    joined = base.join(main, "customer_id")
    ended = joined.filter(joined.held_until <= joined.window_end).group_by("row_id").aggregate(ended=_.held_until.max())
    left = bank.table("customers").group_by("customer_id").aggregate(left_on=_.left_on.max())
    rows = base.left_join(ended, "row_id").drop("row_id_right").left_join(left, "customer_id")
    in_time = ibis.ifelse(rows.left_on <= rows.window_end, rows.left_on, ibis.null("date"))
    return rows.select("row_id", lost_on=ibis.coalesce(ibis.least(rows.ended, in_time), rows.ended, in_time))


def _half_gone_on(bank: Bank, base: ir.Table) -> ir.Table:
    rows = with_areas(bank, base, ("before", "cutoff_date"))
    rows = rows.select(
        "row_id", "customer_id", "window_start", "window_end", earlier=average_between(rows, "before", "cutoff_date")
    )
    starts = rows.select("customer_id", day=(rows.window_start + ibis.interval(days=1)).cast("date"))
    flows = fund_flows(bank).semi_join(base, "customer_id").select("customer_id", "day", "cents")
    zero = ibis.literal(0, "int64")
    daily = ibis.union(flows, starts.distinct().mutate(cents=zero)).group_by(["customer_id", "day"])
    so_far = ibis.window(group_by="customer_id", order_by="day", preceding=None, following=0)
    balances = daily.aggregate(cents=_.cents.sum().cast("int64")).mutate(
        balance=_.cents.sum().over(so_far).cast("float64") / 100
    )
    joined = rows.join(balances.select("customer_id", "day", "balance"), "customer_id")
    low = joined.filter(
        (joined.day > joined.window_start)
        & (joined.day <= joined.window_end)
        & (joined.balance <= KEPT * joined.earlier)
    )
    return low.group_by("row_id").aggregate(lost_on=_.day.min())


def _silent_on(bank: Bank, base: ir.Table) -> ir.Table:
    active = active_days(bank).semi_join(base, "customer_id")
    rows = base.join(patience(base, active), "row_id").join(last_active(base, active, "window_end"), "row_id")
    days = (rows.patience.floor().cast("int64") + 1).as_interval("D")
    return rows.select("row_id", lost_on=(rows.last_window_end + days).cast("date"))
