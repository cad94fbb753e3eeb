"""A cut-off scored by one model: a stream of feature rows in, scores with reasons out.

Rows are read, scored and written in chunks, so memory does not grow with the
bank. Everything a row's figures depend on is the row itself, the bundle and the
averages of the snapshot, so a subset or another chunk size gives the same numbers.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from crmml.bundle import probability_of
from crmml.evaluation.drift import BatchWatch
from crmml.explain import (
    COMPONENTS,
    Reasons,
    Voice,
    check_sums,
    find_money_reasons,
    find_reasons,
    signed_components,
    sum_columns,
    write_money_sentences,
    write_sentences,
)

if TYPE_CHECKING:
    from crmml.bundle import Bundle

Array = npt.NDArray[np.float64]
KEYS = ("customer_id", "cutoff_date", "event_id")
PLACES = 4


@dataclass(frozen=True)
class ScoreReport:
    """What a run of scoring did.

    `worst_difference` is the largest gap found between a row's contributions and
    its log-odds (or money), and between its effects and its distance from the peers.
    """

    rows: int
    worst_difference: float
    unseen: Mapping[str, int] = field(default_factory=dict)
    not_found: int = 0  # keys asked for that no feature row has
    batch: Sequence[Mapping[str, Any]] = ()  # how the rows differ from those trained on, see `evaluation.drift`
    seconds: float = 0.0


@dataclass(frozen=True)
class Scorer:
    """One model ready to score: the bundle, the name it is served under, and the snapshot's averages.

    `peers` maps a segment to the averages of its features at the cut-off; it only
    feeds sentences, every number comes from the bundle's frozen reference.
    """

    bundle: Bundle
    model: str
    version: str
    peers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    voice: Voice = field(default_factory=Voice)
    thin: frozenset[str] = frozenset()  # customers without a row of history at the cut-off, flagged `thin_file`

    @property
    def is_money(self) -> bool:
        return self.bundle.is_money


def score(
    features: Path | Sequence[Path],
    scorer: Scorer,
    *,
    out: Path,
    keys: pd.DataFrame | None = None,
    chunk: int = 20_000,
) -> ScoreReport:
    """Score feature files into one Parquet file of scores with reasons.

    Parameters
    ----------
    features : path or paths
        Parquet files of features, one row per customer and cut-off (or event).
    out : Path
        The file of scores to write: one row per scored row, in the order of the files.
    keys : DataFrame, optional
        The snapshots to score (`customer_id`, `cutoff_date` and, for events, `event_id`); all rows when not given.
    chunk : int
        Rows held at a time.

    Raises
    ------
    SourceError
        If a file lacks a column the model was trained on.
    IntegrityError
        If a row's contributions or effects do not add up to what is served, to 1e-9.
    """
    started = time.perf_counter()
    paths = [features] if isinstance(features, str | Path) else list(features)
    wanted = None if keys is None else _index_of(keys)
    rows, worst, unseen, found = 0, 0.0, dict[str, int](), 0
    watch = BatchWatch(scorer.bundle.encoding, scorer.bundle.reference)
    writer: pq.ParquetWriter | None = None
    try:
        for frame in _frames(paths, wanted, chunk):
            scores, difference = score_frame(frame, scorer, watch=watch)
            schema = schema_of(scorer, has_events="event_id" in scores)
            table = pa.Table.from_pandas(scores, schema=schema, preserve_index=False)
            writer = writer or pq.ParquetWriter(out, table.schema, compression="zstd")
            writer.write_table(table)
            rows, worst = rows + len(frame), max(worst, difference)
            for column, count in scorer.bundle.unseen.items():
                unseen[column] = unseen.get(column, 0) + count
            found += len(frame)
        if writer is None:
            pq.write_table(schema_of(scorer).empty_table(), out)
    finally:
        if writer is not None:
            writer.close()
    missing = 0 if wanted is None else len(wanted) - found
    return ScoreReport(rows, worst, unseen, missing, tuple(watch.report()), time.perf_counter() - started)


def stream_served(features: Path | Sequence[Path], bundle: Bundle, *, chunk: int = 20_000) -> Iterator[Array]:
    """What a bundle serves for feature files, without reasons: an array for each chunk, in the order of the files.

    Only the model's columns are read, and no more than `chunk` rows are held.

    Raises
    ------
    SourceError
        If a file lacks a column the model was trained on.
    """
    for path in [features] if isinstance(features, str | Path) else features:
        # Reading ahead would hold ever more of a long file.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=chunk, columns=list(bundle.encoding.read)):
                yield bundle.served(bundle.encode(batch))


def score_frame(frame: pd.DataFrame, scorer: Scorer, *, watch: BatchWatch | None = None) -> tuple[pd.DataFrame, float]:
    """Scores and reasons of some rows, and the worst gap between parts and whole; `watch` counts the rows.

    Returns
    -------
    (DataFrame, float)
        The columns of the score file in order, one row per row of `frame`.
    """
    X = scorer.bundle.encode(frame)
    if watch is not None:
        watch.add(X, scorer.bundle.unseen)
    serve = _served_effect if scorer.bundle.is_effect else _served_money if scorer.is_money else _served_probability
    served = serve(frame, X, scorer)
    columns: dict[str, Any] = {key: frame[key].to_numpy() for key in KEYS if key in frame}
    columns |= {"model": scorer.model, "version": scorer.version, **served.columns}
    for place in range(PLACES):
        zh, en = served.say(place)
        prefix = f"reason_{place + 1}"
        columns[f"{prefix}_code"] = served.reasons.codes(place)
        columns[f"{prefix}_zh"], columns[f"{prefix}_en"] = zh, en
        columns[f"{prefix}_feature"] = _names(served.reasons, place, served.speakers)
        columns[f"{prefix}_effect"] = served.reasons.effects[:, place]
    columns["reason_rest_effect"] = served.reasons.rest
    columns["thin_file"] = frame["customer_id"].astype(str).isin(scorer.thin).to_numpy()
    return pd.DataFrame(columns, index=range(len(frame))), served.worst


def schema_of(scorer: Scorer, *, has_events: bool = True) -> pa.Schema:
    """The columns of a score file and their types, in order."""
    served = score_column(scorer.bundle.target)
    points = [f"{served}_{months}m" for months in scorer.bundle.curve]
    numbers = [served, *COMPONENTS] if scorer.is_money else [served, *points, "log_odds"]
    numbers = [served] if scorer.bundle.is_effect else numbers
    columns = {"customer_id": pa.string(), "cutoff_date": pa.date32()}
    columns |= {"event_id": pa.string()} if has_events else {}
    columns |= dict.fromkeys(("model", "version", "segment"), pa.string())
    columns |= dict.fromkeys(numbers, pa.float64())
    columns |= {"grade": pa.string(), "percentile": pa.float64(), "peer_mean": pa.float64()}
    for place in range(1, PLACES + 1):
        columns |= dict.fromkeys((f"reason_{place}_{part}" for part in ("code", "zh", "en", "feature")), pa.string())
        columns[f"reason_{place}_effect"] = pa.float64()
    columns["reason_rest_effect"] = pa.float64()
    columns["thin_file"] = pa.bool_()
    return pa.schema(list(columns.items()))


def score_column(target: str) -> str:
    """The column that holds what a model of this target serves.

    >>> score_column("churn"), score_column("uptake"), score_column("contribution")
    ('prob_churn', 'prob_take', 'contribution_12m')
    """
    return {"contribution": "contribution_12m", "uptake": "prob_take", "uplift": "effect"}.get(target, f"prob_{target}")


def curve_of(bundle: Bundle, X: Array) -> dict[str, Array]:
    """The chance within each horizon of a model of several, as `prob_churn_<n>m`; nothing for a model of one."""
    return {f"{score_column(bundle.target)}_{months}m": chance for months, chance in bundle.probabilities(X).items()}


@dataclass(frozen=True)
class _Served:
    """Columns of numbers, and the means to word the reasons of some rows."""

    columns: Mapping[str, Any]
    reasons: Reasons
    speakers: Sequence[str]  # the names that `reasons.speakers` counts into
    say: Callable[[int], tuple[np.ndarray, np.ndarray]]
    worst: float


def _served_probability(frame: pd.DataFrame, X: Array, scorer: Scorer) -> _Served:
    bundle = scorer.bundle
    log_odds, (contributions, base) = bundle.log_odds(X), bundle.contributions(X)
    segments = bundle.segments(frame)
    peers, peer_log_odds = bundle.peer_contributions(segments)
    reasons = find_reasons(contributions, peers, bundle.concepts, places=PLACES)
    worst = max(
        check_sums(sum_columns(contributions) + base, log_odds, what="contributions and log-odds"),
        check_sums(reasons.total, log_odds - peer_log_odds, what="effects and the distance from the peers"),
    )
    probability = probability_of(log_odds)
    columns = {
        "segment": segments,
        score_column(bundle.target): probability,
        **curve_of(bundle, X),
        "log_odds": log_odds,
        "grade": bundle.grade(probability),
        "percentile": bundle.percentile(probability),
        "peer_mean": probability_of(peer_log_odds),
    }

    def say(place: int) -> tuple[np.ndarray, np.ndarray]:
        return write_sentences(
            reasons,
            place,
            values=frame,
            segments=segments,
            peers=scorer.peers,
            infos=bundle.features,
            voice=scorer.voice,
        )

    return _Served(columns, reasons, [info.name for info in bundle.features], say, worst)


def _served_effect(frame: pd.DataFrame, X: Array, scorer: Scorer) -> _Served:
    """What a contact changes, with reasons in its own units."""
    bundle = scorer.bundle
    effect, (contributions, base) = bundle.effect(X), bundle.contributions(X)
    segments = bundle.segments(frame)
    peers, peer_effect = bundle.peer_contributions(segments)
    reasons = find_reasons(contributions, peers, bundle.concepts, places=PLACES)
    worst = max(
        check_sums(sum_columns(contributions) + base, effect, what="contributions and the effect"),
        check_sums(reasons.total, effect - peer_effect, what="effects and the distance from the peers"),
    )
    columns = {
        "segment": segments,
        score_column(bundle.target): effect,
        "grade": bundle.grade(effect),
        "percentile": bundle.percentile(effect),
        "peer_mean": peer_effect,
    }

    def say(place: int) -> tuple[np.ndarray, np.ndarray]:
        return write_sentences(
            reasons, place, values=frame, segments=segments, peers=scorer.peers, infos=bundle.features,
            voice=scorer.voice,
        )  # fmt: skip

    return _Served(columns, reasons, [info.name for info in bundle.features], say, worst)


def _served_money(frame: pd.DataFrame, X: Array, scorer: Scorer) -> _Served:
    bundle = scorer.bundle
    money = bundle.predict_money(X)
    total = money["contribution"].to_numpy()
    segments = bundle.segments(frame)
    parts = signed_components(money)
    peers = signed_components(_by_component(bundle, segments))
    reasons = find_money_reasons(parts, peers, places=PLACES)
    peer_total = sum_columns(peers)
    worst = max(
        check_sums(sum_columns(parts), total, what="components and contribution", money=True),
        check_sums(reasons.total, total - peer_total, what="effects and the distance from the peers", money=True),
    )
    columns = {
        "segment": segments,
        score_column(bundle.target): total,
        **{name: money[name].to_numpy() for name in COMPONENTS},
        "grade": bundle.grade(total),
        "percentile": bundle.percentile(total),
        "peer_mean": peer_total,
    }

    def say(place: int) -> tuple[np.ndarray, np.ndarray]:
        return write_money_sentences(reasons, place, components=parts, peers=peers, voice=scorer.voice)

    return _Served(columns, reasons, COMPONENTS, say, worst)


def _by_component(bundle: Bundle, segments: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(bundle.components, bundle.peer_components(segments).T, strict=True))


def _names(reasons: Reasons, place: int, speakers: Sequence[str]) -> np.ndarray:
    """The feature (or component) that speaks for each row's reason, None where there is none."""
    return np.array([*speakers, None], dtype=object)[reasons.speakers[:, place]]


def _frames(paths: Sequence[Path], wanted: pd.MultiIndex | None, chunk: int) -> Iterator[pd.DataFrame]:
    """The rows to score, as frames of at most `chunk` rows."""
    for path in paths:
        # Reading ahead would hold ever more of a long file.
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(batch_size=chunk):
                frame = batch.to_pandas()
                if wanted is not None:
                    frame = frame[_index_of(frame).isin(wanted)].reset_index(drop=True)
                if len(frame):
                    yield frame


def _index_of(frame: pd.DataFrame) -> pd.MultiIndex:
    """Snapshot keys that compare equal however a file typed them; a calendar snapshot has no event."""
    events = frame["event_id"] if "event_id" in frame else pd.Series(None, index=frame.index, dtype=object)
    return pd.MultiIndex.from_arrays(
        [
            frame["customer_id"].astype(str),
            pd.to_datetime(frame["cutoff_date"]).dt.strftime("%Y-%m-%d"),
            events.astype(object).where(events.notna(), "").astype(str),
        ]
    )
