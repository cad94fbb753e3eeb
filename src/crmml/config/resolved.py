"""What a config comes to: every value with its origin, and the schema of its kind of file."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from crmml.config.bank_file import BankFile, SourceFile, load_bank
from crmml.config.groups_file import load_groups
from crmml.config.list_file import load_list
from crmml.config.mapping import build
from crmml.config.model_file import ModelFile, load_models
from crmml.config.reading import read_yaml
from crmml.config.table_file import TableFile, is_table, load_table_model, shorthands
from crmml.config.warning_file import load_warning
from crmml.grouping import GroupSpec
from crmml.snapshots import Population
from crmml.targeting.spec import ListSpec
from crmml.warning import WarningSpec


def resolve(path: Path) -> list[dict[str, Any]]:
    """One row per value of a config file: `key`, `value`, `origin` (the file, or default).

    A folder stands for its `bank.yaml`.

    Raises
    ------
    ConfigError
        If the file is wrong.
    """
    path = path / "bank.yaml" if path.is_dir() else path
    content = read_yaml(path)
    resolved: Any
    if is_table(content):
        load_table_model(path, bank=path.resolve().parent.name)
        resolved = build(TableFile, content, where=str(path), shorthands=shorthands(str(path)))
    elif "target" in content:
        load_models(path, bank=load_bank(path.parent).name)
        resolved = build(ModelFile, content, where=str(path), shorthands={Population: lambda text: {"where": text}})
    elif "offers" in content:
        resolved = load_list(path)
    elif "warns" in content:
        resolved = load_warning(path)
    elif "grid" in content:
        resolved = load_groups(path)
    else:
        load_bank(path.parent)
        resolved = build(BankFile, content, where=str(path), shorthands={SourceFile: lambda text: {"path": text}})
    given = _names(content)
    return [
        {"key": key, "value": _shown(value), "origin": path.name if _is_given(key, given) else "default"}
        for key, value in _leaves(dataclasses.asdict(resolved))
    ]


def schema_of(path: Path) -> dict[str, Any]:
    """The JSON Schema of this kind of file (bank, model, list …), unknown keys refused."""
    path = path / "bank.yaml" if path.is_dir() else path
    content = read_yaml(path)
    kind: Any = (
        TableFile
        if is_table(content)
        else ModelFile
        if "target" in content
        else ListSpec
        if "offers" in content
        else WarningSpec
        if "warns" in content
        else GroupSpec
        if "grid" in content
        else BankFile
    )
    return _closed(TypeAdapter(kind).json_schema())


def _closed(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    return {**closed, "additionalProperties": False} if "properties" in schema else closed


def _leaves(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{prefix}.{key}" if prefix else str(key))
    elif isinstance(value, list | tuple) and value and isinstance(value[0], Mapping):
        for index, item in enumerate(value):
            yield from _leaves(item, f"{prefix}[{index}]")
    else:
        yield prefix, value


def _names(content: Mapping[str, Any]) -> set[str]:
    return {key for key, _ in _leaves(content)}


def _is_given(key: str, given: set[str]) -> bool:
    """Whether the key, a part of it, or what holds it stands in the file."""
    return any(key == name or key.startswith((f"{name}.", f"{name}[")) or name.startswith(f"{key}.") for name in given)


def _shown(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "-"
    text = "-" if value is None or value == {} else str(value)
    return " ".join(text.split())
