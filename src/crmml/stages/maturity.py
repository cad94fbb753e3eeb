"""Whether the labels a model asks for have been observed: the calendar of its windows against the bank's days."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ibis import _

from crmml.config import Model
from crmml.errors import ConfigError, SourceError
from crmml.features.declare import WINDOWS
from crmml.labels import Given
from crmml.modelling.windows import plan_calendar, usable_range
from crmml.periods import horizons_of, label_window
from crmml.sources.bank import Bank
from crmml.stages.making import Say
from crmml.stages.project import Project, models_of
from crmml.stages.tables import make_tables

LABEL_SOURCES = {"given": "labels", "default": "arrears", "churn": "accounts", "uptake": "accounts"}


def require_mature(project: Project, model: Model) -> None:
    """Every label window of a model has been observed to its end.

    Raises
    ------
    SourceError
        D020 with the day the data must reach and the day they reach.
    """
    horizons, tested = horizons_of(model.spec.horizon), model.spec.split.tested
    source = label_source(project, model)
    until = project.spec.last_day(source)
    # Of several horizons each is tested where it is known: the longest once at least, the shortest at every cut-off.
    asked = [(max(tested), horizons[0])]
    if len(horizons) > 1:
        asked.append((min(tested), horizons[-1]))
    for cutoff, horizon in asked:
        needed = label_window(cutoff, horizon).end
        if needed <= until:
            continue
        which = f"{horizon.months}-month label" if len(horizons) > 1 else "label"
        raise SourceError(
            f"{model.path}: the {which} of the cut-off {cutoff} is complete on {needed}, {source} are observed until "
            f"{until}; expected data up to {needed}. Choose an earlier cut-off (crmml train {model.path} --plan), or "
            "load newer data and move observed_until",
            code="D020",
        )


def require_known(model: Model, bank: Bank) -> None:
    """The bank's own labels that are learned from were known by the first test cut-off, whatever the horizon says.

    Raises
    ------
    ConfigError
        C006 with how many were not, and the last day one became known.
    """
    target, split = model.spec.target, model.spec.split
    if not isinstance(target, Given) or not split.is_out_of_time:
        return
    labels = bank.table("labels").filter(_.target == target.name)
    if model.event is None:
        learned = labels.filter(_.cutoff_date.isin(list(split.train)))
    else:
        learned = labels.filter(_.cutoff_date >= split.train[0], _.cutoff_date <= split.train[-1])
    late = learned.filter(_.known_on > min(split.out_of_time))
    found = late.aggregate(rows=_.count(), last=_.known_on.max()).to_pyarrow().to_pylist()[0]
    if found["rows"]:
        raise ConfigError(
            f"{model.path}: {found['rows']:,} labels of the training cut-offs became known up to {found['last']}, the first "
            f"out-of-time cut-off is {min(split.out_of_time)}; expected training labels to be known by then. End training "
            "earlier, test later, or write out_of_sample: true, which every figure then says",
            code="C006",
        )


def plan(config: Path, *, product: str | None, say: Say) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The calendar of every window of a config's models, and the usable range, before anything is computed."""
    for project, model in models_of(config, product):
        spec, shortest = project.spec, min(window.months for window in WINDOWS)
        history = history_of(project)
        first = spec.observed_from.get(history) or make_tables(project, say=say).observed_from(history)
        until = spec.last_day(label_source(project, model))
        for horizon in horizons_of(model.spec.horizon):
            calendar = plan_calendar(
                model.spec.split, horizon, look_back_months=shortest, observed_from=first, observed_until=until
            )
            usable = usable_range(horizon, look_back_months=shortest, observed_from=first, observed_until=until)
            words = f"usable cut-offs: {usable[0]} to {usable[1]}" if usable else "no cut-off has enough data"
            name = f"{model.spec.name}, {horizon.months} months" if model.spec.steps else model.spec.name
            rows = calendar.astype(str).to_dict("records")
            yield f"{name}: {words}", [{str(column): value for column, value in row.items()} for row in rows]


def label_source(project: Project, model: Model) -> str:
    """The table whose last complete day decides when a label is known."""
    kind = getattr(model.spec.target, "kind", "closed")
    if model.spec.kind == "churn" and kind != "closed":
        held = ("balances", "transactions") if kind == "attrited" else ("transactions",)
        return next((name for name in held if name in project.spec.tables), history_of(project))
    return LABEL_SOURCES.get(model.spec.kind, history_of(project))


def history_of(project: Project) -> str:
    return next(name for name in ("transactions", "balances", "activity") if name in project.spec.tables)
