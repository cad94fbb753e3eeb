"""The chart of a list's page: what contacting the best customers would bring, and where the list stands."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmml.reporting.bilingual import both
from crmml.reporting.fonts import BLUE, GOLD, INK, MUTED, chart_style, to_svg

Array = npt.NDArray[np.float64]
_POINTS = 400
_AMOUNT = FuncFormatter(lambda value, _: f"{value:,.0f}")


def gains(
    value: Array, takers: Array, *, rows: int, list_value: float, list_takers: float, unit: tuple[str, str]
) -> str:
    """Cumulative expected value and takers of the eligible, best first, with the list as a marker.

    Parameters
    ----------
    value, takers : ndarray of shape (n_customers,)
        Expected value and probability of taking of each eligible customer by their best offer, in the order of value.
    rows, list_value, list_takers
        Rows to contact, and what they are expected to bring.
    """
    with chart_style():
        figure = Figure(figsize=(9.6, 3.5), layout="constrained")
        left, right = figure.subplots(1, 2)
        panels = ((left, value, list_value, both(f"预期价值({unit[0]})", f"expected value, {unit[1]}")), (right, takers, list_takers, both("预期成交", "expected takers")))  # fmt: skip
        for axes, each, reached, title in panels:
            curve = np.concatenate([[0.0], np.cumsum(each)])
            shown = np.unique(np.linspace(0, len(each), min(_POINTS, len(each) + 1)).round().astype(int))
            axes.plot(shown, curve[shown], color=BLUE, label=both("价值最高者优先,不计容量", "best first, no capacity"))
            axes.plot([0, len(each)], [0, curve[-1]], color=MUTED, linestyle="--", label=both("随机", "at random"))
            axes.axvline(rows, color=INK, linewidth=0.8, linestyle=":")
            axes.plot(
                [rows],
                [reached],
                "o",
                color=GOLD,
                markersize=7,
                label=both(f"本名单({rows:,})", f"this list ({rows:,})"),
            )
            axes.set(title=title, xlabel=both("联系客户数", "customers contacted"), xlim=(0, None))
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
            axes.xaxis.set_major_formatter(_AMOUNT)
            axes.yaxis.set_major_formatter(_AMOUNT)
        right.legend(fontsize=8, loc="lower right")
        return to_svg(figure, name="list-gains")
