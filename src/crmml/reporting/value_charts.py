"""The charts of the value page: waterfalls, the whale curve, shocks, forecasts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

from crmml.explain.wording import currency_words
from crmml.reporting.bilingual import both, stacked
from crmml.reporting.fonts import BLUE, GOLD, GRID, INK, MUTED, RED, TEAL, chart_style, to_svg

STEPS: Mapping[str, tuple[str, int]] = {
    "margin": (stacked("利差", "margin"), 1),
    "fees": (stacked("手续费", "fees"), 1),
    "expected_loss": (stacked("预期损失", "exp. loss"), -1),
    "service_cost": (stacked("服务成本", "service"), -1),
    "capital_charge": (stacked("资本占用", "capital"), -1),
    "contribution": (stacked("贡献", "contribution"), 1),
}
METHODS: Mapping[str, tuple[str, str]] = {
    "seasonal_naive": (both("季节性朴素", "seasonal naive"), GOLD),
    "autoregression": (both("自回归", "autoregression"), TEAL),
    "bottom_up": (both("客户自下而上", "bottom-up"), RED),
}
_COLUMNS = 2


def _short(amount: float) -> str:
    """An amount for a bar: a true minus sign, decimals only where the whole number says little."""
    text = f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.1f}"
    return "0" if text in ("0.0", "-0.0") else text.replace("-", "−")


_AMOUNT = FuncFormatter(lambda value, _: (f"{value:,.0f}" if abs(value) >= 100 else f"{value:,.4g}").replace("-", "−"))


@dataclass(frozen=True)
class Fall:
    """One waterfall: a title, amounts by component, and those of the peers where it has some."""

    title: str
    amounts: Mapping[str, float]
    peers: Mapping[str, float] = field(default_factory=dict)


def unit_of(amounts: Sequence[float]) -> tuple[float, tuple[str, str]]:
    """A unit in which the amounts have few digits: yuan, thousand, million."""
    largest = max((abs(amount) for amount in amounts), default=0.0)
    if largest >= 20e6:
        return 1e6, ("百万", "million")
    return (1e3, ("千", "thousand")) if largest >= 20e3 else (1.0, ("", ""))


def _in_units(unit: tuple[str, str], currency: str) -> tuple[str, str]:
    """A unit of amounts in both languages: 千元, thousand yuan."""
    names = currency_words(currency)
    return f"{unit[0]}{names[0]}", f"{unit[1]} {names[1]}".strip()


def _titled(title: tuple[str, str], unit: tuple[str, str], currency: str) -> str:
    """A title with the unit behind it."""
    zh, en = _in_units(unit, currency)
    return both(f"{title[0]}({zh})", f"{title[1]} ({en})")


def waterfalls(falls: Sequence[Fall], *, currency: str, name: str = "waterfall") -> str:
    """Margin + fees - expected loss - service - capital = contribution, one panel each, all in one unit.

    Panels of a bank's parts have an axis each: a small branch is looked at for its shape.
    """
    unit, words = unit_of([float(fall.amounts[key]) for fall in falls for key in STEPS])
    columns = min(_COLUMNS, len(falls))
    rows = -(-len(falls) // columns)
    with chart_style():
        size = (9.4, 3.5) if columns == 1 else (9.4, 2.2 * rows + 0.3)
        figure = Figure(figsize=size)
        # Set by hand: fitting a dozen panels takes seconds.
        figure.subplots_adjust(
            left=0.085, right=0.99, bottom=0.5 / size[1], top=1 - 0.32 / size[1], hspace=0.45, wspace=0.2
        )
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for place, axes in enumerate(panels):
            if place >= len(falls):
                axes.set_visible(False)
                continue
            _fall(axes, falls[place], unit, is_large=columns == 1)
        zh, en = _in_units(words, currency)
        figure.supylabel(both(f"单位:{zh}", f"unit: {en}"), fontsize=8.5, color=MUTED, x=0.008)
        return to_svg(figure, name=name)


def _fall(axes: Axes, fall: Fall, unit: float, *, is_large: bool) -> None:
    level, tops = 0.0, []
    width = 0.5 if fall.peers else 0.66
    shift = -0.16 if fall.peers else 0.0
    for place, (key, (_, sign)) in enumerate(STEPS.items()):
        amount = sign * float(fall.amounts[key]) / unit
        is_total = key == "contribution"
        begin, end = (0.0, amount) if is_total else (level, level + amount)
        colour = BLUE if is_total else (TEAL if amount >= 0 else RED)
        axes.bar(place + shift, end - begin, bottom=begin, width=width, color=colour)
        if not is_total:
            axes.plot([place + shift, place + 1 + shift], [end, end], color=MUTED, linewidth=0.7)
        tops.append((place + shift, max(begin, end), amount))
        level = end if not is_total else level
    if fall.peers:
        _peers(axes, fall.peers, unit)
    axes.axhline(0, color=INK, linewidth=0.8)
    low, high = axes.dataLim.intervaly
    room = 0.14 * ((max(high, 0.0) - min(low, 0.0)) or 1.0)
    axes.set_ylim(min(low, 0.0) - (room if low < 0 else 0.0), max(high, 0.0) + room)
    size = 9 if is_large else 7.5
    for x, top, amount in tops:
        axes.annotate(_short(amount), (x, top), (0, 2), textcoords="offset points", ha="center", fontsize=size)
    axes.set_xticks(range(len(STEPS)), [words for words, _ in STEPS.values()], fontsize=9 if is_large else 7.2)
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(_AMOUNT)
    axes.tick_params(axis="y", labelsize=8.5 if is_large else 7.5)
    axes.set_title(fall.title, fontsize=11 if is_large else 8.5)
    axes.grid(axis="x", visible=False)


def _peers(axes: Axes, peers: Mapping[str, float], unit: float) -> None:
    """The peers' own waterfall, beside, in grey."""
    level = 0.0
    for place, (key, (_, sign)) in enumerate(STEPS.items()):
        amount = sign * float(peers[key]) / unit
        begin, end = (0.0, amount) if key == "contribution" else (level, level + amount)
        label = both("同类平均", "peers' average") if place == 0 else None
        axes.bar(place + 0.24, end - begin, bottom=begin, width=0.24, color=MUTED, alpha=0.55, label=label)
        level = end
    axes.legend(fontsize=8.5, loc="upper right")


def whale(curves: pd.DataFrame, *, name: str = "whale") -> str:
    """Cumulative contribution, best customers first, against customers taken by deposits."""
    total = float(curves["contribution"].iloc[-1])
    scale = total if total > 0 else 1.0
    with chart_style():
        figure = Figure(figsize=(9.2, 3.5), layout="constrained")
        axes = figure.subplots()
        for column, colour, label in (
            ("contribution", BLUE, both("按贡献排序", "by contribution")),
            ("deposits", GOLD, both("按存款排序", "by deposits")),
        ):
            axes.plot(curves["share_of_customers"], curves[column] / scale, color=colour, label=label)
        axes.axhline(1.0 if total > 0 else total, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes.set(
            xlim=(0, 1), xlabel=both("纳入的客户", "customers taken"), title=both("累计贡献", "cumulative contribution")
        )
        axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        if total > 0:
            axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(fontsize=9, loc="lower right")
        return to_svg(figure, name=name)


def forecast(
    history: pd.DataFrame,
    ahead: pd.DataFrame,
    *,
    best: str,
    title: tuple[str, str],
    currency: str,
    name: str = "forecast",
) -> str:
    """The last three years and twelve months ahead by every method; the best by back-test with its 80 % interval."""
    shown = history.tail(36)
    ahead = ahead[ahead["horizon"] > 0]
    unit, words = unit_of([*shown["value"], *ahead["value"]])
    with chart_style():
        figure = Figure(figsize=(9.2, 3.3), layout="constrained")
        axes = figure.subplots()
        axes.plot(pd.to_datetime(shown["month_end"]), shown["value"] / unit, color=INK, label=both("实际", "actual"))
        for method, (label, colour) in METHODS.items():
            rows = ahead[ahead["method"] == method].sort_values("horizon")
            days, is_best = pd.to_datetime(rows["month_end"]), method == best
            axes.plot(days, rows["value"] / unit, color=colour, linewidth=2.2 if is_best else 1.0,
                      linestyle="-" if is_best else "--", label=label)  # fmt: skip
            if is_best and rows["low"].notna().any():
                axes.fill_between(days, rows["low"] / unit, rows["high"] / unit, color=colour, alpha=0.15, linewidth=0)
        axes.yaxis.set_major_formatter(_AMOUNT)
        axes.set(title=_titled(title, words, currency))
        axes.legend(fontsize=8.5, ncols=4, loc="upper center", bbox_to_anchor=(0.5, -0.1), borderaxespad=0.2)
        return to_svg(figure, name=name)


def shocks(rows: Sequence[tuple[str, float]], *, currency: str, name: str = "shocks") -> str:
    """What each shock does to the year's contribution, as bars from zero."""
    unit, words = unit_of([amount for _, amount in rows])
    with chart_style():
        figure = Figure(figsize=(9.2, 0.9 + 0.3 * len(rows)), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(rows))[::-1]
        amounts = np.array([amount for _, amount in rows], dtype=float) / unit
        axes.barh(places, amounts, color=[TEAL if amount >= 0 else RED for amount in amounts], height=0.62)
        widest = float(np.abs(amounts).max(initial=0.0)) or 1.0
        for place, amount in zip(places, amounts, strict=True):
            text = ("+" if amount > 0 else "") + _short(amount)
            axes.text(amount + np.sign(amount or 1) * widest * 0.015, place, text, va="center", fontsize=8.5,
                      ha="left" if amount >= 0 else "right")  # fmt: skip
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(places, [label for label, _ in rows], color=INK)
        axes.xaxis.set_major_formatter(_AMOUNT)
        axes.margins(x=0.14)
        axes.grid(axis="y", visible=False)
        axes.set(title=_titled(("全年贡献的变化", "change of the year's contribution"), words, currency))
        return to_svg(figure, name=name)


def this_year(rows: pd.DataFrame, *, currency: str, name: str = "this-year") -> str:
    """Average deposits and loans per customer by month: this year and the last."""
    days = pd.to_datetime(rows["month_end"])
    newest = int(days.dt.year.max())
    with chart_style():
        figure = Figure(figsize=(9.2, 2.9), layout="constrained")
        panels = figure.subplots(1, 2)
        words = {"deposits": ("户均存款", "deposits per depositor"), "credit": ("户均贷款", "credit per borrower")}
        for axes, (column, title) in zip(panels, words.items(), strict=True):
            unit, scale = unit_of(list(rows[column].dropna()))
            for year, colour in ((newest - 1, GRID), (newest, BLUE)):
                part = rows[days.dt.year == year]
                axes.plot(pd.to_datetime(part["month_end"]).dt.month, part[column] / unit, marker="o", markersize=3,
                          color=MUTED if colour == GRID else colour, label=str(year))  # fmt: skip
            axes.set(title=_titled(title, scale, currency), xticks=range(1, 13), xlabel=both("月份", "month"))
            axes.legend(fontsize=8.5)
        return to_svg(figure, name=name)
