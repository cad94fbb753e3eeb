"""Customer value, loyalty and risk from account histories.

The rooms are imported when they are first used, so that `import crmml` and
`crmml --help` stay fast.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_WHERE = {
    "open_bank": "crmml.stages.tables",
    "score": "crmml.stages.registering",
    "register": "crmml.stages.registering",
    "train": "crmml.stages.registering",
    "inputs_of_list": "crmml.stages.registering",
    "load_config": "crmml.config",
    "take_snapshots": "crmml.snapshots",
    "take_event_snapshots": "crmml.snapshots",
    "build_ledger": "crmml.ledger",
    "build_features": "crmml.features",
    "catalogue": "crmml.features",
    "build_labels": "crmml.labels",
    "join_abt": "crmml.abt",
    "fit_uplift": "crmml.modelling.uplift",
    "Trial": "crmml.evaluation.uplift",
    "build_list": "crmml.targeting",
    "why": "crmml.targeting",
}

__all__ = ["__version__", *sorted(_WHERE)]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'crmml' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return list(__all__)
