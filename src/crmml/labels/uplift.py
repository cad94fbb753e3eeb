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

TAKEN, NOT_TAKEN = "taken", "not_taken"
"""The outcomes by which the contact log says whether an offer was taken, as campaigns write them."""


def assignments(bank: Bank, target: Uplift) -> ir.Table:
    """One row per assignment of the contact log.

    event_id, customer_id, assigned_on, list_id, channel, arm (treated, control;
    null where the log says both), product_id, family, `offer`: the one of
    `target.products` it was made for, null for any other, and `told`: whether
    the offer was taken, where the log of a list says it of both arms.

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
        channel=_.channel.max(), arm=_.arm.max(), least=_.arm.min(), outcome=_.outcome.max()
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
    return _with_told(rows.mutate(offer=offer, arm=arm).drop("least"))


def _with_told(rows: ir.Table) -> ir.Table:
    """Results that the log of a list holds for its control customers too; of the treated alone they would flatter contact."""
    results = rows.filter(rows.outcome.isin([TAKEN, NOT_TAKEN]), rows.list_id.notnull())
    arms = results.group_by("list_id").aggregate(arms=results.arm.nunique())
    both = arms.filter(arms.arms == 2).select(told_list="list_id")
    joined = rows.left_join(both, rows.list_id == both.told_list)
    is_result = joined.told_list.notnull() & joined.outcome.isin([TAKEN, NOT_TAKEN])
    told = ibis.ifelse(is_result, joined.outcome == TAKEN, ibis.null("boolean"))
    return joined.mutate(told=told).drop("told_list", "outcome")


def uplift(bank: Bank, base: ir.Table, target: Uplift, ledger: ir.Table | None) -> Observed:
    """1 if the offered product is opened in the label window, or the customer's contribution in it.

    Out are assignments of other products (`other_product`), in both arms at once
    (`both_arms`), and of customers who hold the product at the cut-off
    (`holds_product`) or open it inside the gap (`took_in_gap`). Where accounts
    do not reach the end of the window yet, the results of a campaign count that
    were told of both arms.
    """
    rows = base.left_join(assignments(bank, target), ["customer_id", "event_id"])
    rows = rows.select(*base.columns, "offer", "arm", "told")
    held = holdings(bank)
    joined = rows.inner_join(held, "customer_id")
    joined = joined.filter((joined.product_id == joined.offer) | (joined.family == joined.offer))
    took = joined.held_from
    by_row = joined.group_by("row_id").aggregate(
        holds=holds_on(joined, joined.cutoff_date).any(),
        in_gap_too=((took > joined.cutoff_date) & (took <= joined.window_start)).any(),
        takes=((took > joined.window_start) & (took <= joined.window_end)).any(),
    )
    seen = rows.select("row_id", "offer", "arm", "told", "window_end").left_join(by_row, "row_id").drop("row_id_right")
    until = complete_until(bank, "accounts")
    is_told = seen.told.notnull() & (seen.window_end > until)
    label = ibis.ifelse(is_told, seen.told, ibis.coalesce(seen.takes, False)).cast("float64")
    reason = ibis.coalesce(
        flag(seen.offer.isnull(), "other_product"),
        flag(seen.arm.isnull(), "both_arms"),
        flag(seen.holds, "holds_product"),
    )
    in_gap = flag(seen.in_gap_too, "took_in_gap")
    kept = seen.select("row_id", label=label, reason=reason, in_gap=in_gap, is_told=is_told)
    if not target.is_money:
        return Observed(kept, until)
    kept = kept.drop("is_told")
    if ledger is None:
        raise ValueError("the outcome contribution is read from a ledger, got none")
    money = contribution(bank, base, ledger)
    both = kept.drop("label").inner_join(money.rows.select("row_id", "label", no_money="reason"), "row_id")
    rows = both.select("row_id", "label", "in_gap", reason=ibis.coalesce(both.reason, both.no_money))
    return Observed(rows, min(until, money.until))
