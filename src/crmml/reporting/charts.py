"""The charts of the reports, each one function from numbers to an SVG element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedLocator, FuncFormatter, PercentFormatter

from crmml.reporting.bilingual import both
from crmml.reporting.fonts import BLUE, GOLD, GRID, INK, MUTED, RED, TEAL, chart_style, to_svg

_THOUSANDS = FuncFormatter(lambda value, _: f"{value:,.0f}")
_HUNDREDTHS = FuncFormatter(lambda value, _: f"{value * 100:g}%")


def calibration(panels: Mapping[str, pd.DataFrame], *, name: str = "calibration") -> str:
    """Predicted against observed rates with 95 % Wilson intervals, one panel per cut-off.

    Parameters
    ----------
    panels : mapping of str to DataFrame
        Title to bins: `predicted`, `observed`, `low`, `high`, and `raw_predicted, raw_observed` (before
        calibration) where that is known.
    """
    with chart_style():
        figure = Figure(figsize=(min(3.3 * len(panels), 9.4) if len(panels) > 1 else 4.6, 3.6), layout="constrained")
        every = pd.concat(list(panels.values()))
        top = float(np.nanmax(every[["predicted", "high"]].to_numpy())) * 1.06 or 1.0
        for axes, (title, bins) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels.items(), strict=True):
            axes.plot([0, top], [0, top], color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
            if "raw_predicted" in bins:
                axes.plot(
                    bins["raw_predicted"],
                    bins["raw_observed"],
                    "o",
                    mfc="none",
                    color=GOLD,
                    markersize=4,
                    label=both("校准前", "before"),
                )
            down = np.maximum(0.0, bins["observed"] - bins["low"])
            up = np.maximum(0.0, bins["high"] - bins["observed"])
            axes.errorbar(
                bins["predicted"], bins["observed"], yerr=[down, up], fmt="o", color=BLUE, capsize=2.5, markersize=4, elinewidth=1.3,
                label=both("校准后", "after"),
            )  # fmt: skip
            # Most groups of a rare event lie near 0: a root scale tells them apart and keeps the diagonal straight.
            axes.set_xscale("function", functions=_ROOT)
            axes.set_yscale("function", functions=_ROOT)
            axes.set(xlim=(0, top), ylim=(0, top), title=title, xlabel=both("预测", "predicted"))
            for axis in (axes.xaxis, axes.yaxis):
                axis.set_major_locator(FixedLocator(root_ticks(top)))
                axis.set_major_formatter(_HUNDREDTHS)
        figure.axes[0].set_ylabel(both("实际", "observed"))
        figure.axes[0].legend(fontsize=8, loc="upper left")
        return to_svg(figure, name=name)


def root_ticks(top: float) -> list[float]:
    """Where a root scale from 0 to `top` has labels that do not touch.

    >>> root_ticks(0.43), root_ticks(0.06)
    ([0.0, 0.02, 0.05, 0.1, 0.2], [0.0, 0.002, 0.005, 0.01, 0.02, 0.05])
    """
    steps = (float(f"{digit}e{power}") for power in range(-9, 1) for digit in (1, 2, 5))
    return [0.0, *(step for step in steps if top / 40 <= step <= top)]


def by_cutoff(rows: pd.DataFrame, *, title: str, chance: float | None = None, name: str = "by-cutoff") -> str:
    """A metric per cut-off with its interval, beside the benchmark.

    Parameters
    ----------
    rows : DataFrame
        `cutoff`, `value`, `low`, `high` and, where there is one, `benchmark`; one row per cut-off.
    chance : float, optional
        What a model without knowledge would reach.
    """
    with chart_style():
        figure = Figure(figsize=(9.2, 3.0), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(rows))
        errors = [rows["value"] - rows["low"], rows["high"] - rows["value"]]
        axes.errorbar(
            places,
            rows["value"],
            yerr=np.maximum(0.0, np.nan_to_num(errors)),
            fmt="o",
            color=BLUE,
            capsize=4,
            label=both("模型", "model"),
        )
        if "benchmark" in rows and rows["benchmark"].notna().any():
            axes.plot(
                places + 0.03 * len(rows),
                rows["benchmark"],
                "D",
                color=GOLD,
                markersize=5,
                label=both("基准", "benchmark"),
            )
        if chance is not None:
            axes.axhline(chance, color=MUTED, linewidth=1, linestyle=(0, (2, 3)), label=both("随机", "chance"))
        axes.set_xticks(places, [str(cutoff) for cutoff in rows["cutoff"]])
        axes.set(title=title, xlim=(-0.6, len(rows) - 0.4))
        axes.margins(y=0.15)
        _legend_above(axes)
        return to_svg(figure, name=name)


def bars(shares: Mapping[str, float], *, title: str, xlabel: str, share: bool = True, name: str = "bars") -> str:
    """Horizontal bars, largest first; `shares` maps the words of a bar to its length."""
    with chart_style():
        figure = Figure(figsize=(9.2, 0.9 + 0.33 * len(shares)), layout="constrained")
        axes = figure.subplots()
        words, lengths = list(shares), np.array(list(shares.values()), dtype=float)
        places = np.arange(len(words))[::-1]
        axes.barh(places, lengths, color=BLUE, height=0.62)
        widest = float(np.abs(lengths).max(initial=0.0)) or 1.0
        for place, length in zip(places, lengths, strict=True):
            text = f"{length * 100:.1f}%" if share else f"{length:,.3g}"
            axes.text(length + widest * 0.012, place, text, va="center", fontsize=9, color=INK)
        axes.set_yticks(places, words, color=INK)
        axes.set(title=title, xlabel=xlabel, xlim=(0, widest * 1.12))
        axes.grid(axis="y", visible=False)
        if share:
            axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        return to_svg(figure, name=name)


_ROOT = (lambda values: np.sqrt(np.maximum(values, 0.0)), np.square)


@dataclass(frozen=True)
class Window:
    """A cut-off with what its features see and what its label covers; `role` is train or test."""

    role: Literal["train", "test"]
    cutoff: date
    features_from: date
    label_from: date
    label_to: date


def calendar(windows: Sequence[Window], *, name: str = "calendar") -> str:
    """Every cut-off with the window its features see and the window its label covers."""
    colours = {"train": TEAL, "test": RED}
    words = {"train": ("训练", "train"), "test": ("测试", "test")}
    with chart_style():
        figure = Figure(figsize=(9.2, 1.3 + 0.2 * len(windows)), layout="constrained")
        axes = figure.subplots()
        ends = range(len(windows), 0, -1)
        for y, window in zip(ends, windows, strict=True):
            start, cutoff, first, last = (
                day.toordinal() for day in (window.features_from, window.cutoff, window.label_from, window.label_to)
            )
            axes.barh(y, cutoff - start, left=start, height=0.5, color=GRID)
            axes.barh(y, last - first, left=first, height=0.5, color=colours[window.role])
            axes.plot([cutoff, cutoff], [y - 0.38, y + 0.38], color=INK, linewidth=1.6)
        axes.set_yticks(
            ends, [both(*(f"{word} {window.cutoff}" for word in words[window.role])) for window in windows], fontsize=8
        )
        axes.xaxis.set_major_locator(FixedLocator(_half_years(windows)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{date.fromordinal(int(value)):%Y-%m}"))
        for colour, title in (
            (GRID, both("特征窗口", "features")),
            (TEAL, both("训练标签", "train label")),
            (RED, both("测试标签", "test label")),
        ):
            axes.add_patch(Rectangle((0, 0), 0, 0, color=colour, label=title))
        axes.set(
            xlim=(
                min(window.features_from for window in windows).toordinal() - 20,
                max(window.label_to for window in windows).toordinal() + 20,
            ),
            ylim=(0.3, len(windows) + 0.8),
        )
        _legend_above(axes)
        axes.grid(axis="y", visible=False)
        return to_svg(figure, name=name)


def shift(
    train: Sequence[float], test: Sequence[float], *, edges: Sequence[str], psi: float, name: str = "shift"
) -> str:
    """Shares of the training and the test rows in each bin of the score, and their PSI."""
    with chart_style():
        figure = Figure(figsize=(9.2, 3.0), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(edges))
        axes.bar(places - 0.2, train, width=0.38, color=TEAL, label=both("训练", "train"))
        axes.bar(places + 0.2, test, width=0.38, color=RED, label=both("测试", "test"))
        axes.set_xticks(places, edges, fontsize=8)
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.set(
            title=both(f"评分分布   PSI {psi:.3f}", f"score distribution   PSI {psi:.3f}"),
            xlabel=both("训练评分的分位区间(标其上界)", "bins of the training score, named by their upper end"),
        )
        _legend_above(axes)
        axes.grid(axis="x", visible=False)
        return to_svg(figure, name=name)


def deciles(rows: pd.DataFrame, *, currency: tuple[str, str], name: str = "deciles") -> str:
    """Mean predicted and actual money by decile of the prediction, best first.

    Parameters
    ----------
    rows : DataFrame
        `predicted` and `actual`, one row per decile.
    """
    with chart_style():
        figure = Figure(figsize=(9.2, 3.2), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(rows))
        axes.bar(places - 0.2, rows["predicted"], width=0.38, color=BLUE, label=both("预测", "predicted"))
        axes.bar(places + 0.2, rows["actual"], width=0.38, color=GOLD, label=both("实际", "actual"))
        axes.axhline(0, color=INK, linewidth=0.8)
        axes.set_xticks(places, [str(place + 1) for place in places])
        axes.yaxis.set_major_formatter(_THOUSANDS)
        axes.set(
            title=both(f"各十分位平均贡献({currency[0]})", f"mean contribution by decile, {currency[1]}"),
            xlabel=both("按预测排序的十分位", "decile by prediction"),
        )
        _legend_above(axes)
        axes.grid(axis="x", visible=False)
        return to_svg(figure, name=name)


def _legend_above(axes: Axes) -> None:
    axes.legend(fontsize=9, ncols=4, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def _half_years(windows: Sequence[Window]) -> list[float]:
    """The first day of every half year that the windows touch."""
    first, last = min(window.features_from for window in windows), max(window.label_to for window in windows)
    days = (date(year, month, 1) for year in range(first.year, last.year + 2) for month in (1, 7))
    return [float(day.toordinal()) for day in days if first <= day <= last]
