"""One list on one offline page: what it should bring, of whom it is made, what it left out, and whether it treats groups alike.

Aggregates only. A cell of fewer than five customers stands together with others, or is told as fewer than five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.evaluation.fairness import flag_of
from crmml.evaluation.rates import wilson
from crmml.evaluation.takers import Takers
from crmml.reporting.list_charts import gains
from crmml.reporting.metric_words import attribute as attribute_words
from crmml.reporting.metric_words import group as group_words
from crmml.reporting.page import render, svg
from crmml.reporting.words import Words

Array = npt.NDArray[np.float64]
LEAST = 5
FEW = 20
"""A group of fewer eligible customers is judged together with the other small ones."""
MOST = 30
OTHERS, NOT_KNOWN = Words("其他(合并)", "others (together)"), Words("未知", "not known")
FLAGS = {
    "outside": Words("超出", "outside"),
    "inside noise": Words("在误差内", "inside noise"),
    "none": Words("–", "–"),
}
_Z = 1.959964


@dataclass(frozen=True)
class Composition:
    """One way to part the rows to contact: its title, and the words of its groups (a group without words is its own)."""

    name: str
    title: Words
    words: Mapping[str, Words] = field(default_factory=dict)


@dataclass(frozen=True)
class ListStory:
    """What the page tells.

    Attributes
    ----------
    about
        What the list says of itself: id, days, models, totals, bound, gap, changes.
    rows
        The rows to contact: `prob_take, effect, expected_value` and a column for each composition.
    eligible
        Per eligible, unsuppressed customer the best offer: `expected_value, prob_take`.
    takers
        How many will take, with intervals.
    waterfall, capacity_use
        As the list holds them.
    fairness
        Per attribute and group: `attribute, group, scored, eligible, selected`.
    why_gone
        Words and number of customers for each reason why rows are gone since the last list.
    by_propensity
        How many rows to contact have an effect that comes from no randomised contact.
    """

    bank: Words
    title: Words
    about: Mapping[str, Any]
    rows: pd.DataFrame
    eligible: pd.DataFrame
    takers: Takers
    waterfall: pd.DataFrame
    capacity_use: pd.DataFrame
    fairness: pd.DataFrame
    compositions: Sequence[Composition]
    why_gone: Mapping[tuple[str, str], int] = field(default_factory=dict)
    by_propensity: int = 0
    currency: str = "CNY"


def list_page(story: ListStory, *, language: str = "both") -> str:
    """The page as one HTML file that needs no network."""
    unit = Words("元", "yuan") if story.currency == "CNY" else Words(story.currency, story.currency)
    about, best = story.about, story.eligible.sort_values("expected_value", ascending=False, kind="stable")
    chart = gains(
        best["expected_value"].to_numpy(float),
        best["prob_take"].to_numpy(float),
        rows=len(story.rows),
        list_value=float(about["expected_value"]),
        list_takers=float(about["expected_takers"]),
        unit=(unit.zh, unit.en),
    )
    return render(
        "list.html",
        language=language,
        bank=story.bank,
        title=story.title,
        about=about,
        unit=unit,
        rows=len(story.rows),
        takers=story.takers,
        by_propensity=story.by_propensity,
        brought=float(story.rows["effect"].sum()),
        chart=svg(chart),
        eligible=len(story.eligible),
        compositions=[(each.title, compose(story.rows, each)) for each in story.compositions],
        steps=list(_steps(story.waterfall)),
        limits=list(_limits(story.capacity_use, _known_words(story.compositions))),
        prices=_dearest(story.capacity_use),
        fairness=list(_treated(story.fairness)),
        changes=_changes(about),
        why_gone=list(
            zip([Words(*words) for words in story.why_gone], told_together(list(story.why_gone.values())), strict=True)
        ),
        flags=FLAGS,
    )


def told(count: int) -> str:
    """A number of customers; 1 to 4 are told as fewer than five.

    >>> told(0), told(3), told(1234)
    ('0', '< 5', '1,234')
    """
    return "< 5" if 0 < count < LEAST else f"{count:,}"


def told_together(counts: Sequence[int]) -> list[str]:
    """Numbers of customers whose sum is known: where one alone is fewer than five the next smallest is hidden too.

    >>> told_together([220, 24, 1]), told_together([3, 2, 40]), told_together([7, 0])
    (['220', '–', '< 5'], ['< 5', '< 5', '40'], ['7', '0'])
    """
    words = [told(count) for count in counts]
    others = [count for count in counts if count >= LEAST]
    if words.count("< 5") == 1 and others:
        words[list(counts).index(min(others))] = "–"
    return words


def compose(rows: pd.DataFrame, part: Composition) -> list[dict[str, Any]]:
    """Rows, share, expected takers and value by group, the largest first; small groups together, never one alone.

    What stands together has at least five customers, so no group of fewer can be found by subtraction; nothing is
    told of a list of fewer than five rows.
    """
    if len(rows) < LEAST:
        return []
    names = rows[part.name].astype(object).where(rows[part.name].notna(), "–").astype(str)
    counts = names.value_counts()
    counts = counts.sort_index().sort_values(ascending=False, kind="stable")
    shown = counts.iloc[:MOST][counts.iloc[:MOST] >= LEAST]
    while 0 < counts.sum() - shown.sum() < LEAST and len(shown) > 1:
        shown = shown.iloc[:-1]
    grouped = names.where(names.isin(shown.index), "")
    found = []
    for name in [*shown.index, ""]:
        inside = rows[grouped == name]
        if len(inside):
            words = OTHERS if name == "" else NOT_KNOWN if name == "–" else part.words.get(name, Words(name, name))
            found.append(
                {
                    "words": words,
                    "rows": len(inside),
                    "share": len(inside) / len(rows),
                    "takers": float(inside["prob_take"].sum()),
                    "value": float(inside["expected_value"].sum()),
                }
            )
    return found


def _steps(waterfall: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The steps; customers left stand at the totals only, so that no small step can be found by subtraction."""
    first = max(1, int(waterfall["candidates"].iloc[0]))
    for step in waterfall.to_dict("records"):
        yield {
            "words": Words(step["zh"], step["en"]),
            "is_total": bool(step["is_total"]),
            "removed": told(int(step["removed"])),
            "customers": told(int(step["customers"])),
            "left": int(step["candidates"]) / first,
        }


def _known_words(compositions: Sequence[Composition]) -> dict[str, Words]:
    """Words of offers and channels by their code."""
    return {
        key: words for each in compositions if each.name in ("offer", "channel") for key, words in each.words.items()
    }


def _limits(use: pd.DataFrame, known: Mapping[str, Words]) -> Iterator[dict[str, Any]]:
    """Limits of the whole list, its offers and channels; of branches and managers only how many are full."""
    words = {"total": Words("总量", "total"), "budget": Words("预算", "budget"), "channel": Words("渠道", "channel")}
    words |= {
        "offer": Words("产品", "offer"),
        "branch": Words("机构", "branches"),
        "manager": Words("客户经理", "managers"),
    }
    words |= {"offer_branch": Words("产品 × 机构", "offers in branches")}
    for kind, rows in use.groupby("kind", sort=False):
        name = words.get(str(kind))
        if name is None:
            continue
        finite = rows[np.isfinite(rows["limit"].astype(float))]
        if kind in ("branch", "manager", "offer_branch"):
            full = int((finite["used"] >= finite["limit"]).sum())
            share = float(finite["used"].sum() / finite["limit"].sum()) if finite["limit"].sum() else None
            yield {"kind": name, "name": "", "units": len(finite), "full": full, "share": share}
            continue
        words_of_used = told_together([int(used) for used in rows["used"]])
        for row, used in zip(rows.to_dict("records"), words_of_used, strict=True):
            limit = float(row["limit"])
            is_shown = np.isfinite(limit) and limit > 0 and used[:1].isdigit()
            yield {
                "kind": name,
                "name": (named.zh, named.en) if (named := known.get(str(row["key"]))) else (row["name"],) * 2,
                "units": None,
                "used": f"{row['used']:,.0f}" if kind == "budget" else used,
                "limit": f"{limit:,.0f}" if np.isfinite(limit) else None,
                "share": row["used"] / limit if is_shown else None,
            }


def _dearest(use: pd.DataFrame) -> list[Words]:
    """What one more of the scarcest is worth, in words, the dearest first."""
    if "price_zh" not in use:
        return []
    scarce = use[use["price"].fillna(0.0) > 0].sort_values(["price", "kind", "key"], ascending=[False, True, True])
    return [Words(row["price_zh"], row["price_en"]) for row in scarce.head(10).to_dict("records")]


def _treated(fairness: pd.DataFrame) -> Iterator[tuple[Words, list[dict[str, Any]]]]:
    """By attribute, the groups with their rates of selection, the largest first, which the others are compared with."""
    if fairness.empty:
        return
    for attribute, groups in fairness.groupby("attribute", sort=False):
        yield attribute_words(str(attribute)), selection_rates(groups)


def selection_rates(groups: pd.DataFrame) -> list[dict[str, Any]]:
    """Selected of the scored and of the eligible by group, with Wilson intervals and the ratio to the largest group.

    Parameters
    ----------
    groups : DataFrame
        `group, scored, eligible, selected`: customers.

    Returns
    -------
    list of dict
        `group, scored, eligible, selected` (words), `rate` and `rate_eligible` as value, low, high (None where fewer
        than five were selected), `ratio` of `rate` to that of the largest group with its interval, and `flag`.
    """
    small = groups["scored"] < FEW
    merged = groups.assign(group=groups["group"].where(~small, "few"))
    merged = merged.groupby("group", as_index=False)[["scored", "eligible", "selected"]].sum()
    order = np.lexsort((merged["group"], -merged["scored"], merged["group"] == "few"))
    found: list[dict[str, Any]] = []
    for row in merged.iloc[order].to_dict("records"):
        rate, of_eligible = (_rate(row["selected"], row[base]) for base in ("scored", "eligible"))
        counts = np.array([row["selected"], row["scored"]], dtype=float)
        first = found[0]["counts"] if found else None
        ratio = None if first is None else _ratio(counts, first)
        found.append(
            {
                "group": OTHERS if row["group"] == "few" else group_words(str(row["group"])),
                "counts": counts,
                "scored": told(int(row["scored"])),
                "eligible": told(int(row["eligible"])),
                "selected": told(int(row["selected"])),
                "rate": rate,
                "rate_eligible": of_eligible,
                "ratio": ratio,
                "flag": flag_of(ratio),
            }
        )
    return found


def _rate(events: float, rows: float) -> dict[str, float] | None:
    if rows == 0 or 0 < events < LEAST:
        return None
    low, high = wilson(np.array([float(events)]), np.array([float(rows)]))
    return {"value": events / rows, "low": float(low[0]), "high": float(high[0])}


def _ratio(own: Array, first: Array) -> dict[str, float | None] | None:
    """A group's rate over the first group's, with the log interval of a ratio of two shares; None where either is small."""
    (a, n), (b, m) = own, first
    if b < LEAST or n == 0 or 0 < a < LEAST:
        return None
    if a == 0:  # as if half a customer had been selected: a rate of 0 has no logarithm
        spread = _Z * np.sqrt(1 / 0.5 - 1 / n + 1 / b - 1 / m)
        return {"value": 0.0, "low": 0.0, "high": float(0.5 / n / (b / m) * np.exp(spread))}
    value, spread = (a / n) / (b / m), _Z * np.sqrt(max(0.0, 1 / a - 1 / n + 1 / b - 1 / m))
    return {"value": float(value), "low": float(value * np.exp(-spread)), "high": float(value * np.exp(spread))}


def _changes(about: Mapping[str, Any]) -> list[tuple[Words, str]]:
    """Customers kept, new, with another offer and gone since the last list, in words; the first three are the list."""
    words = {
        "kept": Words("保留", "kept"),
        "new": Words("新增", "new"),
        "other_offer": Words("换了产品", "another offer"),
    }
    counts = {change: int(count) for change, count in about.get("changes", {}).items()}
    if not counts:
        return []
    now = told_together([counts[change] for change in words])
    return [*zip(words.values(), now, strict=True), (Words("移出", "gone"), told(counts["gone"]))]
