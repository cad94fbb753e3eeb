"""Customer groups on one offline page: the grid, each group in a line, who moved, and how little is moved by noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from crmml import vocabulary
from crmml.reporting.page import render
from crmml.reporting.words import Words

LEAST = 20
"""Of fewer customers only their number is told."""
AXES: Mapping[str, Words] = {
    "value": Words("价值(贡献)", "value (contribution)"),
    "loyalty": Words("忠诚", "loyalty"),
    "risk": Words("风险", "risk"),
}
SOURCES: Mapping[tuple[str, str], Words] = {
    ("value", "champion"): Words("未来{}个月预计贡献", "forecast contribution, next {} months"),
    ("value", "past"): Words(
        "过去十二个月实际贡献(没有贡献模型)", "contribution of the last twelve months (there is no model of it)"
    ),
    ("loyalty", "champion"): Words("留存概率(1 − 流失概率)", "probability to stay (1 − probability of leaving)"),
    ("loyalty", "index"): Words("忠诚度指数", "the loyalty index"),
    ("risk", "champion"): Words("违约概率;已违约者计为 1", "probability of default; 1 for who is in default"),
}
ENDS: Mapping[str, Words] = {"entered": Words("新进", "entered"), "left": Words("离开", "left")}
TOP_MOVES = 12


def groups_page(
    bank: tuple[str, str],
    tables: Mapping[str, pd.DataFrame],
    about: Mapping[str, Any],
    *,
    currency: str = "CNY",
    language: str = "both",
) -> str:
    """The page as one HTML file that needs no network; aggregates only.

    Parameters
    ----------
    bank : (str, str)
        The bank's name in Chinese and English.
    tables : mapping
        `groups`, `migration`, `described`, `flapping` as the stage writes them.
    about : mapping
        What the stage says beside them, plain data.
    """
    groups, described = tables["groups"], tables["described"]
    newest = groups[groups["cutoff_date"] == pd.Timestamp(about["cutoff"])]
    return render(
        "groups.html",
        language=language,
        bank=Words(*bank),
        about=about,
        unit=Words("元", "yuan") if currency == "CNY" else Words(currency, currency),
        least=LEAST,
        axes=[_axis(axis, about) for axis in about["axes"]],
        missing=[AXES[axis] for axis in about["missing"]],
        grid=_grid(newest, about),
        lines=[
            {"group": row["group"], "zh": row["line_zh"], "en": row["line_en"], "share": row["share"]}
            for row in described.to_dict("records")
            if row["customers"] >= LEAST
        ],
        small=int((described["customers"] < LEAST).sum()) if len(described) else 0,
        matrices=_matrices(tables["migration"], about),
        moves=_top_moves(tables["migration"], described, about),
        flaps=[{**row, "words": AXES[str(row["axis"])]} for row in tables["flapping"].to_dict("records")],
    )


def band_words(axis: str, band: int, bands: int) -> Words:
    """A band as the page says it; -1 is no score."""
    return Words(*vocabulary.band_words(axis, band, bands))


def _axis(axis: str, about: Mapping[str, Any]) -> dict[str, Any]:
    """Where an axis parts and where its score comes from."""
    cuts, source, bands = about["cuts"][axis], about["sources"][axis], about["bands"][axis]
    points = [_amount(axis, source["kind"], cut) for cut in cuts]
    edges = ["", *points, ""]
    rows = [
        {"words": band_words(axis, band, bands), "low": edges[band], "high": edges[band + 1]} for band in range(bands)
    ]
    asked = about["spec"]["grid"][axis]
    by = Words(
        f"参照截止日 {about['reference']} 的分位 " + "、".join(f"{share:.0%}" for share in asked["quantiles"]),
        f"quantiles {', '.join(f'{share:.0%}' for share in asked['quantiles'])} of the reference cut-off {about['reference']}",
    ) if asked["quantiles"] else Words("配置所设切点", "cut points of the config")  # fmt: skip
    training = about["in_training"].get(axis, [])
    return {
        "words": AXES[axis],
        "source": _source(axis, source),
        "model": source["words"] if source["kind"] == "champion" else "",
        "rows": rows,
        "by": by,
        "in_training": training,
    }


def _source(axis: str, source: Mapping[str, Any]) -> Words:
    """What an axis is measured by; a forecast says over how many months."""
    said = SOURCES[(axis, source["kind"])]
    return Words(*(text.format(source.get("months") or 12) for text in said))


def _amount(axis: str, kind: str, cut: float) -> str:
    if axis == "value":
        return f"{cut:,.0f}"
    return f"{cut:.3f}" if kind == "index" else f"{cut:.1%}"


def _grid(newest: pd.DataFrame, about: Mapping[str, Any]) -> dict[str, Any] | None:
    """Value down, loyalty across, risk inside each cell; the axes there are stand in for those there are not."""
    axes = list(about["axes"])
    if not len(newest):
        return None
    down, across = axes[0], axes[1] if len(axes) > 1 else None
    inner = axes[2] if len(axes) > 2 else None
    total = newest["contribution"].sum() if "contribution" in newest else 0.0
    rows: list[dict[str, Any]] = []
    bands: list[Any] = [None]
    for band in sorted(newest[f"{down}_band"].unique(), reverse=True):
        part = newest[newest[f"{down}_band"] == band]
        bands = sorted(newest[f"{across}_band"].unique(), key=lambda each: (each < 0, each)) if across else [None]
        cells = [
            _cell(part if each is None else part[part[f"{across}_band"] == each], len(newest), total, inner, about)
            for each in bands
        ]
        rows.append({"words": band_words(down, int(band), about["bands"][down]), "cells": cells})
    heads = (
        [band_words(across, int(each), about["bands"][across]) for each in bands] if across else [Words("全部", "all")]
    )
    return {
        "rows": rows,
        "heads": heads,
        "inner": AXES[inner] if inner else None,
        "none": band_words(inner, -1, 1) if inner else None,
    }


def _cell(
    part: pd.DataFrame, everybody: int, total: float, inner: str | None, about: Mapping[str, Any]
) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "customers": len(part),
        "share": len(part) / everybody,
        "contribution": None,
        "churn": None,
        "inner": [],
    }
    if len(part) < LEAST:
        return cell
    if "contribution" in part and total > 0:
        cell["contribution"] = float(part["contribution"].sum() / total)
    if "prob_churn" in part and part["prob_churn"].notna().any():
        cell["churn"] = float(part["prob_churn"].mean())
    if inner:
        counts = {int(str(band)): int(count) for band, count in part[f"{inner}_band"].value_counts().items()}
        cell["inner"] = [
            {"words": band_words(inner, band, about["bands"][inner]), "band": band, "customers": counts[band], "share": counts[band] / len(part)}
            for band in sorted(counts, key=lambda each: (each < 0, each))
        ]  # fmt: skip
    return cell


def _matrices(moves: pd.DataFrame, about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The migration of each axis between the last two cut-offs and from the first to the last."""
    days: Sequence[str] = about["days"]
    if len(days) < 2:
        return []
    pairs = [(days[-2], days[-1])] + ([(days[0], days[-1])] if len(days) > 2 else [])
    return [
        _matrix(
            moves[(moves["what"] == axis) & (moves["start"] == start) & (moves["end"] == end)], axis, start, end, about
        )
        for axis in about["axes"]
        for start, end in pairs
    ]


def _matrix(moves: pd.DataFrame, axis: str, start: str, end: str, about: Mapping[str, Any]) -> dict[str, Any]:
    wide = moves.pivot(index="from", columns="to", values="customers").fillna(0).astype(int)
    bands = [str(band) for band in (*range(about["bands"][axis] - 1, -1, -1), -1)]
    columns = [name for name in (*bands, "left") if name in wide.columns]
    rows: list[dict[str, Any]] = []
    for name in [each for each in (*bands, "entered") if each in wide.index]:
        counts: Any = wide.loc[name].reindex(columns, fill_value=0)
        total = int(counts.sum())
        cells = [
            {"customers": int(count), "share": count / total if total else 0.0, "is_same": name == column}
            for column, count in counts.items()
        ]
        rows.append({"words": _end_words(axis, name, about), "cells": cells, "total": total})
    heads = [_end_words(axis, name, about) for name in columns]
    sums = [sum(row["cells"][place]["customers"] for row in rows) for place in range(len(columns))]
    return {
        "words": AXES[axis],
        "start": start,
        "end": end,
        "heads": heads,
        "rows": rows,
        "sums": sums,
        "total": sum(sums),
    }


def _end_words(axis: str, name: str, about: Mapping[str, Any]) -> Words:
    return ENDS[name] if name in ENDS else band_words(axis, int(name), about["bands"][axis])


def _top_moves(moves: pd.DataFrame, described: pd.DataFrame, about: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The largest moves between whole groups from the first to the last cut-off, of at least 20 customers."""
    days = about["days"]
    if len(days) < 2:
        return []
    of_groups = moves[(moves["what"] == "group") & (moves["start"] == days[0]) & (moves["end"] == days[-1])]
    changed = of_groups[(of_groups["from"] != of_groups["to"]) & (of_groups["customers"] >= LEAST)]
    top = changed.sort_values(["customers", "from", "to"], ascending=[False, True, True]).head(TOP_MOVES)
    return [
        {**row, "start": _group_words(str(row["from"]), about), "end": _group_words(str(row["to"]), about)}
        for row in top.to_dict("records")
    ]


def _group_words(code: str, about: Mapping[str, Any]) -> Words:
    """A group's code such as `V3L1R-` in words."""
    if code in ENDS:
        return ENDS[code]
    places = [code[number : number + 2] for number in range(0, len(code), 2)]
    found = [
        band_words(axis, -1 if place[1] == "-" else int(place[1]) - 1, about["bands"][axis])
        for axis, place in zip(about["axes"], places, strict=True)
    ]
    return Words("·".join(words.zh for words in found), " · ".join(words.en for words in found))
