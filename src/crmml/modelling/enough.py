"""Whether there is enough to learn from and to test on, and if not, how much is missing."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from crmml.errors import SourceError
from crmml.modelling.spec import FEWEST_EVENTS


def require_events(
    label: npt.NDArray[np.float64],
    days: npt.NDArray[np.datetime64],
    *,
    target: str,
    rows: str,
    at_least: int = FEWEST_EVENTS,
) -> None:
    """Refuse to learn from fewer events than `at_least`, or to test on none.

    Raises
    ------
    SourceError
        With the counts and the dates.
    """
    if len(label) == 0:
        raise SourceError(
            f"{target}: there are no {rows} rows; expected some on the cut-offs of the config. "
            "See the population's waterfall, and widen the dates",
            code="D018",
        )
    events = int((label == 1).sum())
    span = _span(days)
    if events == 0 or events == len(label):
        found = "no events" if events == 0 else "events only"
        raise SourceError(
            f"{target}: {len(label):,} {rows} rows {span} hold {found}; expected both outcomes. Widen the dates or "
            "the definition of the label",
            code="D018",
        )
    if rows == "training" and events < at_least:
        raise SourceError(
            f"{target}: {events} events (< {at_least}) among {len(label):,} training rows {span}; expected at "
            f"least {at_least}. Add earlier cut-offs{_at_this_rate(days, events, at_least)} or lengthen the horizon"
            + (
                ""
                if at_least < FEWEST_EVENTS
                else "; where the bank has no more, `few_events: {at_least: …}` allows less"
            ),
            code="D019",
        )


def begin_by(days: npt.NDArray[np.datetime64], events: int, at_least: int) -> str:
    """The month with which training would have to begin for so many events, if they happened at the same rate before.

    Nothing where rows have no dates.

    >>> begin_by(np.array(["2024-01-31", "2024-07-31"], dtype="datetime64[D]"), events=25, at_least=50)
    '2023-02'
    """
    known = days[~np.isnat(days)]
    if len(known) == 0:
        return ""
    distinct = np.unique(known)
    # One cut-off stands for a month of events.
    step = int((distinct[1:] - distinct[:-1]).astype(int).mean()) if len(distinct) > 1 else 30
    needed = int(np.ceil((int((distinct[-1] - distinct[0]).astype(int)) + step) * at_least / events))
    return str((distinct[-1] - np.timedelta64(needed - step, "D")).astype("datetime64[M]"))


def _at_this_rate(days: npt.NDArray[np.datetime64], events: int, at_least: int) -> str:
    first = begin_by(days, events, at_least)
    return f" (at this rate from about {first} on)" if first else ""


def require_amounts(
    label: npt.NDArray[np.float64], days: npt.NDArray[np.datetime64], *, target: str, rows: str
) -> None:
    """Refuse to learn or to test amounts that are the same for all.

    Raises
    ------
    SourceError
        With the amount and the dates.
    """
    if len(label) < 2:
        raise SourceError(
            f"{target}: {len(label)} {rows} rows; expected customers on the cut-offs of the config. "
            "See the population's waterfall",
            code="D018",
        )
    if np.ptp(label) < 0.005:
        raise SourceError(
            f"{target}: all {len(label):,} {rows} contributions {_span(days)} are {label[0]:,.2f}; expected amounts that "
            "differ. Check `economics` of bank.yaml against the ledger (crmml ledger BANK), or widen the dates",
            code="D018",
        )


def _span(days: npt.NDArray[np.datetime64]) -> str:
    return "without dates" if np.isnat(days).all() else f"from {days.min()} to {days.max()}"
