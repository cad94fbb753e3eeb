"""One chart for readers of Chinese, of English and of both: words in pairs, and the page shows what it is switched to.

A pair is one text of Matplotlib, so room is kept for both languages. When it is
drawn, each language becomes a group of the SVG with what to move it by where it
stands alone; the style sheet of the page does the rest, without a script. Seen
outside a page, a chart shows both. This module is also a backend of Matplotlib
(`savefig(backend=...)`).
"""

from __future__ import annotations

import codecs
import math
import textwrap
from collections.abc import Mapping
from typing import Any

from matplotlib import cbook
from matplotlib.backends.backend_mixed import MixedModeRenderer
from matplotlib.backends.backend_svg import FigureCanvasSVG, RendererSVG
from matplotlib.text import Text

BACKEND = f"module://{__name__}"
#: Stands between the languages and reads as a space; no name or number of a bank holds it.
MARK = "\u2005"
_ALONG = {"left": 0.0, "center": 0.5, "right": 1.0}
_LINE = 1.2  # Matplotlib's own line spacing


def both(zh: str, en: str) -> str:
    """A text of a chart in both languages, in one line.

    >>> both("训练", "train") == "训练" + MARK + "train", both("AUC", "AUC")
    (True, 'AUC')
    """
    return zh if zh == en else f"{zh}{MARK}{en}"


def stacked(zh: str, en: str, *, width: int = 44) -> str:
    """The same with English below Chinese, broken at `width` letters: for long names.

    >>> stacked("近1个月资金流入", "money in, last month").replace(MARK, "|")
    '近1个月资金流入|\\n|money in, last month'
    """
    if zh == en:
        return "\n".join(textwrap.wrap(zh, width)) or zh
    return "\n".join([f"{zh}{MARK}", *(f"{MARK}{line}" for line in textwrap.wrap(en, width))])


class _Renderer(RendererSVG):
    """Draws the two languages of a text as two groups, `zh` and `en`, each with its place where it stands alone."""

    def __init__(self, *args: Any, texts: Mapping[str, Text], **named: Any) -> None:
        super().__init__(*args, **named)
        self._texts = texts

    def draw_text(self, gc: Any, x: float, y: float, s: str, prop: Any, angle: float, ismath: Any = False, mtext: Any = None) -> None:  # fmt: skip
        if MARK not in s or s not in self._texts:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        text, turn = self._texts[s], math.radians(angle)
        line = self._size("lp", prop)[1] * _LINE
        for language, words, start, alone in self._parts(s, prop, _along(text, angle)):
            x0, y0 = start * math.cos(turn), -start * math.sin(turn)
            down = line * _lines_down(text, language)
            right = alone * math.cos(turn) + down * math.sin(turn)
            lower = down * math.cos(turn) - alone * math.sin(turn)
            self.writer.start("g", attrib={"class": language, "style": f"--x:{right:.1f}px;--y:{lower:.1f}px"})
            super().draw_text(gc, x + x0, y + y0, words, prop, angle, ismath)
            self.writer.end("g")

    def _parts(self, s: str, prop: Any, along: float) -> list[tuple[str, str, float, float]]:
        """Language, words, where they start in the line, and how far along it they move where they stand alone."""
        zh, _, en = s.partition(MARK)
        if not (zh and en):  # a line of its own, with no more than the mark beside it
            return [("zh" if zh else "en", zh or en, along * self._size(MARK, prop)[0], 0.0)]
        whole, before = self._size(s, prop)[0], self._size(f"{zh}{MARK}", prop)[0]
        parts = (("zh", zh, 0.0), ("en", en, before))
        return [(name, words, at, along * (whole - self._size(words, prop)[0]) - at) for name, words, at in parts]

    def _size(self, words: str, prop: Any) -> tuple[float, float]:
        width, height, _ = self.get_text_width_height_descent(words, prop, False)
        return float(width), float(height)


def _along(text: Text, angle: float) -> float:
    """Where words that are shorter than their room stand in it, from its start (0) to its end (1)."""
    return 0.5 if angle and text.get_rotation_mode() != "anchor" else _ALONG[str(text.get_ha())]


def _lines_down(text: Text, language: str) -> float:
    """By how many lines a line moves down where the lines of the other language are not shown."""
    lines, side = text.get_text().split("\n"), 0 if language == "zh" else -1
    shown = [place for place, line in enumerate(lines) if line.split(MARK)[side]]
    if text.get_va().startswith("center"):
        return (len(lines) - 1) / 2 - (shown[0] + shown[-1]) / 2
    return float(-shown[0] if text.get_va() == "top" else len(lines) - 1 - shown[-1])


class FigureCanvas(FigureCanvasSVG):
    """Saves a figure as SVG with the languages of its words in groups."""

    def print_svg(self, filename: Any, *, bbox_inches_restore: Any = None, metadata: Any = None, **_other: Any) -> None:  # fmt: skip
        with cbook.open_file_cm(filename, "w", encoding="utf-8") as handle:
            file = handle if cbook.file_requires_unicode(handle) else codecs.getwriter("utf-8")(handle)
            dpi = self.figure.dpi
            self.figure.dpi = self.fixed_dpi
            width, height = self.figure.get_size_inches()
            # Matplotlib hands a renderer the lines of a text without the text they are of.
            shown = [artist for artist in self.figure.findobj(Text) if artist.get_visible()]  # an axis has two sides
            texts = {line: text for text in shown if isinstance(text, Text) for line in text.get_text().split("\n")}
            size = (width * self.fixed_dpi, height * self.fixed_dpi)
            svg = _Renderer(*size, file, image_dpi=dpi, metadata=metadata, texts=texts)
            renderer = MixedModeRenderer(self.figure, width, height, dpi, svg, bbox_inches_restore=bbox_inches_restore)
            self.figure.draw(renderer)  # type: ignore[arg-type]
            renderer.finalize()
