"""The table, on the screen and as a page of the documents."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

from benchmarks.feature_build import BY_KIND, WINDOWS
from benchmarks.measure import Row
from crmml.scoring import PLACES

LIBRARIES = ("duckdb", "ibis-framework", "pyarrow", "pandas", "numpy", "lightgbm")
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


def page_of(rows: Sequence[Row], *, rounds: int, facts: str) -> str:
    """The document: how it was measured, the table, what it does not say."""
    missed = sum(row.met is False for row in rows)
    return f"""# Benchmarks / 基准

Written by `make bench` (`python -m benchmarks`); nothing here is edited by hand. Contestants take turns in one process on the same
data: each runs once unmeasured while its values are checked, then once in every one of {rounds} rounds. Seconds are medians; the
ratio is the median of the rounds' ratios with the lowest and highest, **crmml / other**, so below 1 is faster. Seconds hold for
this machine only, ratios travel better. No test depends on time.

本页由 `make bench` 生成,不手工修改。各方在同一进程、同一数据上轮流运行:先各运行一次核对数值(不计时),再计时 {rounds} 轮。
秒数取中位数;比值为各轮 **crmml / 对照** 的中位数,括号内为最小与最大,小于 1 即更快。任何测试都不以耗时判定。

Machine / 机器: {facts}.

{table_of(rows)}

Goals missed / 未达目标: {missed} of {sum(row.met is not None for row in rows)}.

## What is compared / 对照说明

- **scan** reads the bookings once, joins the holders, one `GROUP BY` with a count, a sum and a maximum. It makes no feature; it
  is the least any build must do. The goal was set for 10 million bookings; the fixed cost of planning the queries weighs more on
  fewer (`--quick` shows it, `--customers 29000` is 10 million). **Own transfers marked** is the same over the relation every feature of bookings is counted
  on: each booking with its holders of the day, what was known when, and transfers between own accounts told apart. What lies
  between the two is the price of that, not of the features.
- **All families** reads every table of the bank (loans, arrears, events, balances, …), not bookings alone; contribution, which
  needs the ledger, is left out. **By kind** is {len(BY_KIND.measures) * len(WINDOWS)} columns of one table, as many as the goals were set on; **sums and
  counts** are those of the family `turnover` as it declares them.
- **DuckDB join** and **pandas loop** make the same columns from the same Parquet files over the same marked bookings. A join
  does well on few columns and falls behind as columns are added.
- **bare pred_contrib** is LightGBM's own call on a matrix already in memory. The other side reads Parquet, encodes, predicts,
  explains, names {PLACES} reasons against peers, words them in two languages and writes Parquet. The
  smaller the model, the more the words weigh. **Streamed** makes no reasons: it adds reading and encoding to **bare predict**.
- **argsort** sorts by expected value and takes what still fits. Gaps are to an upper bound, so they are at most that large.
"""
