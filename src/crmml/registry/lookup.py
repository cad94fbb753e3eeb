"""Finding versions: resolve, show, list, compare, and who was champion when.

MLflow is imported by the verbs that need it, not by those that only read the
promotion log: scoring with a champion starts at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crmml import bundle as bundles
from crmml import files
from crmml.bundle import Bundle
from crmml.errors import IntegrityError, NotFoundError, UsageError
from crmml.registry import promotions
from crmml.registry.promotions import Promotion

if TYPE_CHECKING:
    from crmml.registry.versions import Version

CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


@dataclass(frozen=True)
class Registered:
    """A version whose files were checked: where its bundle lies and the digest of the model."""

    name: str
    version: str
    bundle_dir: Path
    digest: str


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
                f"`crmml models promote {name} VERSION`",
                code="M001",
            )
        return checked(name, present.version, present.bundle, present.digest, models)
    from crmml.registry import versions

    with versions.client_of(models) as client:
        if alias is not None:
            version = versions.alias_of(client, name, alias)
            if version is None:
                raise NotFoundError(f"{name} has no {alias}; see `crmml models list`", code="M001")
        entry = versions.find(client, name, str(version))
    return checked(entry.name, entry.version, entry.bundle, entry.digest, models)


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
        found = checked(entry.name, entry.version, entry.bundle, entry.digest, models)
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


def checked(name: str, version: str, bundle: str, digest: str, models: Path) -> Registered:
    """The version with its folder, every file checked, and the digest that of the registry."""
    folder = Path(models) / bundle
    if not (folder / files.MANIFEST).is_file():
        raise IntegrityError(
            f"{name} version {version}: {folder / files.MANIFEST} is missing; expected digest {digest[:12]}…. "
            "Restore the bundle or train again",
            code="M002",
        )
    manifest = files.verify(folder, what=f"{name} version {version}")
    if manifest.about.get("digest") != digest:
        raise IntegrityError(
            f"{name} version {version}: the bundle has digest {str(manifest.about.get('digest'))[:12]}…, the registry "
            f"{digest[:12]}…; the files were exchanged and are refused. Restore them or train again",
            code="M002",
        )
    return Registered(name, version, folder, digest)


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
        code="U007",
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
