"""What the model card says: windows, rows, parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmml.modelling.spec import FEWEST_EVENTS


def data_window(card: Mapping[str, Any]) -> dict[str, Any]:
    split, horizon = card["config"]["split"], card["config"]["horizon"] or {}
    return {
        "train": _span(split["train"]),
        "test": _span(split["out_of_time"] or split["train"]),
        "is_out_of_time": bool(split["out_of_time"]) if "kind" not in split else split["kind"] in ("later", "last"),
        "is_table": "kind" in split,
        "gap": horizon.get("gap"),
        "months": horizon.get("months"),
        "holdout": split["holdout_buckets"] or 0,
    }


def few_events(card: Mapping[str, Any]) -> int | None:
    """How many events the model was learned from, where that is fewer than are asked for by default."""
    events = (card["rows"]["events"] or {}).get("train")
    return events if events is not None and events < FEWEST_EVENTS else None


def _span(days: Sequence[Any]) -> tuple[str, str] | None:
    """First and last of some cut-offs, None where there is none."""
    return (str(days[0])[:10], str(days[-1])[:10]) if days else None


def parameters(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    tuning = card["tuning"]
    shown = [
        (name, f"{value:.4g}" if isinstance(value, float) else str(value)) for name, value in tuning["params"].items()
    ]
    trees = tuning["trees"]
    shown.append(
        ("trees", ", ".join(f"{k} {v}" for k, v in trees.items()) if isinstance(trees, Mapping) else str(trees))
    )
    shown.append(("seeds averaged", str(tuning.get("seeds", 1))))
    return [*shown, ("trials", str(tuning["trials"])), ("folds", str(tuning["folds"]))]
