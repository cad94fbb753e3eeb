"""Which rows of a table are learned from and which are tested, and their order in time where there is one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.model_selection import StratifiedKFold, train_test_split

from crmml.errors import SourceError
from crmml.feature_table.spec import TableSplit
from crmml.periods import Horizon, label_window

TRAIN, TEST, PURGED = "train", "test", "label_reaches_into_test"
BLOCKS = 10


def divide(
    split: TableSplit, label: npt.NDArray[np.float64], *, cutoffs: pd.Series, order: pd.Series, horizon: Horizon | None
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64] | None]:
    """The part of each row, and its place in time where dates do not tell it.

    Parameters
    ----------
    label : ndarray of shape (n_rows,)
        0 or 1, in the order of the file.
    cutoffs, order : Series of shape (n_rows,)
        The cut-off of each row (null without), and what `last` sorts by.

    Returns
    -------
    (ndarray of str, ndarray of int or None)
        `train`, `test`, `label_reaches_into_test`, or `fold 1` …; blocks that
        rise with time among the training rows, None where cut-offs say it.
    """
    if split.kind == "later":
        return _later(split, cutoffs, horizon), None
    none = np.zeros(len(label), dtype=np.int64)
    if split.kind == "last":
        return _last(split, order)
    if min((label == 1).sum(), (label == 0).sum()) < max(2, split.folds):
        raise SourceError(
            f"{int((label == 1).sum())} events and {int((label == 0).sum())} others cannot be dealt at random; "
            f"expected at least {max(2, split.folds)} of each",
            code="D018",
        )
    parts = np.full(len(label), TRAIN, dtype="<U24")
    if split.kind == "random":
        _, tested = train_test_split(
            np.arange(len(label)), test_size=split.share, stratify=label, random_state=split.seed
        )
        parts[tested] = TEST
        return parts, none
    dealt = StratifiedKFold(split.folds, shuffle=True, random_state=split.seed).split(none, label)
    for number, (_, tested) in enumerate(dealt, start=1):
        parts[tested] = f"fold {number}"
    return parts, none


def _later(split: TableSplit, cutoffs: pd.Series, horizon: Horizon | None) -> npt.NDArray[np.str_]:
    """Cut-offs from the first test cut-off on are tested; labels that reach into them are not learned from."""
    assert split.first is not None
    assert horizon is not None
    first = pd.Timestamp(split.first)
    tested = cutoffs[cutoffs >= first]
    if tested.empty:
        raise SourceError(
            f"no cut-off lies on or after {split.first}; the table holds {cutoffs.min():%Y-%m-%d} to "
            f"{cutoffs.max():%Y-%m-%d}. Test earlier, or load newer rows",
            code="D018",
        )
    parts = np.where(cutoffs >= first, TEST, TRAIN).astype("<U24")
    opening = tested.min().date()
    for day in sorted(cutoffs[cutoffs < first].unique()):
        if label_window(pd.Timestamp(day).date(), horizon).end > opening:
            parts[(cutoffs == day).to_numpy()] = PURGED
    return parts


def _last(split: TableSplit, order: pd.Series) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.int64]]:
    """The last rows by rank; rows that tie with the first test row are tested too."""
    rank = order.rank(method="min").to_numpy() - 1
    count = len(order)
    begin = np.sort(rank)[min(count - 1, round((1 - split.share) * count))]
    parts = np.where(rank >= begin, TEST, TRAIN).astype("<U24")
    # Ranks of the training rows, cut into blocks of about the same size.
    blocks = np.minimum(BLOCKS, (rank * BLOCKS / max(begin, 1)).astype(np.int64))
    return parts, blocks
