"""What a bank reads from its ledger, on one offline page: aggregates only, in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmml.economics import FAMILY_WORDS
from crmml.explain import wording
from crmml.explain.sentences import COMPONENTS as COMPONENT_WORDS
from crmml.reporting import value_charts as charts
from crmml.reporting.bilingual import both
from crmml.reporting.customer_page import SEGMENTS
from crmml.reporting.page import render, svg

PARTS = tuple(COMPONENT_WORDS)
MOST_PANELS = 12
#: Fewer customers in a cell would tell about single ones.
LEAST = 20
GROUPS: Mapping[str, tuple[str, str]] = {
    "all": ("全部客户", "all customers"),
    "other": ("其他(不足20户)", "others (fewer than 20 each)"),
    "not at the cut-off": ("截止日已不在册", "not at the cut-off"),
}
GAPS: Mapping[str, tuple[str, str]] = {
    "gap_deposit_margin": ("存款利差", "deposit margin"),
    "gap_credit_margin": ("贷款利差", "credit margin"),
    "gap_fees": ("手续费", "fees"),
    "gap_expected_loss": ("预期损失", "expected loss"),
    "gap_service_cost": ("服务成本", "cost to serve"),
    "gap_capital_charge": ("资本占用", "capital charge"),
}
METHOD_WORDS: Mapping[str, tuple[str, str]] = {
    "seasonal_naive": ("季节性朴素", "seasonal naive"),
    "autoregression": ("自回归", "autoregression"),
    "bottom_up": ("客户自下而上", "bottom-up from customers"),
    "model": ("贡献模型逐户相加", "contribution model, summed"),
}


def value_page(
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[str, Any],
    left_out: Mapping[str, str],
    *,
    cutoff: date,
    bank: str,
    bank_zh: str,
    bank_en: str,
    currency: str = "CNY",
    hurdle: float = 0.0,
    shocks: Mapping[str, Any] | None = None,
    language: str = "both",
) -> str:
    """The page as HTML.

    Parameters
    ----------
    tables, figures, left_out : mapping
        As the value stage stores them.
    hurdle : float
        Return asked for, as a fraction per year.
    shocks : mapping, optional
        Levels and assumptions of the shock table.
    """
    words, levels = wording.currency_words(currency), _levels(tables)
    return render(
        "value.html",
        language=language,
        cutoff=cutoff,
        bank=bank,
        bank_zh=bank_zh,
        bank_en=bank_en,
        currency=words,
        figures=figures,
        left_out=left_out,
        hurdle=hurdle,
        part_words=COMPONENT_WORDS,
        parts=PARTS,
        levels=levels,
        tops=_records(tables, "tops"),
        later=_records(tables, "later"),
        concentration=_records(tables, "concentration"),
        losers={by: _losers(tables, by) for by in ("segment", "product")},
        potential=_potential(tables),
        gaps=GAPS,
        shock_rows=_shocks(tables),
        combined=_records(tables, "shocks_combined"),
        assumptions=shocks or {},
        forecasts={name: _forecast(tables, figures, name) for name in ("contribution", "deposits")},
        model_errors=_records(tables, "model_errors"),
        method_words=METHOD_WORDS,
        family_words=FAMILY_WORDS,
        charts=_charts(tables, figures, levels, currency),
    )


def _records(tables: Mapping[str, pd.DataFrame], name: str) -> list[dict[str, Any]]:
    if name not in tables:
        return []
    return [{str(key): value for key, value in row.items()} for row in tables[name].to_dict("records")]


def named(tables: Mapping[str, pd.DataFrame], level: str, identifier: Any) -> tuple[str, str]:
    """What an id is called, in both languages."""
    if identifier is None or identifier != identifier:
        return "未归属", "unassigned"
    if level == "family":
        return FAMILY_WORDS.get(identifier, (identifier, identifier))
    if identifier in GROUPS:
        return GROUPS[identifier]
    if level == "segment" and identifier in SEGMENTS:
        zh, _, en = SEGMENTS[identifier].partition(" ")
        return zh, en
    names = tables.get("names")
    found = None if names is None else names[(names["level"] == level) & (names["id"] == identifier)]
    if found is None or found.empty:
        return str(identifier), str(identifier)
    name = str(found["name"].iloc[0])
    zh, bar, en = name.partition("|")
    return (zh.strip(), en.strip()) if bar else (name, name)


def _levels(tables: Mapping[str, pd.DataFrame]) -> dict[str, list[dict[str, Any]]]:
    """Sums by family, product and branch; ids of fewer than 20 customers go together as others, the total stays."""
    made = {}
    for level in ("family", "product", "branch"):
        rows = _merged(tables["sums"][tables["sums"]["level"] == level])
        total = sum(float(row["contribution"]) for row in rows)
        for row in rows:
            row["zh"], row["en"] = named(tables, level, row["id"])
            row["share"] = float(row["contribution"]) / total if total > 0 else None
            row["raroc"] = _raroc(tables, level, row["id"])
        made[level] = rows
    return made


def _raroc(tables: Mapping[str, pd.DataFrame], level: str, identifier: Any) -> float | None:
    returns = tables.get("returns")
    if returns is None or identifier is None:
        return None
    found = returns[(returns["level"] == level) & (returns["id"] == identifier)]["raroc"]
    return None if found.empty or pd.isna(found.iloc[0]) else float(found.iloc[0])


def _merged(rows: pd.DataFrame) -> list[dict[str, Any]]:
    columns = ["id", "customers", *PARTS, "contribution"]
    large = rows[rows["customers"] >= LEAST]
    small = rows[rows["customers"] < LEAST]
    found = [{str(key): value for key, value in row.items()} for row in large[columns].to_dict("records")]
    if len(small):
        found.append({"id": "other", **{name: small[name].sum() for name in columns[1:]}})
    return found


def _losers(tables: Mapping[str, pd.DataFrame], by: str) -> list[dict[str, Any]]:
    rows = [row for row in _records(tables, "losers") if row["by"] == by]
    for row in rows:
        row["zh"], row["en"] = named(tables, by, row["cell"])
    return rows


def _potential(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    rows = [row for row in _records(tables, "potential_by_peers") if row["customers"] >= LEAST]
    for row in rows:
        row["zh"], row["en"] = named(tables, "segment", row["peers"])
    return rows


def _shocks(tables: Mapping[str, pd.DataFrame]) -> list[dict[str, Any]]:
    rows = [row for row in _records(tables, "shocks") if row["family"] == "all"]
    for row in rows:
        row["zh"], row["en"] = shock_words(row["factor"], row["level"])
    return rows


def shock_words(factor: str, level: float) -> tuple[str, str]:
    """A shock in both languages.

    >>> shock_words("rate", -0.01), shock_words("cost", 1.1)
    (('利率 −100 基点', 'rates −100 bp'), ('成本 × 1.1', 'costs × 1.1'))
    """
    words = {"prob_default": ("违约概率", "PD"), "cost": ("成本", "costs"), "volume": ("业务量", "volume")}
    if factor == "rate":
        move = f"{level * 1e4:+.0f}".replace("-", "−")
        return f"利率 {move} 基点", f"rates {move} bp"
    if factor == "combined":
        return "以上合并", "all at once"
    zh, en = words[factor]
    return f"{zh} × {level:g}", f"{en} × {level:g}"


def _forecast(tables: Mapping[str, pd.DataFrame], figures: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    if f"{name}_backtest" not in tables:
        return None
    scores = tables[f"{name}_backtest"]
    chosen = [1, 3, 6, 12, 0]
    rows = scores[scores["horizon"].isin(chosen)].to_dict("records")
    by = {(row["method"], row["horizon"]): row for row in rows}
    for row in rows:  # a level has a mean over the year, not a sum
        if name == "deposits" and row["horizon"] == 0:
            row["mae"] /= 12
    return {
        **figures[f"{name}_forecast"],
        "ranking": _records(tables, f"{name}_ranking"),
        "horizons": [step for step in chosen if any(horizon == step for _, horizon in by)],
        "scores": by,
        "ahead": _by_month(tables[f"{name}_ahead"]),
    }


def _by_month(ahead: pd.DataFrame) -> list[dict[str, Any]]:
    months = ahead[ahead["horizon"] > 0]
    rows = []
    for step, part in months.groupby("horizon", sort=True):
        values = part.set_index("method")
        rows.append({"month": str(part["month_end"].iloc[0])[:7], "horizon": step,
                     **{str(name): row.to_dict() for name, row in values[["value", "low", "high"]].iterrows()}})  # fmt: skip
    return rows


def _charts(
    tables: Mapping[str, pd.DataFrame],
    figures: Mapping[str, Any],
    levels: Mapping[str, list[dict[str, Any]]],
    currency: str,
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "bank": charts.waterfalls([charts.Fall(both("全行", "the bank"), figures)], currency=currency, name="bank")
    }
    for level in ("product", "branch"):
        rows = levels[level]
        falls = [charts.Fall(both(row["zh"], row["en"]), row) for row in rows]
        falls = sorted(falls, key=lambda fall: -abs(float(fall.amounts["contribution"])))[:MOST_PANELS]
        if falls:
            made[level] = charts.waterfalls(falls, currency=currency, name=level)
    if "curves" in tables and len(tables["curves"]) > 1:
        made["whale"] = charts.whale(tables["curves"])
    for name, title in (
        ("contribution", ("每月贡献", "contribution by month")),
        ("deposits", ("日均存款", "average deposits")),
    ):
        if f"{name}_ahead" in tables:
            made[name] = charts.forecast(
                tables[f"{name}_history"],
                tables[f"{name}_ahead"],
                best=figures[f"{name}_forecast"]["best"],
                title=title,
                currency=currency,
                name=f"forecast-{name}",
            )
    if "shocks" in tables:
        moved = [(both(row["zh"], row["en"]), row["contribution"]) for row in _shocks(tables)]
        made["shocks"] = charts.shocks(moved, currency=currency)
    trend = tables.get("per_customer")
    if trend is not None and len(trend) > 1 and np.isfinite(trend["deposits"]).any():
        made["this_year"] = charts.this_year(trend, currency=currency)
    return {name: svg(text) for name, text in made.items()}


def scope_page(
    row: Mapping[str, Any],
    peers: Mapping[str, float] | None,
    *,
    title: tuple[str, str],
    level: str,
    identifier: str,
    peers_words: str,
    rows: list[dict[str, Any]],
    cutoff: date,
    bank: str,
    bank_zh: str,
    bank_en: str,
    currency: str = "CNY",
    language: str = "both",
) -> str:
    """One customer, product or branch: its waterfall, and the numbers of it.

    Parameters
    ----------
    row, peers : mapping
        Components and contribution, of the id and of its peers on average.
    rows : list of dict
        The table below the picture: component, amount, and `peers_average` with `gap`, or `share_of_bank`.
    """
    falls = [charts.Fall(both(*title), row, peers or {})]
    return render(
        "value_scope.html",
        language=language,
        title=title,
        level={"customer": ("客户", "customer"), "product": ("产品", "product"), "branch": ("机构", "branch")}[level],
        option=f"--{level} {identifier}",
        peers_words=SEGMENTS.get(peers_words, " ".join(GROUPS.get(peers_words, (peers_words,)))),
        rows=rows,
        part_words={**COMPONENT_WORDS, "contribution": ("贡献", "contribution")},
        cutoff=cutoff,
        bank=bank,
        bank_zh=bank_zh,
        bank_en=bank_en,
        currency=wording.currency_words(currency),
        chart=svg(charts.waterfalls(falls, currency=currency, name="scope")),
    )
