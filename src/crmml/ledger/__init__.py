"""Contribution by account, customer and month; it reconciles with itself and with the source tables."""

from crmml.ledger.build import build_ledger
from crmml.ledger.displacement import with_displacement
from crmml.ledger.first_year import first_year_contribution
from crmml.ledger.reconcile import Reconciliation, reconcile
from crmml.ledger.rollup import GRAINS, roll_up
from crmml.ledger.summary import LedgerSummary, ledger_summary

__all__ = [
    "GRAINS",
    "LedgerSummary",
    "Reconciliation",
    "build_ledger",
    "first_year_contribution",
    "ledger_summary",
    "reconcile",
    "roll_up",
    "with_displacement",
]
