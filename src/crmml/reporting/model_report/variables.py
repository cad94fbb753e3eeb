"""The features of a model and the concepts they belong to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmml.evaluation.drift import ALARM, WATCH
from crmml.explain.wording import unit_words
from crmml.features.concepts import CONCEPTS
from crmml.features.declare import FeatureInfo
from crmml.features.formulas import dropped_in_chinese, in_chinese
from crmml.reporting.words import Words


def concept_words(name: str) -> Words:
    """What a concept group is called."""
    concept = CONCEPTS.get(name)
    return Words(concept.zh, concept.en) if concept else Words(name, name)


def features(infos: Sequence[FeatureInfo], currency: str) -> list[dict[str, Any]]:
    """Every feature with its concept, its formula in Chinese and its unit in words."""
    return [
        {
            "info": info,
            "concept": concept_words(info.concept),
            "formula_zh": in_chinese(info.formula),
            "unit": ("类别", "category") if info.kind == "category" else unit_words(info.unit, currency),
        }
        for info in infos
    ]


def dropped(card: Mapping[str, Any]) -> dict[str, Words]:
    """The columns that were not learned from, and why."""
    return {name: Words(dropped_in_chinese(why), why) for name, why in card["columns"]["dropped"].items()}


def kept(rows: Sequence[Mapping[str, Any]], infos: Sequence[FeatureInfo]) -> list[dict[str, Any]]:
    """The variables of a model with words, and the reason why each is in it."""
    known = {info.name: info for info in infos}
    return [
        {
            **row,
            "zh": known[row["name"]].zh,
            "en": known[row["name"]].en,
            "concept": concept_words(known[row["name"]].concept),
            "signs": _signs(row),
            "strength": row["iv"] if row["iv"] is not None else row["rank"],
            "why": _why(row),
        }
        for row in rows
        if row["name"] in known
    ]


_SIGNS = {1: "+", -1: "−", 0: "±"}


def _signs(row: Mapping[str, Any]) -> Words:
    if row["sign"] is None:
        return Words("类别,无方向", "category: none")
    seen, wanted = _SIGNS[row["sign"]], _SIGNS.get(row["expected"] or 0, "±")
    if not row["expected"]:
        return Words(f"{seen} / 无预期", f"{seen} / none")
    against = row["sign"] * row["expected"] < 0
    return Words(f"{seen} / {wanted}{' 相反' if against else ''}", f"{seen} / {wanted}{' opposite' if against else ''}")


def _why(row: Mapping[str, Any]) -> Words:
    if not row["is_used"]:
        return Words("有变化且不重复,但没有树使用它", "varies and repeats nothing, but no tree uses it")
    share = f"{row['moved'] * 100:.1f}%"
    if row["iv"] is not None:
        strong = row["iv"] >= _STRONG
        return (
            Words(f"单独即有信息(IV),并占评分变动 {share}", f"tells by itself (IV) and moves {share} of the score")
            if strong
            else Words(f"单独信息弱,与其他变量合用占变动 {share}", f"weak alone, moves {share} beside others")
        )
    return Words(f"占评分变动 {share}", f"moves {share} of the score")


#: An information value from here on is by custom not weak.
_STRONG = 0.1


def steadiest(stability: Mapping[str, Any] | None, infos: Sequence[FeatureInfo]) -> dict[str, Any]:
    """How many features are stable, and the least stable ones with their figures by cut-off."""
    known = {info.name: info for info in infos}
    figures = {name: values for name, values in (stability or {}).get("features", {}).items() if name in known}
    largest = {
        name: max((value for value in values if value is not None), default=None) for name, values in figures.items()
    }
    told = {name: value for name, value in largest.items() if value is not None}
    order = sorted(told, key=lambda name: (-told[name], name))[:_WORST]
    return {
        "calm": sum(value < WATCH for value in told.values()),
        "watch": sum(WATCH <= value <= ALARM for value in told.values()),
        "alarm": sum(value > ALARM for value in told.values()),
        "unknown": len(largest) - len(told),
        "worst": [
            {"name": name, "zh": known[name].zh, "en": known[name].en, "figures": figures[name]} for name in order
        ],
    }


_WORST = 15


def reason_codes(importance: Mapping[str, float], infos: Sequence[FeatureInfo]) -> list[dict[str, Any]]:
    """The code of every concept group, with its features and its share of the movement."""
    return [
        {
            "code": name.upper(),
            "words": concept_words(name),
            "features": sum(info.concept == name for info in infos),
            "share": share,
        }
        for name, share in importance.items()
    ]
