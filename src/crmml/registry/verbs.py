"""What is done with versions: register, promote, roll back, resolve, compare.

MLflow is imported by the verbs that need it, not by those that only read the
promotion log: scoring with a champion starts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmml import bundle as bundles
from crmml import files
from crmml.bundle import Bundle
from crmml.errors import BusyError, IntegrityError, NotFoundError, UsageError
from crmml.evaluation import gates
from crmml.evaluation.gates import Gates
from crmml.registry import promotions
from crmml.registry.promotions import Promotion

if TYPE_CHECKING:
    from mlflow.tracking import MlflowClient

    from crmml.registry.versions import Version

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


@dataclass(frozen=True)
class Registered:
    """A version whose files were checked: where its bundle lies and the digest of the model."""

    name: str
    version: str
    bundle_dir: Path
    digest: str


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
        found = _checked(entry.name, entry.version, entry.bundle, entry.digest, models)
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

    if not by.strip() or not reason.strip():
        raise UsageError("a promotion needs a name (--by) and a reason (--reason); found an empty one", code="U003")
    with promotions.locked(models), versions.client_of(models) as client:
        present = promotions.champion(models, name)
        _require_expected(name, present, expected)
        entry = versions.find(client, name, str(version))
        if present is not None and present.version == entry.version:
            return present
        found = _checked(entry.name, entry.version, entry.bundle, entry.digest, models)
        card = bundles.load(found.bundle_dir).card
        best = None if present is None else _card_of(present, models)["metrics"]
        results = gates.judge(_gates_of(card), card["metrics"], best)
        gates.require(results, model=f"{name} version {version}")
        return _commit(client, models, entry, present, event="promoted", by=by, reason=reason, at=at)


def rollback(name: str, *, models: Path, by: str, reason: str, at: datetime | None = None) -> Promotion:
    """Make the previous champion champion again.

    Raises
    ------
    NotFoundError
        If there is no champion, or none before it.
    """
    from crmml.registry import versions

    with promotions.locked(models), versions.client_of(models) as client:
        present = promotions.champion(models, name)
        if present is None or present.previous is None:
            found = "no champion" if present is None else f"champion {present.version} and none before it"
            raise NotFoundError(f"{name} has {found}; expected a previous champion to return to", code="M001")
        entry = versions.find(client, name, present.previous)
        _checked(entry.name, entry.version, entry.bundle, entry.digest, models)
        return _commit(client, models, entry, present, event="rolled back", by=by, reason=reason, at=at)


def resolve(reference: str, *, models: Path) -> Registered:
    """The checked bundle behind `name@champion`, `name@challenger`, `name@previous` or `name/3`.

    Raises
    ------
    NotFoundError
        If there is no such version.
    IntegrityError
        If a file is not what was registered.
    """
    name, alias, version = _parse(reference)
    if alias == CHAMPION:
        present = promotions.champion(models, name)
        if present is None:
            raise NotFoundError(
                f"{name} has no champion; expected a promoted version. Promote one: "
                f"`crmml models promote {name} --version N`",
                code="M001",
            )
        return _checked(name, present.version, present.bundle, present.digest, models)
    from crmml.registry import versions

    with versions.client_of(models) as client:
        if alias is not None:
            version = versions.alias_of(client, name, alias)
            if version is None:
                raise NotFoundError(f"{name} has no {alias}; see `crmml models list`", code="M001")
        entry = versions.find(client, name, str(version))
    return _checked(entry.name, entry.version, entry.bundle, entry.digest, models)


def show(reference: str, *, models: Path) -> dict[str, Any]:
    """The card of a version: config, metrics, tuning, versions of libraries."""
    return dict(bundles.load(resolve(reference, models=models).bundle_dir).card)


def list_models(*, models: Path) -> list[dict[str, Any]]:
    """Every version: `name, version, aliases, digest, measure, value, low, high`."""
    from crmml.registry import versions

    with versions.client_of(models) as client:
        entries = versions.versions(client)
    rows = []
    for entry in entries:
        found = _checked(entry.name, entry.version, entry.bundle, entry.digest, models)
        metrics = bundles.load(found.bundle_dir).card["metrics"]
        figure = metrics["headline"][metrics["measure"]]
        rows.append(
            {
                "name": entry.name,
                "version": entry.version,
                "aliases": _aliases(entry, models),
                "digest": entry.digest[:12],
                "measure": metrics["measure"],
                **figure,
            }
        )
    return rows


def log(name: str | None = None, *, models: Path, on: date | None = None) -> list[Promotion]:
    """The promotions of a model (or all), oldest first; with `on`, the one in force at the end of that day."""
    if on is None:
        return [entry for entry in promotions.read_log(models) if name in (None, entry.model)]
    names = [name] if name else sorted({entry.model for entry in promotions.read_log(models)})
    found = [promotions.champion_on(models, each, on) for each in names]
    return [entry for entry in found if entry is not None]


def diff(one: str, other: str, *, models: Path) -> list[dict[str, Any]]:
    """What differs between two versions: `part` (params, metrics, features, config), `name`, `one`, `other`."""
    first, second = (_facts(bundles.load(resolve(each, models=models).bundle_dir)) for each in (one, other))
    return [
        {"part": part, "name": key, "one": first[part].get(key), "other": second[part].get(key)}
        for part in first
        for key in dict.fromkeys([*first[part], *second[part]])
        if first[part].get(key) != second[part].get(key)
    ]


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


def _checked(name: str, version: str, bundle: str, digest: str, models: Path) -> Registered:
    """The version with its folder, every file checked, and the digest that of the registry."""
    folder = Path(models) / bundle
    manifest = files.verify(folder, what=f"{name} version {version}")
    if manifest.about.get("digest") != digest:
        raise IntegrityError(
            f"{name} version {version}: the bundle has digest {str(manifest.about.get('digest'))[:12]}…, the registry "
            f"{digest[:12]}…; the files were exchanged and are refused. Restore them or train again",
            code="M002",
        )
    return Registered(name, version, folder, digest)


def _seal_of(folder: Path) -> str:
    return str(files.verify(folder, what=f"the bundle {Path(folder).name}").about["seal"])


def _card_of(present: Promotion, models: Path) -> Mapping[str, Any]:
    found = _checked(present.model, present.version, present.bundle, present.digest, models)
    return bundles.load(found.bundle_dir).card


def _gates_of(card: Mapping[str, Any]) -> Gates:
    stored: dict[str, Any] = card["config"]["gates"]
    fields: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in stored.items()
    }
    return Gates(**fields)


def _aliases(entry: Version, models: Path) -> list[str]:
    """The aliases of a version; champion and previous as the log has them."""
    present = promotions.champion(models, entry.name)
    kept = [alias for alias in entry.aliases if alias not in (CHAMPION, PREVIOUS)]
    if present is not None and entry.version == present.version:
        kept.append(CHAMPION)
    if present is not None and entry.version == present.previous:
        kept.append(PREVIOUS)
    return sorted(kept)


def _parse(reference: str) -> tuple[str, str | None, str | None]:
    name, at, alias = reference.partition("@")
    if at and alias in (CHAMPION, CHALLENGER, PREVIOUS):
        return name, alias, None
    name, slash, version = reference.partition("/")
    if slash and version.isdigit():
        return name, None, version
    raise UsageError(
        f"{reference!r} is not a model; expected name@champion, name@challenger, name@previous or name/VERSION",
        code="U004",
    )


def _facts(bundle: Bundle) -> dict[str, dict[str, Any]]:
    card = bundle.card
    tuning = card.get("tuning", {})
    headline = card.get("metrics", {}).get("headline", {})
    return {
        "params": {**tuning.get("params", {}), **{f"trees.{k}": v for k, v in tuning.get("trees", {}).items()}},
        "metrics": {
            name: value["value"] if isinstance(value, Mapping) else value
            for name, value in headline.items()
            if not isinstance(value, list)
        },
        "features": dict.fromkeys(bundle.names, "used"),
        "config": {name: value for name, value in card.get("config", {}).items() if name != "name"},
        "data": {"digest": card.get("data"), "model": bundle.digest},
    }
