"""What else was tried, from `docs/tried.json`: settings on inner folds, blends with the scorecard, and every bar that is missed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.peers.compare import Compared
from benchmarks.results.row import Result

Tried = Mapping[str, Mapping[str, Mapping[str, float]]]
BLENDS, ORDERS = "blends", "cdnow_orders"
#: Which comparison with learners and which settings speak of a result: by data set, and a word of its question.
SPEAKS_OF = {
    ("bank_marketing", "the last calls"): "bank_marketing_by_time",
    ("bank_marketing", ""): "bank_marketing_random",
    ("credit_card_default", ""): "credit_card_default",
    ("xiamen", "assets fall in the next quarter"): "xiamen_churn",
    ("cdnow", "orders"): ORDERS,
}


def section_of_tried(tried: Tried) -> str:
    """The settings tried on inner folds, and how far a blend could go."""
    parts = [_settings({name: found for name, found in tried.items() if name not in (BLENDS, ORDERS)})]
    parts += [_orders(tried[ORDERS])] if ORDERS in tried else []
    parts += [_blends(tried[BLENDS])] if BLENDS in tried else []
    return "\n".join(parts)


def _settings(tried: Tried) -> str:
    """Each setting's AUC on the inner folds, and how far it is from the defaults."""
    settings = list(dict.fromkeys(setting for found in tried.values() for setting in found))
    heads = ["setting 参数", *(f"{name} (trees 树数)" for name in sorted(tried))]
    lines = [
        "### What else was tried / 还试过什么\n\nAUC of one booster on the inner folds of the training rows, and less that of the defaults "
        "(`python -m benchmarks.peers.tried`); the tested rows are not looked at, and no figure here is comparable with one above / "
        "训练行内部各折上的 AUC,括号内为树数;不看检验行。\n",
        _line(heads),
        _rule(heads),
    ]
    for setting in sorted(settings, key=lambda name: (not name.startswith("defaults"), name)):
        lines.append(_line([setting, *(_setting(tried[name], setting) for name in sorted(tried))]))
    return "\n".join([*lines, ""])


def _setting(found: Mapping[str, Mapping[str, float]], setting: str) -> str:
    if setting not in found:
        return "–"
    one, plain = found[setting], found["defaults"]
    gap = "" if setting == "defaults" else f" {one['auc'] - plain['auc']:+.4f}"
    return f"{one['auc']:.4f}{gap} ({one['trees']:.0f})"


def _orders(found: Mapping[str, Mapping[str, float]]) -> str:
    heads = ["setting 参数", "correlation 相关", "RMSE ↓"]
    lines = [
        "Orders at CDNOW, judged inside the 39 weeks (`python -m benchmarks.results.cdnow_inner`): one month of label, carried to "
        "the three months of weeks 27 to 39, as the question carries three months to nine / CDNOW 订单:只用前 39 周,以一个月的标签外推到"
        "第 27 至 39 周。\n",
        _line(heads),
        _rule(heads),
    ]
    best = chosen_setting(found)
    for name, one in found.items():
        words = f"**{name}**" if name == best else name
        lines.append(_line([words, f"{one['correlation']:.4f}", f"{one['rmse']:.4f}"]))
    return "\n".join([*lines, ""])


def chosen_setting(found: Mapping[str, Mapping[str, float]]) -> str:
    """The setting with the least squared error on the inner test."""
    return min(found, key=lambda name: found[name]["rmse"])


def _blends(found: Mapping[str, Mapping[str, float]]) -> str:
    heads = ["table 表", "crmml", "scorecard 评分卡", "best blend 最好的混合", "its weight of the scorecard 评分卡权重"]
    lines = [
        "A blend with the points scorecard on the log-odds scale would keep reasons exact. The weight that is best on the tested rows "
        "themselves, which no honest choice can beat (`python -m benchmarks.peers.blends`) / 与评分卡在对数几率上混合:以检验行事后选出的最好权重,"
        "任何诚实的选择都不会更好。\n",
        _line(heads),
        _rule(heads),
    ]
    for name, one in sorted(found.items()):
        figures = (f"{one[key]:.4f}" for key in ("crmml", "scorecard"))
        lines.append(
            _line([name, *figures, f"{one['best']:.4f} {one['best'] - one['crmml']:+.4f}", f"{one['weight']:.1f}"])
        )
    return "\n".join([*lines, ""])


def missed_bars(results: Sequence[Result], compared: Mapping[str, Compared], tried: Tried) -> str:
    """Every bar that is not reached, with what was tried and the best that anything reached; empty where there is none."""
    missed = [(result, goal) for result in results for goal in result.goals if result.reached(goal) is False]
    if not missed:
        return ""
    lines = ["## Bars that are missed / 未达的门槛", ""]
    for result, goal in missed:
        sign = "≤" if goal.at_most else "≥"
        told = " ".join(_told(result, compared, tried)) or "Nothing else was tried."
        lines.append(
            f"- **{result.dataset}, {result.question}**: {result.metric} {result.ours.value:.4f} "
            f"[{result.ours.low:.4f}, {result.ours.high:.4f}], {goal.kind} {sign} {goal.bar:g}. {told}"
        )
    return "\n".join([*lines, ""])


def _told(result: Result, compared: Mapping[str, Compared], tried: Tried) -> list[str]:
    keys = [key for (data, word), key in SPEAKS_OF.items() if data == result.dataset and word in result.question]
    if not keys:
        return []
    key = keys[0]
    said = [_inside_noise(result)]
    if key == ORDERS and ORDERS in tried:
        said.append(
            f"{len(tried[ORDERS])} settings were tried inside the 39 weeks; '{chosen_setting(tried[ORDERS])}' was best there and is the config's."
        )
    elif key in tried:
        gap, name = max((one["auc"] - tried[key]["defaults"]["auc"], name) for name, one in tried[key].items())
        said.append(
            f"{len(tried[key]) - 1} other settings were tried on inner folds; the best, {name}, adds {gap:+.4f} there."
        )
    if key in compared and compared[key].note:
        note = compared[key].note
        said.append(f"{note[0].upper()}{note[1:]}.")
    if key in compared:
        best = compared[key].best
        said.append(
            f"The best other learner on the same rows, {best.replace('_', ' ')}, reaches {compared[key].sides[best].auc.value:.4f}."
        )
    if key in tried.get(BLENDS, {}):
        blend = tried[BLENDS][key]
        said.append(f"The best blend with the scorecard, with the test in sight, reaches {blend['best']:.4f}.")
    return [one for one in said if one]


def _inside_noise(result: Result) -> str:
    """Whether the bar lies within the interval, so that another draw of customers may reach it."""
    goals = [goal for goal in result.goals if result.reached(goal) is False]
    inside = all(result.ours.low <= goal.bar <= result.ours.high for goal in goals)
    return "The bar lies inside the interval." if inside else "The bar lies outside the interval."


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _rule(heads: Sequence[str]) -> str:
    return "|" + "---|" * len(heads)
