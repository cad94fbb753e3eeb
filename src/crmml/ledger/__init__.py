"""Contribution by account, customer and month; it reconciles with itself and with the source tables."""

from crmml.ledger.build import build_ledger

__all__ = ["build_ledger"]
