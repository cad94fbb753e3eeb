"""Contribution of the label window, by component, from the ledger."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.labels.frame import Observed, complete_until, flag
from crmml.sources.bank import Bank

PARTS = ("margin", "fees", "expected_loss", "service_cost", "capital_charge")


def contribution(bank: Bank, base: ir.Table, ledger: ir.Table) -> Observed:
    """The sums of the ledger's months that end in the label window; 0 for a customer with nothing in it.

    The label is margin + fees - expected_loss - service_cost - capital_charge;
    the parts stand beside it as `label_<component>`. `no_history` where the
    ledger begins after the window does.
    """
    months = ledger.filter(_.customer_id.notnull()).group_by(["customer_id", "month_end"])
    by_month = months.aggregate(**{part: ledger[part].sum() for part in (*PARTS, "contribution")})
    joined = base.join(by_month, "customer_id")
    inside = joined.filter((_.month_end > _.window_start) & (_.month_end <= _.window_end))
    sums = inside.group_by("row_id").aggregate(
        label=_.contribution.sum(), **{f"label_{part}": inside[part].sum() for part in PARTS}
    )
    rows = base.select("row_id", "window_start").left_join(sums, "row_id").drop("row_id_right")
    span = ledger.aggregate(first=_.month_end.min(), last=_.month_end.max()).to_pyarrow().to_pylist()[0]
    components = tuple(f"label_{part}" for part in PARTS)
    begins = ibis.literal(span["first"].replace(day=1))
    rows = rows.select(
        "row_id",
        **{name: ibis.coalesce(rows[name].cast("float64"), 0.0) for name in ("label", *components)},
        reason=flag(rows.window_start < begins - ibis.interval(days=1), "no_history"),
        in_gap=ibis.null("string"),
    )
    until = min(span["last"], complete_until(bank, "transactions", "balances"))
    return Observed(rows, until, components)
