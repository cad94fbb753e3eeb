"""The formula of a feature in Chinese: the catalogue builds it from English phrases and the names of columns."""

from __future__ import annotations

import re

_OF = r"(\S+)"
_PHRASES: tuple[tuple[str, str], ...] = (
    (r", over \]cut-off - (\d+) months, cut-off\]", r";区间:](截止日 − \1 个月), 截止日]"),
    (r", up to the cut-off", ";截至截止日"),
    (r", sums and counts per month", "(总额与次数先按月平均)"),
    (rf"number of different {_OF} of the last (\d+) months, without a row in the months of the window before",
     r"近 \2 个月出现、窗口内此前各月未出现的不同 \1 个数"),
    (rf"number of different {_OF} with rows in at least (\d+) months before the last, and none in the last, of the window",
     r"最近一月之前至少 \2 个月有记录、最近一月没有的不同 \1 个数"),
    (rf"number of different {_OF} with rows in at least (\d+) months of the window", r"窗口内至少 \2 个月有记录的不同 \1 个数"),
    (rf"number of different {_OF} in the window", r"窗口内不同 \1 的个数"),
    (rf"number of different {_OF} whose {_OF} sum to more than 0", r"\2 之和大于 0 的不同 \1 个数"),
    (rf"days from the cut-off to the farthest {_OF} of each {_OF} whose {_OF} sum to more than 0",
     r"各 \2(\3 之和大于 0)的 \1 中最远者距截止日的天数"),
    (rf"days from the cut-off to the nearest {_OF} of each {_OF} whose {_OF} sum to more than 0",
     r"各 \2(\3 之和大于 0)的 \1 中最近者距截止日的天数"),
    (rf"sum of {_OF} of each {_OF} whose {_OF} lies within (\d+) months after the cut-off",
     r"\3 在截止日后 \4 个月内的各 \2 的 \1 之和"),
    (rf"newest {_OF} at the cut-off less the newest at the window's start, summed over each {_OF}",
     r"各 \2 截止日最新 \1 减窗口开始时最新值之和"),
    (rf"share of the largest {_OF} in the sum of {_OF}", r"最大 \1 占 \2 总额的份额"),
    (rf"sum of the squared shares of each {_OF} in the sum of {_OF}", r"各 \1 占 \2 总额份额的平方和"),
    (rf"sum of the newest {_OF} of each entity", r"各标的最新 \1 之和"),
    (rf"largest of the newest {_OF} of each entity", r"各标的最新 \1 的最大值"),
    (rf"value of the newest {_OF} of each entity", r"标的最新 \1"),
    (rf"daily average of the level whose changes are {_OF}", r"由 \1 累计的余额的日均值"),
    (rf"lowest end-of-day level whose changes are {_OF}", r"由 \1 累计的日终余额的最低值"),
    (rf"highest end-of-day level whose changes are {_OF}", r"由 \1 累计的日终余额的最高值"),
    (rf"standard deviation over days of the level whose changes are {_OF}", r"由 \1 累计的余额的逐日标准差"),
    (rf"least-squares slope, per 30 days, of the level whose changes are {_OF}", r"由 \1 累计的余额的最小二乘斜率(每 30 天)"),
    (rf"mean, over the month ends of the window, of the level whose changes are {_OF}", r"由 \1 累计的余额在窗口内各月末的平均"),
    (r"median of the days between successive days with rows", "相邻两个有记录日之间天数的中位数"),
    (r"longest stretch of days without a row, the ends of the window counted as rows", "最长无记录天数(窗口两端计为有记录)"),
    (r"months of the window with a row", "窗口内有记录的月数"),
    (r"days from the last row to the cut-off", "最后一条记录距截止日的天数"),
    (r"days from the first row to the cut-off", "首条记录距截止日的天数"),
    (rf"days from {_OF} to the cut-off", r"\1 距截止日的天数"),
    (rf"whole (?:years) from {_OF} to the cut-off", r"\1 至截止日的整年数"),
    (rf"whole (?:months) from {_OF} to the cut-off", r"\1 至截止日的整月数"),
    (rf"^{_OF} as known at the cut-off", r"截止日所知的 \1"),
    (r"^how many of (.+), as far as they may be used, are null", r"可用的 \1 中为空的个数"),
    (r"^how many of (.+) are above 0", r"\1 中大于 0 的个数"),
    (rf"^share of the customers of the same segment and cut-off with a smaller {_OF}, equal ones half",
     r"同客群同截止日中 \1 更小的客户占比(相等者计一半)"),
    (r"^the horizon of the row, in months after the gap", "本行的期限(间隔之后的月数)"),
    (r"^prob_take of the offered product, by the champion of its uptake model", "所推产品的购买概率(其购买模型在用版本)"),
    (rf"^{_OF} of the event itself", r"事件自身的 \1"),
    (r"^column (.+)", r"表中的列 \1"),
    (r"1 without any row", "没有任何记录则为 1"),
    (r"number of rows", "记录数"),
    (rf"sum of all {_OF}", r"\1 的累计总和"),
    (rf"sum of {_OF}", r"\1 之和"),
    (rf"mean of {_OF}", r"\1 的平均"),
    (rf"largest {_OF}", r"\1 的最大值"),
    (rf"smallest {_OF}", r"\1 的最小值"),
    (r" where ", ",条件:"),
)  # fmt: skip
_DROPPED: tuple[tuple[str, str], ...] = (
    (r"^null on every training row$", "训练行上全部为空"),
    (r"^always (.+) on training rows$", r"训练行上恒为 \1"),
    (r"^the same as (.+) on every training row$", r"在每个训练行上与 \1 相同"),
)


def in_chinese(formula: str) -> str:
    """A formula of the catalogue in Chinese; names of columns and conditions stay as they are.

    >>> in_chinese("sum of amount where kind == 'salary', over ]cut-off - 3 months, cut-off]")
    "amount 之和,条件:kind == 'salary';区间:](截止日 − 3 个月), 截止日]"
    >>> in_chinese("salary_in_3m / salary_in_12m - 1, sums and counts per month")
    'salary_in_3m / salary_in_12m - 1(总额与次数先按月平均)'
    """
    return _replaced(formula, _PHRASES)


def dropped_in_chinese(reason: str) -> str:
    """Why a column is not learned from, in Chinese.

    >>> dropped_in_chinese("always 1.0 on training rows"), dropped_in_chinese("null on every training row")
    ('训练行上恒为 1.0', '训练行上全部为空')
    """
    return _replaced(reason, _DROPPED)


def _replaced(text: str, phrases: tuple[tuple[str, str], ...]) -> str:
    for phrase, words in phrases:
        text = re.sub(phrase, words, text)
    return text
