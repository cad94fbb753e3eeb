"""Small charts drawn straight as SVG text: no font, no library, a few hundred bytes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

WIDTH, HEIGHT = 520, 132
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 8, 10, 22


def line_chart(months: Sequence[Any], values: npt.ArrayLike) -> str:
    """A line over months; a missing month is a gap."""
    amounts = np.asarray(values, dtype=float)
    low, high = _range(amounts)
    xs = np.linspace(_LEFT, WIDTH - _RIGHT, max(2, len(amounts)))[: len(amounts)]
    parts, current = [], []
    for x, value in zip(xs, amounts, strict=True):
        if np.isfinite(value):
            current.append(f"{x:.1f},{_y(value, low, high):.1f}")
        elif current:
            parts.append(current)
            current = []
    parts.append(current)
    lines = "".join(f'<polyline class="line" points="{" ".join(part)}"/>' for part in parts if part)
    dots = "".join(
        f'<circle class="dot" cx="{x:.1f}" cy="{_y(value, low, high):.1f}" r="2.6"><title>{_month(month)}: {value:,.0f}</title></circle>'
        for x, value, month in zip(xs, amounts, months, strict=True)
        if np.isfinite(value)
    )
    return _frame(lines + dots, months, xs, low, high)


def month_bars(months: Sequence[Any], values: npt.ArrayLike) -> str:
    """A bar a month from the zero line; bars below it have their own colour."""
    amounts = np.nan_to_num(np.asarray(values, dtype=float))
    low, high = _range(amounts)
    step = (WIDTH - _LEFT - _RIGHT) / max(1, len(amounts))
    xs = _LEFT + step * (np.arange(len(amounts)) + 0.5)
    zero = _y(0.0, low, high)
    bars = "".join(
        f'<rect class="{"loss" if value < 0 else "gain"}" x="{x - step * 0.32:.1f}" y="{min(zero, _y(value, low, high)):.1f}" '
        f'width="{step * 0.64:.1f}" height="{abs(zero - _y(value, low, high)):.1f}"><title>{_month(month)}: {value:,.0f}</title></rect>'
        for x, value, month in zip(xs, amounts, months, strict=True)
    )
    return _frame(bars, months, xs, low, high)


def _frame(content: str, months: Sequence[Any], xs: np.ndarray, low: float, high: float) -> str:
    ticks = "".join(
        f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{_y(value, low, high):.1f}" y2="{_y(value, low, high):.1f}"/>'
        f'<text class="tick" x="{_LEFT - 6}" y="{_y(value, low, high) + 4:.1f}" text-anchor="end">{_short(value)}</text>'
        for value in _ticks(low, high)
    )
    every = max(1, round(len(xs) / 6))
    labels = "".join(
        f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 5}" text-anchor="{"end" if index == len(xs) - 1 else "middle"}">{_month(month)}</text>'
        for index, (x, month) in enumerate(zip(xs, months, strict=True))
        if (len(xs) - 1 - index) % every == 0
    )
    return (
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-hidden="true" '
        f'xmlns="http://www.w3.org/2000/svg">{ticks}{content}{labels}</svg>'
    )


def _range(values: np.ndarray) -> tuple[float, float]:
    present = values[np.isfinite(values)]
    low, high = min(0.0, float(present.min(initial=0.0))), max(0.0, float(present.max(initial=0.0)))
    return (low, high) if high > low else (0.0, 1.0)


def _ticks(low: float, high: float) -> list[float]:
    rough = (high - low) / 3
    power = 10 ** np.floor(np.log10(rough))
    step = float(next(size * power for size in (1, 2, 2.5, 5, 10) if size * power >= rough))
    return [float(value) for value in np.arange(np.ceil(low / step) * step, high + step * 0.01, step)]


def _y(value: float, low: float, high: float) -> float:
    return _TOP + (HEIGHT - _TOP - _BOTTOM) * (high - value) / (high - low)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 10 or value == round(value) else f"{value:g}"


def _month(month: Any) -> str:
    return str(month)[:7]
