"""A bank's folder of configs, read as a whole."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmml.config.bank_file import load_bank, read_bank_file
from crmml.config.groups_file import load_groups
from crmml.config.list_file import load_list
from crmml.config.model_file import Model, load_models
from crmml.config.reading import read_yaml
from crmml.config.table_file import TableModel, is_table, load_table_model
from crmml.config.warning_file import load_warning
from crmml.errors import ConfigError, NotFoundError, did_you_mean
from crmml.features.families.people import PROFILE, STANDING, TENURE
from crmml.grouping import GroupSpec
from crmml.snapshots import EVENT_TERMS
from crmml.sources.spec import BankSpec
from crmml.targeting.spec import ListSpec
from crmml.value.spec import ValueSpec
from crmml.warning import WarningSpec


@dataclass(frozen=True)
class BankConfig:
    """`bank.yaml` with every model and list beside it.

    `models` and `lists` are keyed by the names their files give them; a file
    with a `target` is a model, one with `offers` a list, the one with `warns`
    the early warning, the one with a `grid` the customer groups.
    """

    spec: BankSpec
    models: dict[str, Model]
    lists: dict[str, ListSpec]
    value: ValueSpec = field(default_factory=ValueSpec)
    warning: WarningSpec | None = None
    groups: GroupSpec | None = None

    def model(self, key: str) -> Model:
        """A model by its key; NotFoundError with the nearest name."""
        if key not in self.models:
            known = ", ".join(self.models) or "none"
            raise NotFoundError(
                f"model {key!r} is not configured for {self.spec.name}; expected one of {known}."
                f"{did_you_mean(key, self.models)}",
                code="M001",
            )
        return self.models[key]


def load_bank_config(folder: Path) -> BankConfig:
    """Every config of a bank's folder.

    Raises
    ------
    ConfigError
        For the first file that is wrong, with its place.
    """
    spec = load_bank(folder)
    models: dict[str, Model] = {}
    lists: dict[str, ListSpec] = {}
    others: dict[str, Any] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name == "bank.yaml":
            continue
        content = read_yaml(path)
        if is_table(content):
            continue  # a feature table is no part of the bank; it has its own path
        if "target" in content:
            for model in load_models(path, bank=spec.name):
                refuse_protected(model, spec)
                require_terms(model)
                models[model.key] = model
        elif "offers" in content:
            lists[path.stem] = load_list(path)
        elif "warns" in content:
            others["warning"] = _only(others.get("warning"), load_warning(path), path)
        elif "grid" in content:
            others["groups"] = _only(others.get("groups"), load_groups(path), path)
        else:
            raise ConfigError(
                f"{path} has none of 'target', 'offers', 'warns', 'grid'; expected a model, a list, the early warning or "
                "the customer groups. Move other files elsewhere",
                code="C011",
            )
    return BankConfig(spec, models, lists, read_bank_file(folder).value, **others)


def _only(before: object, found: Any, path: Path) -> Any:
    """What a bank has one file of.

    Raises
    ------
    ConfigError
        C006 if there is another.
    """
    if before is not None:
        raise ConfigError(f"{path} is the second file of its kind; expected one a bank. Keep one", code="C006")
    return found


def load_table_models(folder: Path) -> dict[str, TableModel]:
    """The models of feature tables in a folder, by key; the folder's name stands for the bank.

    Raises
    ------
    ConfigError
        For the first file that is wrong, with its place.
    """
    paths = [path for path in sorted(folder.glob("*.yaml")) if path.name != "bank.yaml" and is_table(read_yaml(path))]
    return {path.stem: load_table_model(path, bank=folder.resolve().name) for path in paths}


def refuse_protected(model: Model, bank: BankSpec) -> None:
    """A protected attribute is never a feature: not by its name, not by a feature made of it, not as a term.

    Raises
    ------
    ConfigError
        C009, naming the attribute.
    """
    for entry in model.spec.families:
        family, _, feature = entry.partition(".")
        column = _columns_of(family).get(feature, feature)
        if column in bank.protected:
            told = column if column == feature else f"{feature} is made of {column}, which"
            raise ConfigError(
                f"{model.path}: features has '{entry}'; {told} is protected by bank.yaml and never a feature. "
                "Leave it out; reports show figures by it",
                code="C009",
            )
    for term in model.terms:
        if term in bank.protected:
            raise ConfigError(
                f"{model.path}: terms has '{term}'; {term} is protected by bank.yaml and never a feature, not as a term of "
                "an event either. Leave it out; reports show figures by it",
                code="C009",
            )


def _columns_of(family: str) -> dict[str, str]:
    """The column of `customers` that each attribute of a family reads."""
    return {
        one.name: one.column for each in (PROFILE, STANDING, TENURE) if each.name == family for one in each.attributes
    }


def require_terms(model: Model) -> None:
    """Terms are columns of the event that were settled when it began.

    Raises
    ------
    ConfigError
        C002 with the nearest name, or C005 where there is no event.
    """
    if not model.terms:
        return
    if model.event is None:
        raise ConfigError(
            f"{model.path}: terms is {list(model.terms)}, and cutoffs has no event; expected event: loans or contacts, "
            "whose terms they are",
            code="C005",
        )
    allowed = EVENT_TERMS[model.event]
    for term in model.terms:
        if term not in allowed:
            raise ConfigError(
                f"{model.path}: terms has '{term}'; expected one of {', '.join(allowed)}, settled when the event began."
                f"{did_you_mean(term, allowed)}",
                code="C002",
            )


def load_config(path: str | Path) -> Model | TableModel | ListSpec:
    """One config file: a model of a bank or of a feature table, or a target list.

    Raises
    ------
    ConfigError
        If it is neither, or an uptake file that stands for several models.
    """
    path = Path(path)
    content = read_yaml(path)
    if "offers" in content:
        return load_list(path)
    if is_table(content):
        return load_table_model(path, bank=path.resolve().parent.name)
    models = load_models(path, bank=load_bank(path.parent).name)
    if len(models) > 1:
        keys = ", ".join(model.key for model in models)
        raise ConfigError(f"{path} stands for {len(models)} models; name one of {keys}", code="C012")
    return models[0]
