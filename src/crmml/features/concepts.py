"""The concept groups in which people think of features; reasons speak for a group."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    name: str
    zh: str
    en: str


CONCEPTS: dict[str, Concept] = {
    concept.name: concept
    for concept in (
        Concept("balances", "存款与资产", "deposits and assets"),
        Concept("cash_flow", "资金流", "cash flow"),
        Concept("rhythm", "交易节奏", "rhythm of transactions"),
        Concept("counterparties", "交易对手", "counterparties"),
        Concept("salary", "工资代发", "salary"),
        Concept("products", "产品持有", "products held"),
        Concept("tenure", "关系年限", "length of the relationship"),
        Concept("credit", "贷款与逾期", "loans and arrears"),
        Concept("limits", "额度使用", "use of limits"),
        Concept("channel", "渠道活跃", "use of channels"),
        Concept("activity", "客户活跃", "activity"),
        Concept("service", "服务与投诉", "service and complaints"),
        Concept("contacts", "营销接触", "marketing contacts"),
        Concept("relations", "关系圈", "related customers"),
        Concept("profile", "客户概况", "profile"),
        Concept("history", "信息厚度", "how much is known"),
        Concept("standing", "同类位次", "standing among peers"),
        Concept("value", "历史贡献", "past contribution"),
        Concept("terms", "申请条件", "terms asked for"),
        Concept("propensity", "购买倾向", "chance to take anyway"),
        Concept("horizon", "预测期限", "how far ahead"),
    )
}
