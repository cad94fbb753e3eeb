"""What the figures of a report show against its model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crmml.evaluation.drift import ALARM
from crmml.modelling.spec import FEWEST_EVENTS
from crmml.reporting import words
from crmml.reporting.evidence import Evidence
from crmml.reporting.metric_words import METRICS, group
from crmml.reporting.page import told
from crmml.reporting.words import Words
from crmml.vocabulary import gate_words

_MOST_NAMES = 5
_NEW = {
    "never_trained_on": Words("从未参与训练的客户", "customers never trained on"),
    "first_seen_later": Words("训练期后才出现的客户", "customers first seen after the training cut-offs"),
}


def weaknesses(card: Mapping[str, Any], evidence: Evidence, worst: Sequence[Mapping[str, Any]]) -> list[Words]:
    """Every finding with its figure: gates failed, levels and groups off, chance not ruled out, drift, no gain.

    Parameters
    ----------
    worst : sequence of mapping
        The features that moved most, with their PSI by cut-off and their words.
    """
    metrics = card["metrics"]
    return [
        *_gates(metrics),
        *_few(card),
        *_levels(metrics),
        *_new(metrics),
        *_groups(evidence),
        *_drift(worst),
        *_gain(metrics),
    ]


def _gates(metrics: Mapping[str, Any]) -> Iterator[Words]:
    for gate in metrics.get("gates", []):
        if not gate["passed"]:
            zh, en = gate_words(gate["name"])
            yield Words(f"未通过门槛 {zh}:{gate['found']}", f"gate failed: {en}, found {gate['found']}")


def _few(card: Mapping[str, Any]) -> Iterator[Words]:
    """A test of so few events that its intervals, drawn from the same few, say too little."""
    events = (card["rows"]["events"] or {}).get("test")
    if events is not None and events < FEWEST_EVENTS:
        yield Words(
            f"检验行仅有 {events} 个事件(少于 {FEWEST_EVENTS}):区间只由这些事件抽出,会显得过窄",
            f"the test holds {events} events, fewer than {FEWEST_EVENTS}: intervals drawn from so few look narrower than they are",
        )


def _levels(metrics: Mapping[str, Any]) -> Iterator[Words]:
    """The calibration of all test rows, where its interval leaves out 1."""
    for key in ("calibration_slope", "observed_over_expected"):
        figure = metrics["headline"].get(key)
        if isinstance(figure, Mapping) and _misses(figure, 1):
            name = METRICS[key].name
            yield Words(
                f"全部检验行的{name.zh}为 {_shown(figure)},不含 1",
                f"{name.en} of all test rows is {_shown(figure)}, which leaves out 1",
            )


def _new(metrics: Mapping[str, Any]) -> Iterator[Words]:
    """Customers the model did not learn from, where chance is not ruled out for them."""
    measure = metrics["measure"]
    chance = 0.5 if measure == "auc" else 0
    for key, who in _NEW.items():
        figure = (metrics.get(key) or {}).get(measure)
        if isinstance(figure, Mapping) and figure.get("low") is not None and figure["low"] <= chance:
            name, shown = METRICS[measure].name, _shown(figure, 3)
            yield Words(
                f"{who.zh}的 {name.zh} 为 {shown},区间含随机({chance:g})",
                f"{name.en} of {who.en} is {shown}: chance ({chance:g}) is not ruled out",
            )


def _groups(evidence: Evidence) -> Iterator[Words]:
    for division in (evidence.segments or {}).get("divisions", []):
        for row in division["groups"]:
            ratio = row["observed_over_expected"]
            if ratio and _misses(ratio, 1):
                said = group(row["group"])
                yield Words(
                    f"{division['zh']}“{said.zh}”的实际/预期为 {_shown(ratio)},不含 1",
                    f"observed / expected of {division['en']} {said.en} is {_shown(ratio)}, which leaves out 1",
                )


def _drift(worst: Sequence[Mapping[str, Any]]) -> Iterator[Words]:
    largest = [(row, max(value or 0 for value in row["figures"])) for row in worst]
    alarmed = [(row, value) for row, value in largest if value > ALARM]
    if alarmed:
        zh = "、".join(f"{row['zh']} {value:.2f}" for row, value in alarmed[:_MOST_NAMES])
        en = "; ".join(f"{row['en']} {value:.2f}" for row, value in alarmed[:_MOST_NAMES])
        more = len(alarmed) - _MOST_NAMES
        yield Words(
            f"PSI 超过 {ALARM:g} 的特征:{zh}" + (f",另有 {more} 项" if more > 0 else ""),
            f"features with a PSI above {ALARM:g}: {en}" + (f"; {more} more" if more > 0 else ""),
        )


def _gain(metrics: Mapping[str, Any]) -> Iterator[Words]:
    """No gain over the simple model beside it that is beyond noise."""
    bench = metrics.get("benchmark") or {}
    figure = bench.get("difference")
    if not figure or figure.get("value") is None or (bench.get("verdict") == "real" and figure["value"] > 0):
        return
    name = METRICS[metrics["measure"]].name
    other = words.BENCHMARKS.get(bench["name"], Words(bench["name"], bench["name"]))
    zh, en = ("不更好", "no better") if figure["value"] <= 0 else ("优势在误差范围内", "a gain inside noise")
    shown = _shown(figure, 3)
    yield Words(f"{name.zh} 与{other.zh}之差为 {shown}:{zh}", f"{name.en} less that of {other.en} is {shown}: {en}")


def _misses(figure: Mapping[str, Any], value: float) -> bool:
    low, high = figure.get("low"), figure.get("high")
    return low is not None and high is not None and not low <= value <= high


def _shown(figure: Mapping[str, Any], digits: int = 2) -> str:
    low, high = figure.get("low"), figure.get("high")
    interval = "" if low is None or high is None else f" [{told(low, digits)}, {told(high, digits)}]"
    return f"{told(figure['value'], digits)}{interval}"
