"""Whether a cut treats groups alike: how many are selected, and how often rightly, with intervals by customer.

Groups come from attributes that no model learns from. A ratio compares a group
with the largest one; by the four-fifths rule of thumb it should lie between
0.8 and 1.25. It is a custom, not a law, and a ratio of few customers is noise:
the interval says which it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from crmml.evaluation.bootstrap import Customers, figure
from crmml.evaluation.groups import FEW, RESAMPLES, TestRows, figures_of, merge_few

Array = npt.NDArray[np.float64]
FOUR_FIFTHS = 0.8


def top_share(score: Array, periods: npt.NDArray[np.str_], share: float) -> npt.NDArray[np.bool_]:
    """The highest `share` of the scores of each period; of equal scores at the border, the first in order.

    >>> top_share(np.array([3.0, 1, 2, 9]), np.array(["a", "a", "b", "b"]), 0.5).tolist()
    [True, False, False, True]
    """
    chosen = np.zeros(len(score), dtype=bool)
    for period in np.unique(periods):
        inside = np.flatnonzero(periods == period)
        count = max(1, round(share * len(inside)))
        chosen[inside[np.argsort(-score[inside], kind="stable")[:count]]] = True
    return chosen


def group_treatment(
    rows: TestRows,
    groups: npt.NDArray[np.str_],
    selected: npt.NDArray[np.bool_],
    event: Array,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> list[dict[str, Any]]:
    """One entry for each group, the largest first, which the others are compared with.

    Parameters
    ----------
    selected : ndarray of shape (n_rows,)
        Who is above the cut.
    event : ndarray of shape (n_rows,)
        1 where being selected is right.

    Returns
    -------
    list of dict
        What `evaluation.groups` tells of a group, and as value, low, high: `selected` (share of its rows),
        `true_positive` (of its events, the share selected), `false_positive` (of its others), `precision`
        (of its selected, the share with the event), each with a `_ratio` to the largest group (null there);
        `flag`: `outside` where the ratio of selection lies outside 0.8 to 1.25 beyond its interval, `inside
        noise` where only the estimate does, else `none`.
    """
    named = merge_few(groups, rows.customers)
    names = sorted(np.unique(named), key=lambda name: (name == FEW, -int((named == name).sum()), name))
    drawn = Customers(rows.customers, resamples=resamples, seed=seed)
    weights = np.concatenate(list(drawn.draws())) if len(rows.label) * resamples < 40_000_000 else None
    ones = np.ones((1, len(rows.label)))
    blocks = [weights] if weights is not None else list(drawn.draws())
    rates = {name: _rates(named == name, selected, event, ones) for name in names}
    resampled = {name: _joined([_rates(named == name, selected, event, block) for block in blocks]) for name in names}
    return [
        {"group": str(name)}
        | figures_of(rows.only(named == name), resamples=resamples, seed=seed)
        | _told(rates[name], resampled[name], rates[names[0]], resampled[names[0]], is_first=name == names[0])
        for name in names
    ]


def _rates(
    inside: npt.NDArray[np.bool_], selected: npt.NDArray[np.bool_], event: Array, weights: Array
) -> dict[str, Array]:
    """The four rates of a group, for each weighting; null where nobody counts."""
    w = weights[:, inside]
    s, y = selected[inside].astype(float), event[inside]
    return {
        "selected": _share(w @ s, w.sum(axis=1)),
        "true_positive": _share(w @ (s * y), w @ y),
        "false_positive": _share(w @ (s * (1 - y)), w @ (1 - y)),
        "precision": _share(w @ (s * y), w @ s),
    }


def _share(part: Array, whole: Array) -> Array:
    return np.divide(part, whole, out=np.full(len(part), np.nan), where=whole > 0)


def _joined(parts: list[dict[str, Array]]) -> dict[str, Array]:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _told(
    rates: Mapping[str, Array],
    drawn: Mapping[str, Array],
    first: Mapping[str, Array],
    first_drawn: Mapping[str, Array],
    *,
    is_first: bool,
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, value in rates.items():
        found = figure(float(value[0]), drawn[name])
        told[name] = found.as_dict() if found.value is not None else None
        ratio = figure(float(_share(value, first[name])[0]), _share(drawn[name], first_drawn[name]))
        told[f"{name}_ratio"] = None if is_first or ratio.value is None else ratio.as_dict()
    return told | {"flag": flag_of(told["selected_ratio"])}


def flag_of(ratio: Mapping[str, float | None] | None) -> str:
    """What the four-fifths rule says of a ratio with its interval.

    >>> flag_of({"value": 0.5, "low": 0.4, "high": 0.7}), flag_of({"value": 0.7, "low": 0.5, "high": 0.95})
    ('outside', 'inside noise')
    >>> flag_of({"value": 1.1, "low": 0.9, "high": 1.3}), flag_of(None)
    ('none', 'none')
    """
    if ratio is None or ratio["value"] is None:
        return "none"
    least, most = FOUR_FIFTHS, 1 / FOUR_FIFTHS
    if least <= ratio["value"] <= most:
        return "none"
    low, high = ratio["low"], ratio["high"]
    if low is None or high is None:
        return "inside noise"
    return "outside" if high < least or low > most else "inside noise"
