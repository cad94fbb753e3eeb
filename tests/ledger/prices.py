"""Prices of the banks in these tests: round numbers, so that a ledger can be checked by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

from crmml.economics import DatedCcf, DatedPd, Economics

PD = {
    "loan": {"0": 0.04, "1-30": 0.2, "31-60": 0.4, "61-89": 0.6},
    "mortgage": {"0": 0.01, "1-30": 0.1, "31-60": 0.3, "61-89": 0.5},
    "card": {"0": 0.02, "1-30": 0.2, "31-60": 0.4, "61-89": 0.6},
}


def economics(**changed: Any) -> Economics:
    """Economics of the golden ledger; any field can be given."""
    given: dict[str, Any] = {
        "ftp": {
            "current": 0.02, "savings": 0.022, "time_deposit": 0.025, "loan": 0.026, "mortgage": 0.028, "card": 0.025,
        },
        "paid_rate": {"current": 0.002, "loan": 0.07, "card": 0.18},
        "prob_default": (DatedPd(date(2020, 1, 1), PD),),
        "lgd": {"loan": 0.5, "mortgage": 0.2, "card": 0.7},
        "ccf_ead": {"card": 0.3},
        "ccf_capital": (DatedCcf(date(2020, 1, 1), {"card": 0.2}),),
        "ccf_leverage": {"card": 0.1},
        "risk_weight": {"loan": 0.75, "mortgage": 0.5, "card": 0.75},
        "capital_ratio": 0.1,
        "leverage_floor": 0.04,
        "hurdle": 0.1,
        "cost_per_account_month": {
            "current": 2.0, "savings": 1.0, "time_deposit": 1.0, "loan": 10.0, "mortgage": 8.0, "card": 3.0,
            "insurance": 0.5,
        },
        "cost_per_transaction": {"counter": 5.0, "mobile": 0.1, "other": 0.2},
        "fee_kinds": ("fee",),
        "interest_kinds": ("interest",),
    }  # fmt: skip
    return Economics(**{**given, **changed})
