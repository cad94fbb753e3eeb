"""Charts of how well a score ranks: ROC, precision and recall, gains, lift."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmml.evaluation.intervals import precision_recall
from crmml.reporting.bilingual import both
from crmml.reporting.fonts import BLUE, GOLD, MUTED, TEAL, chart_style, to_svg

_POINTS = 300
_STYLES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)))


@dataclass(frozen=True)
class Ranking:
    """One cut-off's labels and scores, as a curve is drawn from them."""

    title: str
    label: np.ndarray
    score: np.ndarray
    benchmark: np.ndarray | None = None


def roc_and_recall(rankings: Sequence[Ranking], *, name: str = "roc") -> str:
    """ROC and precision-recall curves, one line per cut-off; the newest beside its benchmark.

    Parameters
    ----------
    rankings : sequence of Ranking
        Oldest first; higher scores mean more likely.
    """
    with chart_style():
        figure = Figure(figsize=(9.4, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for ranking, line, colour, label, score in _lines(rankings):
            shares = ranked_shares(label, score)
            left.plot(shares["negatives"], shares["positives"], linestyle=line, color=colour, label=ranking)
            recall, precision = (_thinned(values) for values in precision_recall(label, score))
            right.plot(recall, precision, linestyle=line, color=colour, label=ranking)
        left.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label=both("随机", "chance"))
        rate = float(np.mean(rankings[-1].label))
        right.axhline(
            rate,
            color=MUTED,
            linewidth=1,
            linestyle=(0, (2, 3)),
            label=both(f"随机 {rate * 100:.1f}%", f"chance {rate * 100:.1f}%"),
        )
        _shares(left)
        _shares(right)
        left.legend(loc="lower right", fontsize=8.5)
        right.legend(loc="upper right", fontsize=8.5)
        left.set(
            title=both("ROC 曲线", "ROC curve"),
            xlabel=both("误报率", "false positive rate"),
            ylabel=both("召回率", "true positive rate"),
        )
        right.set(
            title=both("PR 曲线", "precision and recall"),
            xlabel=both("召回率", "recall"),
            ylabel=both("精确率", "precision"),
        )
        return to_svg(figure, name=name)


def gains_and_lift(rankings: Sequence[Ranking], *, money: bool = False, name: str = "gains") -> str:
    """Cumulative gains against chance and a perfect order, and lift by decile of the newest cut-off.

    `money` gains amounts instead of events; they may be negative, so a curve can rise above 1.
    """
    newest = rankings[-1]
    with chart_style():
        figure = Figure(figsize=(9.4, 3.8), layout="constrained")
        left, right = figure.subplots(1, 2)
        for ranking, line, colour, label, score in _lines(rankings):
            shares = ranked_shares(label, score)
            left.plot(shares["rows"], shares["positives"], linestyle=line, color=colour, label=ranking)
        perfect = ranked_shares(newest.label, newest.label)
        left.plot(perfect["rows"], perfect["positives"], linestyle=":", color=TEAL, label=both("完美", "perfect"))
        left.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label=both("随机", "chance"))
        _shares(left, top=max(1.01, float(perfect["positives"].max()) * 1.03))
        left.legend(loc="lower right", fontsize=8.5)
        found = both("覆盖的实际贡献", "contribution found") if money else both("覆盖的事件", "events found")
        left.set(
            title=both("累积增益", "cumulative gains"), xlabel=both("按评分选取的客户", "customers taken"), ylabel=found
        )
        _lift(right, newest)
        return to_svg(figure, name=name)


def _lift(axes: Axes, ranking: Ranking) -> None:
    parts = np.array_split(np.argsort(-ranking.score, kind="stable"), min(10, len(ranking.score)))
    best = np.array_split(np.sort(ranking.label)[::-1], len(parts))
    mean = float(ranking.label.mean()) or 1.0
    places = np.arange(1, len(parts) + 1)
    axes.bar(
        places,
        [ranking.label[part].mean() / mean for part in parts],
        color=BLUE,
        width=0.64,
        label=both("模型", "model"),
    )
    axes.plot(
        places, [part.mean() / mean for part in best], "o:", color=TEAL, markersize=3.5, label=both("完美", "perfect")
    )
    axes.axhline(1, color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label=both("随机", "chance"))
    axes.set_xticks(places)
    axes.grid(axis="x", visible=False)
    axes.legend(loc="upper right", fontsize=8.5)
    title = both(f"各十分位提升度({ranking.title})", f"lift by decile ({ranking.title})")
    axes.set(
        title=title,
        xlabel=both("评分十分位,1 最高", "decile, 1 is highest"),
        ylabel=both("与平均之比", "times the average"),
    )


def _lines(rankings: Sequence[Ranking]) -> list[tuple[str, object, str, np.ndarray, np.ndarray]]:
    """The curves of each cut-off and of the newest one's benchmark: title, line, colour, label, score."""
    newest = rankings[-1]
    drawn: list[tuple[str, object, str, np.ndarray, np.ndarray]] = [
        (ranking.title, _STYLES[(len(rankings) - 1 - index) % len(_STYLES)], BLUE, ranking.label, ranking.score)
        for index, ranking in enumerate(rankings)
    ]
    if newest.benchmark is not None:
        drawn.append((both("基准", "benchmark"), "-", GOLD, newest.label, newest.benchmark))
    return drawn


def ranked_shares(label: np.ndarray, score: np.ndarray) -> dict[str, np.ndarray]:
    """Cumulative shares of rows, of the label and of what it is not, from the highest score down; ties move together."""
    order = np.argsort(-score, kind="stable")
    ordered, ranked = label[order].astype(float), score[order]
    ends = _thinned(np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)))
    taken, positives = ends + 1, np.cumsum(ordered)[ends]
    total = float(ordered.sum())
    others = max(1.0, len(label) - total)
    shares = {
        "rows": taken / len(label),
        "positives": positives / (total if total != 0 else 1.0),
        "negatives": (taken - positives) / others,
    }
    return {key: np.concatenate([[0.0], values]) for key, values in shares.items()}


def _thinned(values: np.ndarray) -> np.ndarray:
    """A page needs no more points than it has pixels."""
    return values[np.unique(np.linspace(0, len(values) - 1, min(len(values), _POINTS)).astype(int))]


def _shares(axes: Axes, *, top: float = 1.01) -> None:
    axes.set(xlim=(0, 1), ylim=(0, top))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
