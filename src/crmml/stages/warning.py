"""The early warning of a cut-off: alerts, their replay on past cut-offs, workbook and page."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmml import files
from crmml.errors import ConfigError, NotFoundError, did_you_mean
from crmml.files import digest_of
from crmml.labels import loss_days
from crmml.periods import label_window
from crmml.sources.bank import Bank
from crmml.stages.directory import make_directory, suppress_as_of
from crmml.stages.features import features_at
from crmml.stages.history import Past, history_days, lay_past, learned_until, past_scores, read_snapshots
from crmml.stages.loyalty import index_path
from crmml.stages.making import Say, Step, digest_of_result, needs_making, once
from crmml.stages.project import Project, open_project
from crmml.stages.scores import Champion, champions, make_scores, read_scores
from crmml.stages.warning_files import Made, publish_warning, warning_paths
from crmml.stages.winback import Gone, find_gone
from crmml.targeting.columns import masked_names
from crmml.warning import WarningSpec, back_test, build_alerts, changed_share, replay, with_stake

RULES = {"deposit_fall": ("deposits_mean_1m", "deposits_mean_3m"), "deposit_fall_share": ("deposits_trend_1m",)}
"""Rules a bank would use without a model: the largest fall of deposits against the last quarter, in money and in percent."""


@dataclass(frozen=True)
class Served:
    """The champions a warning stands on: who warns, and what says the stake (None: past contribution, if any)."""

    warns: Champion
    value: Champion | None


def make_warning(project: Project, *, cutoff: date | None = None, force: bool = False, say: Say) -> Path:
    """Alerts of a cut-off with their back-test and the customers to win back; the folder that holds them.

    Raises
    ------
    ConfigError
        If the bank has no `warning.yaml`, or it names a model or a manager that is not there.
    NotFoundError
        If the model that warns has no champion, or has no customer of the cut-off to score.
    """
    say = once(say)
    spec = require_spec(project)
    day = project.scored_cutoff(cutoff)
    served = served_of(project, spec)
    bank, ledger, features = features_at(project, day, say=say)
    require_units(spec, bank)
    scores = make_scores(project, cutoff=day, say=say)
    directory = make_directory(project, bank, ledger, features, say=say)
    days = history_days(served.warns, day, every=spec.history.every)
    past = lay_past(project, bank, ledger, days, say=say)
    loyalty = index_path(project, day)
    inputs = {
        "scores": digest_of_result(scores, what="the scores", do="run `crmml score` first"),
        "directory": digest_of_result(directory, what="the directory", do="run `crmml run` first"),
        "history": past.digest,
        "spec": digest_of(dataclasses.asdict(spec)),
        "days": " ".join(map(str, days)),
        "champions": " ".join(f"{each.version} {each.bundle.digest}" for each in (served.warns, served.value) if each),
        "loyalty": files.digest_file(loyalty) if loyalty.exists() else "",
    }
    step = Step("warning", project.workspace.of("warning"), inputs)
    if not needs_making(step, force=force, say=say) and all(path.exists() for path in warning_paths(project)):
        return step.folder
    history, rules = replayed(project, spec, served, bank, ledger, past)
    require_scored(history, served, day)
    made = _alerts(project, spec, served, history, directory, day, loyalty)
    matured = history[history["label"].notna()]
    honest = matured[pd.to_datetime(matured["cutoff_date"]).dt.date >= learned_until(served.warns)]
    gone = find_gone(project, spec.winback, bank, ledger, directory, day) if spec.winback is not None else None
    about = _about(project, spec, served, history, days, made, gone)
    result = Made(made, history, back_test(honest, rules=rules), changed_share(history, spec), gone, about)
    publish_warning(project, step, spec, result)
    say(f"          {told(result)}")
    return step.folder


def require_spec(project: Project) -> WarningSpec:
    """The bank's early warning, its models known.

    Raises
    ------
    ConfigError
        C011 without one; C013 if it names a model that is not configured or does not foresee leaving.
    """
    spec, folder = project.config.warning, project.spec.folder
    if spec is None:
        raise ConfigError(
            f"{folder} has no early warning; expected a file with 'warns' (the model of leaving), 'capacity' (customers "
            "a manager can care for in a month) and 'levels'. Write warning.yaml, configs/demo has one",
            code="C011",
        )
    models = {key: model for key, model in project.config.models.items() if model.event is None}
    if spec.warns not in models or models[spec.warns].spec.kind in ("contribution", "default", "uptake", "winback"):
        able = [key for key, model in models.items() if model.spec.kind in ("churn", "given", "bookings")]
        raise ConfigError(
            f"the early warning of {project.spec.name} warns by {spec.warns!r}; expected a model of leaving, one of "
            f"{', '.join(able) or 'none'}.{did_you_mean(spec.warns, able)}",
            code="C013",
        )
    return spec


def served_of(project: Project, spec: WarningSpec) -> Served:
    """The champions the warning stands on.

    Raises
    ------
    NotFoundError
        M001 if the model that warns has no champion.
    """
    found = {champion.model.key: champion for champion in champions(project)}
    if spec.warns not in found:
        raise NotFoundError(
            f"{project.spec.name}.{spec.warns} has no champion to warn with; expected a promoted version. "
            f"Promote one: `crmml models promote {project.spec.name}.{spec.warns} VERSION`",
            code="M001",
        )
    value = found.get(spec.value or "")
    return Served(found[spec.warns], value if value is not None and value.bundle.is_money else None)


def require_units(spec: WarningSpec, bank: Bank) -> None:
    """Managers and branches that have a capacity of their own exist.

    Raises
    ------
    ConfigError
        C013, naming the first that does not.
    """
    for name, column in (("manager", "manager_id"), ("branch", "branch_id")):
        limit = getattr(spec.capacity, f"per_{name}")
        if not limit.overrides:
            continue
        table = bank.table("customers").select(column).distinct()
        known = {value for value in table.to_pyarrow()[column].to_pylist() if value is not None}
        if bank.has(plural := "managers" if name == "manager" else "branches"):
            known |= set(bank.table(plural).select(column).to_pyarrow()[column].to_pylist())
        for unit in limit.overrides:
            if unit not in known:
                raise ConfigError(
                    f"capacity.per_{name}.overrides names {unit!r}, no {name} of {bank.spec.name}; expected one of its "
                    f"{len(known):,} {plural}.{did_you_mean(unit, known)}",
                    code="C013",
                )


def require_scored(history: pd.DataFrame, served: Served, day: date) -> None:
    """Somebody of the cut-off can leave.

    Raises
    ------
    NotFoundError
        M001 if the champion's population has nobody at the cut-off.
    """
    if not (history["cutoff_date"] == pd.Timestamp(day)).any():
        raise NotFoundError(
            f"nobody to warn of at {day}: no customer belongs to the population of {served.warns.model.spec.name} version "
            f"{served.warns.version} then; expected some. Look at `population:` and `label:` in its config",
            code="M001",
        )


def replayed(
    project: Project, spec: WarningSpec, served: Served, bank: Bank, ledger: ir.Table | None, past: Past
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Levels at every cut-off of the past with what became of the customers, and the rules that can be tried beside."""
    snapshots = read_snapshots(bank, past)
    scores, labels = past_scores(served.warns, bank, ledger, past, snapshots)
    forecasts = None if served.value is None else past_scores(served.value, bank, ledger, past, snapshots)[0]
    history, rules = {}, set(RULES)
    for day in past.days:
        columns = pd.read_parquet(past.path("features", day))
        rows = scores[scores["cutoff_date"] == pd.Timestamp(day)].rename(columns={"served": "prob_churn"})
        forecast = None
        if forecasts is not None:
            forecast = forecasts[forecasts["cutoff_date"] == pd.Timestamp(day)].rename(
                columns={"served": "contribution_12m"}
            )
        earned = columns.set_index("customer_id").get("contribution_12m")
        rows = with_stake(rows.drop(columns="cutoff_date"), forecast, earned)
        units = pd.read_parquet(past.path("snapshots", day))[["customer_id", "branch_id", "manager_id"]]
        rows = rows.merge(units, on="customer_id", how="left", validate="one_to_one")
        found = rule_columns(columns)
        rules &= set(found.columns)
        history[day] = rows.merge(found, left_on="customer_id", right_index=True, how="left")
    frame = _with_outcomes(replay(history, spec), labels, served.warns, bank, snapshots)
    return frame, tuple(rule for rule in RULES if rule in rules)


def rule_columns(features: pd.DataFrame) -> pd.DataFrame:
    """By customer, how early each rule would choose: the fall of deposits; a rule whose features are missing is left out."""
    by = features.set_index("customer_id")
    found = {}
    if set(RULES["deposit_fall"]) <= set(by.columns):
        month, quarter = (by[name].astype(float) for name in RULES["deposit_fall"])
        found["deposit_fall"] = quarter - month
    if set(RULES["deposit_fall_share"]) <= set(by.columns):
        found["deposit_fall_share"] = -by[RULES["deposit_fall_share"][0]].astype(float)
    return pd.DataFrame(found, index=by.index)


def _with_outcomes(
    history: pd.DataFrame, labels: pd.DataFrame, champion: Champion, bank: Bank, snapshots: ir.Table
) -> pd.DataFrame:
    """History with `label`, `status`, `lost_on` and `window_start`; the label is null where the window has not matured."""
    spec = champion.model.spec
    key = ["customer_id", "cutoff_date"]
    known = labels.assign(cutoff_date=pd.to_datetime(labels["cutoff_date"]).astype("datetime64[s]"))
    rows = history.merge(known[[*key, "status", "label"]], on=key, how="left", validate="one_to_one")
    starts = {day: label_window(day.date(), spec.horizon).start for day in rows["cutoff_date"].unique()}
    rows = rows.assign(window_start=pd.to_datetime(rows["cutoff_date"].map(starts)).astype("datetime64[s]"))
    lost = known[known["label"] == 1][key]
    days = None
    if len(lost):
        ids = sorted(lost["customer_id"].unique())
        days = loss_days(bank, snapshots.filter(snapshots.customer_id.isin(ids)), spec.target, spec.horizon)
    if days is None:
        return rows.assign(lost_on=np.full(len(rows), np.datetime64("NaT", "s")))
    found = days.to_pandas()
    found = found.assign(
        **{name: pd.to_datetime(found[name]).astype("datetime64[s]") for name in ("cutoff_date", "lost_on")}
    )
    rows = rows.merge(found, on=key, how="left", validate="one_to_one")
    return rows.assign(lost_on=rows["lost_on"].where(rows["label"] == 1))


def _alerts(
    project: Project,
    spec: WarningSpec,
    served: Served,
    history: pd.DataFrame,
    directory: Path,
    day: date,
    loyalty: Path,
) -> pd.DataFrame:
    """The alerts of the cut-off asked for, without those who have left since."""
    scores = read_scores(project, spec.warns, day)
    assert scores is not None, "the stage before made them"
    newest = suppress_as_of(project)
    people = _people(directory)
    alerts = build_alerts(history[history["cutoff_date"] == pd.Timestamp(day)], scores, people, spec, today=newest)
    left = people.set_index("customer_id")["has_left"]
    alerts = alerts[~alerts["customer_id"].map(left).astype("boolean").fillna(False).astype(bool)].reset_index(
        drop=True
    )
    alerts = alerts.assign(rank=np.arange(1, len(alerts) + 1))
    names = pd.read_parquet(directory / "customers.parquet")
    for unit in ("branch", "manager"):
        if f"{unit}_name" in names:  # the unit at the cut-off, which may not be the customer's of today
            known = (
                names.dropna(subset=[f"{unit}_id"])
                .drop_duplicates(f"{unit}_id")
                .set_index(f"{unit}_id")[f"{unit}_name"]
            )
            alerts[unit] = alerts[f"{unit}_id"].map(known).astype(object).fillna(alerts[f"{unit}_id"])
        else:
            alerts[unit] = alerts[f"{unit}_id"]
    if loyalty.exists():
        curves = pd.read_parquet(loyalty).drop(columns=["cutoff_date"], errors="ignore")
        kept = ["customer_id", *[name for name in curves if name not in alerts]]
        alerts = alerts.merge(curves[kept].drop_duplicates("customer_id"), on="customer_id", how="left")
    return alerts


def _people(directory: Path) -> pd.DataFrame:
    """Names (masked), flags and the last contact of every customer, on the newest data."""
    customers = pd.read_parquet(directory / "customers.parquet")
    flags = pd.read_parquet(directory / "suppression.parquet")
    people = pd.DataFrame({"customer_id": customers["customer_id"], "name": masked_names(customers)})
    named = people.drop_duplicates("customer_id").merge(flags, on="customer_id", how="left")
    return named.assign(branch=None, manager=None)


def _about(
    project: Project,
    spec: WarningSpec,
    served: Served,
    history: pd.DataFrame,
    days: tuple[date, ...],
    alerts: pd.DataFrame,
    gone: Gone | None,
) -> dict[str, Any]:
    """What a reader must know beside the figures, as plain data."""
    until = learned_until(served.warns)
    of_day = history[history["cutoff_date"] == pd.Timestamp(days[-1])]
    config = served.warns.bundle.card["config"]
    return {
        "cutoff": str(days[-1]),
        "as_of": str(suppress_as_of(project)),
        "days": [str(day) for day in days],
        "in_training": [str(day) for day in days if day < until],
        "learned_until": str(until),
        "model": {"key": spec.warns, "name": served.warns.model.spec.name, "version": served.warns.version},
        "zh": served.warns.model.zh,
        "en": served.warns.model.en,
        "target": {key: value for key, value in config["target"].items() if value is not None},
        "horizon": dict(config["horizon"]),
        "value_model": None if served.value is None else f"{served.value.model.spec.name} {served.value.version}",
        "value_months": None
        if served.value is None or served.value.model.spec.horizon is None
        else served.value.model.spec.horizon.months,
        "value_sources": {str(key): int(count) for key, count in alerts["value_source"].value_counts().items()},
        "scored": len(of_day),
        "left_since": int((of_day["level"] != "").sum()) - len(alerts),
        "unassigned": int(of_day["manager_id"].isna().sum()),
        "gone_in_gap": {
            str(day.date()): int(count)
            for day, count in history[history["status"].fillna("").str.endswith("_in_gap")]
            .groupby("cutoff_date")
            .size()
            .items()
        },
        "spec": dataclasses.asdict(spec),
        "winback": None if gone is None else gone.about,
    }


def told(made: Made) -> str:
    """The warning in one line."""
    counts = made.alerts["level"].value_counts()
    levels = ", ".join(f"{int(counts.get(level, 0)):,} {level}" for level in ("red", "amber", "watch"))
    rows = made.backtest.precision
    if rows.empty:
        return f"{levels}; not back-tested: no cut-off after the champion's training has matured"
    best = rows[(rows["cutoff"] == "mean") & (rows["chosen"] == "capacity")].iloc[0]
    lead = made.backtest.lead.set_index("level").loc["all"]
    days = f", median lead {lead['median']:.0f} days" if pd.notna(lead["median"]) else ""
    if best["precision"] is None or pd.isna(best["precision"]):
        return f"{levels}; back-test without an alert"
    return f"{levels}; precision at capacity {best['precision']:.1%} [{best['low']:.1%}, {best['high']:.1%}]{days}"


def warn_bank(folder: str | Path, *, cutoff: date | None, say: Say) -> tuple[list[dict[str, Any]], list[Path]]:
    """Make the warning of a bank; its back-test as rows and the files to open."""
    project = open_project(folder)
    with project.alone():
        made = make_warning(project, cutoff=cutoff, say=say)
    precision = pd.read_parquet(made / "precision.parquet").astype(object)
    rows = precision.where(precision.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows], warning_paths(project)


__all__ = ["make_warning", "told", "warn_bank"]
