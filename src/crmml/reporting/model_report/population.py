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


def waterfall(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Cut-offs down, steps across, as the population came about."""
    if not rows:
        return None
    table = pd.DataFrame(list(rows))
    table["cutoff_date"] = table["cutoff_date"].astype(str).str[:10]
    if table["cutoff_date"].nunique() > _MOST_CUTOFFS:  # events: one cut-off each
        quarters = pd.PeriodIndex(pd.to_datetime(table["cutoff_date"]), freq="Q")
        table["cutoff_date"] = quarters.astype(str)
    steps = list(dict.fromkeys(table["step"]))
    wide = table.pivot_table(index="cutoff_date", columns="step", values="rows", aggfunc="sum").reindex(columns=steps)
    return {
        "steps": [words.step(name) for name in steps],
        "rows": [(day, [None if np.isnan(value) else int(value) for value in row]) for day, row in zip(wide.index, wide.to_numpy(dtype=float), strict=True)],
    }  # fmt: skip


def windows(card: Mapping[str, Any]) -> list[charts.Window]:
    """The calendar of the windows, as the config asks for them; none where no window is known."""
    if card["config"]["horizon"] is None:
        return []
    split, horizon = card["config"]["split"], Horizon(**card["config"]["horizon"])
    windows = []
    for role, key in (("train", "train"), ("test", "out_of_time")):
        for text in split[key]:
            cutoff = date.fromisoformat(str(text)[:10])
            label = label_window(cutoff, horizon)
            seen = look_back(cutoff, _LOOK_BACK)
            windows.append(charts.Window(role, cutoff, seen.start, label.start, label.end))  # type: ignore[arg-type]
    return windows
