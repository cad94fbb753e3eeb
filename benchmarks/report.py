"""The table, on the screen and as a page of the documents."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.measure import Row
from crmml.scoring import PLACES

LIBRARIES = ("duckdb", "ibis-framework", "pyarrow", "pandas", "polars", "numpy", "lightgbm")
HEAD = (
    "what 项目",
    "against 对照",
    "size 规模",
    "crmml",
    "other 对照值",
    "ratio 比值",
    "goal 目标",
    "met 达标",
    "checked 核对",
)
MET = {True: "yes", False: "**no**", None: ""}


def table_of(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table."""
    lines = ["| " + " | ".join(HEAD) + " |", "|" + "---|" * len(HEAD)]
    for row in rows:
        cells = (row.what, row.against, row.size, row.ours, row.theirs, row.ratio, row.goal, MET[row.met], row.checked)
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def machine(load: tuple[float, float]) -> str:
    """Facts of the machine that times depend on."""
    versions = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}; "
        f"load average {load[0]:.1f} at the start and {load[1]:.1f} at the end"
    )


@dataclass(frozen=True)
class Measured:
    """The lines of one part, how often each contestant was timed, and on which machine."""

    rows: tuple[Row, ...]
    rounds: int
    facts: str


def read(page: Path | None) -> dict[str, Measured]:
    """The parts stored beside a page; none where nothing is."""
    path = None if page is None else page.with_suffix(".json")
    if path is None or not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    return {
        part: Measured(tuple(Row(**row) for row in told["rows"]), told["rounds"], told["facts"])
        for part, told in stored.items()
    }


def write(page: Path, parts: Mapping[str, Measured]) -> None:
    """The parts as data, and the page made of them."""
    text = json.dumps({part: asdict(told) for part, told in parts.items()}, indent=1, ensure_ascii=False)
    page.with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    page.write_text(page_of(parts), encoding="utf-8")


def page_of(parts: Mapping[str, Measured]) -> str:
    """The document: how it was measured, the table, what it does not say."""
    rows = [row for told in parts.values() for row in told.rows]
    rounds = " or ".join(str(count) for count in sorted({told.rounds for told in parts.values()}))
    facts = "\n".join(f"- {part}: {told.facts}." for part, told in parts.items())
    missed = sum(row.met is False for row in rows)
    return f"""# Benchmarks / 基准

Written by `make bench` (`python -m benchmarks`) from `benchmarks.json` beside it; nothing here is edited by hand. Contestants take turns in one process on the same
data: each runs once unmeasured while its values are checked, then once in every one of {rounds} rounds. Seconds are medians; the
ratio is the median of the rounds' ratios with the lowest and highest, **crmml / other**, so below 1 is faster. Seconds hold for
this machine only, ratios travel better. No test depends on time.

本页由 `make bench` 生成,不手工修改。各方在同一进程、同一数据上轮流运行:先各运行一次核对数值(不计时),再计时 {rounds} 轮。
秒数取中位数;比值为各轮 **crmml / 对照** 的中位数,括号内为最小与最大,小于 1 即更快。任何测试都不以耗时判定。

Machine / 机器:

{facts}

{table_of(rows)}

Goals missed / 未达目标: {missed} of {sum(row.met is not None for row in rows)}.

## What is compared / 对照说明

- **Frozen set**: 96 windowed features (24 sums, counts, means and extremes over 1, 3, 6 and 12 months), recency, balance and two
  trends, at 12 monthly cut-offs, of a drawn bank: 500 bookings an account over five years, late postings, joint holders, accounts
  that change hands, transfers between own accounts (`benchmarks/frozen_set.py`, `benchmarks/frozen_bank.py`). It is declared like
  any family and built by `build_features`.
- **scan** reads the bookings once, joins the holders, one `GROUP BY` with a count, a sum and a maximum. It makes no feature; it
  is the least any build must do. **As they arrive**: unsorted files, nothing prepared, holders and own transfers looked up in the build.
- **DuckDB join**, **pandas loop** and **Polars plan** read the bookings that `crmml` prepared, holders joined and own transfers
  marked, so only the making of features is compared.
- **All families** reads every table of the bank (loans, arrears, events, balances, walks of single rows, …), not bookings alone;
  contribution, which needs the ledger, is left out. No goal is set for it.
- **bare pred_contrib** is LightGBM's own call on a matrix already in memory. The other side reads Parquet, encodes, predicts,
  explains, names {PLACES} reasons against peers, words them in two languages and writes Parquet. The
  smaller the model, the more the words weigh: the goal is set on the large one. **Streamed** makes no reasons: it adds reading and
  encoding to **bare predict**. Memory is the most a process of its own held.
- **greedy** sorts by expected value and takes what still fits; **top 1, then trim** gives each customer the best offer and keeps the
  best rows that fit; **numpy.argsort alone** sorts the values and chooses nothing. At 100,000 customers every kind of limit holds at
  once (offer, channel, branch, manager, total, budget), at a million product and product × branch; there each contestant runs once in
  a process of its own, seconds without, memory with the values. Gaps are to an upper bound, so they are at most that large.
"""
