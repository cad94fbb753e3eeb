"""Charts: Chinese without boxes, letters as paths, ids that do not collide."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import matplotlib
import pytest
from matplotlib import font_manager
from matplotlib.figure import Figure

from crmml.errors import BackendError
from crmml.reporting import fonts


def drawn(name: str = "chart") -> str:
    with fonts.chart_style():
        figure = Figure(figsize=(3, 2))
        axes = figure.subplots()
        axes.plot([0, 1], [0, -1], label="逾期 arrears")
        axes.fill_between([0, 1], [0, 1], clip_on=True)
        axes.set(title="对数赔率 × 校准 − 贡献(元)", xlabel="负数 −1")
        axes.legend()
        return fonts.to_svg(figure, name=name)


def test_no_glyph_is_missing():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        drawn()
    assert [str(each.message) for each in caught] == []


def test_letters_are_paths_and_the_same_chart_has_the_same_bytes():
    text = drawn()
    assert "<text" not in text
    assert "<metadata" not in text
    assert "<!--" not in text
    assert text.startswith("<svg")
    assert text == drawn()


def test_ids_carry_the_charts_name_and_every_reference_is_found():
    text = drawn("one")
    ids = fonts.re.findall(r'\bid="([^"]+)"', text)
    used = fonts.re.findall(r'href="#([^"]+)"', text) + fonts.re.findall(r"url\(#([^)]+)\)", text)
    assert ids
    assert {identifier[:4] for identifier in ids} == {"one-"}
    assert set(used) <= set(ids)


def test_settings_do_not_outlive_the_block():
    before = matplotlib.rcParams["font.family"]
    with fonts.chart_style():
        pass
    assert matplotlib.rcParams["font.family"] == before


def test_the_package_helps_where_the_system_has_no_chinese(monkeypatch):
    pytest.importorskip("cvttf_NotoSansCJK_Regular")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda: ["/usr/share/fonts/Arial.ttf"])
    assert fonts._font_files()[0].endswith(".otf")


def test_without_any_font_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setattr(font_manager, "findSystemFonts", list)
    monkeypatch.setattr(font_manager, "fontManager", SimpleNamespace(ttflist=[]))
    monkeypatch.setattr(fonts.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match="pip install cvttf_NotoSansCJK_Regular"):
        fonts.chinese_font.__wrapped__()
