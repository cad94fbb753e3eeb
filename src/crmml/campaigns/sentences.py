"""What the figures of a campaign's report say, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmml.targeting.arms import CONTROL, TREATED


def sentences(told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a report says in words, in Chinese and English, the main thing first."""
    found = [_effect_sentence(told)]
    power = told["power"]
    if power is not None and power["smallest"] is not None:
        points = f"{power['smallest'] * 100:.1f}"
        found.append(
            (
                f"联系 {power['treated']:,} 户、对照 {power['control']:,} 户时,低于 {points} 个百分点的效果看不出来(把握度 80%,置信水平 95%)",
                f"with {power['treated']:,} contacts and {power['control']:,} controls an effect below {points} points could not have "
                "been seen (power 80 %, level 95 %)",
            )
        )
    elif power is not None:
        found.append(("两组人数过少,任何效果都看不出来", "with arms this small no effect could have been seen"))
    mixed = told["contamination"]
    if mixed["control_contacted"]:
        found.append(
            (
                f"对照组 {mixed['control']:,} 户中有 {mixed['control_contacted']:,} 户被联系(污染);仍按抽取时的组计,效果因此偏向零",
                f"{mixed['control_contacted']:,} of {mixed['control']:,} control customers were contacted (contamination); they stay in "
                "the arm they were drawn into, which draws the effect towards zero",
            )
        )
    missing = {arm: told["arms"][arm]["results_missing"] for arm in (TREATED, CONTROL)}
    if told["effect"] is not None and any(missing.values()):
        found.append(
            (
                f"结果未知:名单组 {missing[TREATED]:,} 户,对照组 {missing[CONTROL]:,} 户,未计入",
                f"results are not known of {missing[TREATED]:,} treated and {missing[CONTROL]:,} control customers; they are left out",
            )
        )
    if told["effect"] is not None and not told["is_settled"]:
        found.append(
            (
                f"期中读数:结果只到 {told['results_until']},窗口到 {told['window_end']} 才结束",
                f"interim: results reach {told['results_until']}, the window ends on {told['window_end']}",
            )
        )
    return found


_UNTOLD = {
    "one_arm": (
        "只知道一个组的结果,无法比较,不声称任何效果",
        "results are known for one arm only: no effect is claimed",
    ),
    "statuses_only": (
        "只有客户经理填写的联系结果,对照组没有;不声称任何效果。请用 --from-contacts 或含“是否办理”的文件补充两组的结果",
        "only the managers' statuses are known, and control customers have none: no effect is claimed. Bring the results of both "
        "arms with --from-contacts or a file with the column taken",
    ),
    "nothing": ("尚无任何结果", "no outcomes yet"),
}


_SHARES = {
    "taken": ("办理率", "of takers"),
    "kept": ("留存率", "of customers kept"),
    "both": ("成功率(办理或留存)", "of successes (taken or kept)"),
}


def _effect_sentence(told: Mapping[str, Any]) -> tuple[str, str]:
    effect = told["effect"]
    if told["why"] is not None:
        return _UNTOLD[told["why"]]
    points, low, high = (f"{effect[name] * 100:+.1f}" for name in ("difference", "low", "high"))
    sure = effect["low"] > 0 or effect["high"] < 0
    zh, en = _SHARES[told["success"]]
    return (
        f"联系使{zh}变化 {points} 个百分点,95% 区间 [{low}, {high}]{'' if sure else ',含零:不能断定有效果'}",
        f"contact changed the share {en} by {points} points, 95 % interval [{low}, {high}]"
        + ("" if sure else ", which holds 0: no effect is proven"),
    )
