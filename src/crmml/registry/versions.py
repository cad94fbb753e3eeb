"""The door to MLflow: versions, tags and aliases in a SQLite file beside their artefacts.

MLflow is used as a library, never as a boundary of trust: what it stores is
data only, and is checked against digests when it is read.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import mlflow.pyfunc
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.models import ModelSignature
from mlflow.tracking import MlflowClient
from mlflow.types import ColSpec, DataType, Schema

from crmml.bundle import SIGNS, TOTAL, Bundle
from crmml.errors import BackendError, NotFoundError
from crmml.files import digest_of
from crmml.registry.served import PLACES

DATABASE = "mlflow.db"
ARTIFACTS = "artifacts"
EXPERIMENT = "crmml"
REQUIREMENTS = ("crmml", f"lightgbm=={__import__('lightgbm').__version__}")


@dataclass(frozen=True)
class Version:
    """One registered version: its place relative to the folder of models, and what was tagged on it."""

    name: str
    version: str
    bundle: str
    digest: str
    seal: str
    tags: Mapping[str, str]
    aliases: tuple[str, ...]
    created: int


@contextmanager
def client_of(models: Path) -> Iterator[MlflowClient]:
    """MLflow's client on the registry of a folder; quiet, and without leaving its global address changed.

    Raises
    ------
    BackendError
        If the registry cannot be read or written.
    """
    models = Path(models).resolve()
    models.mkdir(parents=True, exist_ok=True)
    uri = f"sqlite:///{models / DATABASE}"
    before = mlflow.get_tracking_uri()
    try:
        with _quiet():
            mlflow.set_tracking_uri(uri)
            yield MlflowClient(tracking_uri=uri, registry_uri=uri)
    except MlflowException as error:
        raise BackendError(
            f"the registry {models / DATABASE} failed: {error.message}; expected a readable MLflow database. "
            "Check the file and the free disk space",
            code="E009",
        ) from error
    finally:
        mlflow.set_tracking_uri(before)


def add_version(
    client: MlflowClient, models: Path, folder: Path, bundle: Bundle, *, name: str, tags: Mapping[str, str]
) -> Version:
    """Log a bundle as a pyfunc model with its metrics, and register it as a new version."""
    models = Path(models).resolve()
    with warnings.catch_warnings(), mlflow.start_run(experiment_id=_experiment(client, models), run_name=name):
        # An example would be rows of real customers, which have no place in the registry.
        warnings.filterwarnings("ignore", message=".*input example was not provided.*")
        mlflow.log_metrics(_flat(bundle.card.get("metrics", {})))
        mlflow.log_params(_params(bundle.card))
        logged = mlflow.pyfunc.log_model(
            name="model",
            loader_module="crmml.registry",
            data_path=str(Path(folder).resolve()),
            pip_requirements=list(REQUIREMENTS),
            signature=signature_of(bundle),
        )
    path = Path(unquote(urlparse(logged.artifact_path).path)) / logged.flavors["python_function"]["data"]
    _ensure_model(client, name)
    made = client.create_model_version(
        name,
        source=logged.model_uri,
        run_id=logged.run_id,
        model_id=logged.model_id,
        tags={**tags, "bundle": str(path.relative_to(models))},
    )
    return _version(made)


def signature_of(bundle: Bundle) -> ModelSignature:
    """Inputs: every feature, numbers as double and categories as text; outputs: scores and reasons."""
    kinds = {"number": DataType.double, "category": DataType.string}
    inputs: list[Any] = [
        ColSpec(kinds[info.kind], info.name) for info in bundle.features if info.name in bundle.encoding.read
    ]
    for name in ("kind", "segment"):  # what the peers of a row follow from
        if name not in bundle.names:
            inputs.append(ColSpec(DataType.string, name, required=False))
    numbers = (
        [TOTAL, *SIGNS]
        if bundle.is_money
        else ["probability", *(f"probability_{months}m" for months in bundle.curve), "log_odds"]
    )
    if bundle.is_effect:
        numbers = ["effect"]
    outputs: list[Any] = [ColSpec(DataType.double, name) for name in numbers]
    outputs += [ColSpec(DataType.string, "grade"), ColSpec(DataType.double, "percentile")]
    outputs.append(ColSpec(DataType.double, "peer_mean"))
    for place in range(1, PLACES + 1):
        outputs += [ColSpec(DataType.string, f"reason_{place}_{part}") for part in ("code", "zh", "en")]
        outputs.append(ColSpec(DataType.double, f"reason_{place}_effect"))
    outputs.append(ColSpec(DataType.double, "reason_rest_effect"))
    return ModelSignature(Schema(inputs), Schema(outputs))


def versions(client: MlflowClient, name: str | None = None) -> list[Version]:
    """The complete versions of one model, or of all, by name and number."""
    names = [name] if name else sorted(model.name for model in client.search_registered_models(max_results=1000))
    found = [
        _version(client.get_model_version(each, entry.version))  # only this call tells the aliases
        for each in names
        for entry in client.search_model_versions(f"name='{each}'", max_results=1000)
        if "digest" in entry.tags
    ]
    return sorted(found, key=lambda entry: (entry.name, int(entry.version)))


def find(client: MlflowClient, name: str, version: str) -> Version:
    """One version.

    Raises
    ------
    NotFoundError
        With the versions there are.
    """
    known = versions(client, name)
    for entry in known:
        if entry.version == str(version):
            return entry
    there = ", ".join(entry.version for entry in known) or "none"
    raise NotFoundError(
        f"{name} has no version {version}; found versions: {there}. See `crmml models list`", code="M001"
    )


def set_alias(client: MlflowClient, name: str, alias: str, version: str | None) -> None:
    """Point an alias at a version, or remove it."""
    if version is not None:
        client.set_registered_model_alias(name, alias, version)
    elif alias in client.get_registered_model(name).aliases:
        client.delete_registered_model_alias(name, alias)


def alias_of(client: MlflowClient, name: str, alias: str) -> str | None:
    """The version behind an alias, or None."""
    for model in client.search_registered_models(f"name='{name}'"):
        found = model.aliases.get(alias)
        return None if found is None else str(found)
    return None


def _version(made: ModelVersion) -> Version:
    tags = dict(made.tags)
    return Version(
        name=made.name,
        version=str(made.version),
        bundle=tags.get("bundle", ""),
        digest=tags.get("digest", ""),
        seal=tags.get("seal", ""),
        tags=tags,
        aliases=tuple(sorted(made.aliases)),
        created=int(made.creation_timestamp or 0),
    )


def _experiment(client: MlflowClient, models: Path) -> str:
    """The experiment whose artefacts lie in this folder; a registry that was moved begins another."""
    location = (models / ARTIFACTS).as_uri()
    for name in (EXPERIMENT, f"{EXPERIMENT} {digest_of(location)[:8]}"):
        found = client.get_experiment_by_name(name)
        if found is None:
            return client.create_experiment(name, artifact_location=location)
        if found.artifact_location == location:
            return str(found.experiment_id)
    raise BackendError(f"no experiment of the registry keeps its artefacts in {location}", code="E009")


def _ensure_model(client: MlflowClient, name: str) -> None:
    if not client.search_registered_models(f"name='{name}'"):
        client.create_registered_model(name)


def _flat(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The headline figures as MLflow's flat numbers; interval ends with `_low` and `_high`."""
    flat: dict[str, float] = {}
    for part, prefix in ((metrics.get("headline"), ""), (metrics.get("never_trained_on"), "new_")):
        for name, value in (part or {}).items():
            if isinstance(value, Mapping):
                ends = {"": value.get("value"), "_low": value.get("low"), "_high": value.get("high")}
                flat |= {f"{prefix}{name}{end}": float(each) for end, each in ends.items() if each is not None}
            elif isinstance(value, int | float):
                flat[f"{prefix}{name}"] = float(value)
    return flat


def _params(card: Mapping[str, Any]) -> dict[str, str]:
    tuning = card.get("tuning", {})
    params = {"target": card.get("target"), "data": card.get("data"), "folds": tuning.get("folds")}
    params |= {f"lightgbm.{name}": value for name, value in tuning.get("params", {}).items()}
    params |= {f"trees.{name}": value for name, value in tuning.get("trees", {}).items()}
    return {name: str(value) for name, value in params.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """MLflow and Alembic tell of every table they make; only their warnings matter here."""
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic", "mlflow.store.db.utils")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
