"""The sheets of the workbook as managers read them."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pandas as pd

from crmml.sheets import Column
from crmml.vocabulary import ALERT_LEVELS, BARS, CHURN_KINDS

STATUSES = {
    "stays": "已挽留 stays",
    "undecided": "观察中 undecided",
    "leaves": "确认流失 leaves",
    "no_answer": "未接通 no answer",
    "wrong_details": "信息有误 wrong details",
}
"""What a manager may enter after caring for a customer, by code."""

ALERTS = (
    Column("rank", "序号", "No.", "count", 6, "先红后橙再关注,同级按流失概率(或风险价值)从高到低", "red, amber, watch; within a level the likeliest (or most at risk) first"),
    Column("level", "级别", "Level", "text", 10, "按客户经理本月能照顾的人数划分", "by how many customers a manager can care for in the month"),
    Column("customer_id", "客户号", "Customer", "text", 12, "客户编号(文本)", "customer id, as text"),
    Column("name", "姓名", "Name", "text", 7, "已脱敏", "masked"),
    Column("branch", "机构", "Branch", "text", 10, "客户所属机构", "the customer's branch"),
    Column("manager", "客户经理", "Manager", "text", 10, "负责照顾的客户经理", "who cares"),
    Column("prob_churn", "流失概率", "Probability of leaving", "share", 12, "预测期内流失的概率", "probability of leaving within the model's horizon"),
    Column("peer_mean", "同类平均", "Peers", "share", 10, "同类客户的平均概率", "the mean of like customers"),
    Column("value_at_risk", "风险价值", "Value at risk", "money", 12, "流失概率 × 在险贡献(负值计为零)", "probability × contribution at stake (0 where that is negative)"),
    Column("cause", "主要原因", "Cause", "text", 13, "使其比同类更可能流失的首要因素组", "the group of features that most makes the customer likelier to leave than peers"),
    Column("reason", "依据", "Reason", "long", 38, "该因素组中变化最大的一项;× 为相对同类的几率倍数", "the feature that speaks for it; × is the factor on the odds against like customers"),
    Column("action", "建议", "Care", "long", 34, "按原因给出的照顾建议(可在配置中修改)", "what to do, by cause (from the config)"),
    Column("contact_by", "联系截止日", "Contact by", "date", 11.5, "请在此日前联系;关注级不必联系", "make contact by this day; nobody on watch is called"),
    Column("days_alerted", "已预警天数", "Days alerted", "count", 9, "自本轮首次预警起的天数", "days since the first alert of this run"),
    Column("value_at_stake", "在险贡献", "At stake", "money", 12, "未来十二个月预计贡献;无预测时为过去十二个月实际贡献", "forecast contribution of the next twelve months, or that of the last twelve", True),
    Column("level_before", "上期级别", "Level before", "text", 10, "上一截止日的级别", "the level at the cut-off before", True),
    Column("first_alerted_on", "首次预警", "First alerted", "date", 11.5, "本轮首次预警的截止日", "the cut-off at which this run of alerts began", True),
    Column("notes", "注意", "Mind", "long", 18, "投诉、逾期、拒绝营销等", "complaint, arrears, refusal of marketing"),
    Column("last_contacted_on", "最近联系日", "Last contact", "date", 11.5, "空白表示从未联系", "blank: never contacted"),
    Column("status", "结果", "Outcome", "entry", 18, "请从下拉列表选择", "choose from the list"),
    Column("note", "备注", "Note", "entry", 22, "自由填写", "free text"),
)  # fmt: skip

GONE = (
    Column("rank", "序号", "No.", "count", 6, "按流失价值从高到低", "by value lost, most first"),
    Column("customer_id", "客户号", "Customer", "text", 12, "客户编号(文本)", "customer id, as text"),
    Column("name", "姓名", "Name", "text", 7, "已脱敏", "masked"),
    Column("branch", "机构", "Branch", "text", 10, "客户所属机构", "the customer's branch"),
    Column("manager", "客户经理", "Manager", "text", 10, "原客户经理", "who cared"),
    Column("kind", "流失种类", "How", "text", 14, "销户离行、资产流失或沉默", "closed, money gone, or silent"),
    Column("lost_on", "流失日", "Lost on", "date", 11.5, "流失的那一天", "the day of the loss"),
    Column("days_gone", "已流失天数", "Days gone", "count", 9, "截至截止日", "up to the cut-off"),
    Column("value_lost", "流失价值", "Value lost", "money", 13, "流失前十二个月的贡献", "contribution of the twelve months up to the loss"),
    Column("expected_value", "预期挽回", "Expected", "money", 12, "流失价值 × 银行设定的挽回率;未设定则为空", "value lost × the save rate the bank states; blank without one"),
    Column("last_contacted_on", "最近联系日", "Last contact", "date", 11.5, "空白表示从未联系", "blank: never contacted"),
    Column("status", "结果", "Outcome", "entry", 18, "请从下拉列表选择", "choose from the list"),
    Column("note", "备注", "Note", "entry", 22, "自由填写", "free text"),
)  # fmt: skip
RETURNED = {
    "back": "已回来 came back",
    "considering": "考虑中 considering",
    "declined": "拒绝 declined",
    "no_answer": "未接通 no answer",
}

_NOTES = ("open_complaint", "in_arrears", "refuses_marketing")


def alerts_view(alerts: pd.DataFrame, *, language: Literal["zh", "en"]) -> pd.DataFrame:
    """The alerts with the columns of `ALERTS`; sentences in one language, levels in both."""
    view = alerts.reindex(columns=[column.name for column in ALERTS]).copy()
    for name in ("level", "level_before"):
        view[name] = [" ".join(ALERT_LEVELS[level]) if level else "" for level in alerts[name]]
    view["cause"] = alerts[f"cause_{language}"]
    factors = alerts["cause_factor"].astype(float)
    gap = "" if language == "zh" else " "
    view["reason"] = [
        f"{text}{gap}(×{factor:.1f})" if text and np.isfinite(factor) else text
        for text, factor in zip(alerts[f"reason_{language}"], factors, strict=True)
    ]
    view["action"] = alerts[f"action_{language}"]
    marks = alerts[list(_NOTES)].astype("boolean").fillna(False).to_numpy(dtype=bool)
    words = [BARS[name][language == "en"] for name in _NOTES]
    view["notes"] = ["; ".join(word for word, on in zip(words, row, strict=True) if on) for row in marks]
    view["status"], view["note"] = "", ""
    return view


def gone_view(gone: pd.DataFrame) -> pd.DataFrame:
    """The customers who may be approached with the columns of `GONE`."""
    rows = gone[gone["may_be_approached"].astype(bool)].reset_index(drop=True)
    view = rows.reindex(columns=[column.name for column in GONE]).copy()
    view["kind"] = [", ".join(" ".join(CHURN_KINDS[kind]) for kind in kinds.split("+")) for kinds in rows["kinds"]]
    view["status"], view["note"] = "", ""
    return view
