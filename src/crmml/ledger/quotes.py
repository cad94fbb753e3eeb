"""The table `rates` as it was known day by day: curves by tenor, and rates of exchange."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from ibis import _
from numpy.typing import NDArray

from crmml.economics.curves import interpolated, usual_step
from crmml.errors import SourceError
from crmml.sources.bank import Bank

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Days = NDArray[np.datetime64]
PPM = 1_000_000


@dataclass(frozen=True)
class Quotes:
    """One series of `rates`: what stood from each day it was known on.

    A quote is known once all its points are posted, and one overtaken by a
    newer quote counts for nothing: what held on a day never changes.
    """

    kind: str
    key: str
    days: Days
    points: tuple[tuple[Floats, Floats], ...]

    def place(self, days: Days) -> Whole:
        """For each day the place of the quote in force, -1 before the first."""
        return np.searchsorted(self.days, days, side="right") - 1

    def rates(self, days: Days, tenors: Floats) -> Floats:
        """Rates at days and tenors to a millionth; not a number before the first quote and outside the tenors."""
        found, place = np.full(len(days), np.nan), self.place(days)
        for version in np.unique(place[place >= 0]):
            rows = place == version
            quoted, rates = self.points[version]
            found[rows] = interpolated(quoted, rates, tenors[rows])
        return np.round(found * PPM) / PPM

    @property
    def first(self) -> date:
        return pd.Timestamp(self.days[0]).date()

    @property
    def shortest(self) -> float:
        """The shortest tenor that every quote has."""
        return float(max(tenors[0] for tenors, _rates in self.points))

    def holes(self, days: Days, gap: int | None) -> list[str]:
        """The months of `days` in which the quote in force has stood for too long, as 2025-03.

        `gap` is how many months after its own a quote may stand; None: one less than the rhythm.
        """
        rhythm = usual_step(_month(self.days))
        longest = gap if gap is not None else None if rhythm is None else rhythm - 1
        days = days[self.place(days) >= 0]
        if longest is None or not len(days):
            return []
        ends = (days.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
        # Early in a month, before its quote, that of the month before still stands.
        is_old = self._stood(days) > longest + 1
        return sorted({str(day)[:7] for day in days[is_old | (self._stood(ends) > longest)]})

    def _stood(self, days: Days) -> Whole:
        """Months from the quote in force to the day."""
        return _month(days) - _month(self.days[self.place(days)])


def read_quotes(bank: Bank, kind: str, keys: Iterable[str]) -> dict[str, Quotes]:
    """The series of these keys that `rates` holds.

    Raises
    ------
    SourceError
        If a tenor is missing from a quote and stands in one before and one after it.
    """
    wanted = sorted(set(keys))
    if not bank.has("rates") or not wanted:
        return {}
    rows = bank.table("rates").filter((_.kind == kind) & _.key.isin(wanted))
    rows = rows.filter(_.tenor_months.notnull() if kind == "ftp" else _.tenor_months.isnull())
    names = ["key", "valid_from", "posted_on", "tenor_months", "rate"]
    frame = rows.select(*names).order_by(names).to_pandas()
    for name in ("valid_from", "posted_on"):
        frame[name] = pd.to_datetime(frame[name])
    return {str(key): _series(kind, str(key), rows) for key, rows in frame.groupby("key")}


def _series(kind: str, key: str, rows: pd.DataFrame) -> Quotes:
    known = rows[["valid_from", "posted_on"]].max(axis=1).groupby(rows["valid_from"]).max()
    order = known.reset_index(name="known").sort_values(["known", "valid_from"], ignore_index=True)
    current = order[order["valid_from"] >= order["valid_from"].cummax()].drop_duplicates("known", keep="last")
    points = []
    for valid_from in current["valid_from"]:
        quote = rows[rows["valid_from"] == valid_from].sort_values("tenor_months")
        tenors = quote["tenor_months"].fillna(0).to_numpy(dtype=float)
        points.append((tenors, quote["rate"].to_numpy(dtype=float)))
        if kind == "ftp":
            require_fraction(kind, key, float(quote["rate"].abs().max()))
    found = Quotes(kind, key, current["known"].to_numpy(dtype="datetime64[D]"), tuple(points))
    _require_tenors(found)
    return found


def _require_tenors(quotes: Quotes) -> None:
    """No quote lacks a tenor that quotes on both sides of it have."""
    held = [set(tenors) for tenors, _rates in quotes.points]
    for tenor in sorted(set().union(*held)):
        has = [place for place, tenors in enumerate(held) if tenor in tenors]
        lacking = sorted(set(range(has[0], has[-1])) - set(has))
        if lacking:
            days = ", ".join(str(quotes.days[place]) for place in lacking[:3])
            raise SourceError(
                f"rates: {quotes.kind} {quotes.key} has no tenor of {tenor:.0f} months on {days} "
                f"({len(lacking)} of {len(held)} quotes), which the quotes before and after have; expected every quote "
                "whole. Add the points, or leave the tenor out of all quotes",
                code="D038",
            )


def require_fraction(kind: str, key: str, rate: float) -> None:
    """Refuse an internal rate in percent, showing it."""
    if not -1 < rate < 1:
        raise SourceError(
            f"rates: {kind} {key} is {rate}, which reads as a percentage; expected a fraction such as 0.035. "
            "Divide by 100 in the mapping",
            code="D031",
        )


def refuse_holes(quotes: Quotes, days: Days, gap: int | None, *, needed_by: str) -> None:
    """Refuse days on which the series had not been quoted for longer than its rhythm allows.

    Raises
    ------
    SourceError
        With the months, what they are needed for, and what to do.
    """
    months = quotes.holes(days, gap)
    if months:
        shown = ", ".join(months[:6]) + (" …" if len(months) > 6 else "")
        usual = (
            f"at most {gap} months apart"
            if gap is not None
            else f"one every {usual_step(_month(quotes.days))} month(s), as elsewhere"
        )
        raise SourceError(
            f"rates: {quotes.kind} {quotes.key} has a hole: no quote for {len(months)} months ({shown}), needed by "
            f"{needed_by}; expected {usual}. Add the quotes, or, if one stands until the next, say how long: "
            "economics.rate_gap_months",
            code="D038",
        )


def _month(days: Days) -> Whole:
    return days.astype("datetime64[M]").astype(np.int64)
