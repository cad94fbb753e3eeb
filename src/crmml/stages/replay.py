"""A row of a list made again from what the list kept and the stored bundles, and compared bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from crmml import bundle
from crmml.bundle import Bundle
from crmml.errors import IntegrityError
from crmml.explain import Voice
from crmml.peers import read_peers
from crmml.registry.lookup import checked
from crmml.scoring import Scorer, schema_of, score_frame
from crmml.stages.kept_lists import KeptList, open_list
from crmml.stages.list_files import as_stored
from crmml.stages.list_snapshot import Snapshot
from crmml.stages.lists import list_inputs
from crmml.stages.making import code_version
from crmml.stages.project import Project
from crmml.stages.provisioning import accounts_file, with_expected_loss
from crmml.stages.uplift import EFFECTS, FOR_LISTS, foretold
from crmml.stages.why_lists import features_of, require_customer, scores_of
from crmml.targeting import TargetList, build_list
from crmml.targeting.export import to_arrow

_SHOWN = 3


@dataclass(frozen=True)
class Compared:
    """One part made again: what it is, how many numbers and texts were compared, and which columns differ."""

    part: str
    rows: int
    numbers: int
    texts: int
    different: tuple[str, ...]
    told: str = ""

    @property
    def is_equal(self) -> bool:
        return not self.different


def replay(given: Path | None, *, name: str, customer_id: str) -> list[dict[str, Any]]:
    """Rebuild a customer's scores, reasons and decision, and the whole list; one row per part compared.

    `given` is the bank's folder; None where one bank alone has a list of that name.

    Nothing under `data/` but the list itself is read, and the bundles are found by
    their digests: later promotions and changed data make no difference.

    Raises
    ------
    NotFoundError
        M001 if the list or the customer is not there.
    IntegrityError
        M002 if a stored file or bundle is not what was written, M009 if anything made again differs in a bit.
    """
    project, kept = open_list(given, name)
    snapshot, stored = kept.snapshot(), kept.targets()
    require_customer(kept, snapshot, stored, customer_id)
    parts = [
        *replay_scores(project, snapshot, customer_id),
        *replay_effects(project, snapshot, customer_id),
        *replay_list(project, kept, snapshot, stored, customer_id),
    ]
    _require_equal(parts, kept, snapshot)
    return [
        {"part": part.part, "rows": part.rows, "numbers": part.numbers, "texts": part.texts, "equal": part.is_equal}
        | {"told": part.told}
        for part in parts
    ]


def replay_scores(project: Project, snapshot: Snapshot, customer_id: str) -> Iterator[Compared]:
    """The customer's scores and reasons by every model of the list, from the kept feature row and the stored bundle."""
    features = features_of(snapshot, customer_id)
    peers = read_peers(snapshot.peer_file) if snapshot.peer_file.exists() else {}
    for key, model in snapshot.models.items():
        was = scores_of(snapshot, key, customer_id)
        if was.empty:
            continue
        serving = stored_bundle(project, model)
        if features.empty:
            continue  # scored, but no candidate of the list
        thin = frozenset([customer_id]) if bool(was["thin_file"].iloc[0]) else frozenset[str]()
        scorer = Scorer(serving, model["name"], model["version"], peers, Voice(currency=snapshot.currency), thin)
        again, _ = score_frame(features, scorer)
        schema = schema_of(scorer, has_events="event_id" in again)
        made = pa.Table.from_pandas(again, schema=schema, preserve_index=False)
        made = with_loss(made, snapshot, key)
        table = pq.read_table(snapshot.scores / f"{key}.parquet", filters=[("customer_id", "=", customer_id)])
        told = f"{model['digest'][:12]}…  {_said(was.iloc[0])}"
        yield compare(f"score {model['name']} {model['version']}", table, made, told=told)


def with_loss(made: pa.Table, snapshot: Snapshot, key: str) -> pa.Table:
    """Exposure and expected loss too, where a default model was served with them: kept exposures, the chance made again."""
    path = snapshot.scores / accounts_file(key)
    if not path.exists():
        return made
    customers = made["customer_id"].to_pylist()
    accounts = pd.read_parquet(path, filters=[("customer_id", "in", customers)])
    chance = pd.Series(made["prob_default"].to_numpy(), index=customers)
    is_scored = accounts["prob_default_source"].eq("model")
    accounts["prob_default_12m"] = accounts["prob_default_12m"].where(
        ~is_scored, accounts["customer_id"].map(chance).astype(float)
    )
    return with_expected_loss(made, accounts)


def replay_effects(project: Project, snapshot: Snapshot, customer_id: str) -> Iterator[Compared]:
    """What contacting the customer changes, by every model that foretold it for the list."""
    features = features_of(snapshot, customer_id)
    peers = read_peers(snapshot.peer_file) if snapshot.peer_file.exists() else {}
    for model in snapshot.effects.values():
        only = [("customer_id", "=", customer_id), ("model", "=", model["name"])]
        stored = pq.read_table(snapshot.directory / EFFECTS, filters=only)
        if stored.num_rows == 0 or features.empty:
            continue
        serving = stored_bundle(project, model)
        scorer = Scorer(serving, model["name"], model["version"], peers, Voice(currency=snapshot.currency))
        again, _, offers = foretold(features, scorer, snapshot.scores)
        made = pa.Table.from_pandas(again[list(FOR_LISTS)], preserve_index=False).cast(stored.schema)
        order = [("offer", "ascending"), ("channel", "ascending")]
        told = f"{model['digest'][:12]}…  {', '.join(offers)}"
        part = f"effect {model['name']} {model['version']}"
        yield compare(part, stored.sort_by(order), made.sort_by(order), told=told)


def stored_bundle(project: Project, model: Any) -> Bundle:
    """The bundle that served, found by its place and checked by its digest.

    Raises
    ------
    IntegrityError
        M002 if it is missing or another one.
    """
    found = checked(model["name"], model["version"], model["bundle"], model["digest"], project.workspace.models)
    return bundle.load(found.bundle_dir)


def replay_list(
    project: Project, kept: KeptList, snapshot: Snapshot, stored: TargetList, customer_id: str
) -> Iterator[Compared]:
    """Eligibility, suppression, value and allocation run again; the customer's decision, then every row of all."""
    inputs = list_inputs(
        project, snapshot.spec, snapshot.features, snapshot.scores, snapshot.directory, snapshot.cutoff
    )
    again = build_list(snapshot.spec, inputs, suppress_as_of=snapshot.suppress_as_of, currency=snapshot.currency)
    candidates = pq.read_table(kept.folder / "candidates.parquet")
    made = as_stored(again.candidates)
    is_own = pc.equal(candidates["customer_id"].cast("string"), customer_id)
    own_made = made.filter(pc.equal(made["customer_id"].cast("string"), customer_id))
    own = candidates.filter(is_own)
    if own.num_rows or own_made.num_rows:
        yield compare(f"decision of {customer_id}", own, own_made, told=_decisions(own))
    rows = pq.read_table(kept.folder / f"{kept.list_name}.parquet")
    yield compare("the list, all arms", rows, to_arrow(again.table), told=kept.list_id)
    yield compare("every candidate", candidates, made)
    yield compare("waterfall", pq.read_table(kept.folder / "waterfall.parquet"), as_stored(again.waterfall))
    use = pq.read_table(kept.folder / "capacity_use.parquet")
    yield compare("capacities and prices", use, as_stored(again.capacity_use))
    reserve = pq.read_table(kept.folder / "reserve.parquet")
    yield compare("reserve", reserve, to_arrow(again.reserve))
    same = again.list_id == stored.list_id
    yield Compared("list id", 1, 0, 1, () if same else ("list_id",), again.list_id)


def compare(part: str, stored: pa.Table, made: pa.Table, *, told: str = "") -> Compared:
    """Two tables of the same columns: numbers by their bits (any null equals any null), texts by their letters."""
    names = [name for name in made.column_names if name in stored.column_names]
    absent = sorted({*made.column_names} ^ {*stored.column_names})
    if stored.num_rows != made.num_rows:
        return Compared(part, stored.num_rows, 0, 0, (f"{stored.num_rows} rows stored, {made.num_rows} made",), told)
    different = [f"column {name} is in one only" for name in absent]
    numbers = 0
    for name in names:
        numbers += pa.types.is_floating(made.schema.field(name).type)
        if not _same(stored[name], made[name]):
            different.append(name)
    rows = stored.num_rows
    return Compared(part, rows, numbers * rows, (len(names) - numbers) * rows, tuple(different), told)


def _same(one: pa.ChunkedArray, other: pa.ChunkedArray) -> bool:
    if pa.types.is_floating(one.type) or pa.types.is_floating(other.type):
        a, b = (
            np.asarray(each.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float) for each in (one, other)
        )
        null = np.isnan(a)
        return bool((null == np.isnan(b)).all() and (a[~null].view(np.int64) == b[~null].view(np.int64)).all())
    return one.to_pylist() == other.to_pylist()


def _require_equal(parts: list[Compared], kept: KeptList, snapshot: Snapshot) -> None:
    wrong = [part for part in parts if not part.is_equal]
    if not wrong:
        return
    first = wrong[0]
    columns = ", ".join(first.different[:_SHOWN]) + (" …" if len(first.different) > _SHOWN else "")
    now = code_version()
    why = (
        "what was stored was changed, or this machine computes otherwise"
        if now == snapshot.code
        else f"the list was made with {snapshot.code}, this is {now}: replay it with those versions"
    )
    raise IntegrityError(
        f"the list {kept.list_id} cannot be replayed: {first.part} differs in {columns} "
        f"({len(wrong)} of {len(parts)} parts differ); expected every bit equal. {why[0].upper()}{why[1:]}",
        code="M009",
    )


def _said(row: pd.Series) -> str:
    """What a model served for a row, and its first reason."""
    name = next((str(each) for each in row.index if str(each).startswith(("prob_", "contribution_"))), None)
    served = "" if name is None else f"{name} {float(row[name])!r}"
    return f"{served}  {row['reason_1_en']}" if isinstance(row.get("reason_1_en"), str) else served


def _decisions(rows: pa.Table) -> str:
    names = [name for name in ("offer", "channel") if name in rows.column_names]
    lines = rows.select([*names, "decision"]).to_pylist()
    return "; ".join(" ".join(str(value) for value in line.values()) for line in lines)
