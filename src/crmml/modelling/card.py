"""What is told of a trained model: its config, data, search, figures and libraries."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import is_dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import pandas as pd

from crmml import files
from crmml.modelling.fit import Fitted, describe
from crmml.modelling.preparation import Prepared
from crmml.modelling.spec import ModelSpec

_LIBRARIES = ("crmml", "lightgbm", "numpy", "optuna", "pandas", "scikit-learn")


def make_card(
    spec: ModelSpec,
    prepared: Prepared,
    fitted: Fitted,
    *,
    data: str,
    metrics: Mapping[str, Any],
    importance: Mapping[str, float],
    waterfall: pd.DataFrame,
    told: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The card of a model as plain JSON values; the same run gives the same card.

    `told` is what only the caller knows: of a feature table, how its columns are read.
    """
    return {
        "name": spec.name,
        "target": spec.kind,
        "config": plain(spec),
        "data": data,
        "rows": {"train": len(prepared.train), "test": len(prepared.test), "events": _events(prepared, spec)},
        "columns": {"used": len(prepared.infos), "dropped": dict(prepared.dropped)},
        "tuning": describe(fitted),
        "importance": dict(importance),
        "metrics": dict(metrics),
        "waterfall": _records(waterfall),
        "versions": {name: library_version(name) for name in _LIBRARIES},
        **(told or {}),
    }


def data_digest(prepared: Prepared) -> str:
    """SHA-256 of the training rows: names, levels, features, labels, customers and cut-offs."""
    rows = prepared.train
    hasher = hashlib.sha256()
    head = {"names": prepared.encoding.names, "levels": {k: dict(v) for k, v in prepared.encoding.levels.items()}}
    hasher.update(files.digest_of(head).encode())
    labels = [name for name in prepared.frame.columns if name == "label" or name.startswith("label_")]
    for column in (prepared.X[rows], *(prepared.column(name)[rows] for name in sorted(labels))):
        hasher.update(np.ascontiguousarray(column).tobytes())
    hasher.update("\n".join(prepared.customers[rows]).encode())
    hasher.update(prepared.days[rows].astype("int64").tobytes())
    for role in ("block", "weight"):
        if role in prepared.frame:
            hasher.update(prepared.column(role)[rows].tobytes())
    return hasher.hexdigest()


def plain(value: Any) -> Any:
    """A spec as plain JSON values; a target also says its kind."""
    if isinstance(value, ModelSpec):
        told = {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
        return told | {"target": {"target": value.kind} | (told["target"] or {})}
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(getattr(value, name)) for name in value.__dataclass_fields__}
    if isinstance(value, Mapping):
        return {str(key): plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [plain(entry) for entry in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _events(prepared: Prepared, spec: ModelSpec) -> dict[str, int] | None:
    if spec.is_money:
        return None
    label = prepared.column("label")
    return {"train": int(label[prepared.train].sum()), "test": int(label[prepared.test].sum())}


def _records(waterfall: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {str(key): value if isinstance(value, int | float) else str(value) for key, value in row.items()}
        for row in waterfall.to_dict("records")
    ]


def library_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
