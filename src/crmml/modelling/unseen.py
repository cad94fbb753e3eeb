"""The chance a model like one in use gives to customers whose own outcomes it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.bundle import probability_of
from crmml.evaluation.calibration import fit_logistic
from crmml.modelling.boosting import Binned, Growth
from crmml.modelling.splits import Fold
from crmml.modelling.uplift import fold_of

Array = npt.NDArray[np.float64]
Ids = npt.NDArray[np.str_]
HANDS = 4
"""Customers are dealt into so many hands; each pair of them has a model grown on the others."""


def unseen_chances(
    known: tuple[Array, Array, Ids],
    asked: tuple[Array, Ids],
    *,
    growth: Growth,
    params: Mapping[str, Any],
    trees: int,
    categorical: Sequence[int] = (),
) -> Array:
    """The calibrated chance of each asked row, by models and a calibration that saw no outcome of its customer.

    Of every two hands of customers a model is grown on the rest. A customer's chance is the mean of those his hand was
    left out of, each calibrated on what it says of the other hand it was left out of.

    Parameters
    ----------
    known : (X, label, customer of each row)
        What is learned from; labels of 0 and 1.
    asked : (X, customer of each row)
        With the same columns.
    growth, params, trees, categorical
        As the model in use was grown.
    """
    (X, label, customers), (wanted, theirs) = known, asked
    hands, asked_hands = fold_of(customers, HANDS), fold_of(theirs, HANDS)
    everybody = np.concatenate([hands, asked_hands])
    learned = np.arange(len(everybody)) < len(hands)
    pairs = list(combinations(range(HANDS), 2))
    folds = [
        Fold(np.flatnonzero(learned & ~np.isin(everybody, pair)), np.flatnonzero(np.isin(everybody, pair)))
        for pair in pairs
    ]
    # The labels of asked rows are never looked at: they stand in no fold's rows to learn from.
    binned = Binned(np.vstack([X, wanted]), np.concatenate([label, np.zeros(len(wanted))]), categorical, growth)
    total, count = np.zeros(len(wanted)), np.zeros(len(wanted))
    for pair, fold, raw in zip(pairs, folds, binned.raw_scores(folds, params, trees), strict=True):
        for own, other in (pair, pair[::-1]):
            judged = learned[fold.valid] & (everybody[fold.valid] == other)
            spoken = ~learned[fold.valid] & (everybody[fold.valid] == own)
            rows = fold.valid[spoken] - len(hands)
            total[rows] += _calibrated(raw[judged], label[fold.valid[judged]], raw[spoken])
            count[rows] += 1
    return np.asarray(total / count)


def _calibrated(scores: Array, label: Array, asked: Array) -> Array:
    """The chances of asked scores by a logistic of the judged ones; the share of events where scores do not rank."""
    try:
        intercept, slope = fit_logistic(scores, label)
    except ValueError:
        slope = 0.0
    if slope <= 0:
        return np.full(len(asked), float(label.mean()) if len(label) else 0.0)
    return probability_of(intercept + slope * asked)
