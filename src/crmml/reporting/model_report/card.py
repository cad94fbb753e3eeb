"""What the model card says: windows, rows, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmml.evaluation.drift import ALARM
from crmml.modelling.spec import FEWEST_EVENTS
from crmml.reporting.evidence import Evidence
from crmml.reporting.metric_words import group
from crmml.reporting.words import About, Words
from crmml.vocabulary import gate_words


def data_window(card: Mapping[str, Any]) -> dict[str, Any]:
    split, horizon = card["config"]["split"], card["config"]["horizon"] or {}
    return {
        "train": _span(split["train"]),
        "test": _span(split["out_of_time"] or split["train"]),
        "is_out_of_time": bool(split["out_of_time"]) if "kind" not in split else split["kind"] in ("later", "last"),
        "is_table": "kind" in split,
        "gap": horizon.get("gap"),
        "months": horizon.get("months"),
        "holdout": split["holdout_buckets"] or 0,
    }


def few_events(card: Mapping[str, Any]) -> int | None:
    """How many events the model was learned from, where that is fewer than are asked for by default."""
    events = (card["rows"]["events"] or {}).get("train")
    return events if events is not None and events < FEWEST_EVENTS else None


def _span(days: Sequence[Any]) -> tuple[str, str] | None:
    """First and last of some cut-offs, None where there is none."""
    return (str(days[0])[:10], str(days[-1])[:10]) if days else None


def parameters(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    tuning = card["tuning"]
    shown = [
        (name, f"{value:.4g}" if isinstance(value, float) else str(value)) for name, value in tuning["params"].items()
    ]
    trees = tuning["trees"]
    shown.append(
        ("trees", ", ".join(f"{k} {v}" for k, v in trees.items()) if isinstance(trees, Mapping) else str(trees))
    )
    shown.append(("seeds averaged", str(tuning.get("seeds", 1))))
    return [*shown, ("trials", str(tuning["trials"])), ("folds", str(tuning["folds"]))]


_STATED = {
    "purpose": Words("用途", "purpose"),
    "not_for": Words("不得用于", "not for"),
    "owner": Words("负责人", "owner"),
    "approver": Words("批准人", "approver"),
    "review_by": Words("复核期限", "review by"),
    "known_failures": Words("已知失效情形", "known failures"),
    "drift_plan": Words("漂移应对", "drift plan"),
}
_DRIFT = Words(
    "每次评分都与冻结参照比较:PSI 超过 0.25、训练未见取值、超出训练范围均在评分时报告。",
    "Every scoring is compared with the frozen population: a PSI above 0.25, unseen levels and values outside the training range are told when scores are made.",
)


def stated(card: Mapping[str, Any], about: About) -> list[dict[str, Any]]:
    """What people say of the model: the config's own words, else that of its target or that nothing was stated."""
    given = card["config"].get("card") or {}
    usual = {
        "purpose": about.purpose,
        "not_for": Words(
            "; ".join(limit.zh for limit in about.limits[:1]), "; ".join(limit.en for limit in about.limits[:1])
        ),
        "drift_plan": _DRIFT,
    }
    rows = []
    for key, words in _STATED.items():
        value = given.get(key)
        found = Words(value["zh"], value["en"]) if isinstance(value, Mapping) and value else None
        if isinstance(value, str) and value:
            found = Words(value, value)
        is_stated = found is not None or key == "purpose"
        rows.append(
            {"key": key, "zh": words.zh, "en": words.en, "is_stated": is_stated, "value": found or usual.get(key)}
        )
    return rows


def weaknesses(card: Mapping[str, Any], evidence: Evidence, worst: Sequence[Mapping[str, Any]]) -> list[Words]:
    """What the figures themselves show against the model."""
    found = [
        Words(f"未通过门槛 {zh}:{gate['found']}", f"gate failed: {en}, found {gate['found']}")
        for gate in card["metrics"].get("gates", [])
        for zh, en in [gate_words(gate["name"])]
        if not gate["passed"]
    ]
    for division in (evidence.segments or {}).get("divisions", []):
        for row in division["groups"]:
            ratio = row["observed_over_expected"]
            if ratio and ratio["low"] is not None and not ratio["low"] <= 1 <= ratio["high"]:
                said = group(row["group"])
                shown = f"{ratio['value']:.2f} [{ratio['low']:.2f}, {ratio['high']:.2f}]"
                found.append(
                    Words(
                        f"{division['zh']}“{said.zh}”的实际/预期为 {shown},不含 1",
                        f"observed / expected of {division['en']} {said.en} is {shown}, which leaves out 1",
                    )
                )
    alarmed = [row["name"] for row in worst if max((value or 0) for value in row["figures"]) > ALARM]
    if alarmed:
        named = ", ".join(alarmed[:5])
        found.append(Words(f"PSI 超过 0.25 的特征:{named}", f"features with a PSI above 0.25: {named}"))
    bench = card["metrics"].get("benchmark") or {}
    if bench.get("verdict") == "inside noise":
        found.append(Words("相对基准的优势在误差范围内", "the gain over the benchmark lies inside noise"))
    return found
