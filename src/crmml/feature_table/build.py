"""From the rows of a table to the one table every model is trained from, and from a later batch to what is scored."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
import pyarrow as pa

from crmml.abt import ROLES, Abt
from crmml.errors import ConfigError, LeakageError, SourceError, did_you_mean, mask
from crmml.feature_table.columns import Column, code_of, numbers_as_text, read_as, read_column, texts_of, without_codes
from crmml.feature_table.derive import columns_of, derived, expanded
from crmml.feature_table.parts import PURGED, TEST, TRAIN, divide
from crmml.feature_table.spec import Roles, TableSplit
from crmml.features.declare import FeatureInfo
from crmml.periods import Horizon
from crmml.snapshots import hash_bucket

FAMILY = "table"
SEGMENT = "all"
NO_LABEL = "no_label"
DAYS_SINCE = "days from {} to the cut-off"
_TAKEN = {*ROLES, "label", "segment", "weight", "part", "block", "model", "version"}
_PANEL_BUCKETS = 20


@dataclass(frozen=True)
class FlatAbt:
    """The table of a model, its split with the dates found, and what was noticed on the way.

    `protected` holds `customer_id`, `cutoff_date` and the protected columns of
    the rows of `abt`, as text: they never reach whatever learns. `notes` are
    sentences for people.
    """

    abt: Abt
    split: TableSplit
    notes: tuple[str, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    protected: pd.DataFrame | None = None


def build_abt(rows: pa.Table, roles: Roles, split: TableSplit, *, horizon: Horizon | None, source: str) -> FlatAbt:
    """The rows of a table with their roles, as `abt` holds a bank's.

    Raises
    ------
    SourceError
        If a column of a role is missing, keys repeat, or the label has no event.
    LeakageError
        If a date feature lies after its cut-off.
    """
    cells = _Cells(rows, roles, source)
    frame = _keys(cells, roles)
    label = _label(cells, roles)
    features, infos, dropped = _features(cells, roles, frame["cutoff_date"])
    frame = pd.concat([frame, features], axis=1).assign(label=label)
    if roles.weight is not None:
        frame["weight"] = _weights(cells, roles.weight)
    known = frame["label"].notna().to_numpy()
    order = _order(cells, roles, frame["cutoff_date"])[known].reset_index(drop=True)
    sample = frame[known].reset_index(drop=True)
    if sample.empty:
        raise SourceError(f"{source}: {roles.label} is empty on every row; expected labels", code="D017")
    _require_unique(sample, roles, source)
    parts, blocks = divide(
        split, sample["label"].to_numpy(), cutoffs=sample["cutoff_date"], order=order, horizon=horizon
    )
    sample = sample.assign(part=parts, **({} if blocks is None else {"block": blocks}))
    used = sample[sample["part"] != PURGED].reset_index(drop=True)
    waterfall = _waterfall(frame, sample)
    abt = Abt(used, infos, waterfall, dropped)
    notes = [f"{name} is not used: {reason}" for name, reason in dropped.items()]
    protected = _protected(cells, roles, frame)[known].reset_index(drop=True)[sample["part"] != PURGED]
    return FlatAbt(
        abt,
        _dated(split, used),
        tuple(notes),
        {info.name: info.en for info in infos},
        protected.reset_index(drop=True) if roles.protected else None,
    )


def batch_frame(
    rows: pa.Table, roles: Roles, infos: Sequence[FeatureInfo], *, source: str, unused: Collection[str] = ()
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The rows of a later batch as training read them: keys and features; and columns it never saw.

    `unused` are columns that training saw and did not use.

    Raises
    ------
    SourceError
        If a column is missing or numbers became text.
    """
    cells = _Cells(rows, roles, source, with_label=False)
    frame = _keys(cells, roles)
    _require_unique(frame, roles, source)
    columns = {}
    written = {_given(info): info.formula for info in infos if _given(info) in roles.derive}
    computed = derived(written, _read(cells, roles, written))
    for info in infos:
        given = _given(info)
        if given in computed:
            columns[info.name] = computed[given]
            continue
        is_date = info.formula == DAYS_SINCE.format(given)
        values = read_as(given, "date" if is_date else info.kind, cells.texts(given))
        columns[info.name] = _days_since(given, values, frame["cutoff_date"]) if is_date else values
    used = {_given(info) for info in infos} | {*roles.reserved, *_behind(written)}
    ignored = tuple(name for name in cells.names if name not in used and name not in (*roles.leave_out, *unused))
    return pd.concat([frame, pd.DataFrame(columns, index=frame.index)], axis=1), ignored


class _Cells:
    """The cells of a table by column, codes for "not known" taken out."""

    def __init__(self, rows: pa.Table, roles: Roles, source: str, *, with_label: bool = True) -> None:
        self.rows, self.roles, self.source = rows, roles, source
        self.names = tuple(rows.column_names)
        self._kept: dict[str, pd.Series] = {}
        asked: list[tuple[str, str | None]] = [("label", roles.label)] if with_label else []
        asked += [("key", roles.key), ("cutoff", roles.cutoff)]
        if with_label:
            asked += [("weight", roles.weight), ("test.order", roles.order)]
            for key in ("features", "leave_out", "categories", "missing", "words", "protected"):
                asked += [(key, name) for name in getattr(roles, key) if name != "*"]
        for key, name in asked:
            if name is not None:
                self.require(name, role=key)

    def require(self, name: str, *, role: str) -> None:
        if name not in self.names:
            same = [each for each in self.names if each.lower() == name.lower()]
            guess = f" Did you mean {same[0]!r}?" if same else did_you_mean(name, self.names)
            said = guess or f" It has {', '.join(self.names[:12])}{' …' if len(self.names) > 12 else ''}."
            raise SourceError(f"{self.source} has no column {name!r}, which {role} names.{said}", code="D003")

    def texts(self, name: str) -> pd.Series:
        self.require(name, role="the model's features")
        if name not in self._kept:
            codes = {*self.roles.missing.get("*", ()), *self.roles.missing.get(name, ())}
            if name in (self.roles.label, self.roles.key):
                codes = set(self.roles.missing.get(name, ()))
            self._kept[name] = without_codes(texts_of(self.rows[name]), codes)
        return self._kept[name]


def _keys(cells: _Cells, roles: Roles) -> pd.DataFrame:
    """`customer_id`, `cutoff_date` (null where the table has none) and the roles a bank's snapshots have."""
    count = cells.rows.num_rows
    if roles.key is None:
        ids = pd.Series([str(number) for number in range(1, count + 1)], dtype=object)
    else:
        ids = cells.texts(roles.key)
        if ids.isna().any():
            raise SourceError(
                f"{cells.source}: {roles.key} is empty on {int(ids.isna().sum()):,} of {count:,} rows; expected a key "
                "on each, or no `key:`, which numbers the rows",
                code="D011",
            )
    unique = {key: hash_bucket(key) for key in ids.unique()}
    return pd.DataFrame(
        {
            "customer_id": ids.astype("str"),
            "cutoff_date": _cutoffs(cells, roles),
            "event_id": pd.Series([None] * count, dtype="str"),
            "hash_bucket": ids.map(unique).astype(np.int64),
            "kind": pd.Series([None] * count, dtype="str"),
            "branch_id": pd.Series([None] * count, dtype="str"),
            "segment": pd.Series([SEGMENT] * count, dtype="str"),
        }
    )


def _cutoffs(cells: _Cells, roles: Roles) -> pd.Series:
    """The cut-off of each row; a month stands for its last day."""
    if roles.cutoff is None:
        return pd.Series(pd.NaT, index=range(cells.rows.num_rows), dtype="datetime64[s]")
    texts = cells.texts(roles.cutoff)
    is_month = texts.astype("str").str.fullmatch(r"\d{4}-\d{2}").fillna(False)
    days = pd.to_datetime(texts.where(~is_month), format="%Y-%m-%d", errors="coerce")
    ends = pd.to_datetime(texts.where(is_month), format="%Y-%m", errors="coerce") + pd.offsets.MonthEnd(0)
    found = days.fillna(ends).astype("datetime64[s]")
    if found.isna().any():
        wrong = texts[found.isna()]
        first = "nothing" if wrong.isna().iloc[0] else repr(str(wrong.iloc[0]))
        raise SourceError(
            f"{cells.source}: {roles.cutoff} is no date on {len(wrong):,} of {len(texts):,} rows (first: {first}); "
            "expected 2025-06-30 or 2025-06 on each",
            code="D008",
        )
    return found


def _label(cells: _Cells, roles: Roles) -> pd.Series:
    """1 where the label is the event, 0 elsewhere, null where it is not known."""
    texts = cells.texts(roles.label)
    levels = texts.map(code_of, na_action="ignore")
    counts = levels.value_counts()
    event = _event(roles, list(map(str, counts.index)))
    said = ", ".join(f"{level} {count:,}" for level, count in counts.head(6).items()) + (
        " …" if len(counts) > 6 else ""
    )
    if event is None:
        raise SourceError(
            f"{cells.source}: {roles.label} holds {said or 'nothing'}; expected 0 and 1, or the value that counts as "
            f"the event: label: {{column: {roles.label}, event: …}}",
            code="D018",
        )
    if event not in counts.index:
        raise SourceError(
            f"{cells.source}: {roles.label} is {event!r} on no row (it holds {said}); expected the value that counts "
            f"as the event.{did_you_mean(event, counts.index)}",
            code="D018",
        )
    return (levels == event).astype(float).where(texts.notna().to_numpy(), np.nan)


def _event(roles: Roles, levels: Sequence[str]) -> str | None:
    """The level that counts as 1. YAML reads `yes` as true, so true stands for any word for it."""
    if roles.event is None:
        return "1" if set(levels) <= {"0", "1"} and "1" in levels else None
    if roles.event in levels:
        return roles.event
    words = {"true": ("true", "yes", "y", "1", "t"), "false": ("false", "no", "n", "0", "f")}.get(roles.event, ())
    return next((level for level in levels if level.lower() in words), roles.event)


def _weights(cells: _Cells, name: str) -> pd.Series:
    column = read_column(name, cells.texts(name), is_category=False)
    values = column.values if column.kind == "number" else pd.Series(np.nan, index=column.values.index)
    wrong = ~(values > 0)
    if wrong.any():
        raise SourceError(
            f"{cells.source}: the weight {name} is missing, zero, negative or no number on {int(wrong.sum()):,} of "
            f"{len(values):,} rows; expected a number above 0 on each",
            code="D013",
        )
    return values


def _order(cells: _Cells, roles: Roles, cutoffs: pd.Series) -> pd.Series:
    """What the rows are sorted by: a column, their cut-off, or their place in the file."""
    if roles.order is not None and roles.order == roles.cutoff:
        return cutoffs
    if roles.order is not None:
        column = read_column(roles.order, cells.texts(roles.order), is_category=False)
        if column.kind == "category" or column.values.isna().any():
            raise SourceError(
                f"{cells.source}: test.order is {roles.order}, which is empty on {int(column.values.isna().sum()):,} "
                "rows or text; expected dates or numbers on every row",
                code="D008",
            )
        return column.values
    return pd.Series(np.arange(cells.rows.num_rows))


def _features(
    cells: _Cells, roles: Roles, cutoffs: pd.Series
) -> tuple[pd.DataFrame, tuple[FeatureInfo, ...], dict[str, str]]:
    """The feature columns, what is told of them, and why others are not used."""
    names = roles.features or _readable(cells, roles)
    both = [name for name in names if name in roles.reserved]
    if both:
        raise SourceError(f"{both[0]} is a feature and has another role; expected one role a column", code="D003")
    columns, infos, dropped = {}, [], {}
    for name in names:
        column = read_column(name, cells.texts(name), is_category=name in roles.categories)
        if column.dropped:
            dropped[name] = column.dropped
            continue
        info = _info(column, roles, cells.source)
        columns[info.name] = _days_since(name, column.values, cutoffs) if column.kind == "date" else column.values
        infos.append(info)
    written = expanded(roles.derive, _readable(cells, roles), roles.groups)
    _require_numbers(cells, roles, written)
    for name, values in derived(written, _read(cells, roles, written)).items():
        if values.isna().all():
            dropped[name] = "no value on any row"
            continue
        info = replace(_info(Column(name, "number", values), roles, cells.source), formula=written[name])
        columns[info.name] = values
        infos.append(info)
    if not infos:
        raise SourceError(
            f"{cells.source} holds no column to learn from ({len(dropped)} were dropped); expected features beside "
            f"{', '.join(roles.reserved)}",
            code="D020",
        )
    return pd.DataFrame(columns, index=range(cells.rows.num_rows)), tuple(infos), dropped


def _readable(cells: _Cells, roles: Roles) -> tuple[str, ...]:
    """The columns without another role."""
    return tuple(name for name in cells.names if name not in (*roles.reserved, *roles.leave_out))


def _behind(written: Mapping[str, str]) -> tuple[str, ...]:
    """The columns that derived features are computed from."""
    return tuple(dict.fromkeys(name for expression in written.values() for name in columns_of(expression)))


def _read(cells: _Cells, roles: Roles, written: Mapping[str, str]) -> dict[str, pd.Series]:
    """What expressions read: numbers, and categories where the config says so."""
    return {
        name: read_as(name, "category" if name in roles.categories else "number", cells.texts(name))
        for name in _behind(written)
    }


def _require_numbers(cells: _Cells, roles: Roles, written: Mapping[str, str]) -> None:
    for name in _behind(written):
        kind = read_column(name, cells.texts(name), is_category=name in roles.categories).kind
        if kind != "number" and name not in roles.categories:
            what = "dates" if kind == "date" else "text"
            raise ConfigError(
                f"derive reads {name}, which holds {what}; expected numbers, or categories: [{name}] to compare its "
                "levels with",
                code="C003",
            )


def _days_since(name: str, days: pd.Series, cutoffs: pd.Series) -> pd.Series:
    """Whole days from a date to the cut-off of its row.

    Raises
    ------
    SourceError
        D008 where the table has no cut-off to count to.
    LeakageError
        L001 where the date lies after the cut-off.
    """
    if cutoffs.isna().all():
        raise SourceError(
            f"{name} holds dates; expected a `cutoff:` column to count days to, or {name} under leave_out:",
            code="D008",
        )
    gap = (cutoffs - days.astype("datetime64[s]")).dt.days.astype(float)
    later = int((gap < 0).sum())
    if later:
        raise LeakageError(
            f"{name} lies after the cut-off on {later:,} of {int(gap.notna().sum()):,} rows; expected what was known on "
            "that day. Put it under leave_out:, or keep in the file only what was known",
            code="L001",
        )
    return gap


def _info(column: Column, roles: Roles, source: str) -> FeatureInfo:
    name = column.name
    zh, en = roles.words.get(name, (name, name))
    is_date = column.kind == "date"
    return FeatureInfo(
        name=safe_name(name),
        family=FAMILY,
        concept=next((group for group, globs in roles.groups.items() if _is_in(name, globs)), safe_name(name)),
        zh=f"{zh}距截止日天数" if is_date else zh,
        en=f"days since {en}" if is_date else en,
        unit="days" if is_date else "category" if column.kind == "category" else "number",
        formula=DAYS_SINCE.format(name) if is_date else f"column {name}",
        window="",
        source=source,
        null_meaning="not given",
        null_meaning_zh="未提供",
        kind="category" if column.kind == "category" else "number",
    )


def safe_name(name: str) -> str:
    """A column's name inside the model; one that is the name of a role is told apart from it.

    >>> safe_name("age"), safe_name("segment"), safe_name("label_old")
    ('age', 'column_segment', 'column_label_old')
    """
    return f"column_{name}" if name in _TAKEN or name.startswith("label_") else name


def _given(info: FeatureInfo) -> str:
    """The column of the file behind a feature."""
    is_taken = info.name.startswith("column_") and safe_name(info.name.removeprefix("column_")) == info.name
    return info.name.removeprefix("column_") if is_taken else info.name


def _is_in(name: str, globs: Sequence[str]) -> bool:
    return any(fnmatchcase(name, glob) for glob in globs)


def _protected(cells: _Cells, roles: Roles, frame: pd.DataFrame) -> pd.DataFrame:
    """The keys and the protected columns of every row, beside the table that is learned from."""
    return frame[["customer_id", "cutoff_date"]].assign(**{name: cells.texts(name) for name in roles.protected})


def _require_unique(frame: pd.DataFrame, roles: Roles, source: str) -> None:
    keys = ["customer_id", "cutoff_date"]
    repeated = frame.duplicated(keys)
    if repeated.any():
        first = mask(frame.loc[repeated, "customer_id"].iloc[0])
        also = f" and {roles.cutoff}" if roles.cutoff else ""
        raise SourceError(
            f"{source}: {roles.key}{also} repeats on {int(repeated.sum()):,} of {len(frame):,} rows (first: {first}); "
            "expected each once. Without a key, leave `key:` out and rows are numbered",
            code="D005",
        )


def _waterfall(frame: pd.DataFrame, sample: pd.DataFrame) -> pd.DataFrame:
    """Rows per cut-off (undated: per part) and step: all, what each step left out, the sample, its events."""
    is_dated = bool(frame["cutoff_date"].notna().any())
    place = frame["cutoff_date"] if is_dated else pd.Series("all rows", index=frame.index)
    rows: list[tuple[object, str, int]] = []
    for where, inside in frame.groupby(place, sort=True):
        own = sample[sample["cutoff_date"] == where] if is_dated else sample
        purged = int((own["part"] == PURGED).sum())
        unknown = int(inside["label"].isna().sum())
        steps = [("all", len(inside)), (NO_LABEL, unknown), (PURGED, purged)]
        kept = own[own["part"] != PURGED]
        steps = [(step, count) for step, count in steps if count or step == "all"]
        steps += [("sample", len(kept)), ("events", int((kept["label"] > 0).sum()))]
        rows += [(where, step, count) for step, count in steps]
    return pd.DataFrame(rows, columns=["cutoff_date", "step", "rows"])


def _dated(split: TableSplit, used: pd.DataFrame) -> TableSplit:
    """The split with the cut-offs of each part, and the customers held out where keys repeat."""
    days = {part: _span(used.loc[used["part"] == part, "cutoff_date"]) for part in (TRAIN, TEST)}
    repeats = bool(used["customer_id"].duplicated().any())
    buckets = split.holdout_buckets
    if buckets is None:
        buckets = _PANEL_BUCKETS if repeats and split.kind == "later" else 0
    return replace(split, train=days[TRAIN], out_of_time=days[TEST], holdout_buckets=buckets)


def _span(days: pd.Series) -> tuple:
    known = days.dropna()
    return () if known.empty else tuple(pd.Timestamp(day).date() for day in sorted(known.unique()))


__all__ = ["FlatAbt", "batch_frame", "build_abt", "numbers_as_text", "safe_name"]
