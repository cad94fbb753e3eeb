"""The page of results, `docs/results.md`, written from the stored figures."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.peers.compare import Compared
from benchmarks.peers.learners import LIMITS
from benchmarks.peers.page import section_of
from benchmarks.peers.tried_page import Tried, missed_bars
from benchmarks.results.row import Figure, Goal, Result
from benchmarks.results.store import Measured, Stored

HEAD = (
    "data 数据",
    "question 问题",
    "protocol 检验方式",
    "tested rows (events) 检验行数(事件数)",
    "metric 指标",
    "crmml [95 %]",
    "untuned HistGB 未调参 [95 %]",
    "difference 差 [95 %]",
    "published 已发表",
    "bar 门槛",
    "met 达标",
)
LESS_IS_BETTER = ("RMSE", "MAE", "log loss", "Brier")
MET = {True: "yes", False: "**no**", None: ""}


def page_of(stored: Stored, compared: Mapping[str, Compared], tried: Tried) -> str:
    """The whole page; the same stored figures give the same text."""
    results = [result for name in sorted(stored.measured) for result in stored.measured[name].results]
    beside = [section_of(compared, LIMITS, tried)] if compared else []
    missed = missed_bars(results, compared, tried)
    return "\n".join(
        [
            _head(results),
            table_of(results),
            "",
            _skipped(stored),
            *([missed] if missed else []),
            *beside,
            _notes(stored),
            _bottom(stored.measured),
        ]
    )


def table_of(results: list[Result]) -> str:
    """One row a figure."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    return "\n".join([*lines, *(f"| {' | '.join(map(_cell, _cells(result)))} |" for result in results)])


def _cells(result: Result) -> tuple[str, ...]:
    events = "" if result.events is None else f" ({result.events:,})"
    return (
        result.dataset,
        f"{result.question_zh}<br>{result.question}",
        result.protocol,
        f"{result.rows:,}{events}",
        f"{result.metric} ↓" if result.metric in LESS_IS_BETTER else result.metric,
        figure_text(result.ours),
        figure_text(result.baseline),
        figure_text(result.difference, signed=True),
        "<br>".join(one.figure for one in result.published),
        "<br>".join(goal_text(goal) for goal in result.goals),
        "<br>".join(MET[result.reached(goal)] for goal in result.goals),
    )


def figure_text(figure: Figure | None, *, signed: bool = False) -> str:
    """A value with its interval.

    >>> figure_text(Figure(0.78125, 0.77, 0.79))
    '0.7812 [0.7700, 0.7900]'
    >>> figure_text(Figure(-0.001, -0.002, 0.0004), signed=True)
    '-0.0010 [-0.0020, +0.0004]'
    """
    if figure is None:
        return "–"
    largest = max(abs(figure.value), abs(figure.low), abs(figure.high))
    digits = ".4f" if largest < 10 else ",.2f" if largest < 1_000 else ",.0f"
    shape = f"{'+' if signed else ''}{digits}"
    return f"{figure.value:{shape}} [{figure.low:{shape}}, {figure.high:{shape}}]"


def goal_text(goal: Goal) -> str:
    """A bar in words.

    >>> goal_text(Goal(0.89))
    'floor ≥ 0.89'
    >>> goal_text(Goal(0, "difference_low", kind="goal"))
    'goal: difference, lower end ≥ 0'
    """
    ends = {"low": "lower end", "high": "upper end", "difference": "difference"}
    words = ", ".join(ends[word] for word in goal.of.split("_") if word in ends)
    return f"{goal.kind}{': ' if words else ''}{words} {'≤' if goal.at_most else '≥'} {goal.bar:g}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _head(results: list[Result]) -> str:
    reached = [result.reached(goal) for result in results for goal in result.goals]
    missed = sum(one is False for one in reached)
    return f"""# Results on public data / 公开数据结果

Written by `make results` (`python -m benchmarks.results`) from `results.json` beside it; nothing here is edited by hand. Every
model is trained as a user trains it, from the committed `configs/` in a fresh project folder. **Baseline**: scikit-learn's
HistGradientBoosting with its default parameters on the same training rows, tested rows and columns. Intervals are 95 %, from
1,000 seeded draws of the tested customers; the difference is crmml less the baseline on the same draws. A bar was set before measuring.
More is better, with ↓ less is.

本页由 `make results` 依据 `results.json` 生成,不手工修改。模型均按用户的方式、用仓库中的 `configs/` 在全新目录里训练。
**基准**:scikit-learn 默认参数的 HistGradientBoosting,训练行、检验行、列均相同。区间为 95 %,对检验客户重抽样 1,000 次(固定种子);
差值为同一抽样上 crmml 减基准。门槛在测量之前设定。数值越大越好,标 ↓ 者越小越好。

Bars: {len(reached)}, missed: {missed} / {len(reached)} 项门槛,{missed} 项未达。
"""


def _skipped(stored: Stored) -> str:
    if not stored.skipped:
        return ""
    return f"Skipped, their data were not there / 因无数据而略过: {', '.join(stored.skipped)}.\n"


def _notes(stored: Stored) -> str:
    """What each figure is compared with, and what differs."""
    lines = ["## What the published figures are, and what differs / 已发表数字的出处与差异", ""]
    for name in sorted(stored.measured):
        lines += [f"### {name}", ""]
        for result in stored.measured[name].results:
            lines += [f"**{result.question}** ({result.metric})", ""]
            lines += [f"- {text}" for text in _told(result)] or ["- Nothing published was found to set beside it."]
            lines += [""]
    return "\n".join(lines)


def _told(result: Result) -> list[str]:
    cited = [
        " ".join(filter(None, (f"{one.figure}: {_sentence(one.citation)}", _sentence(one.note))))
        for one in result.published
    ]
    differs = [f"What differs: {_sentence(result.differs)}"] if result.differs else []
    return cited + differs + ([_sentence(result.note)] if result.note else [])


def _sentence(text: str) -> str:
    """With a full stop, if there are words at all."""
    return f"{text}." if text and text[-1] not in ".!?" else text


def _bottom(measured: Mapping[str, Measured]) -> str:
    """What the figures depend on: libraries and data files."""
    sets: dict[str, list[str]] = {}
    for name in sorted(measured):
        words = ", ".join(f"{library} {number}" for library, number in measured[name].versions.items())
        sets.setdefault(words, []).append(name)
    lines = ["## Libraries and data / 依赖与数据", ""]
    lines += [f"- {', '.join(names) if len(sets) > 1 else 'All'}: {words}." for words, names in sets.items()]
    lines += ["", "| data 数据 | file 文件 | SHA-256 |", "|---|---|---|"]
    lines += [
        f"| {name} | `{file}` | `{digest}` |"
        for name in sorted(measured)
        for file, digest in measured[name].sha256.items()
    ]
    return "\n".join(lines) + "\n"
