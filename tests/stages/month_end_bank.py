"""A bank that holds month-end balances and nothing else, in files as such banks export them.

Customers lie in a SQLite file, balances in one GBK file a month, with Chinese
column names, dates without dashes and a decimal comma; who bought a fund is in
a list of its own. Amounts are drawn from a seed.
"""

from __future__ import annotations

import calendar
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import numpy as np
import yaml

CUSTOMERS, MONTHS, FIRST = 700, 22, (2023, 3)


def month_end(place: int) -> date:
    year, month = FIRST[0] + (FIRST[1] - 1 + place) // 12, (FIRST[1] - 1 + place) % 12 + 1
    return date(year, month, calendar.monthrange(year, month)[1])


def balances(seed: int = 11) -> np.ndarray:
    """Month-end balances of shape (customers, months), in cents: a third fall away, a third dip, a third stay."""
    draw = np.random.default_rng(seed)
    level = draw.lognormal(9.5, 0.8, CUSTOMERS)[:, None] * np.exp(draw.normal(0, 0.15, (CUSTOMERS, MONTHS)))
    fate = draw.integers(0, 3, CUSTOMERS)[:, None]
    gone = np.clip(np.arange(MONTHS)[None, :] - draw.integers(4, MONTHS, CUSTOMERS)[:, None], 0, 12)
    kept = np.select([fate == 0, fate == 1], [0.62**gone, np.maximum(0.62**gone, 0.6)], 1.0)
    return np.round(level * kept * 100).astype(np.int64)


def lay(root: Path) -> Path:
    """Write the files and the configs of the bank; returns its folder."""
    source = root / "exports"
    (source / "月末余额").mkdir(parents=True)
    numbers = [f"{n:08d}" for n in range(1, CUSTOMERS + 1)]
    with closing(sqlite3.connect(source / "crm.sqlite")) as database, database:
        database.execute("CREATE TABLE 客户 (客户号 TEXT, 姓名 TEXT, 开户日 TEXT, 机构 TEXT, 余额合计 DECIMAL(18,2))")
        rows = [(no, f"客户{no[-3:]}", "2019-05-06", f"B{int(no) % 3}", int(no) / 4) for no in numbers]
        database.executemany("INSERT INTO 客户 VALUES (?, ?, ?, ?, ?)", rows)
    amounts = balances()
    for place in range(MONTHS):
        day = month_end(place)
        lines = [
            f"{no};{day:%Y%m%d};{_written(int(cents))}\n" for no, cents in zip(numbers, amounts[:, place], strict=True)
        ]
        text = "客户号;日期;余额\n" + "".join(lines)
        (source / "月末余额" / f"{day:%Y-%m}.csv").write_bytes(text.encode("gbk"))
    (source / "responses.csv").write_text(responses(amounts), encoding="utf-8")
    folder = root / "configs" / "month_end"
    folder.mkdir(parents=True)
    for name, content in CONFIGS.items():
        (folder / name).write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return folder


def responses(amounts: np.ndarray) -> str:
    """Who bought a fund within three months of a month's end: mostly those with much money."""
    draw = np.random.default_rng(5)
    lines = ["customer_id,cutoff_date,bought,known_on\n"]
    for place in range(3, MONTHS - 3):
        rich = np.log(amounts[:, max(0, place - 11) : place + 1].max(axis=1) / 100) - 9.5
        bought = draw.random(CUSTOMERS) < 1 / (1 + np.exp(2.5 - 1.5 * rich))
        days = f"{month_end(place)},{{}},{month_end(place + 3)}\n"
        lines += [f"{n:08d},{days.format(int(bought[n - 1]))}" for n in range(1, CUSTOMERS + 1)]
    return "".join(lines)


def _written(cents: int) -> str:
    """12345678 cents as 123.456,78."""
    whole, rest = divmod(cents, 100)
    return f"{whole:,}".replace(",", ".") + f",{rest:02d}"


CONFIGS = {
    "bank.yaml": {
        "bank": {"name": "month_end", "zh": "仅月末余额的银行(测试)", "en": "A bank of month-end balances (test)"},
        "sources": {
            "crm": {"path": "exports/crm.sqlite", "table": "客户"},
            "month_ends": {
                "path": "exports/月末余额/*.csv",
                "options": {
                    "encoding": "gbk",
                    "delimiter": ";",
                    "decimal": ",",
                    "thousands": ".",
                    "dateformat": "%Y%m%d",
                    "columns": {"日期": "DATE", "余额": "DECIMAL(18,2)"},
                },
            },
            "responses": "exports/responses.csv",
        },
        "tables": {
            "customers": "SELECT 客户号 AS customer_id, 'person' AS kind, 姓名 AS name, 开户日 AS joined_on, 机构 AS branch_id FROM crm",
            "balances": "SELECT 客户号 AS account_id, 日期 AS balance_on, 余额 AS balance FROM month_ends",
            "labels": "SELECT customer_id, cutoff_date, 'bought_fund' AS target, bought AS value, known_on FROM responses",
        },
        "observed_until": {"default": str(month_end(MONTHS - 1))},
        "economics": {
            "day_count": 365,
            "ftp": {"current": 0.02},
            "paid_rate": {"current": 0.003},
            "prob_default": [],
            "lgd": {},
            "ccf_ead": {},
            "ccf_capital": [],
            "ccf_leverage": {},
            "risk_weight": {},
            "capital_ratio": 0.085,
            "leverage_floor": 0.04,
            "hurdle": 0.1,
            "cost_per_account_month": {"current": 1.0},
            "cost_per_transaction": {"other": 0.2},
        },
    },
    "fund.yaml": {
        "target": "given",
        "zh": "三个月内购买基金",
        "en": "fund bought within 3 months",
        "label": {"name": "bought_fund", "positive": 1, "product": "fund"},
        "horizon": {"months": 3},
        "population": {"kinds": ["person"]},
        "cutoffs": {"train": ["2023-08", "2024-05"], "out_of_time": ["2024-08", "2024-09"], "every": 1},
        "features": ["balances", "tenure"],
        "tuning": {"trials": 1, "folds": 2, "max_trees": 40, "metric": "log_loss", "seed": 7},
    },
    "calls.yaml": {
        "zh": "月度名单",
        "en": "monthly list",
        "purpose": "电话营销 / calls",
        "offers": [
            {
                "product": "fund",
                "zh": "基金",
                "en": "fund",
                "channel": "phone",
                "contact_cost": 5,
                "value_if_taken": 300,
            }
        ],
        "capacities": {"total": 50},
        "suppression": {"in_arrears": True, "open_complaint": True, "contacted_within_days": 0},
        "control_share": 0.1,
        "explore_share": 0.0,
        "seed": 7,
        "call_by_days": 30,
    },
    "churn.yaml": {
        "target": "churn",
        "zh": "三个月内余额流失",
        "en": "balance gone within 3 months",
        "label": {"kind": "attrited", "floor": 1000},
        "horizon": {"months": 3},
        "population": {"kinds": ["person"]},
        "cutoffs": {"train": ["2023-08", "2024-05"], "out_of_time": ["2024-08", "2024-09"], "every": 1},
        "features": ["balances", "tenure", "contribution"],
        "tuning": {"trials": 1, "folds": 2, "max_trees": 40, "metric": "log_loss", "seed": 7},
    },
}
