"""The registry as people ask for it: list, show, compare, promote, roll back, look up."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from crmml import registry
from crmml.errors import UsageError
from crmml.periods import parse_day
from crmml.registry import Promotion
from crmml.stages.reports import kept_report
from crmml.stages.workspace import project_root
from crmml.vocabulary import gate_words


def _models() -> Path:
    return project_root() / "models"


def list_models() -> list[dict[str, Any]]:
    """One row per version: name, version, aliases, digest, headline figure."""
    return [{**row, "aliases": ", ".join(row["aliases"])} for row in registry.list_models(models=_models())]


def show(reference: str) -> dict[str, Any]:
    """The card of a version, flat: windows, figures, gates."""
    reference = reference if "@" in reference or "/" in reference else f"{reference}@champion"
    card, found = registry.show(reference, models=_models()), registry.resolve(reference, models=_models())
    metrics = card["metrics"]
    figures = {
        name: f"{value['value']:.4f} [{value['low']:.4f}, {value['high']:.4f}]"
        for name, value in metrics["headline"].items()
        if isinstance(value, dict) and value.get("low") is not None
    }
    return {
        "model": card["name"],
        "version": found.version,
        "report": str(kept_report(_models(), found.name, found.version) or "none was kept; crmml train makes one"),
        "target": card["target"],
        "rows": card["rows"],
        **figures,
        "benchmark": metrics["benchmark"].get("name"),
        "leak_audit": metrics["leak_audit"],
        "gates": "; ".join(
            f"{' '.join(dict.fromkeys(gate_words(gate['name'])))}: {'通过 passed' if gate['passed'] else '未通过 FAILED'}"
            for gate in metrics["gates"]
        ),
        "split": card["config"]["split"],
        "families": ", ".join(card["config"]["families"]),
        "importance": ", ".join(f"{name} {share:.0%}" for name, share in list(card["importance"].items())[:5]),
        "data": card["data"],
        "versions": card["versions"],
    }


def diff(name: str, one: str, other: str) -> list[dict[str, Any]]:
    """What differs between two versions."""
    return registry.diff(f"{name}/{one}", f"{name}/{other}", models=_models())


def promote(name: str, version: str, *, expected: str | None, by: str, reason: str) -> dict[str, Any]:
    """Make a version champion; the line of the log.

    `expected` is the champion the decision was made against (`none` for no
    champion); when it is not given, the one in use now.
    """
    if expected is None:
        expected = _current(name)
    told = None if expected in (None, "none") else expected
    return _line(registry.promote(name, version, models=_models(), expected=told, by=by, reason=reason))


def _current(name: str) -> str | None:
    entries = registry.log(name, models=_models())
    return entries[-1].version if entries else None


def rollback(name: str, *, by: str, reason: str) -> dict[str, Any]:
    """Make the previous champion champion again; the line of the log."""
    return _line(registry.rollback(name, models=_models(), by=by, reason=reason))


def log(name: str | None, *, on: str | None) -> list[dict[str, Any]]:
    """The promotions, oldest first; with `on`, those in force at the end of that day."""
    try:
        day = parse_day(on) if on is not None else None
    except ValueError as error:
        raise UsageError(f"--on: {error}", code="U001") from error
    return [_line(entry) for entry in registry.log(name, models=_models(), on=day)]


def _line(entry: Promotion) -> dict[str, Any]:
    line = asdict(entry)
    shown = ("at", "model", "event", "version", "previous", "by", "reason", "digest")
    return {key: line[key] for key in shown if key in line}
