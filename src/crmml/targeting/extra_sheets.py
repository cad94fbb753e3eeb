"""The sheets beside the list: the reserve, and what changed since the last list.

Their headers of customers differ from the list's, so that only the list is
read when the workbook comes back.
"""

from __future__ import annotations

import dataclasses
from typing import Literal

import pandas as pd

from crmml.sheets import Column
from crmml.targeting.columns import PEOPLE, people_view

_SHOWN = {column.name: column for column in PEOPLE}

IN_RESERVE = (
    Column("place", "候补顺序", "Place", "count", 6, "本客户经理(无经理者为本机构)的候补次序", "place in the reserve of the manager (of the branch, where there is none)"),
    Column("customer_id", "候补客户号", "Reserve customer", "text", 12, "客户编号(文本)", "customer id, as text"),
    *(_SHOWN[name] for name in ("name", "branch", "manager", "offer", "channel", "expected_value")),
    Column("net_value", "净价值", "Net value", "money", 13, "预期价值减去所占名额对他人的价值", "expected value less what the places it takes are worth to others"),
    *(dataclasses.replace(_SHOWN[name], is_detail=False) for name in ("prob_take", "risk_band", "holdings", "last_contacted_on")),
    *(_SHOWN[f"reason_{number}"] for number in (1, 2, 3)),
)  # fmt: skip
"""The columns of the reserve: whom to contact when a place of the list falls free."""

CHANGED = (
    Column("change", "变化", "Change", "text", 14, "新增、移出或换了产品", "new, gone, or another offer"),
    Column("customer_id", "变动客户号", "Changed customer", "text", 12, "客户编号(文本)", "customer id, as text"),
    *(_SHOWN[name] for name in ("name", "branch", "manager")),
    Column("offer_before", "上次产品", "Offer before", "text", 14, "上次名单中的产品", "the offer on the last list"),
    Column("offer_now", "本次产品", "Offer now", "text", 14, "本次名单中的产品", "the offer on this list"),
    Column("value_before", "上次预期价值", "Value before", "money", 12, "上次名单中的预期价值", "expected value on the last list"),
    Column("value_now", "本次预期价值", "Value now", "money", 12, "本次名单中的预期价值", "expected value on this list"),
    Column("why", "原因", "Why", "long", 60, "移出的原因;新增者上次未入选的原因", "why it is gone; of a new one, why it was not on the last list"),
)  # fmt: skip
"""The columns of what changed."""

_CHANGES = {"new": "新增 new", "gone": "移出 gone", "other_offer": "换了产品 another offer"}


def reserve_view(reserve: pd.DataFrame, *, language: Literal["zh", "en"] = "zh") -> pd.DataFrame:
    """The reserve with the columns of `IN_RESERVE`."""
    view = people_view(reserve, language=language)
    return view.assign(place=reserve["place"].to_numpy(), net_value=reserve["net_value"].to_numpy())


def changes_view(changes: pd.DataFrame, *, language: Literal["zh", "en"] = "zh") -> pd.DataFrame:
    """What changed with the columns of `CHANGED`."""
    return changes.assign(change=changes["change"].map(_CHANGES), why=changes[f"why_{language}"])
