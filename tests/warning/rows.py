"""Small warnings for tests."""

from __future__ import annotations

from typing import Any

import pandas as pd

from crmml.limits import Limit
from crmml.warning import Capacity, Levels, WarningSpec


def spec(**changed: Any) -> WarningSpec:
    """A warning with four customers a manager, the first of them red."""
    given: dict[str, Any] = {
        "warns": "churn",
        "capacity": Capacity(per_manager=Limit(4)),
        "levels": Levels(red=0.25, amber=1.0, watch=1.5),
        "least_times_average": 0.0,
    }
    return WarningSpec(**{**given, **changed})


def scored(
    *probabilities: float, manager: str | None = "M1", branch: str | None = "B1", at_risk: Any = 0.0
) -> pd.DataFrame:
    """One customer for each probability, named c0, c1 … with the manager's id in front."""
    return pd.DataFrame(
        {
            "customer_id": [f"{manager or branch}-c{number}" for number in range(len(probabilities))],
            "branch_id": branch,
            "manager_id": manager,
            "prob_churn": probabilities,
            "value_at_stake": 100.0,
            "value_at_risk": at_risk,
        }
    ).astype({"branch_id": object, "manager_id": object})
