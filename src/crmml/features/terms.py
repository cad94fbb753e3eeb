"""The terms an event snapshot carries: what was asked for, never what came of it."""

from __future__ import annotations

from collections.abc import Iterable

from crmml.features.declare import FeatureInfo

PREFIX = "term_"

#: Column of the event's table: words, unit, kind.
TERMS: dict[str, tuple[str, str, str, str]] = {
    "principal": ("申请金额", "amount asked for", "money", "number"),
    "interest_rate": ("申请利率", "interest rate asked for", "rate", "number"),
    "term_months": ("申请期限(月)", "term asked for, months", "months", "number"),
    "instalment": ("申请月供", "instalment asked for", "money", "number"),
    "collateral_value": ("押品价值", "value of the collateral", "money", "number"),
    "product_id": ("申请或营销的产品", "product asked for or offered", "category", "category"),
    "offer": ("营销的产品", "product offered", "category", "category"),
    "channel": ("计划渠道", "planned channel", "category", "category"),
    "arm": ("试验组别", "arm of the trial", "category", "category"),
    "list_id": ("名单编号", "list", "category", "category"),
}


def term_infos(columns: Iterable[str]) -> tuple[FeatureInfo, ...]:
    """What is told about the `term_*` columns among `columns`, in order."""
    names = [column.removeprefix(PREFIX) for column in columns if column.startswith(PREFIX)]
    return tuple(_info(name) for name in names if name in TERMS)


def _info(name: str) -> FeatureInfo:
    zh, en, unit, kind = TERMS[name]
    return FeatureInfo(
        name=PREFIX + name,
        family="terms",
        concept="terms",
        zh=zh,
        en=en,
        unit=unit,
        formula=f"{name} of the event itself",
        window="",
        source="loans or contacts",
        null_meaning="not asked for",
        null_meaning_zh="未申请此项",
        kind="category" if kind == "category" else "number",
    )
