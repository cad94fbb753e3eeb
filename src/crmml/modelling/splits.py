"""Which rows are learned from, tuned on and tested: always the later after the earlier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.errors import ConfigError, SourceError
from crmml.feature_table.spec import TableSplit
from crmml.modelling.spec import FEWEST_EVENTS, Split
from crmml.periods import Horizon, horizons_of, label_window

Rows = npt.NDArray[np.intp]
FEW_EVENTS = 300
# A search judged on fewer events than this chooses noise.
FEW_JUDGED = 150
_FEWEST_VALID = 20
CUSTOMER_FOLDS = 5


@dataclass(frozen=True)
class Fold:
    """Positions of the rows to learn from and of those to judge on."""

    train: Rows
    valid: Rows


@dataclass(frozen=True)
class Folds:
    """Folds for tuning, and how they were made: `time-forward` or `by customer`, with the reason."""

    folds: tuple[Fold, ...]
    kind: str
    reason: str


def check_purge(split: Split | TableSplit, horizon: Horizon | None) -> None:
    """No training label may reach past the first test cut-off.

    Raises
    ------
    ConfigError
        With both ranges.
    """
    # A feature table leaves out the training rows whose label reaches into the test, and counts them.
    if isinstance(split, TableSplit) or horizon is None or not split.is_out_of_time:
        return
    last, first = max(split.train), min(split.out_of_time)
    shortest, longest = horizons_of(horizon)[0], horizons_of(horizon)[-1]
    earliest = label_window(min(split.train), longest)
    if shortest != longest and earliest.end > first:
        raise ConfigError(
            f"the {longest.months}-month label of the first training cut-off {min(split.train)} is drawn from {earliest}, "
            f"the first out-of-time cut-off is {first}; expected one training cut-off whose label of {longest.months} "
            "months ends by then. Begin training earlier, test later, or leave that horizon out",
            code="C006",
        )
    # Of a later cut-off the longer horizons are left out of training, row by row; the shortest must be known.
    window = label_window(last, shortest.learned)
    if window.end > first:
        raise ConfigError(
            f"the label of the last training cut-off {last} is drawn from {window}, the first out-of-time "
            f"cut-off is {first}; expected training labels to end by then. End training earlier or test later",
            code="C006",
        )


def assign_rows(frame: pd.DataFrame, split: Split | TableSplit) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which rows are trained on, and which are tested on (`cutoff_date`, `hash_bucket`, `event_id`).

    Returns
    -------
    (ndarray of bool, ndarray of bool)
        Training rows (training cut-offs, customers not held out) and test rows
        (out-of-time cut-offs, all customers; without any, the customers held out).
    """
    if isinstance(split, TableSplit):
        return _parts_of(frame, split)
    days = days_of(frame["cutoff_date"])
    if is_event_table(frame):
        in_train = (days >= np.datetime64(split.train[0])) & (days <= np.datetime64(split.train[-1]))
        in_test = (days >= np.datetime64(split.tested[0])) & (days <= np.datetime64(split.tested[-1]))
    else:
        in_train = np.isin(days, np.array(split.train, dtype="datetime64[D]"))
        in_test = np.isin(days, np.array(split.tested, dtype="datetime64[D]"))
    is_new = frame["hash_bucket"].to_numpy(dtype=int) < split.holdout_buckets
    return in_train & ~is_new, in_test if split.is_out_of_time else in_test & is_new


def _parts_of(frame: pd.DataFrame, split: TableSplit) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The parts a feature table was divided into; of folds, every row is learned from, and tested by other models."""
    if split.kind == "folds" and frame["part"].astype(str).str.startswith("fold").all():
        everything = np.ones(len(frame), dtype=bool)
        return everything, everything
    is_new = frame["hash_bucket"].to_numpy(dtype=int) < (split.holdout_buckets or 0)
    return (frame["part"] == "train").to_numpy() & ~is_new, (frame["part"] == "test").to_numpy()


def make_folds(
    days: npt.NDArray[np.datetime64],
    buckets: npt.NDArray[np.int64],
    events: npt.NDArray[np.bool_] | None,
    horizon: Horizon | None,
    *,
    at_most: int,
    is_event: bool = False,
    blocks: npt.NDArray[np.int64] | None = None,
    months: npt.NDArray[np.float64] | None = None,
) -> Folds:
    """Time-forward folds of the training rows; customer folds where time or events do not suffice.

    A fold learns from cut-offs whose label window has ended by the cut-off it
    is judged on, as the served model will.

    Parameters
    ----------
    days, buckets, events : ndarray of shape (n_rows,)
        Cut-off, hash bucket and whether the row is an event, of training rows; no `events` for amounts.
    at_most : int
        The largest number of time-forward folds.
    is_event : bool
        Whether cut-offs are those of events; then quarters take the place of cut-offs.
    blocks : ndarray of shape (n_rows,), optional
        Place of each row in time, where no cut-off tells it; one block only: the rows have no order.
    months : ndarray of shape (n_rows,), optional
        Horizon of each row, where a model has several.
    """
    if events is not None and events.sum() < FEW_EVENTS:
        return Folds(customer_folds(buckets), "by customer", f"{int(events.sum())} events, fewer than {FEW_EVENTS}")
    if blocks is not None and len(np.unique(blocks)) == 1:
        return Folds(customer_folds(buckets), "by customer", "the rows have no order in time")
    if blocks is not None:
        undated = [(np.flatnonzero(blocks < block), np.flatnonzero(blocks == block)) for block in np.unique(blocks)]
        usable = [fold for train, valid in undated if (fold := _if_enough(train, valid, events))]
    else:
        ends = quarter_ends(days) if is_event else days
        usable = [fold for end in np.unique(ends) if (fold := _fold_at(end, days, ends, events, horizon, months))]
    if not usable and months is not None:
        few = "no fold that goes forward in time holds enough events of every horizon on both of its sides"
        return Folds(customer_folds(buckets, count=at_most), "by customer", few)
    if not usable:
        return Folds(customer_folds(buckets), "by customer", "too few training cut-offs for folds that go forward")
    chosen = np.unique(np.linspace(0, len(usable) - 1, min(at_most, len(usable))).round().astype(int))
    if len(chosen) < at_most:
        chosen = np.arange(len(usable))
    folds = tuple(usable[index] for index in chosen)
    judged = FEW_JUDGED if events is None else sum(int(events[fold.valid].sum()) for fold in folds)
    if judged < FEW_JUDGED:
        return Folds(customer_folds(buckets), "by customer", f"{judged} events to judge on, fewer than {FEW_JUDGED}")
    return Folds(folds, "time-forward", f"{len(chosen)} later cut-offs")


def customer_folds(buckets: npt.NDArray[np.int64], *, count: int = CUSTOMER_FOLDS) -> tuple[Fold, ...]:
    """Folds that share no customer: hash buckets dealt in turn."""
    present = np.unique(buckets)
    hand = np.searchsorted(present, buckets) % min(count, len(present))
    folds = [Fold(np.flatnonzero(hand != fold), np.flatnonzero(hand == fold)) for fold in np.unique(hand)]
    if len(folds) < 2:
        raise SourceError(
            "all training customers fall into one hash bucket; expected several. Train on more customers", code="D019"
        )
    return tuple(folds)


def days_of(cutoffs: pd.Series) -> npt.NDArray[np.datetime64]:
    """Cut-off dates as days."""
    return pd.to_datetime(cutoffs).to_numpy().astype("datetime64[D]")


def is_event_table(frame: pd.DataFrame) -> bool:
    """Whether the rows are events (loans, contacts) and not calendar snapshots."""
    return "event_id" in frame.columns and bool(frame["event_id"].notna().any())


def quarter_ends(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """The last day of the quarter of each day."""
    months = days.astype("datetime64[M]").astype(int)
    next_quarter = (months // 3 * 3 + 3).astype("datetime64[M]").astype("datetime64[D]")
    return (next_quarter.astype("int64") - 1).astype("datetime64[D]")


def _fold_at(
    block: np.datetime64,
    days: npt.NDArray[np.datetime64],
    blocks: npt.NDArray[np.datetime64],
    events: npt.NDArray[np.bool_] | None,
    horizon: Horizon | None,
    months: npt.NDArray[np.float64] | None = None,
) -> Fold | None:
    """Rows judged at one cut-off, and the earlier ones whose labels were known by its first day; of every horizon."""
    valid = np.flatnonzero(blocks == block)
    if horizon is None:
        raise ValueError("folds that go forward over cut-offs need the horizon of the label")
    train = np.flatnonzero(label_ends(days, horizon, months) <= days[valid].min())
    for step in [] if months is None else np.unique(months):
        if _if_enough(train[months[train] == step], valid[months[valid] == step], events) is None:  # type: ignore[index]
            return None
    return _if_enough(train, valid, events)


def _if_enough(train: Rows, valid: Rows, events: npt.NDArray[np.bool_] | None) -> Fold | None:
    """A fold, if there is enough on both of its sides."""
    if events is None:
        return Fold(train, valid) if min(len(train), len(valid)) >= FEWEST_EVENTS else None
    enough = events[train].sum() >= FEWEST_EVENTS and events[valid].sum() >= _FEWEST_VALID
    both = not events[train].all() and not events[valid].all()
    return Fold(train, valid) if enough and both else None


def label_ends(
    days: npt.NDArray[np.datetime64], horizon: Horizon, months: npt.NDArray[np.float64] | None = None
) -> npt.NDArray[np.datetime64]:
    """The last day of the label window of each cut-off; `months` where every row has a horizon of its own."""
    if months is not None:
        ends = np.empty(len(days), dtype="datetime64[D]")
        for step in np.unique(months):
            rows = months == step
            ends[rows] = label_ends(days[rows], Horizon(int(step), horizon.gap))
        return ends
    unique, codes = np.unique(days, return_inverse=True)
    ends = np.array(
        [label_window(day, horizon.learned).end for day in unique.astype(object).tolist()], dtype="datetime64[D]"
    )
    return ends[codes]


def span_of(days: Sequence[date]) -> str:
    """First and last of some dates, for people."""
    return f"{min(days)} to {max(days)}"
