"""Customer groups at several cut-offs: scores of the champions, the grid, migrations, the page."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmml import files
from crmml.errors import ConfigError, NotFoundError
from crmml.files import digest_of
from crmml.grouping import AXES, Groups, GroupSpec, describe_groups, group_customers, migration
from crmml.periods import shift_months
from crmml.reporting.groups_page import groups_page
from crmml.sources.bank import Bank
from crmml.stages.features import features_at, read_catalogue
from crmml.stages.history import Past, lay_past, learned_until, out_of_time, past_scores, read_snapshots
from crmml.stages.loyalty import has_index, index_path
from crmml.stages.making import Say, Step, needs_making, once
from crmml.stages.project import Project, open_project
from crmml.stages.scores import Champion, champions

SCORES = {"value": "contribution", "loyalty": "prob_churn", "risk": "prob_default"}
KINDS = {"value": ("contribution",), "loyalty": ("churn", "given", "bookings"), "risk": ("default", "given")}
"""The targets whose model may stand on an axis; what a given label means, the bank knows."""


@dataclass(frozen=True)
class Source:
    """Where the score of an axis comes from: `champion`, `index` (of loyalty), `past` (contribution), or nothing."""

    kind: str
    champion: Champion | None = None

    @property
    def words(self) -> str:
        return f"{self.champion.model.spec.name} {self.champion.version}" if self.champion else self.kind

    @property
    def months(self) -> int | None:
        """How far the champion foresees."""
        horizon = self.champion.model.spec.horizon if self.champion else None
        return horizon.months if horizon else None


def make_groups(project: Project, *, cutoff: date | None = None, force: bool = False, say: Say) -> Path:
    """The groups of a cut-off and of those before it, their migrations, their page; the folder that holds them.

    Raises
    ------
    NotFoundError
        If none of the three scores can be had.
    ConfigError
        If the reference lies after the cut-off, or an axis names a model of something else.
    """
    say = once(say)
    spec, day = project.config.groups or GroupSpec(), project.scored_cutoff(cutoff)
    require_axes(project, spec)
    bank, ledger, _ = features_at(project, day, say=say)
    serving = {found.model.key: found for found in _champions(project)}
    used = {axis: serving.get(getattr(spec.grid, axis).model) for axis in AXES}
    days = compared_days(spec, [each for each in used.values() if each], day, project.cutoffs())
    past = lay_past(project, bank, ledger, days, say=say)
    sources = {axis: _source(project, axis, used[axis], past) for axis in AXES}
    if all(source.kind == "none" for source in sources.values()):
        wanted = ", ".join(getattr(spec.grid, axis).model for axis in AXES)
        raise NotFoundError(
            f"{project.spec.name} has no score to group by: no champion of {wanted}, no loyalty index, no ledger; expected at "
            "least one. Train and promote a model, or name another under grid",
            code="M001",
        )
    inputs = {
        "features": past.digest,
        "spec": digest_of(dataclasses.asdict(spec)),
        "days": " ".join(map(str, days)),
        "sources": " ".join(
            f"{axis} {source.words} {_digest(project, source, past)}" for axis, source in sources.items()
        ),
    }
    step = Step("groups", project.workspace.of("groups"), inputs)
    if not needs_making(step, force=force, say=say) and groups_path(project).exists():
        return step.folder
    scores = axis_scores(project, bank, ledger, past, sources)
    reference = spec.reference or days[0]
    _publish(project, step, spec, past, sources, group_customers(scores, spec, reference=reference), reference, say)
    return step.folder


def require_axes(project: Project, spec: GroupSpec) -> None:
    """The model of each axis foretells what the axis is called by; one that is not configured leaves its axis out.

    Raises
    ------
    ConfigError
        C013 if it does not.
    """
    models = project.config.models
    for axis, kinds in KINDS.items():
        key = getattr(spec.grid, axis).model
        if key in models and models[key].spec.kind not in kinds:
            fitting = [each for each, model in models.items() if model.event is None and model.spec.kind in kinds]
            raise ConfigError(
                f"groups: the axis {axis} is given by {key!r}, a model of {models[key].spec.kind}; expected one of "
                f"{' or '.join(kinds)}: {', '.join(fitting) or 'there is none, leave the axis out'}",
                code="C013",
            )


def _champions(project: Project) -> list[Champion]:
    try:
        return champions(project)
    except NotFoundError as error:
        if error.code == "M001":
            return []
        raise


def compared_days(spec: GroupSpec, used: Sequence[Champion], day: date, own: Sequence[date]) -> tuple[date, ...]:
    """The cut-offs that are compared, the one asked for last.

    Those after the training of every champion used: every so many months, or those a champion was tested on. Without a
    champion, the bank's own cut-offs.

    Raises
    ------
    ConfigError
        C006 if the reference lies after the cut-off asked for.
    """
    if spec.reference is not None and spec.reference > day:
        raise ConfigError(
            f"the groups' reference {spec.reference} lies after the cut-off {day}; expected it at or before. Choose an "
            "earlier reference or a later --cutoff",
            code="C006",
        )
    honest = max((learned_until(champion) for champion in used), default=date.min)
    if spec.every is not None:
        steps = (shift_months(day, -spec.every * place) for place in range(1, spec.cutoffs))
        earlier = [each for each in steps if each >= (honest if used else min(own, default=day))]
    else:
        tested = {each for champion in used for each in out_of_time(champion)} if used else set(own)
        earlier = sorted(each for each in tested if honest <= each < day)
    days = {*sorted(earlier)[-(spec.cutoffs - 1) :], day} if spec.cutoffs > 1 else {day}
    return tuple(sorted(days | ({spec.reference} if spec.reference else set())))


def _source(project: Project, axis: str, champion: Champion | None, past: Past) -> Source:
    if champion is not None:
        return Source("champion", champion)
    if axis == "loyalty" and all(has_index(project, day) for day in past.days):
        return Source("index")
    if axis == "value" and "contribution_12m" in pd.read_parquet(past.path("features", past.days[-1])).columns:
        return Source("past")
    return Source("none")


def _digest(project: Project, source: Source, past: Past) -> str:
    if source.champion is not None:
        return source.champion.bundle.digest
    if source.kind == "index":
        return " ".join(files.digest_file(index_path(project, day)) for day in past.days)
    return ""


def axis_scores(
    project: Project, bank: Bank, ledger: ir.Table | None, past: Past, sources: dict[str, Source]
) -> pd.DataFrame:
    """Every customer who is not gone, at every cut-off, with the score of each axis and the figures groups are told by."""
    snapshots = read_snapshots(bank, past)
    taken = snapshots.filter(~snapshots.is_gone).select("customer_id", "cutoff_date", "is_in_default").to_pandas()
    rows = taken.assign(cutoff_date=pd.to_datetime(taken["cutoff_date"]).astype("datetime64[s]"))
    key = ["customer_id", "cutoff_date"]
    for axis, source in sources.items():
        if source.champion is not None:
            served, _ = past_scores(source.champion, bank, ledger, past, snapshots)
            rows = rows.merge(
                served.rename(columns={"served": SCORES[axis]}), on=key, how="left", validate="one_to_one"
            )
            rows[axis] = 1 - rows[SCORES[axis]] if axis == "loyalty" else rows[SCORES[axis]]
        elif source.kind == "index":
            rows = rows.merge(_indices(project, past), on=key, how="left", validate="one_to_one")
        elif source.kind == "past":
            parts = [
                pd.read_parquet(past.path("features", day), columns=[*key, "contribution_12m"]) for day in past.days
            ]
            earned = pd.concat(parts).rename(columns={"contribution_12m": "value"})
            earned = earned.assign(cutoff_date=pd.to_datetime(earned["cutoff_date"]).astype("datetime64[s]"))
            rows = rows.merge(earned, on=key, how="left", validate="one_to_one")
            rows["contribution"] = rows["value"]
    if "risk" in rows:  # no model speaks of who is in default already; nobody is riskier
        rows["risk"] = rows["risk"].where(~rows["is_in_default"], 1.0)
    return rows


def _indices(project: Project, past: Past) -> pd.DataFrame:
    """The loyalty index of every cut-off, and the probability of leaving beside it where the file has one."""
    parts = []
    for day in past.days:
        frame = pd.read_parquet(index_path(project, day)).drop_duplicates("customer_id")
        part = pd.DataFrame({"customer_id": frame["customer_id"].astype(str), "loyalty": frame["index"].astype(float)})
        if "prob_churn_3m" in frame:
            part["prob_churn"] = frame["prob_churn_3m"].astype(float)
        parts.append(part.assign(cutoff_date=np.datetime64(day, "s")))
    return pd.concat(parts, ignore_index=True)


def _publish(
    project: Project,
    step: Step,
    spec: GroupSpec,
    past: Past,
    sources: dict[str, Source],
    groups: Groups,
    reference: date,
    say: Say,
) -> None:
    last = past.days[-1]
    bands = {axis: found.bands for axis, found in groups.boundaries.items()}
    newest = groups.rows[groups.rows["cutoff_date"] == pd.Timestamp(last)]
    features, infos = pd.read_parquet(past.path("features", last)), read_catalogue(past.folders[last])
    described = describe_groups(newest, features, infos, groups.axes, bands) if len(newest) else pd.DataFrame()
    moves = _migrations(groups, past.days)
    about = {
        "cutoff": str(last),
        "reference": str(reference),
        "days": [str(day) for day in past.days],
        "axes": list(groups.axes),
        "missing": [axis for axis in AXES if axis not in groups.axes],
        "sources": {
            axis: {"kind": source.kind, "words": source.words, "months": source.months}
            for axis, source in sources.items()
        },
        "in_training": {
            axis: [str(day) for day in past.days if day < learned_until(source.champion)]
            for axis, source in sources.items()
            if source.champion is not None
        },
        "cuts": {axis: [float(cut) for cut in found.cuts] for axis, found in groups.boundaries.items()},
        "bands": bands,
        "spec": json.loads(json.dumps(dataclasses.asdict(spec), default=str)),
        "steadily": spec.steadily,
        "customers": len(newest),
    }
    tables = {"groups": groups.rows, "migration": moves, "described": described, "flapping": groups.flaps}
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        for name, table in tables.items():
            table.to_parquet(staged.path(f"{name}.parquet", rows=len(table)), index=False, compression="zstd")
        text = json.dumps(about, indent=1, ensure_ascii=False)
        staged.path("about.json").write_text(text + "\n", encoding="utf-8")
    bank = (project.spec.title_zh, project.spec.title_en)
    files.write_atomic(groups_path(project), groups_page(bank, tables, about, currency=project.spec.currency))
    missing = f"; no {', no '.join(about['missing'])}" if about["missing"] else ""
    say(
        f"          {len(newest):,} customers in {newest['group'].nunique()} groups at {len(past.days)} cut-offs{missing}"
    )


def _migrations(groups: Groups, days: Sequence[date]) -> pd.DataFrame:
    """Moves between neighbouring cut-offs and from the first to the last: of whole groups and of each axis."""
    pairs = list(itertools.pairwise(days))
    pairs += [(days[0], days[-1])] if len(days) > 2 else []
    parts = []
    for start, end in pairs:
        for what, column in (("group", "group"), *((axis, f"{axis}_band") for axis in groups.axes)):
            moved = migration(groups.rows, column, start=start, end=end)
            parts.append(moved.assign(what=what, start=str(start), end=str(end)))
    columns = ["what", "start", "end", "from", "to", "customers", "share"]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def groups_path(project: Project) -> Path:
    """The page people open."""
    return project.workspace.out / "groups.html"


def groups_of_bank(folder: str | Path, *, cutoff: date | None, say: Say) -> tuple[list[dict[str, Any]], Path]:
    """Make the groups of a bank; each group as a row, and the page to open."""
    project = open_project(folder)
    with project.alone():
        made = make_groups(project, cutoff=cutoff, say=say)
    described = pd.read_parquet(made / "described.parquet").astype(object)
    rows = described.where(described.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows], groups_path(project)
