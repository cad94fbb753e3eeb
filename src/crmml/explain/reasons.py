"""Why a customer's score differs from that of customers like them, exactly.

The effect of a concept group is its contribution less the peers' mean
contribution of the same group. The effects of all groups add up to the
difference between the customer's log-odds (or money) and the peers' mean; the
largest are named, and what is left is one more addend, "everything else".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from crmml.errors import IntegrityError
from crmml.explain.groups import concept_order, sum_by_concept, sum_columns

TOLERANCE = 1e-9
NO_REASON = "horizon"


@dataclass(frozen=True)
class Reasons:
    """The named reasons of many rows, largest absolute effect first.

    `groups`, `effects` and `speakers` have one row per scored row and one column
    per place. A place without a reason (fewer groups than places, or no effect)
    has group and speaker -1 and effect 0.
    """

    names: tuple[str, ...]  # the groups that `groups` counts into
    groups: np.ndarray  # (n, k) index of the group
    effects: np.ndarray  # (n, k) signed effect, log-odds or money
    speakers: np.ndarray  # (n, k) index of the feature that moved most inside the group
    rest: np.ndarray  # (n,) effect of everything not named

    @property
    def total(self) -> np.ndarray:
        """Sum of the named effects and the rest, per row."""
        total = self.rest.copy()
        for place in range(self.effects.shape[1]):
            total += self.effects[:, place]
        return total

    def code(self, row: int, place: int) -> str | None:
        """The stable code of a reason: the concept and its direction, such as `SALARY+`."""
        group = int(self.groups[row, place])
        return None if group < 0 else code_of(self.names[group], float(self.effects[row, place]))

    def codes(self, place: int) -> np.ndarray:
        """The codes of one place for every row, None where there is no reason."""
        both = np.array([code_of(name, sign) for name in self.names for sign in (-1.0, 1.0)] + [None], dtype=object)
        index = 2 * self.groups[:, place] + (self.effects[:, place] > 0)
        return both[np.where(self.groups[:, place] < 0, len(both) - 1, index)]


def code_of(concept: str, effect: float) -> str:
    """The reason code of a concept that raises (`+`) or lowers (`-`) what is served.

    >>> code_of("salary", 0.7), code_of("balances", -0.2)
    ('SALARY+', 'BALANCES-')
    """
    return f"{concept.upper()}{'+' if effect > 0 else '-'}"


def find_reasons(contributions: np.ndarray, peers: np.ndarray, concepts: Sequence[str], *, places: int = 4) -> Reasons:
    """The concept groups that set each row apart from its peers.

    Parameters
    ----------
    contributions : ndarray of shape (n_rows, n_features)
        Calibrated contributions to the log-odds, or components of money.
    peers : ndarray of shape (n_rows, n_features)
        The mean contributions of the peer segment of each row, from the frozen reference.
    concepts : sequence of str of length n_features
        The concept group of each feature.
    places : int
        How many groups are named.

    Returns
    -------
    Reasons
        Ties keep the order of the groups, so the same row always has the same reasons.
    """
    moved = contributions - peers
    effects = sum_by_concept(contributions, concepts) - sum_by_concept(peers, concepts)
    # All points of one horizon look as far ahead: that is no reason, and stays in everything else.
    size = np.where([name == NO_REASON for name in concept_order(concepts)], 0.0, np.abs(effects))
    order = np.argsort(-size, axis=1, kind="stable")[:, :places]
    kept = np.take_along_axis(size, order, axis=1) != 0
    moves = np.take_along_axis(effects, order, axis=1)
    named = np.where(kept, moves, 0.0)
    rest = effects.copy()
    np.put_along_axis(rest, order, np.where(kept, 0.0, moves), axis=1)
    names = concept_order(concepts)
    speakers = np.where(kept, _speakers(moved, order, named, concepts, names), -1)
    return Reasons(
        names=names,
        groups=_widened(np.where(kept, order, -1), places, -1),
        effects=_widened(named, places, 0.0),
        speakers=_widened(speakers, places, -1),
        rest=sum_columns(rest),
    )


def check_sums(found: np.ndarray, expected: np.ndarray, *, what: str, money: bool = False) -> float:
    """The largest difference between two sums that must agree; for money, relative to sums above 1.

    Raises
    ------
    IntegrityError
        If a row differs by more than 1e-9.
    """
    if not len(found):
        return 0.0
    difference = np.abs(found - expected)
    if money:  # a double holds 16 digits: 1e-9 of a million yuan is below its last one
        difference = difference / np.maximum(1.0, np.abs(expected))
    worst = float(difference.max())
    if not worst <= TOLERANCE:
        rows = int((~(difference <= TOLERANCE)).sum())
        raise IntegrityError(
            f"{what} differ on {rows:,} of {len(found):,} rows, at worst by {worst:.3g}; expected at most {TOLERANCE:g}. "
            "The bundle and its reference do not belong together: train again",
            code="M003",
        )
    return worst


def _speakers(
    moved: np.ndarray, order: np.ndarray, named: np.ndarray, concepts: Sequence[str], names: tuple[str, ...]
) -> np.ndarray:
    """The feature of each named group that moved most in the group's own direction."""
    members = [np.flatnonzero([concept == name for concept in concepts]) for name in names]
    speakers = np.zeros(order.shape, dtype=np.int64)
    for group, columns in enumerate(members):
        rows, places = np.nonzero(order == group)
        signs = np.where(named[rows, places] < 0, -1.0, 1.0)
        speakers[rows, places] = columns[np.argmax(moved[np.ix_(rows, columns)] * signs[:, None], axis=1)]
    return speakers


def _widened(values: np.ndarray, places: int, empty: float) -> np.ndarray:
    """The columns of `values` and empty ones up to `places`: a model may have fewer groups."""
    missing = places - values.shape[1]
    return np.pad(values, ((0, 0), (0, missing)), constant_values=empty) if missing > 0 else values
