"""A list of twelve customers and two offers, as a list's folder holds it, and a campaign of it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd

from crmml import files
from crmml.campaigns import Campaign, content_of, read_campaign, require_control, write_campaign

LIST_ID = "cross_sell-20251231-abc"
ASSIGNED = date(2025, 12, 31)
ARMS = ["treated"] * 4 + ["control"] + ["treated"] * 5 + ["control", "explore"]


def rows(arms: list[str] = ARMS) -> pd.DataFrame:
    """Customers 0001 … 0012: card for the first five, loan for the others; 100 yuan a taker, 10 a contact."""
    ids = [f"{number:04d}" for number in range(1, len(arms) + 1)]
    return pd.DataFrame(
        {
            "rank": range(1, len(arms) + 1),
            "customer_id": ids,
            "branch_id": ["b1", "b2"] * (len(arms) // 2) + ["b1"] * (len(arms) % 2),
            "branch": ["城关支行", "东湖支行"] * (len(arms) // 2) + ["城关支行"] * (len(arms) % 2),
            "manager_id": "m1",
            "manager": "甲",
            "offer": ["card" if number < 5 else "loan" for number in range(len(arms))],
            "channel": "phone",
            "prob_take": 0.2,
            "effect": 0.2,
            "effect_source": "propensity, not causal",
            "value_if_taken": 100.0,
            "contact_cost": 10.0,
            "incentive": 0.0,
            "expected_value": 10.0,
            "arm": arms,
            "list_id": LIST_ID,
        }
    )


def list_folder(folder: Path, table: pd.DataFrame | None = None) -> Path:
    with files.publish(folder, kind="list") as staged:
        (rows() if table is None else table).to_parquet(staged.path("cross_sell.parquet"), index=False)
        staged.path("about.json").write_text(json.dumps({"list_id": LIST_ID}), encoding="utf-8")
        staged.path("replay/features.txt").write_text("what a replay needs", encoding="utf-8")
    return folder


def about(source: Path, table: pd.DataFrame | None = None, **changed: Any) -> dict[str, Any]:
    table = rows() if table is None else table
    terms = {"purpose": "calls", "owner": "retail", "assigned_on": str(ASSIGNED)}
    terms |= {name: changed[name] for name in terms if name in changed}
    told = {
        "name": "jan",
        "bank": "demo",
        "list": "cross_sell",
        "list_id": LIST_ID,
        **terms,
        "content": content_of(source, terms),
        "cutoff_date": "2025-12-31",
        "call_by": "2026-01-30",
        "models": {},
        "arms": require_control(table),
        "control_share": 0.2,
        "explore_share": 0.1,
        "effect_source": {"propensity, not causal": len(table)},
        "offers": {
            "card": {"zh": "信用卡", "en": "credit card", "kind": "sell", "products": ["3010"], "horizon_months": 3},
            "loan": {"zh": "贷款", "en": "loan", "kind": "sell", "products": ["2010", "2020"], "horizon_months": 3},
        },
    }
    return {**told, **changed}


def campaign(folder: Path, table: pd.DataFrame | None = None, **changed: Any) -> Campaign:
    """The campaign `jan` of the list, frozen under `folder`."""
    source = list_folder(folder / "lists" / "cross_sell", table)
    write_campaign(folder / "campaigns", source, about(source, table, **changed))
    return read_campaign(folder / "campaigns", "jan")
