"""The page of models beside the planted truth, from the stored figures, and what a model must hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

MONEY, CURVE = "contribution", "loyalty"
CONFIGS = ("churn", "default", "uptake", CURVE, MONEY)
#: What a model of the planted bank must hold: its distance from the truth's own ranking, its correlation with the true
#: log-odds (or amounts), calibration slope, level, and the place of the planted driver.
MOST_BELOW, BELOW_SHOWN, CORRELATION, SLOPE, LEVEL, DRIVER_AMONG = 0.05, 0.03, 0.70, (0.9, 1.1), 0.10, 2
#: Of fewer events than this the slope and the level are not judged, their intervals stand; what few events teach is less.
ENOUGH_EVENTS, CORRELATION_OF_FEW = 500, 0.50


@dataclass(frozen=True)
class Line:
    """One model, or one horizon of a curve, beside the truth. `measure` is AUC, or normalised Gini for money.

    Intervals are 95 %. `correlation` is that of the served log-odds with the true ones (of money: of the amounts), the
    mean over cut-offs. `level_of_truth` is the mean of the true chances (or amounts) over the mean served: no luck of events in it.
    `shown` is the measure of a booster that learned the true chances themselves from the same features.
    `deciles_of_truth` are the least and the greatest of the same by tenths of the customers in order of the score.
    """

    model: str
    measure: str
    cutoffs: int
    rows: int
    events: int | None
    served: tuple[float, float, float]
    truth: float
    correlation: float
    slope: tuple[float, float, float]
    level: tuple[float, float, float]
    level_of_truth: float
    deciles_of_truth: tuple[float, float]
    driver: str
    driver_rank: int | None
    shown: float | None = None

    @property
    def missed(self) -> tuple[str, ...]:
        """The tolerances that are not held."""
        judged = self.events is None or self.events >= ENOUGH_EVENTS
        held = {
            f"{self.measure} at most {MOST_BELOW:g} below the truth's": self.shown is not None
            or self.truth - self.served[0] <= MOST_BELOW,
            f"at most {BELOW_SHOWN:g} below what was shown the truth": self.shown is None
            or self.shown - self.served[0 if judged else 2] <= BELOW_SHOWN,
            "correlation": self.correlation >= (CORRELATION if judged else CORRELATION_OF_FEW),
            "slope": not judged or SLOPE[0] <= self.slope[0] <= SLOPE[1],
            "level": not judged or abs(self.level[0] - 1) <= LEVEL,
            "driver": self.driver_rank is None or self.driver_rank <= DRIVER_AMONG,
        }
        return tuple(name for name, is_held in held.items() if not is_held)


def page_of(told: dict[str, Any]) -> str:
    """The document, from what is stored beside it."""
    banks = "\n".join(_bank(told[name]) for name in sorted(told, key=lambda name: -told[name]["customers"]))
    return f"""# Models beside the planted truth / 模型与植入真值对照

Written by `python -m benchmarks.truth` from `truth.json` beside it; nothing here is edited by hand. A synthetic bank is drawn, and
every model of `configs/demo` is trained on it as a user trains it. The generator's true chances are read here only. Figures are
means over the later cut-offs; brackets are 95 %.

本页由 `python -m benchmarks.truth` 生成,不手工修改。生成合成银行,按用户的方式训练全部模型;真实概率只在此处读取。数值为各较晚截止日的平均,
方括号为 95 % 区间。

Tolerances / 容差: AUC at most {BELOW_SHOWN:g} below a learner that is shown the truth (Gini at most {MOST_BELOW:g} below the ranking by the truth);
correlation with the truth at least {CORRELATION:g}; slope {SLOPE[0]:g} to {SLOPE[1]:g} and observed over expected within {LEVEL:.0%}; the planted concept group
among the first {DRIVER_AMONG}. With fewer than {ENOUGH_EVENTS:,} tested events, which teach less and tell less: AUC not below by that much with its whole interval,
correlation at least {CORRELATION_OF_FEW:g}, slope and level stand with their intervals and are not judged.

{banks}
## What the columns say / 各列含义

- **truth's** is what a ranking by the true chance (or the expected amount) reaches on the same rows: no model does better on average.
  真值:以真实概率(或期望金额)排序在同样的行上所达到的水平,任何模型平均而言不会更好。
- **shown the truth**: the same features, learned from the true chances of the training rows instead of from what happened
  (`benchmarks/truth_ceiling.py`). Where it too lies below the truth's, the features do not hold the rest: no table says it.
  以真值学习:同样的特征,直接学习训练行的真实概率;若它也低于真值,其余部分不在任何源表之中,无从得知。
- **correlation** is that of the served log-odds with the true ones, of money that of the amounts, within a cut-off.
  相关:预测对数几率与真实对数几率(金额则为金额本身)在同一截止日内的相关系数。
- **truth / served** is the mean true chance over the mean served, so it holds no luck of which customers had the event; **by
  tenths** its least and greatest over tenths of the customers in order of the score (of money, tenths whose mean is beyond 200 yuan).
  真值/预测:真实概率均值除以预测均值,不含事件的偶然性;各十分位为按评分十等分后该比值的最小与最大(金额只计均值超过 200 元的组)。
"""


def _bank(told: dict[str, Any]) -> str:
    lines = [_from_json(one) for config in told["lines"].values() for one in config]
    unmeasured = [config for config in CONFIGS if config not in told["lines"]]
    rows = "\n".join(_row(line) for line in lines)
    missed = sum(len(line.missed) for line in lines)
    return f"""## {told["customers"]:,} customers, seed {told["seed"]} / {told["customers"]:,} 名客户,种子 {told["seed"]}

| model 模型 | tested rows (events) 检验行(事件) | measure 指标 | crmml | truth's 真值 | shown the truth 以真值学习 | correlation 相关 | slope 校准斜率 | observed / expected 实际/预期 | truth / served 真值/预测 | by tenths 各十分位 | planted driver's rank 植入动因名次 | missed 未达 |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
{rows}

Missed / 未达: {missed}.{_unmeasured(unmeasured)}

Machine / 机器: {told["machine"]}
"""


def _unmeasured(configs: Sequence[str]) -> str:
    if not configs:
        return ""
    names = ", ".join(configs)
    return f" **Not measured on this bank yet / 尚未在该银行上测量: {names}** (`python -m benchmarks.truth --only {configs[0]} --home DIR`)."


def _row(line: Line) -> str:
    events = f" ({line.events:,})" if line.events is not None else ""
    cells = (
        line.model.replace("_", " "),
        f"{line.rows:,}{events}",
        line.measure,
        _figure(line.served, 3),
        f"{line.truth:.3f}",
        "–" if line.shown is None else f"{line.shown:.3f}",
        f"{line.correlation:.2f}",
        _figure(line.slope, 2),
        _figure(line.level, 2),
        f"{line.level_of_truth:.2f}",
        f"{line.deciles_of_truth[0]:.2f} to {line.deciles_of_truth[1]:.2f}",
        f"{line.driver} {line.driver_rank}" if line.driver else "–",
        ", ".join(f"**{name}**" for name in line.missed) or "none",
    )
    return "| " + " | ".join(cells) + " |"


def _figure(ends: Sequence[float], digits: int) -> str:
    value, low, high = (f"{end:.{digits}f}" for end in ends)
    return f"{value} [{low}, {high}]"


def _from_json(one: dict[str, Any]) -> Line:
    return Line(**{name: tuple(value) if isinstance(value, list) else value for name, value in one.items()})
