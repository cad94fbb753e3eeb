"""The columns of a finished list: for machines, and as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd

from crmml.sheets import Column
from crmml.targeting.candidates import Table, as_frame
from crmml.targeting.spec import NO_BAND, ListSpec
from crmml.targeting.value import EFFECT_SOURCES, rank

REASONS = 3
TABLE = (
    *("rank", "customer_id", "name", "branch_id", "branch", "manager_id", "manager", "offer", "offer_zh", "offer_en"),
    *(
        "channel",
        "effect_share",
        "prob_take",
        "effect",
        "effect_source",
        "value_if_taken",
        "value_source",
        "value_source_zh",
    ),
    *("value_source_en", "contact_cost", "incentive", "expected_value", "risk_band", "prob_churn", "holdings"),
    "last_contacted_on",
    *(f"reason_{n}_{part}" for n in range(1, REASONS + 1) for part in ("code", "zh", "en", "effect")),
    *("arm", "cutoff_date", "suppress_as_of", "call_by"),
)
"""Columns of the list for machines, in order; `list_id` comes last."""

CHANNELS = {
    "phone": ("电话", "phone"),
    "branch": ("网点", "branch"),
    "manager": ("客户经理", "manager"),
    "sms": ("短信", "SMS"),
    "app": ("手机银行", "mobile app"),
    "wechat": ("微信", "WeChat"),
    "visit": ("上门", "visit"),
    "mail": ("信函", "mail"),
}

STATUSES = {
    "no_answer": "未接通 no answer",
    "considering": "考虑中 considering",
    "taken": "已办理 taken",
    "declined": "不需要 declined",
    "refuses_marketing": "拒绝营销 refuses marketing",
    "wrong_details": "信息有误 wrong details",
}
"""What a customer manager may enter as the outcome of a row, by code."""


PEOPLE = (
    Column("number", "序号", "No.", "count", 6, "按预期价值从高到低", "by expected value, best first"),
    Column("customer_id", "客户号", "Customer", "text", 12, "客户编号(文本)", "customer id, as text"),
    Column("name", "姓名", "Name", "text", 7, "已脱敏", "masked"),
    Column("branch", "机构", "Branch", "text", 10, "客户所属机构", "the customer's branch"),
    Column("manager", "客户经理", "Manager", "text", 10, "负责联系的客户经理", "who makes the contact"),
    Column("offer", "推荐产品", "Offer", "text", 12, "每位客户仅推荐一个产品", "one offer per customer"),
    Column("channel", "渠道", "Channel", "text", 9, "联系渠道", "how to make the contact"),
    Column("expected_value", "预期价值", "Expected value", "money", 13, "效应 × 成交价值 − 购买概率 × 奖励 − 联系成本", "effect × value if taken − probability × incentive − contact cost"),
    Column("prob_take", "购买概率", "Probability of taking", "share", 12, "预测期内购买该产品的概率", "probability of taking the product within the model's horizon"),
    Column("value_if_taken", "成交价值", "Value if taken", "money", 12, "购买后十二个月的增量贡献,已扣除损失、资本与替代", "incremental contribution of the twelve months after taking, net of losses, capital and displacement"),
    Column("effect", "联系效应", "Effect of contact", "share", 11, "有随机对照记录时为增量,否则为购买概率(非因果)", "uplift where a randomised log exists, else the probability of taking (not causal)", True),
    Column("effect_source", "效应来源", "Where the effect comes from", "text", 20, "增量、购买倾向(非因果)或本行假定", "uplift, propensity (not causal), or the bank's assumption", True),
    Column("contact_cost", "联系成本", "Contact cost", "amount", 10, "每次联系的成本", "cost of one contact", True),
    Column("incentive", "奖励", "Incentive", "amount", 10, "办理后给予客户的奖励", "paid to a customer who takes the offer", True),
    Column("value_source", "成交价值来源", "Where the value comes from", "long", 34, "成交价值的估算方法与样本数", "how value if taken was estimated, and from how many", True),
    Column("risk_band", "风险等级", "Risk band", "text", 10, "A 低 … E 高;无表示没有授信", "A low … E high; none: has no credit"),
    Column("prob_churn", "流失概率", "Probability of leaving", "share", 12, "预测期内流失的概率", "probability of leaving within the model's horizon"),
    Column("holdings", "已持有产品", "Holdings", "long", 18, "客户现有产品", "what the customer has now"),
    Column("last_contacted_on", "最近联系日", "Last contact", "date", 11.5, "空白表示从未联系", "blank: never contacted"),
    Column("reason_1", "理由一", "Reason 1", "long", 27, "对购买概率影响最大的因素;× 为相对同类客户的几率倍数,小于 1 为不利因素", "the strongest driver of the probability of taking; × is the factor on the odds against like customers, below 1 it speaks against"),
    Column("reason_2", "理由二", "Reason 2", "long", 27, "第二因素", "the second driver"),
    Column("reason_3", "理由三", "Reason 3", "long", 27, "第三因素", "the third driver"),
    Column("call_by", "联系截止日", "Call by", "date", 11.5, "请在此日前完成联系", "make the contact by this day"),
    Column("status", "联系结果", "Status", "entry", 18, "请从下拉列表选择", "choose from the list"),
    Column("contacted_on", "联系日期", "Contacted on", "entry", 13, "例如 2026-01-15", "such as 2026-01-15"),
    Column("note", "备注", "Note", "entry", 22, "自由填写", "free text"),
    Column("product", "产品代码", "Offer code", "text", 12, "回收名单时使用,请勿修改", "used when the list comes back; please leave as is"),
    Column("list_id", "名单编号", "List id", "text", 20, "回收名单时使用,请勿修改", "used when the list comes back; please leave as is"),
)  # fmt: skip
"""The columns of the sheet and file that people work with."""


def finish(spec: ListSpec, rows: pd.DataFrame, uptake: Mapping[str, Table], *, suppress_as_of: date) -> pd.DataFrame:
    """The list for machines, one row per chosen customer, best first, without its `list_id`."""
    table = _with_reasons(spec, rows, uptake)
    words = {offer.product: offer for offer in spec.offers}
    table = table.assign(
        rank=rank(table),
        name=masked_names(table),
        branch=table["branch_name"].fillna(table["branch_id"]),
        manager=table["manager_name"].fillna(table["manager_id"]),
        offer_zh=table["offer"].map(lambda product: words[product].zh),
        offer_en=table["offer"].map(lambda product: words[product].en),
        suppress_as_of=pd.Timestamp(suppress_as_of).as_unit("s"),
        call_by=pd.Timestamp(suppress_as_of + timedelta(days=spec.call_by_days)).as_unit("s"),
    )
    return table.sort_values("rank", ignore_index=True)[list(TABLE)]


def masked_names(customers: pd.DataFrame) -> pd.Series:
    """The first character of a person's name and a star; a company's name in full.

    >>> masked_names(pd.DataFrame({"name": ["陈大文", "城关商贸公司"], "kind": ["person", "company"]})).tolist()
    ['陈*', '城关商贸公司']
    """
    names = customers["name"].astype("str")
    first = names.str.strip().str[:1] + "*"
    return names.where(customers["kind"].eq("company").fillna(False), first).fillna("")


def people_view(table: pd.DataFrame, *, language: Literal["zh", "en"] = "zh") -> pd.DataFrame:
    """The rows to contact with the columns of `PEOPLE`; control rows and arms are not shown."""
    rows = table[table["arm"] != "control"].reset_index(drop=True)
    view = pd.DataFrame({"number": np.arange(1, len(rows) + 1)})
    for column in PEOPLE[1:]:
        view[column.name] = rows.get(column.name, "")
    view["offer"] = rows[f"offer_{language}"]
    view["product"] = rows["offer"]
    view["channel"] = rows["channel"].map(lambda code: CHANNELS.get(code, (code, code))[language == "en"])
    view["risk_band"] = rows["risk_band"].replace(NO_BAND, "none" if language == "en" else "无")
    view["value_source"] = rows[f"value_source_{language}"]
    view["effect_source"] = rows["effect_source"].map(lambda source: EFFECT_SOURCES[source][language == "en"])
    for number in range(1, REASONS + 1):
        sentences, effects = rows[f"reason_{number}_{language}"], rows[f"reason_{number}_effect"]
        view[f"reason_{number}"] = _spoken(sentences, effects, gap="" if language == "zh" else " ")
    return view


def _with_reasons(spec: ListSpec, rows: pd.DataFrame, uptake: Mapping[str, Table]) -> pd.DataFrame:
    wanted = {
        f"reason_{n}_{part}": "float64" if part == "effect" else "str"
        for n in range(1, REASONS + 1)
        for part in ("code", "zh", "en", "effect")
    }
    parts = []
    for product in spec.products:
        scores = as_frame(uptake[product])
        of_rows = rows[rows["offer"] == product]
        found = scores.assign(customer_id=scores["customer_id"].astype("str")).set_index("customer_id")
        found = found.reindex(columns=list(wanted)).astype(wanted).loc[of_rows["customer_id"]]
        parts.append(of_rows.assign(**{name: found[name].to_numpy() for name in wanted}))
    return pd.concat([part for part in parts if len(part)]).astype(wanted)


def _spoken(sentences: pd.Series, effects: pd.Series, *, gap: str) -> list[str]:
    said = zip(sentences.fillna(""), np.exp(effects.astype(float)), strict=True)
    return [f"{text}{gap}(×{factor:.1f})" if text and np.isfinite(factor) else text for text, factor in said]
