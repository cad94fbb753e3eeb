"""Uplift: what became of a customer assigned to a contact, treated or held out."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
from ibis import _

from crmml.errors import SourceError
from crmml.labels.contribution import contribution
from crmml.labels.frame import Observed, complete_until, flag, holdings, holds_on
from crmml.labels.targets import Uplift
from crmml.snapshots import contact_events
from crmml.sources.bank import Bank
from crmml.sources.movements import accounts


def assignments(bank: Bank, target: Uplift) -> ir.Table:
    """One row per assignment of the contact log.

    event_id, customer_id, assigned_on, list_id, channel, arm (treated, control;
    null where the log says both), product_id, family and `offer`: the one of
    `target.products` it was made for, null for any other.

    Raises
    ------
    SourceError
        D021 if the bank has no contact log.
    """
    if not bank.has("contacts"):
        raise SourceError(
            "there is no table contacts; expected a log of assignments with the arms treated and control. Without one "
            "nothing tells what a contact changes, and lists rank by propensity",
            code="D021",
        )
    events = contact_events(bank)
    each = events.group_by(["event_id", "customer_id", "assigned_on", "list_id", "product_id"]).aggregate(
        channel=_.channel.max(), arm=_.arm.max(), least=_.arm.min()
    )
    known = bank.table("products") if bank.has("products") else accounts(bank)
    families = known.select("product_id", "family").distinct()
    rows = each.left_join(families, "product_id").drop("product_id_right")
    wanted = list(target.products)
    offer = ibis.cases(
        (rows.product_id.isin(wanted), rows.product_id),
        (rows.family.isin(wanted), rows.family),
        else_=ibis.null("string"),
    )
    arm = ibis.ifelse(rows.arm == rows.least, rows.arm, ibis.null("string"))
    return rows.mutate(offer=offer, arm=arm).drop("least")


def uplift(bank: Bank, base: ir.Table, target: Uplift, ledger: ir.Table | None) -> Observed:
    """1 if the offered product is opened in the label window, or the customer's contribution in it.

    Out are assignments of other products (`other_product`), in both arms at once
    (`both_arms`), and of customers who hold the product at the cut-off
    (`holds_product`) or open it inside the gap (`took_in_gap`).
    """
    rows = base.left_join(assignments(bank, target), ["customer_id", "event_id"])
    rows = rows.select(*base.columns, "offer", "arm")
    held = holdings(bank)
    joined = rows.inner_join(held, "customer_id")
    joined = joined.filter((joined.product_id == joined.offer) | (joined.family == joined.offer))
    took = joined.held_from
    by_row = joined.group_by("row_id").aggregate(
        holds=holds_on(joined, joined.cutoff_date).any(),
        in_gap_too=((took > joined.cutoff_date) & (took <= joined.window_start)).any(),
        takes=((took > joined.window_start) & (took <= joined.window_end)).any(),
    )
    seen = rows.select("row_id", "offer", "arm").left_join(by_row, "row_id").drop("row_id_right")
    until, label = complete_until(bank, "accounts"), ibis.coalesce(seen.takes, False).cast("float64")
    reason = ibis.coalesce(
        flag(seen.offer.isnull(), "other_product"),
        flag(seen.arm.isnull(), "both_arms"),
        flag(seen.holds, "holds_product"),
    )
    kept = seen.select("row_id", label=label, reason=reason, in_gap=flag(seen.in_gap_too, "took_in_gap"))
    if not target.is_money:
        return Observed(kept, until)
    if ledger is None:
        raise ValueError("the outcome contribution is read from a ledger, got none")
    money = contribution(bank, base, ledger)
    both = kept.drop("label").inner_join(money.rows.select("row_id", "label", no_money="reason"), "row_id")
    rows = both.select("row_id", "label", "in_gap", reason=ibis.coalesce(both.reason, both.no_money))
    return Observed(rows, min(until, money.until))
