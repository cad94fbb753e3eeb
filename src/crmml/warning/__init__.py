"""Early warning: who is about to leave, as far as managers can care, how long before, and who may be won back."""

from crmml.warning.alerts import TABLE, build_alerts, causes, with_stake
from crmml.warning.backtest import Backtest, back_test
from crmml.warning.levels import NO_LEVEL, changed_share, give_levels, replay, teams
from crmml.warning.spec import (
    AMBER,
    CALLED,
    LEVELS,
    NO_CAUSE,
    RED,
    WATCH,
    Action,
    Capacity,
    History,
    Levels,
    WarningSpec,
    WinbackSpec,
)

__all__ = [
    "AMBER",
    "CALLED",
    "LEVELS",
    "NO_CAUSE",
    "NO_LEVEL",
    "RED",
    "TABLE",
    "WATCH",
    "Action",
    "Backtest",
    "Capacity",
    "History",
    "Levels",
    "WarningSpec",
    "WinbackSpec",
    "back_test",
    "build_alerts",
    "causes",
    "changed_share",
    "give_levels",
    "replay",
    "teams",
    "with_stake",
]
