"""A chart in two languages: each is a group of its own that stands in its place when the other is not shown."""

from __future__ import annotations

import re

import pytest
from matplotlib.figure import Figure

from crmml.reporting.bilingual import MARK, both, stacked
from crmml.reporting.fonts import chart_style, to_svg

GROUP = re.compile(r'<g class="(zh|en)" style="--x:(-?[\d.]+)px;--y:(-?[\d.]+)px">')


def moved(draw) -> list[tuple[str, float, float]]:
    """Language and shift of every group of a chart."""
    with chart_style():
        figure = Figure(figsize=(4, 3), layout="constrained")
        axes = figure.subplots()
        axes.set(xticks=[], yticks=[])
        draw(axes)
        return [(name, float(x), float(y)) for name, x, y in GROUP.findall(to_svg(figure, name="c"))]


def test_words_that_are_the_same_in_both_languages_are_written_once():
    assert moved(lambda axes: axes.set_title(both("AUC", "AUC"))) == []


def test_from_the_left_only_the_second_language_moves_by_the_width_of_the_first():
    (zh, _), (en, shift) = [(name, x) for name, x, _ in moved(lambda axes: axes.set_title(both("训练", "train")))]
    assert (zh, en) == ("zh", "en")
    assert -40 < shift < -15  # two Chinese letters of 11 points and a space


def test_in_the_middle_the_languages_move_towards_each_other():
    (_, right, _), (_, left, _) = moved(lambda axes: axes.set_xlabel(both("训练", "train")))
    assert right > 0 > left


def test_a_turned_label_moves_along_itself():
    (_, x, up), (_, _, down) = moved(lambda axes: axes.set_ylabel(both("训练", "train")))
    assert abs(x) < 0.05
    assert up < 0 < down


def test_an_axis_label_that_ends_at_its_tick_ends_there_in_either_language():
    first, second = moved(lambda axes: axes.set_yticks([0], [both("训练", "train")]))
    assert first[0] == "zh"
    assert first[1] > 15
    assert abs(second[1]) < 0.05


@pytest.mark.parametrize(("words", "lines"), [("train", 2), ("a name of so many letters that it is broken in two", 3)])
def test_stacked_lines_close_up_around_their_tick(words, lines):
    name = stacked("训练", words)
    assert len(name.split("\n")) == lines
    found = moved(lambda axes: axes.set_yticks([0], [name]))
    line = 2 * -found[-1][2]
    assert [language for language, _, _ in found] == ["zh", *["en"] * (lines - 1)]
    assert found[0][2] == pytest.approx(line * (lines - 1) / 2, abs=0.2)
    assert all(x == 0 for _, x, _ in found)


def test_no_chart_of_a_page_leaves_a_mark_in_its_bytes():
    with chart_style():
        figure = Figure(figsize=(3, 2))
        figure.subplots().set_title(both("训练", "train"))
        assert MARK not in to_svg(figure, name="c")
