"""Words that workbooks and pages share, as `(Chinese, English)`: kinds of churn, alert levels, bands, why no contact."""

from __future__ import annotations

import re
from collections.abc import Mapping

Pair = tuple[str, str]

CHURN_KINDS: Mapping[str, Pair] = {
    "closed": ("销户离行", "closed"),
    "attrited": ("资产流失", "money gone"),
    "silent": ("沉默", "silent"),
}
ALERT_LEVELS: Mapping[str, Pair] = {
    "red": ("红", "red"),
    "amber": ("橙", "amber"),
    "watch": ("关注", "watch"),
}
BARS: Mapping[str, Pair] = {
    "refuses_marketing": ("拒绝营销", "refuses marketing"),
    "has_died": ("已故", "has died"),
    "has_defaulted": ("曾违约或核销", "defaulted or written off"),
    "in_arrears": ("当前逾期", "in arrears now"),
    "open_complaint": ("有未结投诉", "open complaint"),
    "contacted_lately": ("近期已联系", "contacted lately"),
}
"""Why a customer is left alone, in the order in which the first that applies is told."""

AXES: Mapping[str, Pair] = {
    "value": ("价值", "value"),
    "loyalty": ("忠诚", "loyalty"),
    "risk": ("风险", "risk"),
}
_SIZES: Mapping[int, tuple[Pair, ...]] = {
    1: (("全部", "all"),),
    2: (("低", "low"), ("高", "high")),
    3: (("低", "low"), ("中", "middle"), ("高", "high")),
    4: (("低", "low"), ("中低", "lower middle"), ("中高", "upper middle"), ("高", "high")),
    5: (("低", "low"), ("中低", "lower middle"), ("中", "middle"), ("中高", "upper middle"), ("高", "high")),
}
_UNSCORED: Mapping[str, Pair] = {
    "value": ("价值未评", "value not scored"),
    "loyalty": ("忠诚未评", "loyalty not scored"),
    "risk": ("无授信", "no credit"),
}


def band_words(axis: str, band: int, bands: int) -> Pair:
    """A band of an axis; a negative one holds the customers without a score.

    >>> band_words("value", 2, 3), band_words("risk", -1, 3)
    (('高价值', 'high value'), ('无授信', 'no credit'))
    """
    if band < 0:
        return _UNSCORED[axis]
    (zh, en), (name_zh, name_en) = _SIZES[bands][band], AXES[axis]
    return f"{zh}{name_zh}", f"{en} {name_en}"


_MEASURES: Mapping[str, Pair] = {
    "auc": ("AUC", "AUC"),
    "normalised_gini": ("归一化基尼系数", "normalised Gini"),
    "qini": ("Qini 系数", "Qini"),
}
_GATES: Mapping[str, str] = {
    "calibration_slope": "校准斜率",
    "observed_over_expected": "实际/预期",
    "top reasons against the champion": "主要原因与在用版本一致",
    "leak audit": "泄漏审计",
    "exactness of reasons": "原因相加精确",
    "test on later rows": "以较晚的行检验",
    "expected signs": "预期方向",
    "usable uplift": "提升可用",
    "later assignments": "以较晚的分组检验",
    "random arms": "分组随机",
}


def gate_words(name: str) -> Pair:
    """A gate in Chinese and English; the name itself where it has no other words.

    >>> gate_words("auc beyond chance"), gate_words("leak audit")
    (('AUC 优于随机', 'AUC beyond chance'), ('泄漏审计', 'leak audit'))
    """
    measure, _, rest = name.partition(" ")
    zh, en = _MEASURES.get(measure, (measure, measure))
    if rest == "beyond chance":
        return f"{zh} 优于随机", f"{en} beyond chance"
    if rest == "against the champion":
        return f"{zh} 不劣于在用版本", f"{en} against the champion"
    if name in _MEASURES:
        return zh, en
    return _GATES.get(name, name), name.replace("_", " ")


_PARTS: tuple[tuple[str, str], ...] = (
    ("one of the lower ends above 0, on customers not learned from", "在未参与训练的客户上,至少一个区间下限大于 0"),
    (
        "clean, or not auditable with a note under gates: {accepted: …}",
        "无泄漏;无法审计的须在 gates: {accepted: …} 写明理由",
    ),
    ("later rows, or a note under gates: {accepted: …}", "以较晚的行检验,或在 gates: {accepted: …} 写明理由"),
    ("measured against the champion: train again", "须与在用版本比较:请重新训练"),
    (r"within (\S+) to (\S+), or an interval that covers 1", r"在 \1 至 \2 之间,或区间含 1"),
    (r"lower end above (\S+)", r"区间下限大于 \1"),
    (r"at least (\S+) \(champion (\S+)\)", r"至少 \1(在用版本 \2)"),
    (r"at least (\S+) \(two refits (\S+)\)", r"至少 \1(两次重拟合 \2)"),
    (r"at least (\S+)", r"至少 \1"),
    (r"at most (\S+)", r"至多 \1"),
    (r"(\d+) violations in ([\d,]+) perturbed rows", r"\2 行扰动样本中 \1 处违反"),
    (r"(\d+) violations", r"\1 处违反"),
    (r"measured against version (\S+), not the champion", r"与版本 \1 比较,并非在用版本"),
    (
        "neither is below 0 beyond chance, and an average below the learned one beyond chance is above 0",
        "均不显著低于 0;平均效应显著低于所学者须高于 0",
    ),
    ("no difference beyond chance", "无显著差异"),
    ("a comparison on the same rows", "在相同的行上比较"),
    (r"Qini (.+), average effect (.+)", r"Qini \1,平均效应 \2"),
    (r"(\S+) differs by (\S+)", r"\1 相差 \2"),
    (r"not auditable, accepted: (.+)", r"无法审计,已接受:\1"),
    (r"not time-honest, accepted: (.+)", r"非时间外检验,已接受:\1"),
    ("not auditable", "无法审计"),
    ("not time-honest", "非时间外检验"),
    ("not measured", "未测量"),
    ("not run", "未执行"),
    ("clean", "无泄漏"),
    ("none", "无"),
)


def gate_figures(text: str) -> Pair:
    """What a gate found or expected, in Chinese and English; a bare figure is the same in both.

    >>> gate_figures("within 0.8 to 1.25, or an interval that covers 1")
    ('在 0.8 至 1.25 之间,或区间含 1', 'within 0.8 to 1.25, or an interval that covers 1')
    >>> gate_figures("0.8765 [0.8700, 0.8800]")
    ('0.8765 [0.8700, 0.8800]', '0.8765 [0.8700, 0.8800]')
    """
    for pattern, zh in _PARTS:
        if text == pattern:
            return zh, text
        if "(" in pattern and (match := re.fullmatch(pattern, text)):
            return match.expand(zh), text
    return text, text


PROPENSITY, UPLIFT = "propensity, not causal", "uplift"
SAVE_RATE = "save rate assumed by the bank, not causal"
SAVE_RATE_ZH = "本行假定的挽留率,非因果效应"
PROPENSITY_ZH, UPLIFT_ZH = "购买倾向,非因果效应", "增量效应"
EFFECT_SOURCES = {
    PROPENSITY: (PROPENSITY_ZH, PROPENSITY),
    UPLIFT: (UPLIFT_ZH, UPLIFT),
    SAVE_RATE: (SAVE_RATE_ZH, SAVE_RATE),
}
"""Where an effect comes from, in Chinese and English, by what the files for machines say."""
