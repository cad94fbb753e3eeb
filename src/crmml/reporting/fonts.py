"""A font with Chinese for the charts, and charts as text-free SVG.

Matplotlib's own font has no Chinese and would draw boxes. A font of the system
is taken first, then the one of the package `cvttf_NotoSansCJK_Regular`; letters
become paths, so a report looks the same on a machine without either.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib import font_manager
from matplotlib.figure import Figure

from crmml.errors import BackendError
from crmml.reporting.bilingual import BACKEND

# Simplified forms first: a Japanese or Traditional face draws some characters otherwise.
FAMILIES = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "Noto Sans SC",
    "Microsoft YaHei",
    "PingFang SC",
    "Hiragino Sans GB",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "SimHei",
    "Noto Sans CJK TC",
    "Noto Sans CJK JP",
)
_FILE_NAMES = ("notosanscjk", "notosanssc", "sourcehansans", "msyh", "pingfang", "hiragino", "wqy", "simhei")
_PACKAGE = "cvttf_NotoSansCJK_Regular"

INK, MUTED, GRID = "#1b2733", "#5b6876", "#d9dfe5"
BLUE, RED, TEAL, GOLD = "#1f5fa8", "#b3421f", "#1f7a6d", "#9a6b00"


@functools.cache
def chinese_font() -> str:
    """The family name of a font with Chinese that Matplotlib can use from now on.

    Raises
    ------
    BackendError
        If neither the system nor a package has one.
    """
    known = {font.name for font in font_manager.fontManager.ttflist}
    for path in [] if known & set(FAMILIES) else _font_files():  # Matplotlib's list may be older than the fonts
        font_manager.fontManager.addfont(path)
    known = {font.name for font in font_manager.fontManager.ttflist}
    for family in FAMILIES:
        if family in known:
            return family
    raise BackendError(
        "no font with Chinese was found; expected a system font such as Noto Sans CJK or the package "
        f"{_PACKAGE}. Install one: pip install {_PACKAGE}",
        code="B002",
    )


@contextmanager
def chart_style(*, grid: bool = True) -> Iterator[None]:
    """Matplotlib with a Chinese font, quiet axes and letters as paths, inside the block only."""
    settings: dict[str, Any] = {
        "font.family": [chinese_font(), "DejaVu Sans"],
        "font.size": 10,
        "axes.unicode_minus": False,
        "axes.edgecolor": MUTED,
        "axes.labelcolor": INK,
        "axes.titlesize": 11,
        "axes.titlelocation": "left",
        "axes.titlecolor": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": grid,
        "axes.axisbelow": True,
        "grid.color": GRID,
        "grid.linewidth": 0.7,
        "text.color": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "legend.frameon": False,
        "lines.linewidth": 1.8,
        "svg.fonttype": "path",
        "svg.hashsalt": "crmml",
        "figure.dpi": 96,
    }
    with matplotlib.rc_context(settings):  # type: ignore[arg-type]
        yield


def to_svg(figure: Figure, *, name: str, is_tight: bool = False) -> str:
    """A figure as an SVG element for a page: no prolog, no date, ids that start with `name`.

    The ids of several charts on one page would otherwise collide. `is_tight`
    cuts the figure to what is drawn, for one that was not laid out.
    """
    buffer = io.StringIO()
    figure.savefig(
        buffer,
        format="svg",
        backend=BACKEND,
        bbox_inches="tight" if is_tight else None,
        metadata={"Date": None, "Creator": None},
    )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*|<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r'href="#', f'href="#{name}-', text)
    text = text.replace("url(#", f"url(#{name}-").replace("*{stroke", "svg *{stroke")
    width = re.search(r'width="([\d.]+)pt"', text)
    shown = f"{float(width[1]) * 4 / 3:.0f}px" if width else "100%"
    return re.sub(
        r'width="[\d.]+pt"',
        f'style="width:{shown};max-width:100%"',
        re.sub(r' height="[\d.]+pt"', "", text, count=1),
        count=1,
    )


def _font_files() -> list[str]:
    names = [path for path in font_manager.findSystemFonts() if Path(path).name.lower().startswith(_FILE_NAMES)]
    if not names and importlib.util.find_spec(_PACKAGE) is not None:
        names = [importlib.import_module(_PACKAGE).get_TTF_path()]
    return sorted(names)
