"""The part of `docs/results.md` that sets crmml beside automated learners, from the stored comparisons."""

from __future__ import annotations

from collections.abc import Mapping

from benchmarks.peers.compare import (
    ENOUGH_EVENTS,
    OURS,
    PEERS,
    RATIO,
    SLOPE,
    STRONGEST,
    Compared,
    Side,
    mean_to_strongest,
)
from benchmarks.peers.tried_page import Tried, section_of_tried
from benchmarks.results.row import Figure

NAMES = {
    OURS: "crmml",
    "histgb": "untuned HistGB 未调参",
    "scorecard": "scorecard 评分卡",
    "flaml": "FLAML",
    "autogluon_medium": "AutoGluon medium",
    "autogluon_good": "AutoGluon good",
}
NOT_YET = "not run on these rows yet"
HEAD = """## Side by side with automated learners / 与自动学习工具并排比较

`make peers` writes this part from `peers.json` beside it: crmml, scikit-learn's untuned HistGradientBoosting, the scorecard
(logistic, trained beside every model), FLAML with the wall time and at most the number of fits of crmml, and AutoGluon without
neural nets (medium: at most {medium} s, good: at most {good} s a fold; both stop earlier where they are done), all on the same
rows, columns and folds, on two cores. Differences are crmml less the peer, paired: 1,000 seeded draws of the tested customers from
saved predictions. A table holds the rule where the interval against its best peer does not lie below 0 as a whole.

本节由 `make peers` 依据 `peers.json` 生成:同样的行、列与折,比较 crmml、未调参的 HistGradientBoosting、评分卡、FLAML(与 crmml 相同的
时间、至多相同的拟合次数)、AutoGluon(不含神经网络)。差值为 crmml 减对方,配对重抽样 1,000 次。规则:与最好的对手相比,区间不得整段低于 0。
"""


def section_of(compared: Mapping[str, Compared], limits: Mapping[str, int], tried: Tried) -> str:
    """The whole part; empty where nothing was compared."""
    if not compared:
        return ""
    parts = [
        HEAD.format(medium=limits["autogluon_medium"], good=limits[STRONGEST]),
        _verdict(compared),
        _table(compared),
        _costs(compared),
        _calibration(compared),
        *([section_of_tried(tried)] if tried else []),
    ]
    return "\n".join(parts)


def _verdict(compared: Mapping[str, Compared]) -> str:
    broken = [name for name, one in compared.items() if not one.holds]
    mean, tables = mean_to_strongest(list(compared.values()))
    held = f"held on {len(compared) - len(broken)} of {len(compared)} tables"
    held += f" (not on {', '.join(sorted(broken))})" if broken else ""
    return (
        f"Rule: {held} / 规则:{len(compared)} 张表中 {len(compared) - len(broken)} 张达标. Mean difference to "
        f"{NAMES[STRONGEST]} over {tables} tables / 与其平均差: {mean:+.4f}.\n"
    )


def _table(compared: Mapping[str, Compared]) -> str:
    heads = [
        "table 表",
        "tested rows (events) 检验行数(事件数)",
        *(NAMES[name] for name in (OURS, *PEERS)),
        "rule 规则",
    ]
    lines = ["AUC, and below it crmml less the peer [95 %] / AUC,其下为 crmml 减对方:\n", _line(heads), _rule(heads)]
    for name, one in sorted(compared.items()):
        cells = [_cell(one, learner) for learner in (OURS, *PEERS)]
        asked = f"**{name}**<br>{one.zh}<br>{one.en}"
        lines.append(_line([asked, f"{one.rows:,} ({one.events:,})", *cells, "yes" if one.holds else "**no**"]))
    notes = [f"- {name}: {one.note}." for name, one in sorted(compared.items()) if one.note]
    for name, one in sorted(compared.items()):
        unrun = [learner for learner in PEERS if learner not in one.sides]
        notes += [f"- {name}: {NAMES[learner]}: {one.left_out.get(learner, NOT_YET)}." for learner in unrun]
    return "\n".join([*lines, "", *notes, ""] if notes else [*lines, ""])


def _cell(one: Compared, learner: str) -> str:
    side = one.sides.get(learner)
    if side is None:
        return "–"
    text = f"{side.auc.value:.4f}"
    text = f"**{text}**" if learner == one.best else text
    return text if side.difference is None else f"{text}<br>{_signed(side.difference)}"


def _costs(compared: Mapping[str, Compared]) -> str:
    """What each learner took and was: seconds of wall and processor, fits, version."""
    heads = ["table 表", "learned rows x columns 训练行 x 列", *(NAMES[name] for name in (OURS, *PEERS))]
    lines = [
        "Wall seconds (processor seconds), fits, and what was found, all folds together; the machine was shared, so the processor "
        "tells more / 墙钟秒(处理器秒)、拟合次数:\n",
        _line(heads),
        _rule(heads),
    ]
    for name, one in sorted(compared.items()):
        cells = [_cost(one.sides.get(learner)) for learner in (OURS, *PEERS)]
        lines.append(_line([name, f"{one.learned:,} x {one.columns}, {one.folds} fold(s)", *cells]))
    versions = sorted(
        {f"{NAMES[n]} {side.version}" for one in compared.values() for n, side in one.sides.items() if side.version}
    )
    return "\n".join([*lines, "", f"Versions / 版本: {', '.join(versions)}.", ""])


def _cost(side: Side | None) -> str:
    if side is None or side.seconds is None:
        return "–"
    words = [f"{side.seconds:,.0f} s" + (f" ({side.cpu_seconds:,.0f} s)" if side.cpu_seconds is not None else "")]
    words += [f"{side.fits} fits"] if side.fits is not None else []
    return "<br>".join([*words, *filter(None, [side.note])])


def _calibration(compared: Mapping[str, Compared]) -> str:
    heads = [
        "table 表",
        "tested rows 检验行",
        "events 事件",
        "slope 斜率",
        "mean / rate 均值/实际",
        "bar 门槛",
        "met 达标",
    ]
    lines = [
        f"### Calibration of crmml / crmml 的校准\n\nThe bar is for tables tested on rows drawn like those learned from, with more "
        f"than {ENOUGH_EVENTS:,} events: slope {SLOPE[0]:.2f} to {SLOPE[1]:.2f}, mean over rate {RATIO[0]:.2f} to {RATIO[1]:.2f}. Later "
        "rows drift, and nothing learned before holds them to a level: their figures stand as a warning / 门槛只适用于与训练同分布、事件数超过 "
        f"{ENOUGH_EVENTS:,} 的检验;较晚的行会漂移,其数字作为警示。\n",
        _line(heads),
        _rule(heads),
    ]
    for name, one in sorted(compared.items()):
        if one.calibrated is None:
            continue
        slope, ratio = one.calibrated.slope, one.calibrated.ratio
        bar, met = _bar(one)
        lines.append(_line([name, one.protocol, f"{one.events:,}", _plain(slope), _plain(ratio), bar, met]))
    return "\n".join([*lines, ""])


def _bar(one: Compared) -> tuple[str, str]:
    if not one.drawn_alike:
        return "none: later rows, drift warning 时间外,漂移警示", ""
    if one.events <= ENOUGH_EVENTS:
        return f"none: {one.events:,} events 事件过少", ""
    held = one.calibrated is not None and one.calibrated.holds
    return "slope, mean / rate", "yes" if held else "**no**"


def _plain(figure: Figure) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]"


def _signed(figure: Figure) -> str:
    return f"{figure.value:+.4f} [{figure.low:+.4f}, {figure.high:+.4f}]"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rule(heads: list[str]) -> str:
    return "|" + "---|" * len(heads)
