"""The catalogue: what people are told about every feature, generated from the declarations."""

from __future__ import annotations

from collections.abc import Iterator

from crmml.economics import FAMILY_WORDS
from crmml.features.declare import Attribute, Breadth, Derived, Difference, Family, FeatureInfo, Ratio, Trend
from crmml.features.planner import Asked, columns_of
from crmml.features.statistics import (
    Count,
    DailyMean,
    DaysSince,
    DaysSinceFirst,
    Latest,
    Level,
    Max,
    Mean,
    Measure,
    Min,
    NoRow,
    Number,
    RowsKnown,
    Sum,
    describe,
)
from crmml.features.walked import Walked

_NOT_COVERED = ("所需历史早于数据起始日", "the window begins before the observed history")


def describe_family(family: Family) -> Iterator[FeatureInfo]:
    """Every feature of a family, in declared order."""
    for asked in columns_of(family):
        yield _measured(asked)
    for derived in family.derived:
        yield _derived(derived, family)
    for attribute in family.attributes:
        yield _attribute(attribute, family)


def _measured(asked: Asked) -> FeatureInfo:
    measure, window = asked.measure, asked.window
    zh, en = _title(asked)
    null_zh, null_en = _null_meaning(asked)
    return FeatureInfo(
        name=asked.column,
        family=asked.family.name,
        concept=measure.concept or asked.family.concept,
        zh=zh,
        en=en,
        unit=measure.unit,
        formula=_formula(measure)
        + (f", over ]cut-off - {window.months} months, cut-off]" if window else ", up to the cut-off"),
        window=window.suffix if window else "",
        source=asked.family.table,
        null_meaning=null_en,
        null_meaning_zh=null_zh,
        sign=dict(measure.sign),
    )


def _title(asked: Asked) -> tuple[str, str]:
    measure, window = asked.measure, asked.window
    if window is None:
        return measure.zh, measure.en
    if isinstance(measure, DailyMean):
        return f"{window.zh}日均{measure.zh}", f"daily average {measure.en}, {window.en}"
    if isinstance(measure, Mean):
        return f"{window.zh}平均{measure.zh}", f"average {measure.en}, {window.en}"
    return f"{window.zh}{measure.zh}", f"{measure.en}, {window.en}"


_VERBS: dict[type[Measure], str] = {
    Sum: "sum of {of}",
    Count: "number of rows",
    Mean: "mean of {of}",
    Max: "largest {of}",
    Min: "smallest {of}",
    DaysSince: "days from the last row to the cut-off",
    DaysSinceFirst: "days from the first row to the cut-off",
    RowsKnown: "number of rows",
    NoRow: "1 without any row",
    Level: "sum of all {of}",
    Number: "sum of all {of}",
    DailyMean: "daily average of the level whose changes are {of}",
}


def _formula(measure: Measure) -> str:
    if isinstance(measure, Latest):
        over = {"sum": "sum", "max": "largest", "only": "value"}[measure.over]
        text = f"{over} of the newest {{of}} of each entity"
    elif isinstance(measure, Walked):
        text = measure.told.replace("{by}", measure.by or "").replace("{mark}", describe(measure.mark))
    else:
        text = _VERBS[type(measure)]
    text = text.format(of=describe(measure.of) if measure.of is not None else "rows")
    return text if measure.where is None else f"{text} where {describe(measure.where)}"


def _null_meaning(asked: Asked) -> tuple[str, str]:
    reasons = [_NOT_COVERED]
    if asked.holds is not None:
        reasons.append(_not_held(asked.holds))
    if isinstance(asked.measure, Mean | Max | Min):
        reasons.append(("窗口内无记录", "no row in the window"))
    if isinstance(asked.measure, DaysSince | DaysSinceFirst | Level | DailyMean | Latest):
        reasons.append(("截止日前无记录", "no row up to the cut-off"))
    if isinstance(asked.measure, Walked) and asked.measure.null is not None:
        reasons.append(asked.measure.null)
    return ";".join(zh for zh, _ in reasons), "; ".join(en for _, en in reasons)


def _not_held(holds: tuple[str, ...]) -> tuple[str, str]:
    if not holds:
        return "截止日未持有任何账户", "no account held at the cut-off"
    zh, en = zip(*(FAMILY_WORDS[family] for family in holds), strict=True)
    return f"截止日未持有{'、'.join(zh)}", f"no {' or '.join(en)} held at the cut-off"


def _derived(derived: Derived, family: Family) -> FeatureInfo:
    formula, null_zh, null_en = _derived_texts(derived)
    return FeatureInfo(
        name=derived.name,
        family=family.name,
        concept=derived.concept or family.concept,
        zh=derived.zh,
        en=derived.en,
        unit=derived.unit,
        formula=formula,
        window="",
        source=family.table,
        null_meaning=null_en,
        null_meaning_zh=null_zh,
        sign=dict(derived.sign),
    )


def _derived_texts(derived: Derived) -> tuple[str, str, str]:
    if isinstance(derived, Ratio):
        return (
            f"{derived.numerator} / {derived.denominator}",
            "分子为空,或分母为空或不为正",
            "either part is null, or the denominator is not positive",
        )
    if isinstance(derived, Trend):
        text = f"{derived.recent} / {derived.base} - 1, sums and counts per month"
        return text, "任一部分为空,或基期不为正", "either part is null, or the base is not positive"
    if isinstance(derived, Difference):
        return f"{derived.minuend} - {derived.subtrahend}", "任一部分为空", "either part is null"
    assert isinstance(derived, Breadth)
    return f"how many of {', '.join(derived.of)} are above 0", "各部分均为空", "all parts are null"


def _attribute(attribute: Attribute, family: Family) -> FeatureInfo:
    how = {
        "text": "{} as known at the cut-off",
        "number": "{} as known at the cut-off",
        "years": "whole years from {} to the cut-off",
        "months": "whole months from {} to the cut-off",
        "missing": "how many of {}, as far as they may be used, are null",
    }
    return FeatureInfo(
        name=attribute.name,
        family=family.name,
        concept=attribute.concept or family.concept,
        zh=attribute.zh,
        en=attribute.en,
        unit=attribute.unit,
        formula=how[attribute.how].format(attribute.column),
        window="",
        source="customers",
        null_meaning="the bank does not know it at the cut-off",
        null_meaning_zh="截止日银行不掌握该信息",
        sign=dict(attribute.sign),
        kind="category" if attribute.how == "text" else "number",
    )
