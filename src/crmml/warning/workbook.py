"""The early warning as a workbook that managers work with and send back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from crmml.sheets import (
    SHEET_ROWS,
    Column,
    Print,
    Section,
    about_columns,
    let_choose,
    open_book,
    write_about,
    write_rows,
)
from crmml.vocabulary import ALERT_LEVELS
from crmml.warning.columns import ALERTS, GONE, RETURNED, STATUSES, alerts_view, gone_view
from crmml.warning.spec import LEVELS

TITLE = "客户流失预警 Early warning"


def write_workbook(
    alerts: pd.DataFrame,
    gone: pd.DataFrame | None,
    about: Mapping[str, Any],
    path: Path,
    *,
    language: Literal["zh", "en"] = "zh",
    currency: str = "CNY",
) -> None:
    """Write the alerts, the customers to win back (where there are any to tell of) and the page about them.

    More rows than a sheet holds stay in the Parquet file; the page says how many.
    """
    money = "元 yuan" if currency == "CNY" else currency
    name = f"{about['model']['name']} {about['cutoff']}"
    printed = Print(TITLE, f"截至 as of {about['cutoff']}", name)
    created = datetime.fromisoformat(about["as_of"])
    with open_book(path, title=TITLE, subject=name, created=created) as (book, styles):
        sheets: list[tuple[str, tuple[Column, ...], pd.DataFrame, Mapping[str, str]]] = [
            ("预警 Alerts", ALERTS, alerts_view(alerts, language=language), STATUSES)
        ]
        if gone is not None:
            sheets.append(("赢回 Win back", GONE, gone_view(gone), RETURNED))
        for title, columns, view, statuses in sheets:
            part, sheet = view.head(SHEET_ROWS), book.add_worksheet(title)
            write_rows(sheet, part, columns, styles, money=money, printed=printed, frozen=4)
            let_choose(sheet, columns, "status", list(statuses.values()), styles, rows=len(part))
        blocks = (_identity(alerts, gone, about), _levels(alerts), about_columns(ALERTS))
        write_about(book.add_worksheet("说明 About"), TITLE, blocks, styles)


def _identity(alerts: pd.DataFrame, gone: pd.DataFrame | None, about: Mapping[str, Any]) -> Section:
    model = about["model"]
    rows: list[tuple[str, str]] = [
        ("模型 Model", f"{model['name']} {model['version']}: {about['zh']} {about['en']}"),
        ("评分截止日 Scores as of", about["cutoff"]),
        ("数据日 Data as of", about["as_of"]),
        ("评分客户 Customers scored", f"{about['scored']:,}"),
        ("预警客户 Alerted", f"{len(alerts):,}"),
        ("此后已离开而剔除 Left since, taken off", f"{about['left_since']:,}"),
        (
            "预警是倾向而非因果 A propensity",
            "照顾是否有效须用对照组检验 whether care helps is for a control group to tell",
        ),
    ]
    if about["in_training"]:
        rows.append(("注意 Mind", "截止日早于训练标签的末日 the cut-off lies inside the champion's training"))
    if gone is not None:
        rows.append(("可赢回 May be approached", f"{int(gone['may_be_approached'].sum()):,} / {len(gone):,}"))
        rows.append(("表内行数上限 Rows a sheet holds", f"{SHEET_ROWS:,}"))
    return Section("预警 The warning", ("项目 Item", "内容 Value"), tuple(rows), ("text", "wide"))


def _levels(alerts: pd.DataFrame) -> Section:
    counts, at_risk = alerts["level"].value_counts(), alerts.groupby("level")["value_at_risk"].sum()
    rows = tuple(
        (" ".join(ALERT_LEVELS[level]), int(counts.get(level, 0)), float(at_risk.get(level, 0.0))) for level in LEVELS
    )
    header = ("级别 Level", "客户 Customers", "风险价值 Value at risk")
    return Section("级别 Levels", header, rows, ("text", "number", "number"))
