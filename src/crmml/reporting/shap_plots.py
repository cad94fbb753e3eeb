"""SHAP's own plots, drawn from the very contributions that are served: the door of SHAP.

No explainer runs here. What LightGBM gives is scaled by the calibration in the
bundle and handed to SHAP's plots, so a plot cannot disagree with a reason.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PathCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmml.reporting.bilingual import both
from crmml.reporting.fonts import INK, chart_style, to_svg

MOST_ROWS = 2_000
_DOTS_PER_INCH = 110
_NUMBER = FuncFormatter(lambda value, _: f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:g}")


@dataclass(frozen=True)
class Explained:
    """Contributions of a sample of rows, without ids.

    `values` has shape (n_rows, n_features) on the served scale, `data` the
    encoded features, `names` a title for each feature, `scale` what the
    contributions are measured in, `units` what each feature is measured in;
    words are texts of `bilingual`, scale and units pairs.
    """

    values: np.ndarray
    base: float
    data: np.ndarray
    names: Sequence[str]
    scale: tuple[str, str]
    units: Sequence[tuple[str, str]] = ()

    def __post_init__(self) -> None:
        if self.values.shape != self.data.shape or self.values.shape[1] != len(self.names):
            raise ValueError(
                f"values {self.values.shape}, data {self.data.shape} and {len(self.names)} names do not fit together"
            )

    def sampled(self, rows: int = MOST_ROWS, *, seed: int = 7) -> Explained:
        """At most `rows` rows, the same ones every time."""
        if len(self.values) <= rows:
            return self
        chosen = np.sort(np.random.default_rng(seed).choice(len(self.values), rows, replace=False))
        return Explained(self.values[chosen], self.base, self.data[chosen], self.names, self.scale, self.units)

    def varies(self, feature: int) -> bool:
        """Whether a feature's values have a middle range to draw its dependence over."""
        known = self.sampled().data[:, feature]
        known = known[~np.isnan(known)]
        return len(known) > 0 and bool(np.percentile(known, 1) < np.percentile(known, 99))

    def strongest(self, count: int) -> list[int]:
        """The features with the largest mean absolute contribution, largest first."""
        return np.argsort(-np.abs(self.values).mean(axis=0), kind="stable")[:count].tolist()


def beeswarm(explained: Explained, *, most: int = 15, name: str = "beeswarm") -> str:
    """Every row of a sample as a dot: what the strongest features add, coloured by their value."""
    sample = explained.sampled()

    def draw(shap: Any, figure: Figure) -> None:
        shap.plots.beeswarm(
            _explanation(shap, sample), max_display=most, show=False, plot_size=(8.6, 0.46 * min(most, len(sample.names)) + 1.2),
            color_bar_label=both("特征值", "feature value"), s=9,
        )  # fmt: skip
        axes = figure.axes[0]
        axes.set_xlabel(both(f"贡献({sample.scale[0]})", f"contribution ({sample.scale[1]})"), fontsize=10)
        axes.tick_params(axis="y", labelsize=9)
        _word_others(axes)
        colour_bar = figure.axes[-1]
        if colour_bar is not axes:
            colour_bar.set_yticklabels([both("低", "low"), both("高", "high")])

    return _draw(draw, name)


def waterfall(explained: Explained, row: int, *, shown: Sequence[str], most: int = 12, name: str = "waterfall") -> str:
    """How one row's score is built up, feature by feature; `shown` holds each feature with its value in words."""

    def draw(shap: Any, figure: Figure) -> None:
        one = shap.Explanation(
            values=explained.values[row],
            base_values=explained.base,
            feature_names=list(shown),
        )
        shap.plots.waterfall(one, max_display=most, show=False)
        figure.set_size_inches(8.6, 0.46 * min(most, len(shown)) + 1.4)
        labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
        once = len(labels) // 2  # SHAP writes every label twice, the second time over the first
        figure.axes[0].set_yticks(range(once), labels[:once], color=INK)
        for axes in figure.axes:
            _word_others(axes)
            axes.tick_params(axis="both", labelsize=9)
            for text in axes.texts:
                text.set_fontsize(9)

    return _draw(draw, name)


def dependence(explained: Explained, features: Sequence[int], *, name: str = "dependence") -> str:
    """What each of some features adds over the range of its values, one panel a feature, one dot a row."""
    sample = explained.sampled()

    def draw(shap: Any, figure: Figure) -> None:
        lines = -(-len(features) // 3)
        figure.set_size_inches(9.4, 2.75 * lines)
        figure.set_layout_engine("constrained")
        panels = figure.subplots(lines, 3, squeeze=False).ravel()
        for axes, feature in zip(panels, features, strict=False):
            shap.plots.scatter(
                _explanation(shap, sample)[:, feature],
                ax=axes,
                show=False,
                dot_size=6,
                color="#1f5fa8",
                alpha=0.5,
                hist=False,
                xmin="percentile(1)",
                xmax="percentile(99)",
            )
            axes.set_title(sample.names[feature], fontsize=8.5)
            axes.set_xlabel(both(*sample.units[feature]) if sample.units else "", fontsize=8)
            axes.set_ylabel(
                both(f"贡献({sample.scale[0]})", f"contribution ({sample.scale[1]})") if axes in panels[::3] else "",
                fontsize=8,
            )
            axes.tick_params(labelsize=7.5)
            axes.xaxis.set_major_locator(MaxNLocator(4))
            axes.xaxis.set_major_formatter(_NUMBER)
            axes.yaxis.set_major_formatter(_NUMBER)
        for axes in panels[len(features) :]:
            axes.set_visible(False)

    return _draw(draw, name)


def _word_others(axes: Axes) -> None:
    """SHAP's line for what is left, in both languages like the rest."""
    labels = [label.get_text() for label in axes.get_yticklabels()]
    worded = [
        re.sub(r"^(?:Sum of )?(\d+) other features$", both(r"其余 \1 项特征", r"\1 others"), label) for label in labels
    ]
    if worded != labels:
        axes.set_yticks(axes.get_yticks(), worded)


def _explanation(shap: Any, explained: Explained) -> Any:
    return shap.Explanation(
        values=explained.values,
        base_values=np.full(len(explained.values), explained.base),
        data=explained.data,
        feature_names=list(explained.names),
    )


def _draw(draw: Callable[[Any, Figure], None], name: str) -> str:
    """Run one SHAP plot on a figure of its own, without a window and without a trace."""
    with chart_style(grid=False), _seeded(), warnings.catch_warnings():
        # SHAP 0.51 calls what Matplotlib 3.11 is about to rename.
        warnings.filterwarnings("ignore", category=PendingDeprecationWarning, module="shap")
        # A feature may be null on every sampled row: SHAP draws it grey.
        warnings.filterwarnings("ignore", category=RuntimeWarning, message="All-NaN slice")
        matplotlib.use("agg", force=False)
        import shap
        from matplotlib import pyplot

        figure = pyplot.figure(layout=None)
        try:
            draw(shap, figure)
            for axes in figure.axes:
                for dots in axes.collections:
                    # Thousands of dots as one picture: as paths a page would weigh tens of megabytes.
                    dots.set_rasterized(isinstance(dots, PathCollection) and np.shape(dots.get_offsets())[0] > 100)
            figure.set_dpi(_DOTS_PER_INCH)
            return to_svg(figure, name=name, is_tight=True)
        finally:
            pyplot.close(figure)


@contextmanager
def _seeded() -> Iterator[None]:
    """SHAP jitters with numpy's global generator; it is put back as it was."""
    state = np.random.get_state()
    np.random.seed(7)
    try:
        yield
    finally:
        np.random.set_state(state)
