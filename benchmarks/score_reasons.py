"""Scores with reasons against bare SHAP contributions, and streamed scores against a bare prediction in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.frozen import in_own_process
from benchmarks.measure import Row, compared, take_turns
from crmml.bundle import Bundle, Encoding, Part, Reference, learn_levels
from crmml.bundle.booster import canonical_text
from crmml.bundle.reference import MASTER_SCALE, make_peers, quantiles_of
from crmml.explain import find_reasons
from crmml.features import FeatureInfo
from crmml.peers import build_peers, peers_by_segment, segment_of
from crmml.scoring import PLACES, Scorer, score, stream_served

import lightgbm as lgb  # isort: skip  (after crmml.bundle, which sets how its threads wait)

REASONS = "scores with reasons, file to file"
CONTRIBUTIONS = "bare pred_contrib in memory"
STREAMED = "scores streamed from Parquet"
PREDICT = "bare predict in memory"
CHUNK = 20_000
#: Trees and leaves: the size on which the goals were set, and one as the demo's models come out.
LARGE, SMALL = (300, 63), (60, 13)


def run(
    features: pa.Table,
    infos: Sequence[FeatureInfo],
    folder: Path,
    *,
    explained: Sequence[int],
    streamed: int,
    rounds: int,
) -> list[Row]:
    """The lines of the table; `explained` is how many rows get reasons, of the large and of the small model."""
    rows = []
    for (trees, leaves), some in zip((LARGE, SMALL), explained, strict=True):
        scorer, X = _model(features, infos, trees=trees, leaves=leaves)
        rows += _reasons(features, scorer, X, folder, size=f"{trees} trees × {leaves} leaves", rows=some, rounds=rounds)
        if (trees, leaves) == LARGE:
            rows += _streamed(features, scorer, X, folder, size=f"{trees} trees × {leaves} leaves", rounds=rounds)
            rows.append(_memory(features, scorer, folder, most=streamed))
    return rows


def _reasons(
    features: pa.Table, scorer: Scorer, X: np.ndarray, folder: Path, *, size: str, rows: int, rounds: int
) -> list[Row]:
    some = features.slice(features.num_rows - rows)
    X = X[len(X) - some.num_rows :]
    path, out = folder / "explained.parquet", folder / "scores.parquet"
    pq.write_table(some, path, compression="zstd")
    bare = lgb.Booster(model_str=scorer.bundle.parts[0].text)
    report = score(path, scorer, out=out, chunk=CHUNK)
    _require_same(out, bare.predict(X, pred_contrib=True), scorer, some)
    times = take_turns(
        {
            REASONS: lambda: score(path, scorer, out=out, chunk=CHUNK),
            CONTRIBUTIONS: lambda: bare.predict(X, pred_contrib=True),
        },
        rounds=rounds,
    )
    checked = (
        f"effects bit-equal; sums agree to {report.worst_difference:.0e}; sentences zh and en for {PLACES} reasons"
    )
    size = f"{some.num_rows:,} rows × {X.shape[1]} features, {size}"
    at_most = 1.05 if scorer.bundle.parts[0].text.count("Tree=") == LARGE[0] else None
    return [compared(times, REASONS, CONTRIBUTIONS, size=size, at_most=at_most, checked=checked)]


def _require_same(out: Path, both: np.ndarray, scorer: Scorer, features: pa.Table) -> None:
    """The effects in the file are those of the bare contributions, to the last bit."""
    bundle = scorer.bundle
    peers, _ = bundle.peer_contributions(bundle.segments(features.to_pandas()))
    expected = find_reasons(both[:, :-1], peers, bundle.concepts, places=PLACES)
    found = pd.read_parquet(out, columns=[f"reason_{place + 1}_effect" for place in range(PLACES)])
    if not np.array_equal(found.to_numpy(), expected.effects):
        raise AssertionError("the effects of the reasons are not those of the bare contributions")


def _streamed(features: pa.Table, scorer: Scorer, X: np.ndarray, folder: Path, *, size: str, rounds: int) -> list[Row]:
    path, bundle = folder / "streamed.parquet", scorer.bundle
    pq.write_table(features, path, compression="zstd", row_group_size=CHUNK)
    bare = lgb.Booster(model_str=bundle.parts[0].text)

    def stream() -> np.ndarray:
        return np.concatenate(list(stream_served(path, bundle, chunk=CHUNK)))

    worst = float(np.abs(stream() - bare.predict(X)).max())
    if worst > 1e-12:
        raise AssertionError(f"streamed probabilities differ by {worst:.2g}")
    times = take_turns({STREAMED: stream, PREDICT: lambda: bare.predict(X)}, rounds=rounds)
    size = f"{len(X):,} rows × {X.shape[1]} features, {size}"
    checked = f"largest difference of a probability {worst:.0e}; without reasons, chunks of {CHUNK:,} rows"
    return [compared(times, STREAMED, PREDICT, size=size, at_most=1.35, checked=checked)]


def _memory(features: pa.Table, scorer: Scorer, folder: Path, *, most: int) -> Row:
    """The most a process of its own holds while it streams ten times the rows."""
    held = {}
    for rows in (most // 10, most):
        path = folder / f"streamed-{rows}.parquet"
        with pq.ParquetWriter(path, features.schema, compression="zstd") as writer:
            for start in range(0, rows, features.num_rows):
                writer.write_table(features.slice(0, min(features.num_rows, rows - start)), row_group_size=CHUNK)
        held[rows] = in_own_process(_consume, path, scorer.bundle)
        path.unlink()
    (few, (_, low)), (many, (seconds, high)) = held.items()
    size = f"{many:,} against {few:,} rows"
    goal = "≤ 1.1, flat in rows"
    return Row(STREAMED, "resident memory", size, f"{seconds:.1f} s, {high:.2f} GB", f"{low:.2f} GB", f"{high / low:.3g}", goal,
               high <= 1.1 * low, "")  # fmt: skip


def _consume(path: Path, bundle: Bundle) -> None:
    for _ in stream_served(path, bundle, chunk=CHUNK):
        pass


def _model(features: pa.Table, infos: Sequence[FeatureInfo], *, trees: int, leaves: int) -> tuple[Scorer, np.ndarray]:
    """A model of every feature, for its size only: whose bookings of three months fall short of last year's pace."""
    frame = features.to_pandas()
    label = (frame["bookings_3m"] * 4 < frame["bookings_12m"]).to_numpy(float)
    used = tuple(info for info in infos if not info.name.startswith("bookings"))
    levels = {i.name: learn_levels(frame[i.name], frame["customer_id"]) for i in used if i.kind == "category"}
    encoding = Encoding(tuple(info.name for info in used), levels)
    X, _ = encoding.encode(frame)
    data = lgb.Dataset(
        X, label, feature_name=list(encoding.names), categorical_feature=encoding.categorical, params={"verbosity": -1}
    )
    fixed = {"objective": "binary", "verbosity": -1, "deterministic": True, "force_row_wise": True, "seed": 1}
    booster = lgb.train({**fixed, "num_leaves": leaves, "learning_rate": 0.02}, data, num_boost_round=trees)
    draft = Bundle("bench", "churn", used, encoding, (Part("log_odds", canonical_text(booster)),), _nobody())
    newest = (features["cutoff_date"].to_numpy() == np.datetime64(pc.max(features["cutoff_date"]).as_py())).nonzero()[0]
    few, newest_rows = newest[:500], frame.iloc[newest]
    contributions, base = draft.contributions(X[few])
    segments = segment_of(frame.iloc[few]).astype(object).to_numpy()
    reference = Reference(
        "", make_peers(segments, contributions, base), quantiles_of(draft.probability(X)), MASTER_SCALE
    )
    averages = peers_by_segment(build_peers(newest_rows))
    return Scorer(replace(draft, reference=reference), "bench", "1", averages), X


def _nobody() -> Reference:
    return Reference("", {}, (), ())
