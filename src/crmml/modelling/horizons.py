"""One table for several horizons: every row once for each horizon whose label is known.

How many months ahead a row looks is a feature, on which the chance may only
rise, so that the curve of a customer cannot cross itself and each of its points
is a sum of contributions like any other score.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.bundle import HORIZON
from crmml.features.declare import FeatureInfo
from crmml.modelling.enough import require_events
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import assign_rows, days_of, label_ends
from crmml.periods import Horizons

if TYPE_CHECKING:
    from crmml.abt import Abt
    from crmml.modelling.preparation import Prepared

LOOKS_AHEAD = FeatureInfo(
    name=HORIZON,
    family="horizon",
    concept="horizon",
    zh="预测期限(月)",
    en="months ahead",
    unit="months",
    formula="the horizon of the row, in months after the gap",
    window="",
    source="the model's config",
    null_meaning="never null",
    null_meaning_zh="不为空",
    sign={"churn": 1},
)


def stack(abt: Abt, spec: ModelSpec) -> Abt:
    """The table with a row for each customer, cut-off and horizon whose label is known, and the horizon as a feature.

    Training rows whose label window ends after the first test cut-off are left
    out, horizon by horizon: of one cut-off the next month may be known by then,
    and the next year not.

    Raises
    ------
    SourceError
        D018 or D019 with the horizon, if its label has too few events to learn from or none to test on.
    """
    assert isinstance(spec.horizon, Horizons)
    labels = [name for name in abt.frame if name.startswith("label_")]
    parts = []
    for one in spec.horizon.each:
        frame = abt.frame.assign(label=abt.frame[f"label_{one.months}m"], **{HORIZON: float(one.months)})
        part = frame[frame["label"].notna().to_numpy() & _is_known_in_time(frame, spec, one.months)]
        _require_both(part, spec, one.months)
        parts.append(part.drop(columns=labels))
    return replace(abt, frame=pd.concat(parts), features=(*abt.features, LOOKS_AHEAD))


def _is_known_in_time(frame: pd.DataFrame, spec: ModelSpec, months: int) -> npt.NDArray[np.bool_]:
    """Rows that are tested, or whose label of so many months was known by the first test cut-off."""
    split = spec.split
    if not split.is_out_of_time:
        return np.ones(len(frame), dtype=bool)
    days, first = days_of(frame["cutoff_date"]), np.datetime64(min(split.out_of_time))
    return np.asarray((days >= first) | (label_ends(days, one_of(spec, months)) <= first))


def one_of(spec: ModelSpec, months: int) -> Horizons:
    """The horizons of a model, with this one as headline."""
    assert isinstance(spec.horizon, Horizons)
    return replace(spec.horizon, months=months)


def _require_both(part: pd.DataFrame, spec: ModelSpec, months: int) -> None:
    label, days = part["label"].to_numpy(dtype=float), days_of(part["cutoff_date"])
    for rows, name in zip(assign_rows(part, spec.split), ("training", "test"), strict=True):
        require_events(
            label[rows],
            days[rows],
            target=f"{spec.name} within {months} month{'s' if months > 1 else ''}",
            rows=name,
            at_least=spec.few_events.at_least,
        )


def of_horizon(prepared: Prepared, months: int) -> Prepared:
    """The rows that look so many months ahead, each customer and cut-off once."""
    kept: npt.NDArray[np.bool_] = np.equal(prepared.column(HORIZON), float(months))
    place = np.cumsum(kept) - 1
    return replace(
        prepared,
        frame=prepared.frame[kept].reset_index(drop=True),
        X=prepared.X[kept],
        train=place[prepared.train[kept[prepared.train]]],
        test=place[prepared.test[kept[prepared.test]]],
    )


def without_horizon(prepared: Prepared) -> Prepared:
    """The same rows without the column that tells the horizon and those that no training row knows.

    Among rows of one horizon the first says nothing; the others may be known at a
    later cut-off, of which only shorter horizons were learned from.
    """
    known = np.atleast_1d((~np.isnan(prepared.X[prepared.train])).any(axis=0))
    kept = [place for place, name in enumerate(prepared.encoding.names) if known[place] and name != HORIZON]
    names = tuple(prepared.encoding.names[place] for place in kept)
    levels = {name: codes for name, codes in prepared.encoding.levels.items() if name in names}
    return replace(
        prepared,
        frame=prepared.frame.drop(columns=HORIZON),
        X=np.ascontiguousarray(prepared.X[:, kept]),
        infos=tuple(prepared.infos[place] for place in kept),
        encoding=replace(prepared.encoding, names=names, levels=levels),
    )
