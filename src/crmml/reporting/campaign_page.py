"""A campaign on one offline page: what it brought against its control arm, the funnel, realised beside expected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from crmml.reporting.bilingual import both
from crmml.reporting.charts import bars
from crmml.reporting.fonts import BLUE, GOLD, MUTED, chart_style, to_svg
from crmml.reporting.page import render, svg
from crmml.reporting.words import Words
from crmml.vocabulary import EFFECT_SOURCES

FEWEST = 5
"""An arm of fewer customers is shown without its rate: it would tell of persons."""
FUNNEL: Mapping[str, Words] = {
    "assigned": Words("列入名单", "assigned"),
    "contacted": Words("已联系", "contacted"),
    "reached": Words("已接通", "reached"),
    "considering": Words("考虑中", "considering"),
    "taken": Words("已办理", "taken"),
}
ENDED: Mapping[str, Words] = {
    "declined": Words("不需要", "declined"),
    "refuses_marketing": Words("拒绝营销", "refuses marketing"),
    "no_answer": Words("未接通", "no answer"),
    "wrong_details": Words("信息有误", "wrong details"),
}
SUCCESS: Mapping[str, Words] = {
    "taken": Words("办理", "took it"),
    "kept": Words("留存", "kept"),
    "both": Words("办理或留存", "took it or stayed"),
}
UNITS: Mapping[str, Words] = {"branch": Words("机构", "branch"), "manager": Words("客户经理", "manager")}


def campaign_page(
    bank: tuple[str, str],
    told: Mapping[str, Any],
    sentences: Sequence[tuple[str, str]],
    *,
    currency: str = "CNY",
    language: str = "both",
) -> str:
    """The page as one HTML file that needs no network; aggregates only.

    Parameters
    ----------
    bank : (str, str)
        The bank's name in Chinese and English.
    told : mapping
        The figures of a campaign as plain data (`campaigns.report`).
    sentences : sequence of (str, str)
        What they say in words, the main thing first.
    """
    return render(
        "campaign.html",
        language=language,
        bank=Words(*bank),
        told=told,
        sentences=[Words(*pair) for pair in sentences],
        unit=Words("元", "yuan") if currency == "CNY" else Words(currency, currency),
        arms=_arms(told),
        offers=told["offers"],
        effects=_effects(told),
        funnel=_funnel(told["funnel"]),
        ended=[(words, told["funnel"][code]) for code, words in ENDED.items()],
        steps=[(words, told["funnel"][code]) for code, words in FUNNEL.items()],
        units=UNITS,
        success=SUCCESS[told["success"]],
        effect_words=[EFFECT_SOURCES.get(source, (source, source)) for source in told["effect_source"]],
        fewest=FEWEST,
    )


def _arms(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Both arms with their rate; of an arm of a few customers only that it is one."""
    effect = told["effect"]
    if effect is None:
        return []
    words = {"treated": Words("名单组", "treated"), "control": Words("对照组", "control")}
    return [
        {
            "words": words[arm],
            "rows": effect[arm],
            "taken": effect[f"taken_{arm}"] if effect[arm] >= FEWEST else None,
            "rate": effect[f"rate_{arm}"] if effect[arm] >= FEWEST else None,
        }
        for arm in words
    ]


def _effects(told: Mapping[str, Any]) -> Markup | None:
    """The difference between the arms for the list and each offer, with intervals, beside what was expected."""
    lines = [(both("全部", "all"), told["effect"], None)]
    lines += [
        (both(row["zh"], row["en"]), row["measured"], row["expected_effect"])
        for row in told["offers"]
        if row["measured"] is not None and min(row["measured"]["treated"], row["measured"]["control"]) >= FEWEST
    ]
    shown = [line for line in lines if line[1] is not None and line[1]["difference"] is not None]
    if not shown:
        return None
    with chart_style():
        figure = Figure(figsize=(9.2, 1.3 + 0.42 * len(shown)), layout="constrained")
        axes = figure.subplots()
        places = np.arange(len(shown))[::-1]
        value, low, high = (
            np.array([one[name] for _, one, _ in shown], dtype=float) * 100 for name in ("difference", "low", "high")
        )
        axes.axvline(0, color=MUTED, linewidth=1, linestyle=(0, (2, 3)))
        axes.errorbar(
            value,
            places,
            xerr=[value - low, high - value],
            fmt="o",
            color=BLUE,
            capsize=4,
            label=both("实测,95 % 区间", "measured, 95 % interval"),
        )
        expected = [(place, hope * 100) for place, (_, _, hope) in zip(places, shown, strict=True) if hope is not None]
        if expected:
            axes.plot(
                [hope for _, hope in expected],
                [place for place, _ in expected],
                "D",
                color=GOLD,
                markersize=6,
                label=both("预期", "expected"),
            )
        axes.set_yticks(places, [words for words, _, _ in shown])
        axes.set(
            ylim=(-0.6, len(shown) - 0.4), title=both("联系带来的变化(百分点)", "change brought by contact, points")
        )
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:+g}" if x else "0"))
        axes.legend(fontsize=9, ncols=2, loc="lower right", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)
        axes.tick_params(axis="y", length=0)
        return svg(to_svg(figure, name="campaign-effects"))


def _funnel(funnel: Mapping[str, int]) -> Markup | None:
    if not funnel["told"]:
        return None
    counts = {both(words.zh, words.en): float(funnel[code]) for code, words in FUNNEL.items()}
    return svg(
        bars(
            counts,
            title=both("漏斗", "funnel"),
            xlabel=both("客户数", "customers"),
            share=False,
            name="campaign-funnel",
        )
    )
