"""Labels of snapshots, with the reason why a row has none."""

from __future__ import annotations

import ibis.expr.types as ir
import pandas as pd
from ibis import _
from ibis.util import gen_name

from crmml.labels.attrition import attrited
from crmml.labels.bookings import bookings
from crmml.labels.churn import closed
from crmml.labels.contribution import contribution
from crmml.labels.default import default
from crmml.labels.frame import Observed, settle, windowed
from crmml.labels.given import given
from crmml.labels.horizons import nest
from crmml.labels.silence import silent
from crmml.labels.targets import Bookings, Churn, Contribution, Default, Given, Target, Uplift, Uptake, Winback
from crmml.labels.uplift import uplift
from crmml.labels.uptake import uptake
from crmml.labels.winback import winback
from crmml.periods import Horizon, Horizons
from crmml.sources.bank import Bank


def build_labels(
    bank: Bank, snapshots: ir.Table, target: Target, horizon: Horizon, *, ledger: ir.Table | None = None
) -> ir.Table:
    """What happened to every snapshot in its label window: one row per snapshot.

    Parameters
    ----------
    bank : Bank
        The open bank. Labels look at all it knows, also after the cut-off.
    snapshots : Table
        One row per customer_id, cutoff_date and event_id, with is_gone and is_in_default.
    target : Churn, Default, Contribution, Uptake, Bookings, Given or Winback
        What is asked.
    horizon : Horizon
        Months of the label window and of the gap before it; `Horizons` for a label at each of several.
    ledger : Table, optional
        From `build_ledger`; `Contribution` needs it, with every month of every window.

    Returns
    -------
    Table, kept in the bank's connection
        customer_id, cutoff_date, event_id, status, label (double; null unless
        the status is `ok`), and for `Contribution` label_margin, label_fees,
        label_expected_loss, label_service_cost, label_capital_charge; for
        `Horizons` a `label_<n>m` of each, nested (see `labels.horizons`).

    Raises
    ------
    SourceError
        If the bank lacks a table the target is read from.
    """
    if isinstance(horizon, Horizons):
        each = {one.months: build_labels(bank, snapshots, target, one, ledger=ledger) for one in horizon.each}
        return bank.connection.create_table(gen_name("labels"), nest(each, headline=horizon.months), temp=True)
    name = gen_name("label_base")
    base = bank.connection.create_table(name, windowed(snapshots, horizon), temp=True)
    try:
        settled = settle(base, _observe(bank, base, target, ledger))
        return bank.connection.create_table(gen_name("labels"), settled, temp=True)
    finally:
        bank.connection.raw_sql(f'DROP TABLE "{name}"')


def _observe(bank: Bank, base: ir.Table, target: Target, ledger: ir.Table | None) -> Observed:
    match target:
        case Churn(kind="closed"):
            return closed(bank, base)
        case Churn(kind="attrited"):
            return attrited(bank, base, target)
        case Churn(kind="silent"):
            return silent(bank, base)
        case Default():
            return default(bank, base, target)
        case Contribution():
            if ledger is None:
                raise ValueError("the label contribution is read from a ledger, got none")
            return contribution(bank, base, ledger)
        case Uptake():
            return uptake(bank, base, target)
        case Bookings():
            return bookings(bank, base, target)
        case Given():
            return given(bank, base, target)
        case Winback():
            return winback(bank, base, target)
        case Uplift():
            return uplift(bank, base, target, ledger)
    raise ValueError(f"{target!r} is not a target")


def label_counts(labels: ir.Table) -> pd.DataFrame:
    """Rows and mean label by cut-off and status: cutoff_date, status, rows, mean_label."""
    counts = labels.group_by(["cutoff_date", "status"]).aggregate(rows=_.count(), mean_label=_.label.mean())
    return counts.order_by("cutoff_date", "status").to_pandas()
