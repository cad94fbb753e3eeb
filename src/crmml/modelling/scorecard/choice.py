"""Which features a scorecard has: first by a quick information value, then by bins, correlation and sign."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from crmml.modelling.scorecard.bins import Binned

if TYPE_CHECKING:
    from crmml.features.declare import FeatureInfo

Array = npt.NDArray[np.float64]
#: Of so many features the optimal bins are looked for; the others tell less by bins of ten equal parts.
LOOKED_AT = 40
LEAST_IV = 0.02
MOST_CORRELATED = 0.8
_PARTS = 10


@dataclass(frozen=True)
class Candidate:
    """A feature that was cut into bins, and its weight of evidence on every training row."""

    info: FeatureInfo
    binned: Binned
    woe: Array


def most_telling(
    infos: Sequence[FeatureInfo],
    columns: Mapping[str, Array],
    label: Array,
    weight: Array,
    levels: Mapping[str, Mapping[str, int]],
) -> list[FeatureInfo]:
    """The features to look at closely, those that tell most first."""
    told = [quick_iv(columns[info.name], label, weight, is_category=info.name in levels) for info in infos]
    order = sorted(range(len(infos)), key=lambda index: (-told[index], index))
    return [infos[index] for index in order[:LOOKED_AT]]


def quick_iv(values: Array, label: Array, weight: Array, *, is_category: bool) -> float:
    """The information value beyond chance of a feature in ten parts of equally many rows, nulls apart.

    With few events a feature of `k` parts has an information value of about (k - 1) × (1/events + 1/others) by
    chance alone; that is taken off.
    """
    missing = np.isnan(values)
    if is_category:
        parts = np.where(missing, -2, values).astype(np.intp) + 2
    else:
        known = values[~missing]
        edges = np.unique(np.quantile(known, np.linspace(0, 1, _PARTS + 1)[1:-1])) if len(known) else np.empty(0)
        parts = np.where(missing, 0, np.searchsorted(edges, values, side="right") + 1)
    rows: Array = np.bincount(parts, weights=weight).astype(float)
    events: Array = np.bincount(parts, weights=weight * label).astype(float)[rows > 0]
    rows = rows[rows > 0]
    bad, good = _shares(events), _shares(rows - events)
    return float(((good - bad) * np.log(good / bad)).sum()) - by_chance(len(rows), label)


def _shares(counts: Array) -> Array:
    """Each part's share, half a row added to each so that none is zero."""
    return np.asarray((counts + 0.5) / (counts.sum() + 0.5 * len(counts)))


def by_chance(bins: int, label: Array) -> float:
    """The information value that a feature of so many bins has by chance."""
    events = float(label.sum())
    return (bins - 1) * (1 / events + 1 / (len(label) - events))


def keep_telling(
    candidates: Sequence[Candidate], label: Array, left_out: dict[str, Mapping[str, str]]
) -> list[Candidate]:
    """The candidates whose bins tell enough; why the others do not stay goes into `left_out`."""
    kept = []
    for one in candidates:
        value = one.binned.information_value()
        beyond = value - by_chance(sum(each.rows > 0 for each in one.binned.bins), label)
        if one.binned.is_useful and beyond >= LEAST_IV:
            kept.append(one)
            continue
        left_out[one.info.name] = {
            "zh": f"信息量 {value:.3f},扣除偶然后不足 {LEAST_IV}",
            "en": f"information value {value:.3f}, less than {LEAST_IV} beyond chance",
        }
    return kept


def keep_unlike(candidates: Sequence[Candidate], most: int, left_out: dict[str, Mapping[str, str]]) -> list[Candidate]:
    """The strongest candidates, at most so many, none of them too like a stronger one."""
    kept: list[Candidate] = []
    for one in sorted(candidates, key=lambda each: -each.binned.information_value()):
        alike = next((other for other in kept if abs(_correlation(one.woe, other.woe)) > MOST_CORRELATED), None)
        if alike is not None:
            left_out[one.info.name] = {
                "zh": f"与 {alike.info.zh} 相关超过 {MOST_CORRELATED}",
                "en": f"correlated above {MOST_CORRELATED} with {alike.info.en}",
            }
        elif len(kept) == most:
            left_out[one.info.name] = {
                "zh": f"已有 {most} 个更强的变量",
                "en": f"{most} stronger features are in already",
            }
        else:
            kept.append(one)
    return kept


def _correlation(one: Array, other: Array) -> float:
    return float(np.corrcoef(one, other)[0, 1])
