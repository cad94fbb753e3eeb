"""Charts of groups, features and steps: intervals side by side, a heat map, a waterfall, bars with a direction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from crmml.reporting.bilingual import both
from crmml.reporting.fonts import BLUE, GRID, INK, MUTED, RED, TEAL, chart_style, to_svg

_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")
_CALM, _WATCH, _ALARM = "#d9ece8", "#f3e3b0", "#eab4a3"
_WIDEST = 4.0


def intervals(
    rows: Sequence[tuple[str, Mapping[str, float | None]]],
    *,
    title: str,
    band: tuple[float, float] | None = None,
    name: str,
) -> str:
    """A figure with its interval for each group, one below the other, beside the line at 1.

    Parameters
    ----------
    rows : sequence of (words, figure)
        A figure has value, low and high; ends beyond 4 times are cut and marked with an arrow.
    band : (float, float), optional
        What counts as alike, shaded.
    """
    with chart_style():
        figure = Figure(figsize=(9.2, 1.2 + 0.29 * len(rows)), layout="constrained")
        axes = figure.subplots()
        if band is not None:
            axes.axvspan(*band, color=TEAL, alpha=0.12, linewidth=0, label=f"{band[0]:g} – {band[1]:g}")
        axes.axvline(1, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        ends = [value for _, found in rows for value in found.values() if value is not None]
        top = min(_WIDEST, max([1.2, *ends]) * 1.06)
        for place, (_, found) in enumerate(reversed(rows)):
            _interval(axes, place, found, top)
        axes.set_yticks(range(len(rows)), [words for words, _ in reversed(rows)], fontsize=9, color=INK)
        # Over the whole figure: beside long names the axes are too narrow for a title.
        figure.suptitle(title, x=0.01, ha="left", fontsize=11)
        axes.set(xlim=(max(0.0, min([0.8, *ends]) - 0.05), top), ylim=(-0.7, len(rows) - 0.3))
        axes.grid(axis="y", visible=False)
        if band is not None:
            axes.legend(fontsize=8.5, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
        return to_svg(figure, name=name)


def _interval(axes, place: int, found: Mapping[str, float | None], top: float) -> None:  # type: ignore[no-untyped-def]
    low, value, high = found.get("low"), found["value"], found.get("high")
    if low is not None and high is not None:
        axes.plot([low, min(high, top)], [place, place], color=BLUE, linewidth=1.6)
        if high > top:
            axes.plot([top * 0.995], [place], ">", color=BLUE, markersize=5, clip_on=False)
    if value is not None:
        axes.plot([min(value, top)], [place], "o", color=BLUE, markersize=5)


def heat(names: Sequence[str], columns: Sequence[str], values: np.ndarray, *, name: str = "heat") -> str:
    """PSI of features (rows) by cut-off (columns): three bands, the figure in each cell; null where it is not known."""
    with chart_style(grid=False):
        figure = Figure(figsize=(9.2, 0.9 + 0.4 * len(names)), layout="constrained")
        axes = figure.subplots()
        norm = BoundaryNorm([0, 0.10, 0.25, 1e9], 3)
        shown = np.ma.masked_invalid(values)
        axes.pcolormesh(shown, cmap=ListedColormap([_CALM, _WATCH, _ALARM]), norm=norm, edgecolors="white", linewidth=1)
        for (row, column), value in np.ndenumerate(values):
            text = "< 100" if np.isnan(value) else f"{value:.3f}"
            axes.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=8.5, color=INK)
        axes.set_yticks(np.arange(len(names)) + 0.5, names, fontsize=8.5, color=INK)
        axes.set_xticks(np.arange(len(columns)) + 0.5, columns, fontsize=8.5)
        axes.invert_yaxis()
        figure.suptitle(
            both("特征 PSI,最大的若干项", "PSI of the features that moved most"), x=0.01, ha="left", fontsize=11
        )
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)
        return to_svg(figure, name=name)


def population(steps: Sequence[str], counts: Sequence[int], *, name: str = "population") -> str:
    """From all rows to the sample and its events: what is kept, and what each rule takes away.

    Parameters
    ----------
    steps, counts : sequence of length n_steps
        All first, then the exclusions, last the sample and its events.
    """
    with chart_style():
        figure = Figure(figsize=(9.2, 0.9 + 0.33 * len(steps)), layout="constrained")
        axes = figure.subplots()
        left, widest = counts[0], max(1, counts[0])
        for index, (step, count) in enumerate(zip(steps, counts, strict=True)):
            place, is_whole = len(steps) - 1 - index, index == 0 or index >= len(steps) - 2
            start = 0 if is_whole else left - count
            left = left if is_whole else start
            axes.barh(place, count, left=start, height=0.62, color=BLUE if is_whole else RED)
            text = f"{count:,}" if is_whole else f"−{count:,}"
            axes.text(start + count + widest * 0.008, place, text, va="center", fontsize=9, color=INK)
            del step
        axes.set_yticks(range(len(steps) - 1, -1, -1), list(steps), color=INK, fontsize=9)
        axes.xaxis.set_major_formatter(_THOUSANDS)
        axes.set(
            title=both("全部截止日合计", "all cut-offs together"),
            xlabel=both("快照数", "snapshots"),
            xlim=(0, widest * 1.12),
        )
        axes.grid(axis="y", visible=False)
        return to_svg(figure, name=name)


def directions(rows: Sequence[tuple[str, float, int | None]], *, xlabel: str, name: str = "importance") -> str:
    """Bars of importance, the largest first, coloured by the direction of the score as the value rises.

    Parameters
    ----------
    rows : sequence of (words, importance, sign)
        The sign is 1, -1, 0 (neither way clearly) or null (a category).
    """
    colours = {1: RED, -1: TEAL, 0: MUTED, None: GRID}
    words = {
        1: both("升高则评分升", "rises with it"),
        -1: both("升高则评分降", "falls with it"),
        0: both("方向不单一", "not one way"),
        None: both("类别", "category"),
    }
    with chart_style():
        figure = Figure(figsize=(9.2, 1.0 + 0.4 * len(rows)), layout="constrained")
        axes = figure.subplots()
        for sign, colour in colours.items():
            inside = [(len(rows) - 1 - place, length) for place, (_, length, own) in enumerate(rows) if own == sign]
            if inside:
                places, lengths = zip(*inside, strict=True)
                axes.barh(
                    places,
                    lengths,
                    height=0.62,
                    color=colour,
                    edgecolor=MUTED if sign is None else colour,
                    label=words[sign],
                )
        axes.set_yticks(range(len(rows) - 1, -1, -1), [row[0] for row in rows], color=INK, fontsize=9)
        axes.set(xlabel=xlabel)
        axes.grid(axis="y", visible=False)
        axes.legend(fontsize=8.5, loc="lower right")
        return to_svg(figure, name=name)
