"""The page of lists beside the generator's truth, from the stored figures; banks on which the list loses stand there too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import t

_Z = 1.959964
PLANTED = {
    "none": "none 无",
    "harm": "60 % fewer take 办理减少 60 %",
    "help": "twice as many take 办理加倍",
}
#: Banks that were looked at while the estimates were mended.
SEEN = (21, 22)
WORDS = {"by probability": "按概率", "by value": "按价值", "by deposits": "按存款"}


@dataclass(frozen=True)
class Other:
    """As many contacts chosen by one column: their true value, and the list's margin over it (value, low, high; standard error)."""

    words: str
    true: float
    margin: tuple[float, float, float]
    error: float


@dataclass(frozen=True)
class Bank:
    """The list of one bank: what it expects and truly brings, in yuan, and by how much each factor exceeds the truth.

    `best` is the true value of as many contacts chosen by the true value itself. `serves` is what the uplift model serves,
    `chance_ratio`, `effect_ratio` and `value_ratio` are served over true on the listed customers, `both_ratio` that of the
    product of the last two, before costs.
    """

    seed: int
    contacts: int
    effect_source: str
    serves: str
    expected: float
    true: float
    best: float
    others: tuple[Other, ...]
    chance_ratio: float
    effect_ratio: float
    value_ratio: float
    both_ratio: float


def page_of(told: dict[str, Any]) -> str:
    """The document, from what is stored beside it."""
    banks = [_from_json(one) for one in told["banks"].values()]
    return f"""# What the list truly brings / 名单的真实价值

Written by `python -m benchmarks.list_truth` from `list_truth.json` beside it; nothing here is edited by hand. Every seed is another
synthetic bank of {told["customers"]:,} customers, drawn, trained and listed as a user does with `configs/demo`. How values and effects are
estimated was mended with the banks {_named(SEEN)} in sight, and with no other here. The generator's truth is read here only. Yuan; brackets are 95 %.

本页由 `python -m benchmarks.list_truth` 生成,不手工修改。每个种子是另一家合成银行({told["customers"]:,} 名客户),按用户的方式训练与出名单;价值与效果的估计方法曾参照银行 {_named(SEEN)} 改进,未参照本页其他银行。
真实价值只在此处读取。单位为元,方括号为 95 % 区间。

## True value of the same number of contacts / 同样多触达的真实价值

| seed 种子 | contacts 触达 | effects 效果 | the list 名单 | by probability 按概率 | by value 按价值 | by deposits 按存款 | by the truth 按真值 |
|---|---|---|---|---|---|---|---|
{_lines(_values, banks)}

Of every choice as large a share is held out by lot as of the list. 各种选法按名单同样的比例随机留作对照。

The list's margin / 名单多出:

| seed 种子 | over probability 比概率 | over value 比价值 | over deposits 比存款 |
|---|---|---|---|
{_lines(_margins, banks)}
{_pooled(banks)}
{_unseen(banks)}

Of one bank the interval draws customers. Of the mean over banks it is drawn twice: customers within these banks (their luck), and
the banks themselves (Student's; all luck of drawing a bank, its campaigns and its models is in it).
单行区间为重抽客户;平均值给出两种区间:这些银行内重抽客户,以及以银行为单位(t 分布,包含抽取银行、活动与模型的全部偶然)。

## Expected against true value / 预期与真实

| seed 种子 | expected 预期 | true 真实 | expected / true 预期/真实 | chance 概率 | effect 效果 | value 价值 | effect × value 两者 |
|---|---|---|---|---|---|---|---|
{_lines(_expected, banks)}
{_sums(banks)}

Chance, effect and value are served over true on the listed customers, above 1 where too much was foreseen; values are weighed with the
true effects. Costs are the same on both sides, so the ratio of what is left of them is larger than that of the products.
概率、效果、价值为名单客户上预测与真实之比,大于 1 即预测偏高;价值以真实效果加权。成本两边相同,故扣除成本后的比值更大。

{_planted(told.get("planted", []))}Machine / 机器: {told["machine"]}
"""


def _planted(found: Sequence[dict[str, Any]]) -> str:
    """Logs of a known effect: how often a model of them is let through."""
    if not found:
        return ""
    rows = "\n".join(
        f"| {PLANTED[one['effect']]} | {one['logs']:,} | {one['usable']:.1%} | {one['contacted']:.1%} |"
        for one in found
    )
    return f"""## A contact that does nothing, or harm / 无效或有害的联系

Contact logs of 1,200 assignments each are drawn with a known effect and learned. A model passes its first gate where the 95 % interval
of its average effect lies above 0 (or that of its Qini, where it serves differences); one that does not is never champion, and contacts
nobody in its name. Of contacts that do nothing at most 5 % may pass, by chance.
抽取效果已知的触达记录(每份 1,200 次分配)并学习。平均效果(采用客户间差异时也可为 Qini)的 95 % 区间不高于 0 的模型不会成为冠军;无效的联系因偶然通过的应不超过 5 %。

| effect of a contact 联系的效果 | logs 记录数 | models let through 通过的模型 | customers contacted in their name 因此联系的客户 |
|---|---|---|---|
{rows}

"""


def _lines(row: Any, banks: Sequence[Bank]) -> str:
    return "\n".join("| " + " | ".join(row(bank)) + " |" for bank in banks)


def _values(bank: Bank) -> list[str]:
    cells = [str(bank.seed), f"{bank.contacts:,}", f"{bank.effect_source}, {bank.serves}", f"{bank.true:,.0f}"]
    return [*cells, *(f"{other.true:,.0f}" for other in bank.others), f"{bank.best:,.0f}"]


def _margins(bank: Bank) -> list[str]:
    return [str(bank.seed), *(_signed(other.margin) for other in bank.others)]


def _expected(bank: Bank) -> list[str]:
    ratios = (bank.chance_ratio, bank.effect_ratio, bank.value_ratio, bank.both_ratio)
    whole = f"{bank.expected / bank.true:.1f}" if bank.true > 0 else "–"
    return [str(bank.seed), f"{bank.expected:,.0f}", f"{bank.true:,.0f}", whole, *(f"{one:.2f}" for one in ratios)]


def _sums(banks: Sequence[Bank]) -> str:
    expected, true = sum(bank.expected for bank in banks), sum(bank.true for bank in banks)
    names = ("chance_ratio", "effect_ratio", "value_ratio", "both_ratio")
    means = (f"**{np.mean([getattr(bank, name) for bank in banks]):.2f}**" for name in names)
    cells = ["**all 合计**", f"**{expected:,.0f}**", f"**{true:,.0f}**", f"**{expected / true:.1f}**", *means]
    return "| " + " | ".join(cells) + " |"


def _pooled(banks: Sequence[Bank]) -> str:
    """The mean margin over the banks, by customers and by banks, and on how many of them the list is ahead."""
    per_bank = [[bank.others[place].margin[0] for bank in banks] for place in range(len(WORDS))]
    errors = [[bank.others[place].error for bank in banks] for place in range(len(WORDS))]
    by_customer = [
        (np.mean(one), _Z * float(np.linalg.norm(error)) / len(banks))
        for one, error in zip(per_bank, errors, strict=True)
    ]
    by_bank = [(np.mean(one), _half_of_banks(one)) for one in per_bank]
    rows = [
        ["**mean, customers drawn** 平均,重抽客户", *(_signed((m, m - half, m + half)) for m, half in by_customer)],
        ["**mean, banks drawn** 平均,以银行为单位", *(_signed((m, m - half, m + half)) for m, half in by_bank)],
        [
            "banks on which the list is ahead 名单领先的银行",
            *(f"{sum(x > 0 for x in one)} of {len(one)}" for one in per_bank),
        ],
    ]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _unseen(banks: Sequence[Bank]) -> str:
    """The same mean over the banks that nobody looked at, where there are others."""
    rest = [bank for bank in banks if bank.seed not in SEEN]
    if len(rest) == len(banks) or not rest:
        return ""
    lines = _pooled(rest).splitlines()
    return "\n".join([lines[0].replace("**mean,", f"**mean of {_named([one.seed for one in rest])},"), lines[2]])


def _named(seeds: Sequence[int]) -> str:
    return ", ".join(str(seed) for seed in seeds)


def _half_of_banks(values: Sequence[float]) -> float:
    if len(values) < 2:
        return float("nan")
    return float(t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / np.sqrt(len(values)))


def _signed(ends: Sequence[Any]) -> str:
    value, low, high = (f"{float(end):+,.0f}" for end in ends)
    return f"{value} [{low}, {high}]"


def _from_json(one: dict[str, Any]) -> Bank:
    others = tuple(Other(**{**other, "margin": tuple(other["margin"])}) for other in one["others"])
    return Bank(**{**one, "others": others})
