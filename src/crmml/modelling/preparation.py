"""From the analytic base table to matrices: canonical order, columns kept, categories coded.

Whatever is learned here (levels, dropped columns) is learned on training rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmml.bundle import HORIZON, SIGNS, Encoding, learn_levels
from crmml.bundle.rhythm import BOOKINGS, FIRST, LAST
from crmml.errors import SourceError
from crmml.modelling.enough import require_amounts, require_events
from crmml.modelling.horizons import stack
from crmml.modelling.spec import ModelSpec
from crmml.modelling.splits import Rows, assign_rows, days_of, is_event_table
from crmml.peers import segment_of

if TYPE_CHECKING:
    from crmml.abt import Abt
    from crmml.features.declare import FeatureInfo

Array = npt.NDArray[np.float64]
SEGMENT = "segment"
#: What a forecast of money looks up: last year's amounts, and what a rhythm is read from.
_READ_BY_NAME = frozenset({*(f"{name}_12m" for name in SIGNS), BOOKINGS, FIRST, *LAST})


@dataclass(frozen=True)
class Prepared:
    """Everything a fit needs, rows in canonical order (cut-off, customer, event, and horizon where there are several).

    `train` and `test` are positions of rows of `frame` and `X`. `dropped` maps a
    column that is not used to the reason.
    """

    frame: pd.DataFrame
    X: Array
    train: Rows
    test: Rows
    infos: tuple[FeatureInfo, ...]
    encoding: Encoding
    dropped: Mapping[str, str]
    is_event: bool

    @property
    def days(self) -> npt.NDArray[np.datetime64]:
        return days_of(self.frame["cutoff_date"])

    @property
    def blocks(self) -> npt.NDArray[np.int64]:
        """A number for each row that rises with time: its cut-off, or where a table has none, its place in order."""
        if "block" in self.frame:
            return self.frame["block"].to_numpy(dtype=np.int64)
        return self.days.astype(np.int64)

    @property
    def undated_blocks(self) -> npt.NDArray[np.int64] | None:
        """`blocks` where no cut-off tells the time, else None."""
        return self.blocks if "block" in self.frame else None

    @property
    def weights(self) -> Array | None:
        """How much each row counts, None where all count alike."""
        return self.column("weight") if "weight" in self.frame else None

    @property
    def horizons(self) -> Array | None:
        """How many months ahead each row looks, None where all look as far."""
        return self.column(HORIZON) if HORIZON in self.frame else None

    @property
    def customers(self) -> npt.NDArray[np.str_]:
        return self.frame["customer_id"].astype(str).to_numpy(dtype=str)

    @property
    def buckets(self) -> npt.NDArray[np.int64]:
        return self.frame["hash_bucket"].to_numpy(dtype=np.int64)

    @property
    def segments(self) -> npt.NDArray[np.str_]:
        return self.frame[SEGMENT].astype(str).to_numpy(dtype=str)

    def column(self, name: str) -> Array:
        """A label or money column as float64."""
        return self.frame[name].to_numpy(dtype=np.float64, na_value=np.nan)


def prepare(abt: Abt, spec: ModelSpec, *, segments: pd.Series | None = None) -> Prepared:
    """Split the table by the spec, and turn its features into a matrix.

    Parameters
    ----------
    segments : Series, optional
        Peer segment of each row of `abt.frame`, by its index; without it the
        column `segment`, else that of `peers.segment_of`.

    Raises
    ------
    SourceError
        If a label is null, a key repeats, or there are too few events.
    """
    frame = abt.frame
    if segments is not None:
        frame = frame.assign(**{SEGMENT: segments})
    elif SEGMENT not in frame.columns:
        frame = frame.assign(**{SEGMENT: segment_of(frame)})
    if spec.steps:
        abt = stack(replace(abt, frame=frame), spec)
        frame = abt.frame
    frame = in_order(frame)
    in_train, in_test = assign_rows(frame, spec.split)
    frame = frame[in_train | in_test].reset_index(drop=True)
    train, test = (np.flatnonzero(rows[in_train | in_test]) for rows in (in_train, in_test))
    _check_labels(frame, train, test, spec)
    infos, dropped = keep_features(
        abt.features, frame.iloc[train], first=_READ_BY_NAME if spec.is_money else frozenset()
    )
    dropped = {**abt.dropped, **dropped}
    levels = {
        info.name: learn_levels(frame[info.name].iloc[train], frame["customer_id"].iloc[train])
        for info in infos
        if info.kind == "category"
    }
    encoding = Encoding(tuple(info.name for info in infos), levels)
    X, _ = encoding.encode(frame)
    return Prepared(frame, X, train, test, infos, encoding, dropped, is_event_table(frame))


def in_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows by cut-off, customer and event, so that the order of the input changes nothing."""
    keys = pd.DataFrame(
        {
            "cutoff": days_of(frame["cutoff_date"]),
            "customer": frame["customer_id"].astype(str).to_numpy(),
            "event": frame["event_id"].astype("str").fillna("").to_numpy() if "event_id" in frame else "",
            "horizon": frame[HORIZON].to_numpy() if HORIZON in frame else 0.0,
        }
    )
    order = keys.sort_values(["cutoff", "customer", "event", "horizon"], kind="stable").index.to_numpy()
    repeated = int(keys.duplicated().sum())
    if repeated:
        raise SourceError(
            f"the table holds {repeated:,} rows whose customer, cut-off and event repeat; expected one row per snapshot",
            code="D005",
        )
    return frame.iloc[order]


def _check_labels(frame: pd.DataFrame, train: Rows, test: Rows, spec: ModelSpec) -> None:
    if frame["label"].isna().any():
        raise SourceError(
            f"{spec.name}: {int(frame['label'].isna().sum()):,} of {len(frame):,} labels are null; expected immature "
            "rows to be dropped and counted before training",
            code="D017",
        )
    days = days_of(frame["cutoff_date"])
    labels = frame["label"].to_numpy(dtype=float)
    for rows, name in ((train, "training"), (test, "test")):
        if not spec.is_money:
            require_events(labels[rows], days[rows], target=spec.name, rows=name, at_least=spec.few_events.at_least)
        else:
            require_amounts(labels[rows], days[rows], target=spec.name, rows=name)


def keep_features(
    features: tuple[FeatureInfo, ...], train: pd.DataFrame, *, first: frozenset[str] = frozenset()
) -> tuple[tuple[FeatureInfo, ...], dict[str, str]]:
    """The features that vary on training rows and repeat no other, and why the others are not used.

    Of columns that are the same on training rows the earlier stays, but one of `first` before any other.
    """
    kept: list[FeatureInfo] = []
    dropped: dict[str, str] = {}
    seen: dict[bytes, str] = {}
    for info in sorted(features, key=lambda info: info.name not in first):
        if info.name not in train.columns:
            raise SourceError(
                f"the table lacks the feature {info.name}; expected every feature of its catalogue", code="M004"
            )
        values = train[info.name]
        if values.isna().all():
            dropped[info.name] = "null on every training row"
        elif not values.isna().any() and values.nunique() == 1:
            dropped[info.name] = f"always {values.iloc[0]} on training rows"
        elif (same := _first_of_its_kind(info, values, seen)) is not None:
            dropped[info.name] = f"the same as {same} on every training row"
        else:
            kept.append(info)
    if not kept:
        raise SourceError(
            "no feature varies on the training rows; expected at least one. Check the families and the dates",
            code="D020",
        )
    kept.sort(key=features.index)
    return tuple(kept), dropped


def _first_of_its_kind(info: FeatureInfo, values: pd.Series, seen: dict[bytes, str]) -> str | None:
    """The earlier number whose values are the same on every row; this one is remembered where there is none.

    A booster draws its columns by chance, so a column that is there twice is drawn twice as often.
    """
    if info.kind == "category":
        return None
    numbers = values.to_numpy(dtype=np.float64, na_value=np.nan)
    digest = hashlib.sha256(np.where(np.isnan(numbers), np.nan, numbers + 0.0).tobytes()).digest()
    earlier = seen.setdefault(digest, info.name)
    return None if earlier == info.name else earlier
