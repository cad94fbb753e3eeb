"""Contributions of features summed by the concept they belong to.

Correlated features of one concept share what they tell between them in a way
that no banker can read; their sum is stable and has a name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np


def concept_order(concepts: Sequence[str]) -> tuple[str, ...]:
    """The concept groups of the features, each once, in order of first appearance."""
    return tuple(dict.fromkeys(concepts))


def sum_by_concept(contributions: np.ndarray, concepts: Sequence[str]) -> np.ndarray:
    """Contributions of the concept groups of each row.

    Features are added one after the other, column by column, so that a row's
    figure does not depend on the rows beside it.

    Parameters
    ----------
    contributions : ndarray of shape (n_rows, n_features)
        Additive contributions, log-odds or money.
    concepts : sequence of str of length n_features
        The concept group of each feature.

    Returns
    -------
    ndarray of shape (n_rows, n_groups)
        In the order of `concept_order(concepts)`.

    Examples
    --------
    >>> sum_by_concept(np.array([[1.0, 2.0, 4.0]]), ["salary", "balances", "salary"])
    array([[5., 2.]])
    """
    if contributions.shape[1] != len(concepts):
        raise ValueError(f"{contributions.shape[1]} contributions a row, expected {len(concepts)}, one per concept")
    order = {name: index for index, name in enumerate(concept_order(concepts))}
    sums = np.zeros((len(contributions), len(order)))
    for column, concept in enumerate(concepts):
        sums[:, order[concept]] += contributions[:, column]
    return sums


def sum_columns(values: np.ndarray) -> np.ndarray:
    """The sum of each row, columns added one after the other (see `sum_by_concept`)."""
    total = np.zeros(len(values))
    for column in range(values.shape[1]):
        total += values[:, column]
    return total


def top_groups(
    contributions: np.ndarray, concepts: Sequence[str], reference: np.ndarray | None = None
) -> dict[str, float]:
    """Which concept groups move a model, and how much of its movement each one has.

    Parameters
    ----------
    contributions : ndarray of shape (n_rows, n_features)
        Additive contributions of many rows.
    reference : ndarray of shape (n_features,) or (n_rows, n_features), optional
        What is subtracted first, such as the peers' means; the mean of the rows when not given.

    Returns
    -------
    dict
        Concept group to its share of the mean absolute centred contribution; the largest first,
        summing to 1 unless nothing moves at all.

    Examples
    --------
    >>> top_groups(np.array([[3.0, 0.0], [-3.0, 2.0]]), ["salary", "balances"])
    {'salary': 0.75, 'balances': 0.25}
    """
    centred = contributions - (contributions.mean(axis=0) if reference is None else reference)
    movement = np.abs(sum_by_concept(centred, concepts)).mean(axis=0)
    total = float(movement.sum())
    shares: Mapping[str, float] = dict(
        zip(concept_order(concepts), (movement / total if total > 0 else movement).tolist(), strict=True)
    )
    return dict(sorted(shares.items(), key=lambda item: -item[1]))
