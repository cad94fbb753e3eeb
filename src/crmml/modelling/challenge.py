"""A challenger and the champion on the very same test rows, with the interval of their difference."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmml.bundle import Bundle
from crmml.evaluation.groups import TestRows
from crmml.evaluation.report import money_report, probability_report

RESAMPLES = 200


def against_champion(
    rows: TestRows, frame: pd.DataFrame, champion: Bundle, *, version: str, seed: int
) -> dict[str, Any]:
    """The figures of both on the test rows, and the paired difference of what they are ranked by.

    Parameters
    ----------
    rows : TestRows
        The test rows with the challenger's scale.
    frame : DataFrame
        The features of the same rows.

    Returns
    -------
    dict
        `version`, `measure`, `challenger` and `champion` (figures as in the headline of a report),
        `difference` (value, low, high), `verdict`, `trained_until` (the champion's last training cut-off, null where
        it has none); or `version` and `reason`, where the champion cannot score these rows.
    """
    missing = [name for name in champion.names if name not in frame]
    if missing:
        named = ", ".join(missing[:3])
        return {
            "version": version,
            "reason": {
                "zh": f"在用版本需要本表没有的列:{named}",
                "en": f"the champion needs columns this table lacks: {named}",
            },
        }
    theirs = champion.scale(champion.encode(frame))
    make = money_report if rows.is_money else probability_report
    common: dict[str, Any] = {
        "customers": rows.customers,
        "cutoffs": rows.periods,
        "resamples": RESAMPLES,
        "seed": seed,
    }
    ours = make(rows.label, rows.scale, benchmark=theirs, **common)
    own = make(rows.label, theirs, benchmark=None, **common)
    learned = champion.card["config"]["split"]["train"]
    return {
        "version": version,
        "measure": ours["measure"],
        "challenger": _figures(ours["headline"]),
        "champion": _figures(own["headline"]),
        "difference": ours["benchmark"]["difference"],
        "verdict": ours["benchmark"]["verdict"],
        "trained_until": str(learned[-1])[:10] if learned else None,
    }


def _figures(headline: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in headline.items() if name != "deciles"}
