"""What the reports say about each kind of target, in both languages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from crmml.feature_table.spec import NOT_TIME_HONEST, NOT_TIME_HONEST_ZH


class Words(NamedTuple):
    """The same words in Chinese and in English."""

    zh: str
    en: str


@dataclass(frozen=True)
class About:
    """What a target is for, how its label is meant, and what it must not be used for."""

    title: Words
    purpose: Words
    label: Words
    limits: tuple[Words, ...]


_LATER = Words(
    "各项指标来自较晚的截止日。产品、价格或客群明显变化后须重新训练。",
    "All figures come from later cut-offs. After a marked change of products, prices or customers, train again.",
)
_RANDOM = Words(
    "各项指标来自随机抽取的行,不能说明模型在以后月份的表现。",
    "All figures come from rows drawn at random: they do not say how the model does in later months.",
)
_SHARED = (
    Words(
        "原因表示模型依据的信息,不是因果;据此采取行动的效果须用对照组检验。",
        "Reasons say what the model relied on, not what causes the outcome; test the effect of acting on them with a control group.",
    ),
    _LATER,
    Words(
        "供内部使用,由有权限的人员作出最终决定。", "For internal use; a person with the authority makes the decision."
    ),
)
ABOUT = {
    "churn": About(
        Words("客户流失模型", "Loyalty: who is about to leave"),
        Words(
            "找出可能在观察期后流失的客户,供客户经理提前维护。",
            "Finds customers likely to leave after the cut-off, so that managers can act in time.",
        ),
        Words(
            "标签窗口内发生流失(口径见配置)记 1,否则记 0。",
            "1 if the customer leaves within the label window (the kind is in the config), else 0.",
        ),
        _SHARED,
    ),
    "default": About(
        Words("违约模型", "Default"),
        Words(
            "估计借款客户在标签窗口内违约的概率。",
            "Estimates the probability that a borrower defaults within the label window.",
        ),
        Words(
            "标签窗口内逾期达到配置天数或被核销记 1,否则记 0。",
            "1 if days past due reach the configured number or the loan is written off within the label window, else 0.",
        ),
        (
            Words(
                "不得单独用于拒绝授信;申请模型只从已获批贷款学习。",
                "Not for declining credit on its own; an application model learns from granted loans only.",
            ),
            *_SHARED,
        ),
    ),
    "contribution": About(
        Words("客户贡献模型", "Contribution to come"),
        Words(
            "预测客户在标签窗口内的风险调整后贡献(金额),按组成部分分别预测。",
            "Forecasts the risk-adjusted contribution within the label window, in money, component by component.",
        ),
        Words(
            "标签窗口内各账户月度贡献之和。",
            "The sum of the monthly contributions of the customer's accounts within the label window.",
        ),
        (
            Words(
                "贡献可以为负;少数大客户的误差可能很大。",
                "Contribution can be negative; errors can be large for the few largest customers.",
            ),
            *_SHARED,
        ),
    ),
    "uptake": About(
        Words("产品购买模型", "Uptake of a product"),
        Words(
            "估计尚未持有该产品的客户在标签窗口内购买的概率。",
            "Estimates the probability that a customer who lacks the product takes it within the label window.",
        ),
        Words(
            "标签窗口内首次持有该产品记 1,否则记 0。", "1 if the product is first held within the label window, else 0."
        ),
        (
            Words("是购买倾向而非营销效果。", "A propensity, not the effect of being contacted."),
            *_SHARED,
        ),
    ),
    "winback": About(
        Words("客户赢回模型", "Win-back: who comes back"),
        Words(
            "估计不久前流失的客户在标签窗口内回来的概率。",
            "Estimates the probability that a customer who left lately comes back within the label window.",
        ),
        Words(
            "截止日前所设月数内流失的客户,在标签窗口内重新开户、余额恢复或再次交易(口径见配置)记 1,否则记 0。",
            "1 if a customer who left in the months before the cut-off opens an account again, has the balance back, or books "
            "again within the label window (the kind is in the config), else 0.",
        ),
        _SHARED,
    ),
    "bookings": About(
        Words("交易发生模型", "Bookings to come"),
        Words(
            "估计客户在标签窗口内发生所述交易的概率。",
            "Estimates the probability that the customer makes the bookings asked for within the label window.",
        ),
        Words(
            "标签窗口内所述种类的交易达到所设笔数记 1,否则记 0。",
            "1 if there are at least as many bookings of the kinds named within the label window as the config asks for, else 0.",
        ),
        _SHARED,
    ),
}
_GIVEN = About(
    Words("自有标签模型", "A label of the bank's own"),
    Words("估计银行自有标签为正的概率。", "Estimates the probability that the bank's own label is positive."),
    Words("取自银行提供的标签表。", "Taken from the bank's table of labels."),
    _SHARED,
)
_TABLE = About(
    Words("特征表模型", "A model of a ready feature table"),
    Words("估计表中标签为事件的概率。", "Estimates the probability that the label of the table is the event."),
    Words(
        "取自表中标签列;事件的取值见配置。", "From the table's label column; the config says which value is the event."
    ),
    (
        Words(
            "特征表没有历史,无法审计:其各列在截止日是否已知,只能由提供者保证。",
            "A table without history is not auditable: that its columns were known at the cut-off rests on whoever made it.",
        ),
        *_SHARED,
    ),
)
STAMPS = {NOT_TIME_HONEST: Words(NOT_TIME_HONEST_ZH, NOT_TIME_HONEST)}
COMPONENTS = {
    "margin": Words("净息差收入", "margin"),
    "fees": Words("手续费收入", "fees"),
    "expected_loss": Words("预期损失", "expected loss"),
    "service_cost": Words("服务成本", "cost to serve"),
    "capital_charge": Words("资本占用成本", "capital charge"),
}
STEPS = {
    "all": Words("全部快照", "all snapshots"),
    "not_person": Words("非个人客户", "not a person"),
    "not_company": Words("非企业客户", "not a company"),
    "not_in_population": Words("不在目标人群", "not in the population"),
    "gone": Words("截止日前已离开", "gone by the cut-off"),
    "gone_in_gap": Words("间隔期内离开", "gone inside the gap"),
    "in_default": Words("截止日已违约", "in default at the cut-off"),
    "holds_product": Words("已持有该产品", "holds the product already"),
    "no_main_product": Words("无主办产品", "no main product"),
    "no_loan": Words("无贷款", "no loan"),
    "no_label": Words("无标签", "no label"),
    "default_in_gap": Words("间隔期内违约", "in default inside the gap"),
    "took_in_gap": Words("间隔期内已购买", "taken inside the gap"),
    "below_floor": Words("此前余额低于下限", "average before below the floor"),
    "no_history": Words("历史不足", "too little history"),
    "immature": Words("标签未成熟", "label not yet observed"),
    "sample": Words("建模样本", "sample"),
    "events": Words("其中:事件", "of which events"),
    "label_reaches_into_test": Words("标签窗口伸入检验期", "label reaches into the test"),
}
BENCHMARKS = {
    "points scorecard": Words("评分卡", "points scorecard"),
    "last year carried forward": Words("沿用上年实际值", "last year carried forward"),
    "one direct regression": Words("直接回归总额", "one direct regression of the sum"),
}


def about(target: str, *, is_table: bool = False) -> About:
    """The words of a target; of a bank's own label, or a table's, where the target is not one of ours."""
    return ABOUT.get(target, _TABLE if is_table else _GIVEN)


def limits(about: About, *, stamp: str) -> tuple[Words, ...]:
    """What a model must not be used for; a test on rows drawn at random promises nothing of later months."""
    return tuple(_RANDOM if stamp and limit is _LATER else limit for limit in about.limits)


def stamp(found: str) -> Words | None:
    """What stands beside every figure, None where nothing does."""
    return STAMPS.get(found, Words(found, found)) if found else None


def step(name: str) -> Words:
    """The words of a step of the population's waterfall."""
    return STEPS.get(name, Words(name.replace("_", " "), name.replace("_", " ")))
