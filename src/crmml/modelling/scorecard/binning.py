"""Cutting one feature into bins: OptBinning's door.

The optimum under the trend that is wanted is found exactly by one worker with a fixed seed, so the same rows give
the same bins on any machine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from crmml.modelling.scorecard.bins import Bin, Binned, count, weigh

if TYPE_CHECKING:
    from crmml.features.declare import FeatureInfo

Array = npt.NDArray[np.float64]
#: The code of a category that training rows did not have (a null is NaN).
UNSEEN = -1.0
MOST_BINS = 8
_PREBINS = 20
_LEAST_SHARE = 0.05
# Solves in milliseconds; a limit that is reached would make the bins depend on the machine.
_SECONDS = 600
_TRENDS = {1: "ascending", -1: "descending"}


def bin_feature(
    info: FeatureInfo,
    values: Array,
    label: Array,
    *,
    target: str,
    weight: Array,
    special: Sequence[float] = (),
    levels: Mapping[str, int] | None = None,
) -> Binned:
    """The bins of one feature on training rows.

    Parameters
    ----------
    values : ndarray of shape (n_rows,)
        Numbers, or codes of `levels`; null is NaN.
    target : str
        The kind of target; a feature whose catalogue expects a sign for it is binned with rates that rise (or
        fall) from bin to bin, any other with whichever of the two fits better.
    levels : mapping, optional
        Code of every level of a category.
    """
    is_known = ~np.isnan(values) & ~np.isin(values, list(special))
    sign = 0 if levels is not None else int(info.sign.get(target, 0))
    tail = [Bin("missing"), Bin("special")]
    if levels is not None:
        groups = _group_levels(values, label, weight, is_known)
        names = [tuple(sorted(level for level, code in levels.items() if code in group)) for group in groups]
        bins: list[Bin] = [Bin("levels", levels=found) for found in names] + [*tail, Bin("unseen")]
        trend = "levels"
    else:
        edges = _cut(values, label, weight, is_known, _TRENDS.get(sign, "auto_asc_desc"))
        bounds = [-np.inf, *edges.tolist(), np.inf]
        bins = [Bin("range", low=low, high=high) for low, high in pairwise(bounds)] + tail
        trend = "expected" if sign else "found"
    draft = Binned(info.name, tuple(bins), trend)
    places = find_bins(draft, values, special=special, levels=levels)
    return Binned(info.name, weigh(count(places, label, weight, bins)), trend)


def find_bins(
    binned: Binned, values: Array, *, special: Sequence[float] = (), levels: Mapping[str, int] | None = None
) -> npt.NDArray[np.intp]:
    """The position of each value's bin."""
    if levels is not None:
        table = np.full(max([*levels.values(), 0]) + 1, binned.place("unseen"), dtype=np.intp)
        for index, one in enumerate(binned.bins):
            for level in one.levels:
                table[levels[level]] = index
        codes = np.where(np.isnan(values) | (values < 0), 0, values).astype(np.intp)
        places = np.where(values == UNSEEN, binned.place("unseen"), table[codes])
    else:
        places = np.searchsorted(binned.edges, values, side="right").astype(np.intp)
        if len(special):
            places[np.isin(values, list(special))] = binned.place("special")
    places[np.isnan(values)] = binned.place("missing")
    return places


def _cut(values: Array, label: Array, weight: Array, is_known: npt.NDArray[np.bool_], trend: str) -> Array:
    """Where the ranges of a number meet."""
    if not _is_cuttable(values, label, is_known):
        return np.empty(0)
    fitted = _optimal(values[is_known], label[is_known], weight[is_known], monotonic_trend=trend, max_n_bins=MOST_BINS)
    return np.asarray(fitted.splits, dtype=float)


def _group_levels(values: Array, label: Array, weight: Array, is_known: npt.NDArray[np.bool_]) -> list[set[int]]:
    """The codes of a category that go together."""
    codes = sorted({int(code) for code in values[is_known & (values >= 0)]})
    if not _is_cuttable(values, label, is_known):
        return [set(codes)] if codes else []
    texts = np.array([str(int(code)) for code in values[is_known]], dtype=object)
    fitted = _optimal(texts, label[is_known], weight[is_known], dtype="categorical", max_n_bins=MOST_BINS)
    return [{int(code) for code in group} for group in fitted.splits]


def _is_cuttable(values: Array, label: Array, is_known: npt.NDArray[np.bool_]) -> bool:
    """Whether there is more than one value and both outcomes among the rows where it is known."""
    known = values[is_known]
    return len(known) > 1 and known.min() < known.max() and 0 < label[is_known].sum() < len(known)


def _optimal(values: Any, label: Array, weight: Array, **settings: Any) -> Any:
    # Takes a second to import, and only training needs it.
    from optbinning import OptimalBinning

    binning = OptimalBinning(max_n_prebins=_PREBINS, min_prebin_size=_LEAST_SHARE, time_limit=_SECONDS, **settings)
    is_weighted = bool(np.ptp(weight))
    return binning.fit(values, label.astype(int), sample_weight=weight if is_weighted else None)
