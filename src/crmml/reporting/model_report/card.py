"""What the model card says: windows, rows, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmml.modelling.spec import FEWEST_EVENTS
from crmml.reporting.words import COMPONENTS, About, Words


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
    return shown


_FOLDS = {"time-forward": "按时间向前", "by customer": "按客户"}


def learned(card: Mapping[str, Any]) -> Words:
    """How the model was learned: trees, seeds, trials of the search and how its folds were cut."""
    tuning = card["tuning"]
    trees, folds = tuning["trees"], str(tuning["folds"])
    parts = trees.items() if isinstance(trees, Mapping) else [("", trees)]
    zh, en = (
        (" ".join((words, str(count))).strip() for name, count in parts for words in [_part(name, place)])
        for place in (0, 1)
    )
    seeds, trials = tuning.get("seeds", 1), tuning["trials"]
    return Words(
        f"树数 {'、'.join(zh)};平均 {seeds} 个随机种子;参数搜索 {trials} 次试验,分折:{_FOLDS.get(folds, folds)}",
        f"{', '.join(en)} trees; mean of {seeds} seed{'' if seeds == 1 else 's'}; {trials} trials of parameters, folds: {folds}",
    )


def _part(name: str, place: int) -> str:
    """What a part of a model is called; one that serves log-odds needs no name."""
    return COMPONENTS[name][place] if name in COMPONENTS else "" if name in ("", "log_odds") else name


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
