"""What customers held on the last day of each month: the figure that is dressed."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd
from ibis import _

from crmml.economics import DEPOSIT_FAMILIES
from crmml.sources.bank import Bank
from crmml.sources.movements import movements

_ZERO = ibis.literal(0).cast("decimal(18, 2)")


def month_end_deposits(bank: Bank, year: ir.Table) -> pd.DataFrame:
    """Deposits of each customer at the month ends of the year, as booked by then.

    A joint account is shared as the ledger shares its balance-days of the month,
    or equally where it has none.

    Returns
    -------
    DataFrame
        customer_id, month_end, balance (currency).
    """
    held = year.filter(_.family.isin(DEPOSIT_FAMILIES) & _.customer_id.notnull())
    held = held.select("account_id", "customer_id", "month_end", "balance_days")
    ends = _balances(bank, held.select("account_id", "month_end").distinct())
    by_account = ibis.window(group_by=["account_id", "month_end"])
    whole = held.balance_days.sum().over(by_account).cast("float64")
    part = held.balance_days.cast("float64")
    share = ibis.ifelse(whole == 0, 1.0 / held.count().over(by_account), part / whole)
    joined = held.mutate(share=share).join(ends, ["account_id", "month_end"])
    sums = joined.group_by(["customer_id", "month_end"]).aggregate(balance=(_.balance * _.share).sum())
    frame: pd.DataFrame = sums.order_by("customer_id", "month_end").to_pandas()
    return frame


def _balances(bank: Bank, wanted: ir.Table) -> ir.Table:
    """Balance of accounts at month ends: running sums of what was booked, looked up by a row of nothing."""
    booked = movements(bank).filter(_.family.isin(DEPOSIT_FAMILIES))
    booked = booked.mutate(day=ibis.greatest(_.day, _.posted_on))
    first_of_next = (_.day.truncate("M") + ibis.interval(months=1)).cast("date")
    monthly = booked.select("account_id", "amount", month_end=(first_of_next - ibis.interval(days=1)).cast("date"))
    sums = monthly.group_by(["account_id", "month_end"]).aggregate(amount=_.amount.sum().cast("decimal(18, 2)"))
    asked = wanted.select("account_id", "month_end", amount=_ZERO, asked=True)
    line = ibis.union(sums.mutate(asked=False), asked).group_by(["account_id", "month_end"])
    line = line.aggregate(amount=_.amount.sum(), asked=_.asked.any())
    so_far = ibis.window(group_by="account_id", order_by="month_end", preceding=None, following=0)
    run = line.mutate(balance=_.amount.sum().over(so_far).cast("float64"))
    return run.filter(_.asked).select("account_id", "month_end", "balance")
