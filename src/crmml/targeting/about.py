"""What the second sheet of the workbook says: where the list comes from and what its columns mean."""

from __future__ import annotations

import math
from collections.abc import Iterator

import pandas as pd

from crmml.sheets import Cell, Section, about_columns
from crmml.targeting.arms import CONTROL, EXPLORE, TREATED
from crmml.targeting.build import TargetList
from crmml.targeting.columns import CHANNELS, PEOPLE
from crmml.targeting.value import PROPENSITY, PROPENSITY_ZH, SAVE_RATE, SAVE_RATE_ZH, UPLIFT, UPLIFT_ZH

_KINDS = {
    "total": ("总量", "total"),
    "budget": ("联系成本预算", "budget of contact costs"),
    "offer": ("产品", "offer"),
    "channel": ("渠道", "channel"),
    "offer_branch": ("产品 × 机构", "offer in a branch"),
    "branch": ("机构", "branch"),
    "manager": ("客户经理", "manager"),
    "minimum_offer": ("产品最低数", "minimum of an offer"),
    "minimum_branch": ("机构最低数", "minimum of a branch"),
    "minimum_share": ("最低占比", "minimum share"),
}
EFFECT_WORDS = {
    PROPENSITY: f"{PROPENSITY_ZH}:不代表联系带来的增量 {PROPENSITY}: what contact adds is not known",
    SAVE_RATE: f"{SAVE_RATE_ZH}:对在行客户乘以流失概率 {SAVE_RATE}: of customers still here × their chance to leave",
    UPLIFT: f"{UPLIFT_ZH}:来自随机对照 {UPLIFT}: from randomised contacts",
}


def sections(targets: TargetList, *, money: str = "元 yuan") -> tuple[Section, ...]:
    """The blocks of the page in order: the list, what it should bring, filters, capacities, columns."""
    return (
        Section("名单 The list", ("项目 Item", "内容 Value"), tuple(identity(targets)), ("text", "wide")),
        Section("预期 Expected", ("项目 Item", "数值 Figure", "单位 Unit"), tuple(_expected(targets, money)), ("text", "number", "text")),
        Section(
            "筛选过程 How candidates became rows",
            ("步骤 Step", "剔除 Removed", "剩余候选 Candidates left", "剩余客户 Customers left"),
            tuple(_waterfall(targets)),
            ("text", "number", "number", "number"),
        ),
        *_since(targets),
        about_columns(PEOPLE),
        Section(
            "容量使用 Capacity used (空白上限表示不限 a blank limit is none)",
            ("类别 Kind", "名称 Name", "已用 Used", "上限或下限 Limit", "使用率 Share used", "再多一个值 One more is worth"),
            tuple(_capacity(targets)),
            ("text", "text", "number", "number", "share", "wide"),
        ),
    )  # fmt: skip


def _since(targets: TargetList) -> Iterator[Section]:
    """What changed since the list that this one was compared with, in numbers."""
    about = targets.about
    if "against" not in about:
        return
    gone = targets.changes[targets.changes["change"] == "gone"] if len(targets.changes) else targets.changes
    words = {"kept": "保留 Kept", "new": "新增 New", "gone": "移出 Gone", "other_offer": "换了产品 Another offer"}
    rows: list[tuple[Cell, ...]] = [(words[change], count, "") for change, count in about["changes"].items()]
    for (zh, en), count in reasons_of(gone).items():
        rows.append((f"− {zh} {en}", count, "移出原因 why gone"))
    title = f"与上次名单相比 Since the list {about['against']} ({about['against_as_of']})"
    yield Section(title, ("变化 Change", "客户 Customers", ""), tuple(rows), ("text", "number", "text"))


_WHY_GONE = {
    "taken": ("已办理该产品", "has taken the product"),
    "no_room": ("名额的价格高于其价值", "a place is worth more to others"),
    "by_lot": ("名额按价值、先后与抽签分完", "places given by value, order and lot"),
    "not_scored": ("没有评分", "not scored"),
}


def reasons_of(gone: pd.DataFrame) -> dict[tuple[str, str], int]:
    """How many are gone for each reason, the most frequent first."""
    found: dict[tuple[str, str], int] = {}
    for row in gone.to_dict("records"):
        words = _WHY_GONE.get(row["code"], (row["why_zh"].split(":")[0], row["why_en"].split(":")[0]))
        found[words] = found.get(words, 0) + 1
    return dict(sorted(found.items(), key=lambda each: (-each[1], each[0])))


def identity(targets: TargetList) -> Iterator[tuple[Cell, ...]]:
    """Which list it is: id, purpose, days, models, where the effect comes from."""
    about, spec = targets.about, targets.spec
    yield "名单编号 List id", targets.list_id
    yield "名称 Name", f"{spec.zh} {spec.en}"
    yield "用途 Purpose", spec.purpose
    yield "评分截止日 Scores as of", about["cutoff_date"]
    yield "排除名单数据日 Suppression as of", about["suppress_as_of"]
    yield "联系截止日 Call by", about["call_by"]
    for name, version in targets.about["models"].items():
        yield f"模型 Model: {name}", version
    for source, count in about["effect_source"].items():
        yield "联系效应 Effect of contact", f"{EFFECT_WORDS[source]} ({count:,} 行 rows)"
    for offer in spec.offers:
        if offer.save_rate is not None:
            yield f"挽留率 Save rate: {offer.zh} {offer.en}", f"{offer.save_rate:.0%} (本行假定 assumed by the bank)"
        for channel, contact in offer.contacts.items():
            if contact.effect_share != 1:
                words = f"{offer.zh} {offer.en}, {' '.join(CHANNELS.get(channel, (channel,)))}"
                yield f"渠道效应占比 Share of the effect: {words}", f"{contact.effect_share:.0%} (配置 config)"
    yield "随机种子 Seed", str(spec.seed)


def _expected(targets: TargetList, money: str) -> Iterator[tuple[Cell, ...]]:
    about, rows = targets.about, "行 rows"
    yield "名单行数 Rows to contact", targets.rows, rows
    yield "其中按价值选取 of these by expected value", about["rows"][TREATED], rows
    yield "其中随机探索 of these drawn at random, to learn", about["rows"][EXPLORE], rows
    yield "对照组(不在本表) Held out as control, not shown", about["rows"][CONTROL], rows
    yield "预期成交 Expected takers", about["expected_takers"], "户 customers"
    yield "预期价值合计 Expected value", about["expected_value"], money
    yield "已扣联系成本 Contact cost, already taken off", about["contact_cost"], money
    yield "已扣奖励 Incentives, already taken off", about["incentive"], money
    yield "分配价值(含对照组) Allocated value, control included", about["allocated_value"], money
    yield "理论上限 No allocation can exceed", about["bound"], money
    yield "与上限的差距 Gap to the bound at most", about["gap"] * 100, "%"


def _waterfall(targets: TargetList) -> Iterator[tuple[Cell, ...]]:
    for step in targets.waterfall.to_dict("records"):
        words = step["en"] if step["zh"] == step["en"] else f"{step['zh']} {step['en']}"
        left = int(step["candidates"]), int(step["customers"])
        yield (f"= {words}", None, *left) if step["is_total"] else (f"− {words}", int(step["removed"]), *left)


def _capacity(targets: TargetList) -> Iterator[tuple[Cell, ...]]:
    for use in targets.capacity_use.to_dict("records"):
        kind, used, limit = use["kind"], use["used"], use["limit"]
        name = " ".join(CHANNELS.get(use["key"], (use["key"],))) if kind == "channel" else use["name"]
        if kind == "minimum_share":
            used, limit = f"{used:.1%}", f"{limit:.1%}"
        elif kind != "budget":
            used, limit = int(used), limit if math.isinf(limit) else int(limit)
        share = None if isinstance(limit, str) or not 0 < limit < math.inf else used / limit
        shown = limit if isinstance(limit, str) or math.isfinite(limit) else None
        worth = f"{use['price_zh']} {use['price_en']}" if use["price"] > 0 else ""
        yield " ".join(_KINDS[kind]), name, used, shown, share, worth
