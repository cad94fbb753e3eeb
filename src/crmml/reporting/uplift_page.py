"""The report of an uplift model: what a contact adds, to whom, by what evidence; aggregates only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from crmml.economics import FAMILY_WORDS
from crmml.evaluation.trials import KINDS
from crmml.reporting.bilingual import both
from crmml.reporting.fonts import BLUE, MUTED, chart_style, to_svg
from crmml.reporting.metric_words import in_words
from crmml.reporting.page import render, svg
from crmml.reporting.words import Words

SHOWN = 12
POLICIES: Mapping[str, Words] = {
    "all": Words("联系全部客户", "contact everybody"),
    "none": Words("全部不联系", "contact nobody"),
    "effect_above_cost": Words("只联系增量高于成本者", "contact whose effect exceeds the cost"),
}
VERDICTS: Mapping[str, tuple[str, str]] = {
    "real": ("差异真实", "real"),
    "inside noise": ("在误差范围内", "inside noise"),
}
STEPS: Mapping[str, Words] = {
    "all": Words("名单分配", "assignments of the log"),
    "gone": Words("已离行", "gone"),
    "in_default": Words("违约中", "in default"),
    "other_product": Words("其他产品", "of other products"),
    "both_arms": Words("同时在两组", "in both arms at once"),
    "holds_product": Words("已持有该产品", "hold the product already"),
    "took_in_gap": Words("间隔内已办理", "took it inside the gap"),
    "immature": Words("结果尚未观察完", "outcome not observed yet"),
    "not_in_population": Words("不在总体", "not in the population"),
    "no_overlap": Words("所在名单没有对照", "no control in their list"),
    "sample": Words("用于学习与检验", "learned from and tested on"),
    "events": Words("其中有结果", "with the outcome"),
}


def uplift_page(
    bank: tuple[str, str],
    title: tuple[str, str],
    metrics: Mapping[str, Any],
    *,
    balance: pd.DataFrame,
    waterfall: pd.DataFrame,
    version: str,
    name: str,
    feature_words: Mapping[str, tuple[str, str]] | None = None,
    language: str = "both",
) -> str:
    """The page as one HTML file that needs no network.

    Parameters
    ----------
    metrics : mapping
        Of `modelling.effects.train_effect`.
    balance : DataFrame
        `name, difference, z` of every column that was compared between the arms.
    feature_words : mapping, optional
        Chinese and English names of the columns.
    """
    steps = waterfall.groupby("step", sort=False)["rows"].sum()
    worst = balance.reindex(balance["difference"].abs().sort_values(ascending=False).index).head(SHOWN)
    return render(
        "uplift.html",
        language=language,
        bank=Words(*bank),
        title=Words(*title),
        name=name,
        version=version,
        metrics=metrics,
        is_money=metrics["outcome"] == "contribution",
        gates=[in_words(gate) for gate in metrics["gates"]],
        chart=svg(_gains(metrics)),
        kinds=[{**row, "words": Words(*KINDS[row["kind"]])} for row in metrics["kinds"]],
        policies=[{**row, "words": POLICIES[row["policy"]]} for row in metrics["policies"]],
        offers=[
            {**row, "words": Words(*FAMILY_WORDS.get(row["offer"], (row["offer"],) * 2))} for row in metrics["by_offer"]
        ],
        balance=[{**row, "words": _named(str(row["name"]), feature_words or {})} for row in worst.to_dict("records")],
        verdict=Words(*VERDICTS.get(metrics["benchmark"]["verdict"], (metrics["benchmark"]["verdict"],) * 2)),
        steps=[
            {"words": STEPS.get(str(step), Words(str(step), str(step))), "rows": int(rows)}
            for step, rows in sorted(steps.items(), key=lambda item: _place(str(item[0])))
        ],
    )


def _named(name: str, words: Mapping[str, tuple[str, str]]) -> Words:
    """A column in words; "… is null" of one that is missing for some."""
    column, null, _ = name.partition(" is null")
    zh, en = words.get(column, (column, column))
    return Words(f"{zh}(缺失)", f"{en} (missing)") if null else Words(zh, en)


def _place(step: str) -> int:
    known = list(STEPS)
    return known.index(step) if step in known else known.index("no_overlap")


def _gains(metrics: Mapping[str, Any]) -> str:
    share, gain = (np.asarray(metrics["gains"][name]) for name in ("share", "gain"))
    with chart_style():
        figure = Figure(figsize=(5.6, 3.4), layout="constrained")
        axes = figure.subplots()
        axes.plot(share, gain, color=BLUE, label=both("按预测增量", "by predicted effect"))
        if "low" in metrics["gains"]:
            low, high = (np.asarray(metrics["gains"][name]) for name in ("low", "high"))
            axes.fill_between(
                share, low, high, color=BLUE, alpha=0.14, linewidth=0, label=both("95 % 区间", "95 % interval")
            )
        axes.plot(
            [0, 1], [0, gain[-1]], color=MUTED, linestyle=(0, (2, 3)), linewidth=1, label=both("随机", "at random")
        )
        axes.set(xlabel=both("联系的客户", "customers contacted"), ylabel=both("每户增量", "gain per customer"))
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        if metrics["outcome"] != "contribution":
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        axes.legend(fontsize=8.5, loc="upper left")
        return to_svg(figure, name="uplift-gains")
