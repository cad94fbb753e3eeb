"""How the last screen writes a figure, and a line that was checked."""

from __future__ import annotations

from typing import Any


def slope_of(head: dict[str, Any]) -> str:
    """The calibration slope with its interval."""
    slope = head["calibration_slope"]
    return f"{slope['value']:.2f} [{slope['low']:.2f}, {slope['high']:.2f}]"


def checked(text: str, good: bool) -> str:
    """A line whose claim was checked in the run."""
    return f"{text}     {'ok' if good else 'NOT OK'}"


def thousand(amount: Any) -> str:
    """An amount of yuan in thousands."""
    return f"{float(amount) / 1000:,.0f}"


def silent(_text: str) -> None:
    """Nothing to say."""
