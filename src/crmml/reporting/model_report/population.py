"""How the population came about, and the calendar of its windows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from crmml.periods import Horizon, label_window, look_back
from crmml.reporting import charts, words

_LOOK_BACK = 12
_MOST_CUTOFFS = 40
_FIRST, _LAST = ("all",), ("sample", "events")


def waterfall(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Cut-offs down, steps across, as the population came about."""
    if not rows or not {"all", "sample"} <= {row["step"] for row in rows}:
        return None
    table = pd.DataFrame(list(rows))
    table["cutoff_date"] = table["cutoff_date"].astype(str).str[:10]
    if table["cutoff_date"].nunique() > _MOST_CUTOFFS:  # events: one cut-off each
        quarters = pd.PeriodIndex(pd.to_datetime(table["cutoff_date"]), freq="Q")
        table["cutoff_date"] = quarters.astype(str)
    left_out = [name for name in dict.fromkeys(table["step"]) if name not in (*_FIRST, *_LAST)]
    steps = [*_FIRST, *left_out, *_LAST]
    wide = table.pivot_table(index="cutoff_date", columns="step", values="rows", aggfunc="sum")
    wide = wide.reindex(columns=steps).fillna(0).astype(int)
    return {
        "names": steps,
        "steps": [words.step(name) for name in steps],
        "rows": [_row(str(day), counts, steps) for day, counts in zip(wide.index, wide.to_numpy(), strict=True)],
        "total": _row("", wide.to_numpy().sum(axis=0), steps),
    }


def _row(place: str, counts: np.ndarray, steps: Sequence[str]) -> dict[str, Any]:
    """The counts of a place, and what is left of all when every exclusion and the sample are taken away: 0."""
    told = {name: int(count) for name, count in zip(steps, counts, strict=True)}
    left_out = sum(count for name, count in told.items() if name not in (*_FIRST, *_LAST))
    return {"place": place, "counts": list(told.values()), "difference": told["all"] - left_out - told["sample"]}


def exclusions(found: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """What was left out of the population, over all cut-offs."""
    if found is None:
        return []
    return [
        {"words": step, "rows": count}
        for name, step, count in zip(found["names"], found["steps"], found["total"]["counts"], strict=True)
        if name not in (*_FIRST, *_LAST) and count
    ]


def windows(card: Mapping[str, Any]) -> list[charts.Window]:
    """The calendar of the windows, as the config asks for them; none where no window is known."""
    if card["config"]["horizon"] is None:
        return []
    split, told = card["config"]["split"], card["config"]["horizon"]
    horizon = Horizon(told["months"], told["gap"])
    found = []
    for role, key in (("train", "train"), ("test", "out_of_time")):
        for text in split[key]:
            cutoff = date.fromisoformat(str(text)[:10])
            label = label_window(cutoff, horizon)
            seen = look_back(cutoff, _LOOK_BACK)
            found.append(charts.Window(role, cutoff, seen.start, label.start, label.end))  # type: ignore[arg-type]
    return found
