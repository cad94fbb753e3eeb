"""Where past and future meet: snapshots, their features and their labels as one table with roles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import duckdb
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from crmml.errors import ConfigError, GateError
from crmml.features import FeatureInfo
from crmml.features.exact import exact_float
from crmml.snapshots import Population

KEY = ["cutoff_date", "customer_id", "event_id"]
_PLACE = "crmml_place"
ROLES = ["customer_id", "cutoff_date", "event_id", "hash_bucket", "kind", "branch_id"]


@dataclass(frozen=True)
class Abt:
    """One row per snapshot of the population whose label is known.

    `frame` holds the roles (`customer_id`, `cutoff_date`, `event_id`,
    `hash_bucket`, `kind`, `branch_id`), the features, `label` and, for money,
    `label_<component>`; it is sorted by cut-off, customer and event. `waterfall`
    counts per cut-off how many rows each step left out: all = the rest + events
    or sample, exactly. `dropped` says of columns that cannot be features why.

    A ready feature table adds the roles `part` (train, test, or a fold), `block`
    (its place in time, where no cut-off tells it) and `weight`; its `cutoff_date`
    is null where it has none.
    """

    frame: pd.DataFrame
    features: tuple[FeatureInfo, ...]
    waterfall: pd.DataFrame
    dropped: Mapping[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        return [info.name for info in self.features]


def join_abt(
    snapshots: ir.Table | pa.Table,
    features: pa.Table,
    labels: ir.Table | pa.Table,
    *,
    population: Population,
    catalogue: Sequence[FeatureInfo],
    select: Sequence[str] | None = None,
) -> Abt:
    """Join features and labels on the snapshots of a population, and count what falls out.

    `select` names the features to keep (None: all of `catalogue`), in the
    catalogue's order.

    Raises
    ------
    ValueError
        If a snapshot has no feature row or no label row, or a key repeats.
    """
    infos = _selected(catalogue, select)
    rows = _sorted(_frame(snapshots))
    rows = _join(rows, _sorted(_frame(features)), what="features")
    labelled = _sorted(_frame(labels))
    rows = _join(rows, labelled, what="labels")
    steps = _steps(rows, population)
    kept = rows[steps == "sample"]
    targets = [name for name in labelled.columns if name == "label" or name.startswith("label_")]
    # `kind` is a role, and a feature too where it was chosen; it is kept once.
    columns = list(dict.fromkeys([*ROLES, *(info.name for info in infos), *targets]))
    return Abt(kept[columns].reset_index(drop=True), infos, _waterfall(rows, steps))


def label_copies(abt: Abt, *, tolerance: float = 1e-9) -> list[str]:
    """The features that equal the label (or its opposite) on every row where both are known."""
    label = abt.frame["label"].to_numpy(np.float64)
    copies = []
    for info in abt.features:
        if info.kind == "number" and _is_copy(abt.frame[info.name].to_numpy(np.float64), label, tolerance):
            copies.append(info.name)
    return copies


def require_no_copies(abt: Abt) -> None:
    """Refuse a table in which a feature is the label under another name.

    Raises
    ------
    GateError
        Naming the features.
    """
    copies = label_copies(abt)
    if copies:
        raise GateError(
            f"{', '.join(copies)} equal the label on all {len(abt.frame):,} rows; "
            "expected features known at the cut-off. Leave them out",
            code="G001",
        )


def _is_copy(values: np.ndarray, label: np.ndarray, tolerance: float) -> bool:
    known = ~(np.isnan(values) | np.isnan(label))
    # Two rows that agree are no evidence; a constant label cannot be copied.
    if known.sum() < max(10, 0.5 * len(label)) or np.ptp(label[known]) == 0:
        return False
    given, wanted = values[known], label[known]
    return bool(np.allclose(given, wanted, atol=tolerance) or np.allclose(given, 1 - wanted, atol=tolerance))


def _selected(catalogue: Sequence[FeatureInfo], select: Sequence[str] | None) -> tuple[FeatureInfo, ...]:
    if select is None:
        return tuple(catalogue)
    known = {info.name for info in catalogue}
    unknown = [name for name in select if name not in known]
    if unknown:
        raise ValueError(f"not in the catalogue: {', '.join(unknown)}")
    return tuple(info for info in catalogue if info.name in set(select))


def _frame(table: ir.Table | pa.Table) -> pd.DataFrame:
    arrow = table if isinstance(table, pa.Table) else table.to_pyarrow()
    plain = pa.table({name: _plain(arrow[name]) for name in arrow.column_names})
    frame = plain.to_pandas()
    frame["cutoff_date"] = pd.to_datetime(frame["cutoff_date"]).astype("datetime64[s]")
    return frame


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals as float64 and columns of nulls as text, which pandas can hold."""
    return column.cast(pa.string()) if pa.types.is_null(column.type) else exact_float(column)


def _sorted(frame: pd.DataFrame) -> pd.DataFrame:
    ordered = frame.sort_values(KEY, kind="stable", na_position="first").reset_index(drop=True)
    repeated = ordered.duplicated(KEY)
    if repeated.any():
        raise ValueError(f"{int(repeated.sum())} rows repeat a key; expected one row per customer, cut-off and event")
    return ordered


def _join(rows: pd.DataFrame, other: pd.DataFrame, *, what: str) -> pd.DataFrame:
    """Add the columns of `other`; every snapshot needs its row there."""
    fresh = [name for name in other.columns if name in KEY or name not in rows.columns]
    joined = rows.merge(other[fresh], on=KEY, how="left", validate="one_to_one", indicator="found")
    missing = int((joined["found"] != "both").sum())
    if missing:
        raise ValueError(
            f"{missing:,} of {len(rows):,} snapshots have no row in the {what}; build them of the same snapshots"
        )
    return joined.drop(columns="found")


def _steps(rows: pd.DataFrame, population: Population) -> pd.Series:
    """For each row the step that leaves it out, or "sample"."""
    steps = rows["status"].astype(str).where(rows["status"] != "ok", "sample")
    steps = steps.mask(~_meets(rows, population.where), "not_in_population")
    for kind in sorted(rows["kind"].dropna().unique()):
        if kind not in population.kinds:  # as in_population: no kind is no other kind
            steps = steps.mask(rows["kind"] == kind, f"not_{_other(kind)}")
    return steps


def in_population(rows: pd.DataFrame, population: Population) -> npt.NDArray[np.bool_]:
    """Which snapshots, with their features, belong to a population.

    A customer whose kind the bank does not know is trained on, so it is scored too.

    Raises
    ------
    ConfigError
        C014 if its condition is not SQL over the columns of `rows`.
    """
    is_other = rows["kind"].notna() & ~rows["kind"].isin(population.kinds)
    return ~is_other.to_numpy() & _meets(rows, population.where)


def _meets(rows: pd.DataFrame, where: str | None) -> npt.NDArray[np.bool_]:
    """Which rows meet a condition in SQL; where an input is null, it is not met."""
    if where is None:
        return np.ones(len(rows), dtype=bool)
    with duckdb.connect(config={"enable_external_access": False}) as connection:
        connection.register("rows", rows.assign(**{_PLACE: np.arange(len(rows))}))
        try:
            kept = connection.sql(f"SELECT {_PLACE} FROM rows WHERE ({where})").fetchnumpy()[_PLACE]
        except duckdb.Error as error:
            first = str(error).splitlines()[0]
            raise ConfigError(
                f"population: {where!r} is not a condition over the columns of snapshots and features ({first}); "
                "write SQL such as deposits_mean_3m >= 1000",
                code="C014",
            ) from error
    met = np.zeros(len(rows), dtype=bool)
    met[kept] = True
    return met


def _other(kind: str) -> str:
    return "person" if kind == "company" else "company"


def _waterfall(rows: pd.DataFrame, steps: pd.Series) -> pd.DataFrame:
    """Rows per cut-off and step: all, what each step left out, the sample, and the events in it."""
    parts = []
    for cutoff, inside in rows.groupby("cutoff_date", sort=True):
        counts = steps[inside.index].value_counts()
        sample = inside[steps[inside.index] == "sample"]
        ordered = [("all", len(inside)), *sorted((step, n) for step, n in counts.items() if step != "sample")]
        ordered += [("sample", len(sample)), ("events", int((sample["label"] > 0).sum()))]
        parts += [(cutoff, step, int(count)) for step, count in ordered]
    return pd.DataFrame(parts, columns=["cutoff_date", "step", "rows"])
