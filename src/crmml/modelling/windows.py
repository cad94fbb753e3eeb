"""Every window of a model before anything is computed: what is looked back on, what a label is drawn from."""

from __future__ import annotations

from datetime import date

import pandas as pd

from crmml.modelling.spec import Split
from crmml.periods import Horizon, label_window, look_back, month_end


def plan_calendar(
    split: Split,
    horizon: Horizon,
    *,
    look_back_months: int,
    observed_from: date,
    observed_until: date,
) -> pd.DataFrame:
    """Every window of a model before anything is computed; one row per cut-off.

    Parameters
    ----------
    look_back_months : int
        The longest feature window.
    observed_from, observed_until : date
        First and last day the sources of features and label are known for.

    Returns
    -------
    DataFrame
        `cutoff_date, used_for, features_from, label_from, label_until, state`;
        the state is `ok`, `history too short`, `label not yet observed`, or, for a
        longer horizon of several, left out because its label reaches into the test.
    """
    rows = []
    for used_for, dates in (("train", split.train), ("out_of_time", split.out_of_time)):
        for cutoff in dates:
            asked = horizon.learned if used_for == "train" else horizon
            window, back = label_window(cutoff, asked), look_back(cutoff, look_back_months)
            state = "ok" if back.start >= _day_before(observed_from) else "history too short"
            if window.end > observed_until:
                state = "label not yet observed"
            elif used_for == "train" and split.out_of_time and window.end > min(split.out_of_time):
                state = "left out: label known after the first test cut-off"
            rows.append((cutoff, used_for, back.start, window.start, window.end, state))
    names = ["cutoff_date", "used_for", "features_from", "label_from", "label_until", "state"]
    return pd.DataFrame(rows, columns=names)


def usable_range(
    horizon: Horizon, *, look_back_months: int, observed_from: date, observed_until: date
) -> tuple[date, date] | None:
    """First and last month end with full history and an observed label, or None where there is none."""
    first = month_end(observed_from)
    while look_back(first, look_back_months).start < _day_before(observed_from):
        first = month_end(date(first.year + first.month // 12, first.month % 12 + 1, 1))
    last = month_end(observed_until)
    while label_window(last, horizon).end > observed_until:
        last = month_end(look_back(last, 1).start)
    return (first, last) if first <= last else None


def _day_before(day: date) -> date:
    return date.fromordinal(day.toordinal() - 1)
