"""Loyalty of a bank: the label audit, the index per cut-off and its proof by later retention, on files and one page."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from crmml import files
from crmml.bundle import HORIZON
from crmml.config import Model
from crmml.files import digest_of
from crmml.labels import Churn, build_labels
from crmml.loyalty import (
    LabelAudit,
    audit_labels,
    loyalty_index,
    usable_components,
    validate_index,
)
from crmml.loyalty.validation import summarise
from crmml.modelling.spec import Split
from crmml.peers import segment_of
from crmml.periods import Horizon
from crmml.reporting.loyalty_page import LoyaltyPage, loyalty_page
from crmml.sources.bank import Bank
from crmml.stages.abts import Ground, lay_ground
from crmml.stages.features import features_digest, with_snapshot
from crmml.stages.making import Say, Step, needs_making
from crmml.stages.project import Project, open_project
from crmml.stages.scores import read_scores

SHORTEST = Horizon(3)


@dataclass(frozen=True)
class Asked:
    """What the audit asks: the kinds with what each needs to know, the horizon, the cut-offs validated."""

    kinds: Mapping[str, Churn]
    absent: Mapping[str, str]
    horizon: Horizon
    curve: Model | None
    validated: tuple[date, ...]


def loyalty_of(folder: str | Path, *, force: bool = False, say: Say) -> tuple[dict[str, Any], Path]:
    """The audit and the validation of a bank as plain data, and the page to open."""
    project = open_project(folder)
    with project.alone():
        made = make_loyalty(project, lay_ground(project, say=say), force=force, say=say)
    told = {name: json.loads((made / f"{name}.json").read_text(encoding="utf-8")) for name in ("audit", "validation")}
    return told, page_path(project)


def has_churn(project: Project) -> bool:
    """Whether a run makes this stage: a bank with a model of churn, or a floor for it."""
    is_asked = any(isinstance(model.spec.target, Churn) for model in project.config.models.values())
    return is_asked or project.spec.loyalty_floor is not None


def page_path(project: Project) -> Path:
    return project.workspace.out / "loyalty.html"


def index_path(project: Project, day: date | str) -> Path:
    """The file of a cut-off: the index of every customer, of the newest also the points of the curve."""
    return project.workspace.of("loyalty") / str(day) / "loyalty.parquet"


def has_index(project: Project, day: date | str) -> bool:
    """Whether the index of a cut-off is there; a bank without the features it is made of has a file without it."""
    path = index_path(project, day)
    return path.exists() and "index" in pq.read_schema(path).names


def make_loyalty(project: Project, ground: Ground, *, force: bool = False, say: Say) -> Path:
    """`<cut-off>/loyalty.parquet` of every cut-off, `audit.json`, `validation.json`, and the page; their folder."""
    asked = asked_of(project, ground.bank)
    newest = project.newest_cutoff()
    scores = None if asked.curve is None else read_scores(project, asked.curve.key, newest)
    tested = None if asked.curve is None else _tested(project, asked.curve)
    inputs = {
        "features": features_digest(ground.features),
        "asked": digest_of({name: str(value) for name, value in dataclasses.asdict(asked).items() if name != "curve"}),
        "scores": "" if scores is None else digest_of([*scores["version"].iloc[:1].tolist(), len(scores)]),
        "model": "" if tested is None else digest_of([len(tested), float(tested["log_odds"].sum())]),
    }
    step = Step("loyalty", project.workspace.of("loyalty"), inputs)
    if not needs_making(step, force=force, say=say) and page_path(project).exists():
        return step.folder
    days = sorted(path.stem for path in (ground.features / "features").glob("*.parquet"))
    labels = _labels(ground, asked, days)
    audit = audit_labels(
        labels, {kind: _known_until(project, kind) for kind in labels}, asked.horizon, absent=asked.absent
    )
    index = pd.concat([index_at(ground.features, day) for day in days], ignore_index=True)
    validation = _validate(index, labels, tested, asked) if "index" in index else {}
    with files.publish(step.folder, kind=step.name, inputs=step.all_inputs) as staged:
        for day in days:
            rows = index[index["cutoff_date"] == pd.Timestamp(day)]
            if scores is not None and day == str(newest):
                points = [name for name in scores if name.startswith("prob_churn_")]
                rows = rows.merge(scores[["customer_id", *points]], on="customer_id", how="left", validate="one_to_one")
            (staged.folder / day).mkdir()
            rows.to_parquet(staged.folder / day / "loyalty.parquet", index=False, compression="zstd")
            staged.rows[f"{day}/loyalty.parquet"] = len(rows)
        _write(staged, "audit", audit.as_dict())
        _write(staged, "validation", validation)
    _write_page(project, asked, audit, index, validation, scores)
    _say(audit, validation, index, say=say)
    return step.folder


def asked_of(project: Project, bank: Bank) -> Asked:
    """The kinds this bank can show, with one line why it cannot show the others; the horizon is that of its churn model."""
    models = [model for model in project.config.models.values() if isinstance(model.spec.target, Churn)]
    curve = next((model for model in models if model.spec.steps), None)
    told = curve or next(iter(models), None)
    horizon = SHORTEST if told is None else Horizon(told.spec.horizon.months, told.spec.horizon.gap)
    floors = [model.spec.target.floor for model in models if model.spec.target.floor]
    floor = project.spec.loyalty_floor or next(iter(floors), None)
    absent = {kind: why for kind in ("closed", "attrited", "silent") if (why := _lacks(bank, kind, floor))}
    kinds = {
        kind: Churn(kind, floor=floor if kind == "attrited" else None)  # type: ignore[arg-type]
        for kind in ("closed", "attrited", "silent")
        if kind not in absent
    }
    split = None if told is None else told.spec.split
    validated = split.tested if isinstance(split, Split) else ()
    return Asked(kinds, absent, horizon, curve, validated)


def _lacks(bank: Bank, kind: str, floor: float | None) -> str:
    """Why a bank cannot show a kind of churn, or nothing."""
    tables = {name for name in ("accounts", "transactions", "balances") if bank.has(name)}
    if kind == "closed" and "accounts" not in tables:
        left = bank.table("customers").left_on.notnull().any().to_pyarrow().as_py()
        return "" if left else "needs accounts with closed_on, or customers.left_on"
    if kind == "silent" and "transactions" not in tables:
        return "needs transactions: balances alone do not tell who is active"
    if kind == "attrited" and not tables & {"transactions", "balances"}:
        return "needs balances or transactions"
    if kind == "attrited" and floor is None:
        return "needs the least average balance it looks at: loyalty: {floor: …} in bank.yaml"
    return ""


def _known_until(project: Project, kind: str) -> date:
    spec = project.spec
    sources = {"closed": ("accounts", "customers"), "silent": ("transactions",)}.get(
        kind, ("balances",) if "balances" in spec.tables else ("transactions",)
    )
    return min(spec.last_day(name) for name in sources)


def _labels(ground: Ground, asked: Asked, days: list[str]) -> dict[str, pd.DataFrame]:
    paths = [str(ground.features / "snapshots" / f"{day}.parquet") for day in days]
    snapshots = ground.bank.connection.read_parquet(paths, table_name="crmml_loyalty_snapshots")
    found = {}
    for kind, target in asked.kinds.items():
        frame = build_labels(ground.bank, snapshots, target, asked.horizon).to_pandas()
        found[kind] = frame.assign(cutoff_date=pd.to_datetime(frame["cutoff_date"]).astype("datetime64[s]"))
    return found


def index_at(features: Path, day: str) -> pd.DataFrame:
    """The index of every customer who has not left at a cut-off, with percentile and the mean of the peers.

    Returns
    -------
    DataFrame
        `customer_id, cutoff_date, segment, index, points_<component>, percentile, peer_mean`; without the index
        and what follows from it where the bank has no feature that tells of it.
    """
    frame = with_snapshot(
        pd.read_parquet(features / "features" / f"{day}.parquet"),
        pd.read_parquet(features / "snapshots" / f"{day}.parquet"),
    )
    frame = frame[~frame["is_gone"].astype(bool)].reset_index(drop=True)
    rows = pd.DataFrame({"customer_id": frame["customer_id"], "cutoff_date": pd.Timestamp(day).as_unit("s")})
    rows["segment"] = segment_of(frame).to_numpy()
    points = loyalty_index(frame)
    if "index" not in points:
        return rows
    rows = pd.concat([rows, points], axis=1)
    rows["percentile"] = (rows["index"].rank(method="average") - 0.5) * 100 / max(1, len(rows))
    rows["peer_mean"] = rows.groupby("segment")["index"].transform("mean")
    return rows


def _tested(project: Project, curve: Model) -> pd.DataFrame | None:
    """The rows on which the curve was tested, every horizon; None before it is trained."""
    path = project.workspace.of("training", curve.key) / "curve.parquet"
    return pd.read_parquet(path) if path.exists() else None


def _validate(
    index: pd.DataFrame, labels: Mapping[str, pd.DataFrame], tested: pd.DataFrame | None, asked: Asked
) -> dict[str, Any]:
    """The index against later labels: every kind at the headline horizon, and the curve's label at each of its horizons."""
    told: dict[str, Any] = {"kinds": {}, "horizons": {}, "months": asked.horizon.months, "gap": asked.horizon.gap}
    keys = ["customer_id", "cutoff_date"]
    days = pd.to_datetime(list(asked.validated)).astype("datetime64[s]") if asked.validated else None
    headline = None if tested is None else tested[tested[HORIZON] == asked.horizon.months]
    for kind, frame in labels.items():
        known = frame[frame["status"] == "ok"]
        known = known if days is None else known[known["cutoff_date"].isin(days)]
        rows = known[[*keys, "label"]].merge(index[[*keys, "index"]], on=keys)
        if headline is not None:
            score = _keyed(headline)[[*keys, "log_odds"]].rename(columns={"log_odds": "score"})
            rows = rows.merge(score, on=keys)
        told["kinds"][kind] = validate_index(rows)
    for months, part in _by_horizon(tested):
        rows = _keyed(part)[[*keys, "label", "log_odds"]].rename(columns={"log_odds": "score"})
        told["horizons"][str(months)] = validate_index(rows.merge(index[[*keys, "index"]], on=keys))
    return told


def _by_horizon(tested: pd.DataFrame | None) -> list[tuple[int, pd.DataFrame]]:
    """The tested rows of each horizon, the shortest first; none where no curve was trained."""
    if tested is None:
        return []
    steps = sorted(set(tested[HORIZON].astype(int).tolist()))
    return [(months, tested[tested[HORIZON] == months]) for months in steps]


def _keyed(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        customer_id=frame["customer_id"].astype(str),
        cutoff_date=pd.to_datetime(frame["cutoff_date"]).astype("datetime64[s]"),
    )


def _write(staged: files.Staged, name: str, told: Mapping[str, Any]) -> None:
    text = json.dumps(told, indent=1, ensure_ascii=False, allow_nan=False)
    staged.path(f"{name}.json").write_text(text + "\n", encoding="utf-8")


def _write_page(
    project: Project,
    asked: Asked,
    audit: LabelAudit,
    index: pd.DataFrame,
    validation: Mapping[str, Any],
    scores: pd.DataFrame | None,
) -> None:
    metrics = None
    if asked.curve is not None:
        path = project.workspace.of("training", asked.curve.key) / "metrics.json"
        metrics = json.loads(path.read_text(encoding="utf-8")) if path.exists() else None
    newest = index[index["cutoff_date"] == index["cutoff_date"].max()]
    page = LoyaltyPage(
        bank_zh=project.spec.title_zh,
        bank_en=project.spec.title_en,
        cutoff=str(newest["cutoff_date"].max().date()),
        months=asked.horizon.months,
        gap=asked.horizon.gap,
        floor=asked.kinds["attrited"].floor if "attrited" in asked.kinds else None,
        audit=audit.as_dict(),
        validation=validation,
        index=newest,
        components=usable_components(_columns(project)),
        curve=metrics,
        scores=scores,
    )
    files.write_atomic(page_path(project), loyalty_page(page, language="both"))


def _columns(project: Project) -> list[str]:
    path = project.workspace.of("features") / "catalogue.json"
    return [info["name"] for info in json.loads(path.read_text(encoding="utf-8"))]


def _say(audit: LabelAudit, validation: Mapping[str, Any], index: pd.DataFrame, *, say: Say) -> None:
    for kind, why in audit.absent.items():
        say(f"          {kind} left out: {why}")
    if "index" not in index:
        say("          index left out: no feature tells of products, tenure, income, balances or rhythm")
    for kind, told in validation.get("kinds", {}).items():
        say(f"          index against {kind}: {summarise(told)}")


def rows_of(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The label audit flat, one row per kind and cut-off."""
    return [dict(row) for row in told["audit"]["counts"]]
