"""Packs: the part of one list that a branch or a manager receives, cut from the very rows of the whole.

A pack holds its own desk's rows to contact, reserve and changes, and nothing of
any other desk: no other name stands in a sheet, a header or the properties of the file.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from crmml.files import write_atomic
from crmml.sheets import Cell, Section, about_columns
from crmml.targeting.about import EFFECT_WORDS, identity
from crmml.targeting.arms import CONTROL
from crmml.targeting.build import TargetList
from crmml.targeting.columns import PEOPLE, people_view
from crmml.targeting.export import people_csv
from crmml.targeting.room import NOBODY
from crmml.targeting.workbook import TARGETS, Page, other_pages, write_pages

Level = Literal["head", "branch", "manager"]
LEVELS: tuple[Level, ...] = ("head", "branch", "manager")
_UNSAFE = re.compile(r"[^\w.-]+", re.ASCII)
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")
_LONGEST = 80
# What tells of the whole list, or how its arms were drawn.
_NOT_FOR_DESKS = ("随机种子", "联系效应")


@dataclass(frozen=True)
class Desk:
    """Who receives a pack: a branch or a manager by id and name; head office receives all."""

    level: Level
    key: str = ""
    name: str = ""

    def owns(self, rows: pd.DataFrame) -> pd.Series:
        """Which rows are this desk's."""
        if self.level == "head":
            return pd.Series(True, index=rows.index)
        return rows[f"{self.level}_id"].astype("str").fillna(NOBODY) == self.key


def desks(targets: TargetList, level: Level) -> list[Desk]:
    """The desks of a level that have rows to contact or in reserve, by id."""
    if level == "head":
        return [Desk("head")]
    parts = [_contacted(targets), targets.reserve]
    both = [f"{level}_id", level]
    rows = pd.concat([part[both] for part in parts if len(part)] or [parts[0][both]])
    rows = rows.assign(key=rows[f"{level}_id"].astype("str").fillna(NOBODY)).drop_duplicates("key").sort_values("key")
    names = rows[level].astype("str").fillna("未分配 nobody")
    return [Desk(level, str(key), str(name)) for key, name in zip(rows["key"], names, strict=True)]


def write_pack(
    targets: TargetList, desk: Desk, path: Path, *, language: Literal["zh", "en"] = "zh", currency: str = "CNY"
) -> int:
    """Write a desk's workbook, and beside it the CSV of its rows to contact; the number of rows.

    Rows keep the number they have in the whole list, and every figure its bits.
    """
    rows = _contacted(targets)
    view = people_view(rows, language=language)[desk.owns(rows).to_numpy()]
    reserve, changes = (part[desk.owns(part)] if len(part) else part for part in (targets.reserve, targets.changes))
    pages = [Page(TARGETS, view, PEOPLE, 2), *other_pages(reserve, changes, language)]
    own = rows[desk.owns(rows)]
    money = "元 yuan" if currency == "CNY" else currency
    about = None if desk.level == "head" else tuple(_about(targets, desk, own, money))
    write_pages(path, targets, pages, currency=currency, about=about, desk=desk.name)
    write_atomic(path.with_suffix(".csv"), people_csv(view))
    return len(view)


def safe_names(keys: Sequence[str]) -> dict[str, str]:
    """A file name for each id: itself where that is safe everywhere and unlike the others, else mended and told apart.

    >>> safe_names(["M07", "a/b", "A/B"])
    {'M07': 'M07', 'a/b': 'a_b-c14cddc0', 'A/B': 'A_B-998d3ed8'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for key in keys:
        bare = _UNSAFE.sub("_", key).strip("._-")[:_LONGEST]
        is_safe = bool(bare) and bare == key and not _RESERVED.fullmatch(bare) and bare.casefold() not in taken
        name = bare if is_safe else f"{bare or 'id'}-{hashlib.sha256(key.encode()).hexdigest()[:8]}"
        taken.add(name.casefold())
        found[key] = name
    return found


def _contacted(targets: TargetList) -> pd.DataFrame:
    return targets.table[targets.table["arm"] != CONTROL].reset_index(drop=True)


def _about(targets: TargetList, desk: Desk, own: pd.DataFrame, money: str) -> Iterator[Section]:
    """The page about a pack: the list, what this desk's rows should bring, its own capacity, the columns."""
    words = {"branch": "机构 Branch", "manager": "客户经理 Manager"}[desk.level]
    shown = f"{desk.name} ({desk.key})" if desk.key not in (NOBODY, desk.name) else desk.name
    told = [line for line in identity(targets) if not str(line[0]).startswith(_NOT_FOR_DESKS)]
    sources = [("联系效应 Effect of contact", EFFECT_WORDS[source]) for source in sorted(own["effect_source"].unique())]
    lines = ((words, shown), *told, *sources)
    yield Section("名单 The list", ("项目 Item", "内容 Value"), lines, ("text", "wide"))
    header = ("项目 Item", "数值 Figure", "单位 Unit")
    yield Section("预期 Expected", header, tuple(_expected(targets, desk, own, money)), ("text", "number", "text"))
    yield about_columns(PEOPLE)


def _expected(targets: TargetList, desk: Desk, own: pd.DataFrame, money: str) -> Iterator[tuple[Cell, ...]]:
    use = targets.capacity_use
    limit = use.loc[(use["kind"] == desk.level) & (use["key"] == desk.key), "limit"]
    yield "名单行数 Rows to contact", len(own), "行 rows"
    if len(limit) and math.isfinite(limit.iloc[0]):
        yield "容量 Capacity", int(limit.iloc[0]), "行 rows"
    yield "预期成交 Expected takers", float(own["prob_take"].sum()), "户 customers"
    yield "预期价值合计 Expected value", float(own["expected_value"].sum()), money
    yield "已扣联系成本 Contact cost, already taken off", float(own["contact_cost"].sum()), money
