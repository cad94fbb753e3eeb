"""The words of a reason, made from the catalogue's description of a feature.

A sentence is a template filled with the feature's name, the customer's value
and the peers' average. Nothing is generated freely, so every sentence can be
checked against the feature table.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from crmml.explain import wording
from crmml.explain.reasons import Reasons
from crmml.explain.wording import Language

if TYPE_CHECKING:
    import pandas as pd

    from crmml.features.declare import FeatureInfo

# What a null can mean differs by feature and is told in full by the catalogue.
NO_VALUE = {"zh": "无记录或不适用", "en": "none, or not applicable"}
ALL = "all"
REST = {"zh": "其余因素", "en": "everything else"}
COMPONENTS = {
    "margin": ("净息差收入", "margin"),
    "fees": ("手续费收入", "fees"),
    "expected_loss": ("预期损失", "expected loss"),
    "service_cost": ("服务成本", "cost to serve"),
    "capital_charge": ("资本占用成本", "capital charge"),
}


@dataclass(frozen=True)
class Voice:
    """How amounts are said: the currency, and whether large Chinese amounts are in 万元."""

    currency: str = "CNY"
    in_ten_thousands: bool = False

    def amount(self, value: float, unit: str, language: Language) -> str:
        return wording.amount(value, unit, language, currency=self.currency, in_ten_thousands=self.in_ten_thousands)


def sentence(
    info: FeatureInfo, value: object, peers: float | str | None, language: Language, *, voice: Voice | None = None
) -> str:
    """One reason in one language: the feature, the customer's value, the peers' average.

    Parameters
    ----------
    info : FeatureInfo
        Name, words and unit of the feature that speaks.
    value : number, text or null
        The customer's own value; a null is said as such, never as 0.
    peers : float, str or None
        The peers' average (of a category: the most frequent level); left out when not known.

    Returns
    -------
    str
        Such as `近3月代发工资 0 元(同类平均 5,210 元)` or `salary credits, 3 months: 0 yuan (peers 5,210)`.
    """
    voice = voice or Voice()
    own = _own(info, value, language, voice)
    if language == "zh":
        joined = f"{info.zh}:{own}" if wording.is_missing(value) or info.kind == "category" else f"{info.zh} {own}"
    else:
        joined = f"{info.en}: {own}"
    return joined + _peers(info, peers, language, voice)


def component_sentence(
    component: str, value: float, peers: float, language: Language, *, voice: Voice | None = None
) -> str:
    """One reason about money: a component of the forecast against the peers' mean of it.

    >>> component_sentence("margin", 1250.0, 830.0, "zh"), component_sentence("fees", 12.0, 40.0, "en")
    ('预计净息差收入 1,250 元(同类平均 830 元)', 'expected fees: 12 yuan (peers 40)')
    """
    voice = voice or Voice()
    zh, en = COMPONENTS[component]
    own = voice.amount(value, "money", language)
    if language == "zh":
        return f"{zh if zh.startswith('预期') else '预计' + zh} {own}(同类平均 {voice.amount(peers, 'money', 'zh')})"
    return f"{en if en.startswith('expected') else 'expected ' + en}: {own} (peers {wording.number(peers, 'money')})"


def write_sentences(
    reasons: Reasons,
    place: int,
    *,
    values: pd.DataFrame,
    segments: np.ndarray,
    peers: Mapping[str, Mapping[str, Any]],
    infos: Sequence[FeatureInfo],
    voice: Voice | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """The Chinese and the English sentence of one place for every row, None where there is no reason.

    Parameters
    ----------
    values : DataFrame
        The feature columns of the rows, as the feature file holds them.
    segments : ndarray of str
        The peer segment of each row.
    peers : mapping
        Segment to feature to the peers' average.
    """
    zh = np.full(len(segments), None, dtype=object)
    en = np.full(len(segments), None, dtype=object)
    speakers = reasons.speakers[:, place]
    for feature in np.unique(speakers[speakers >= 0]).tolist():
        info = infos[feature]
        rows = np.flatnonzero(speakers == feature)
        cells = values[info.name].to_numpy(dtype=object)[rows]
        # A segment too small for averages of its own reads those of all customers.
        averages = {segment: peers.get(segment, peers.get(ALL, {})).get(info.name) for segment in set(segments[rows])}
        said: dict[tuple[Any, str], tuple[str, str]] = {}  # values repeat, above all zeros
        for row, cell in zip(rows.tolist(), cells, strict=True):
            segment = segments[row]
            key = (None if wording.is_missing(cell) else cell, segment)
            if key not in said:
                said[key] = (
                    sentence(info, cell, averages[segment], "zh", voice=voice),
                    sentence(info, cell, averages[segment], "en", voice=voice),
                )
            zh[row], en[row] = said[key]
    return zh, en


def _own(info: FeatureInfo, value: object, language: Language, voice: Voice) -> str:
    if wording.is_missing(value):
        return NO_VALUE[language]
    if info.kind == "category":
        return str(value)
    return voice.amount(float(value), info.unit, language)  # type: ignore[arg-type]


def _peers(info: FeatureInfo, peers: float | str | None, language: Language, voice: Voice) -> str:
    if wording.is_missing(peers):
        return ""
    if isinstance(peers, str):
        return f"(同类多为{peers})" if language == "zh" else f" (peers mostly {peers})"
    if language == "zh":
        return f"(同类平均 {voice.amount(float(peers), info.unit, 'zh')})"  # type: ignore[arg-type]
    return f" (peers {wording.number(float(peers), info.unit)})"  # type: ignore[arg-type]
