"""Words that workbooks and pages share, as `(Chinese, English)`: kinds of churn, alert levels, bands, why no contact."""

from __future__ import annotations

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
