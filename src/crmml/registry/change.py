"""Changing what is served: register a version, promote it, roll it back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmml import bundle as bundles
from crmml import files
from crmml.errors import BusyError, IntegrityError, NotFoundError, UsageError
from crmml.evaluation import gates
from crmml.evaluation.gates import Gates
from crmml.registry import promotions
from crmml.registry.lookup import CHALLENGER, CHAMPION, PREVIOUS, Registered, checked
from crmml.registry.promotions import Promotion

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from crmml.registry.versions import Version


def register(
    bundle_dir: Path, *, models: Path, name: str | None = None, tags: Mapping[str, str] | None = None
) -> Registered:
    """Store a bundle as a version and make it the challenger.

    The very bundle that is there already is not stored twice: its version is
    returned.

    Parameters
    ----------
    models : Path
        Folder of the registry (`models/`).
    name : str, optional
        Registered name; without it, the bundle's own.
    """
    from crmml.registry import versions

    bundle = bundles.load(bundle_dir)
    name = name or bundle.name
    seal = _seal_of(bundle_dir)
    with promotions.locked(models), versions.client_of(models) as client:
        same = [entry for entry in versions.versions(client, name) if entry.seal == seal]
        if same:
            entry = same[-1]
        else:
            told = {**(tags or {}), "digest": bundle.digest, "seal": seal, "target": bundle.target}
            entry = versions.add_version(client, models, bundle_dir, bundle, name=name, tags=told)
        found = checked(entry.name, entry.version, entry.bundle, entry.digest, models)
        present = promotions.champion(models, name)
        if present is None or present.version != entry.version:
            versions.set_alias(client, name, CHALLENGER, entry.version)
    return found


def promote(
    name: str,
    version: str | int,
    *,
    models: Path,
    expected: str | int | None,
    by: str,
    reason: str,
    at: datetime | None = None,
) -> Promotion:
    """Make a version champion, if it passes its gates and the champion is still the one expected.

    Parameters
    ----------
    expected : version or None
        The champion the decision was made against; None if there was none.
    by, reason : str
        Who decides, and why; both go into the log.

    Raises
    ------
    GateError
        With each gate that failed, found and expected.
    BusyError
        If another promotion came first.
    NotFoundError
        If there is no such version.
    """
    from crmml.registry import versions

    _require_signed("a promotion", by, reason)
    with promotions.locked(models), versions.client_of(models) as client:
        present = promotions.champion(models, name)
        _require_expected(name, present, expected)
        entry = versions.find(client, name, str(version))
        if present is not None and present.version == entry.version:
            return present
        found = checked(entry.name, entry.version, entry.bundle, entry.digest, models)
        card = bundles.load(found.bundle_dir).card
        best = None if present is None else _card_of(present, models)["metrics"]
        digest = None if present is None else present.digest
        results = gates.judge(_gates_of(card), card["metrics"], best, champion_digest=digest)
        gates.require(results, model=f"{name} version {version}")
        return _commit(client, models, entry, present, event="promoted", by=by, reason=reason, at=at)


def rollback(name: str, *, models: Path, by: str, reason: str, at: datetime | None = None) -> Promotion:
    """Make the previous champion champion again.

    Raises
    ------
    UsageError
        Without who decides, or why.
    NotFoundError
        If there is no champion, or none before it.
    """
    from crmml.registry import versions

    _require_signed("a rollback", by, reason)
    with promotions.locked(models), versions.client_of(models) as client:
        present = promotions.champion(models, name)
        if present is None or present.previous is None:
            found = "no champion" if present is None else f"champion {present.version} and none before it"
            raise NotFoundError(f"{name} has {found}; expected a previous champion to return to", code="M001")
        entry = versions.find(client, name, present.previous)
        checked(entry.name, entry.version, entry.bundle, entry.digest, models)
        return _commit(client, models, entry, present, event="rolled back", by=by, reason=reason, at=at)


def _require_signed(what: str, by: str, reason: str) -> None:
    """Who decides and why stand in the log for good."""
    empty = [option for option, given in (("--by NAME", by), ("--reason WHY", reason)) if not given.strip()]
    if empty:
        raise UsageError(f"{what} needs who decides and why, for the log; add {' and '.join(empty)}", code="U006")


def _commit(
    client: MlflowClient,
    models: Path,
    entry: Version,
    present: Promotion | None,
    *,
    event: str,
    by: str,
    reason: str,
    at: datetime | None,
) -> Promotion:
    """Write the line that decides, then let the aliases follow and read them back."""
    from crmml.registry import versions

    previous = None if present is None else present.version
    line = promotions.append(
        models,
        at=at,
        model=entry.name,
        event=event,
        version=entry.version,
        previous=previous,
        digest=entry.digest,
        bundle=entry.bundle,
        by=by,
        reason=reason,
    )
    versions.set_alias(client, entry.name, PREVIOUS, previous)
    versions.set_alias(client, entry.name, CHAMPION, entry.version)
    if versions.alias_of(client, entry.name, CHALLENGER) == entry.version:
        versions.set_alias(client, entry.name, CHALLENGER, None)
    stored = versions.alias_of(client, entry.name, CHAMPION)
    if stored != entry.version or promotions.champion(models, entry.name) != line:
        raise IntegrityError(
            f"{entry.name}: after promoting version {entry.version} the champion reads {stored}; something else writes "
            "to the registry. Stop it and promote again",
            code="M006",
        )
    return line


def _require_expected(name: str, present: Promotion | None, expected: str | int | None) -> None:
    found = None if present is None else present.version
    if found != (None if expected is None else str(expected)):
        raise BusyError(
            f"{name}: the champion is {_said(found)}, expected {_said(expected)}; another promotion came first. "
            "Look at `crmml models log` and decide again",
            code="L002",
        )


def _said(version: str | int | None) -> str:
    return "no version" if version is None else f"version {version}"


def _seal_of(folder: Path) -> str:
    return str(files.verify(folder, what=f"the bundle {Path(folder).name}").about["seal"])


def _card_of(present: Promotion, models: Path) -> Mapping[str, Any]:
    found = checked(present.model, present.version, present.bundle, present.digest, models)
    return bundles.load(found.bundle_dir).card


def _gates_of(card: Mapping[str, Any]) -> Gates:
    stored: dict[str, Any] = card["config"]["gates"]
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return Gates(**fields)
