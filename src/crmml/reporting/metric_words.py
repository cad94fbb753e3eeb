"""What each figure of a report is called and means, in one plain line and both languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crmml.reporting.words import Words
from crmml.vocabulary import gate_figures, gate_words


@dataclass(frozen=True)
class Metric:
    """Name, meaning, digits, and which way is better: `up`, `down` or `one` (nearest to 1), `zero`."""

    name: Words
    meaning: Words
    digits: int
    better: str

    @property
    def arrow(self) -> str:
        return {"up": "↑", "down": "↓", "one": "→ 1", "zero": "→ 0", "none": "·"}[self.better]


METRICS = {
    "auc": Metric(
        Words("AUC", "AUC"),
        Words("随机一对事件与非事件中,事件得分更高的概率", "chance that an event is scored above a non-event"),
        3,
        "up",
    ),
    "gini": Metric(Words("基尼系数", "Gini"), Words("2×AUC − 1,0 为随机", "2 x AUC - 1; 0 is chance"), 3, "up"),
    "average_precision": Metric(
        Words("平均精确率(PR 曲线下面积)", "average precision (area under PR)"),
        Words(
            "自高分向下选取时的平均命中率;随机等于事件率",
            "mean hit rate from the top down; chance equals the event rate",
        ),
        3,
        "up",
    ),
    "ks": Metric(
        Words("KS", "KS"),
        Words("事件与非事件累积分布的最大差距", "largest gap between the cumulative shares of events and of others"),
        3,
        "up",
    ),
    "ks_score": Metric(
        Words("KS 所在评分", "score at the KS"),
        Words("最大差距处的预测概率", "served probability where that gap lies"),
        3,
        "none",
    ),
    "lift_10pct": Metric(
        Words("前 10% 提升度", "lift, top 10%"),
        Words("最高 10% 评分的事件率与平均之比", "event rate of the top tenth over the average"),
        2,
        "up",
    ),
    "brier": Metric(
        Words("Brier 分数", "Brier score"),
        Words("概率与结果之差的平方的均值", "mean squared gap of probability and outcome"),
        4,
        "down",
    ),
    "log_loss": Metric(
        Words("对数损失", "log loss"),
        Words("结果在预测下的平均意外程度", "how surprising the outcomes are under the predictions"),
        4,
        "down",
    ),
    "ece": Metric(
        Words("期望校准误差 ECE", "expected calibration error"),
        Words(
            "十组中预测与实际之差的加权均值;绝对误差重抽样会偏大,故不给区间",
            "mean gap of predicted and observed over ten groups; resampling inflates it, so no interval is given",
        ),
        4,
        "down",
    ),
    "calibration_slope": Metric(
        Words("校准斜率", "calibration slope"),
        Words("小于 1 表示预测过于极端", "below 1 the predictions are too extreme"),
        2,
        "one",
    ),
    "observed_over_expected": Metric(
        Words("实际/预期", "observed / expected"),
        Words("实际总数与预测总数之比", "what happened over what was predicted, in total"),
        2,
        "one",
    ),
    "normalised_gini": Metric(
        Words("标准化基尼", "normalised Gini"),
        Words("按预测排序聚集金额的能力,1 为完美", "how well amounts are ranked; 1 as the amounts themselves would"),
        3,
        "up",
    ),
    "mae": Metric(
        Words("平均绝对误差(金额)", "mean absolute error, in money"),
        Words("预测与实际平均相差多少", "how far predictions are off on average"),
        0,
        "down",
    ),
    "rmse": Metric(
        Words("均方根误差(金额)", "root mean square error, in money"),
        Words("大误差权重更大", "large errors weigh more"),
        0,
        "down",
    ),
    "r2": Metric(
        Words("R²", "R²"),
        Words(
            "解释的方差份额;由少数大客户主导", "share of the variance explained; the few largest customers dominate it"
        ),
        3,
        "up",
    ),
    "spearman": Metric(
        Words("Spearman 秩相关", "Spearman rank correlation"),
        Words("预测与实际排序的一致程度", "how far predicted and actual ranks agree"),
        3,
        "up",
    ),
    "captured": Metric(
        Words("前 10% 覆盖的实际价值", "actual value in the top 10%"),
        Words(
            "预测最高十分之一客户占全部实际贡献的份额",
            "share of all contribution that the top tenth by prediction brings",
        ),
        3,
        "up",
    ),
}
GROUPS = {
    "person, borrower": Words("个人,有贷款", "person, borrower"),
    "person, depositor": Words("个人,仅存款", "person, depositor"),
    "company, borrower": Words("企业,有贷款", "company, borrower"),
    "company, depositor": Words("企业,仅存款", "company, depositor"),
    "none": Words("无存款", "none"),
    "below 10k": Words("1 万以下", "below 10k"),
    "10k to 50k": Words("1 万至 5 万", "10k to 50k"),
    "50k to 200k": Words("5 万至 20 万", "50k to 200k"),
    "200k to 500k": Words("20 万至 50 万", "200k to 500k"),
    "500k to 1M": Words("50 万至 100 万", "500k to 1M"),
    "1M and more": Words("100 万及以上", "1M and more"),
    "few": Words("其他(每组不足 30 人)", "others (fewer than 30 customers each)"),
    "other": Words("其他取值", "other values"),
    "not known": Words("未知", "not known"),
}
ATTRIBUTES = {
    "gender": Words("性别", "gender"),
    "region": Words("地区", "region"),
    "born_on": Words("年龄段", "age band"),
    "age": Words("年龄", "age"),
    "industry": Words("行业", "industry"),
    "occupation": Words("职业", "occupation"),
}


def group(name: str) -> Words:
    """The words of a group of customers; a level of an attribute is its own word."""
    return GROUPS.get(name, Words(name, name))


def attribute(name: str) -> Words:
    """The words of an attribute; a column of a table is its own word."""
    return ATTRIBUTES.get(name, Words(name, name))


def in_words(gate: Mapping[str, Any]) -> dict[str, Any]:
    """A gate of a card as a page shows it: `words`, `found` and `expected` in Chinese and English, `passed`."""
    figures = {name: gate_figures(str(gate[name])) for name in ("found", "expected")}
    return {"words": gate_words(gate["name"]), **figures, "passed": gate["passed"]}
