"""YAML as crmml accepts it: plain data, each key once, every error with its place."""

from __future__ import annotations

import os
import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from crmml.errors import ConfigError

_MAX_BYTES = 1_000_000
_ENVIRONMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


class _StrictLoader(yaml.SafeLoader):
    """Plain data only: no tags that make objects, no key twice, no aliases (they can blow up)."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()
            raise yaml.constructor.ConstructorError(None, None, "aliases (*name) are refused", event.start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[object] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)  # type: ignore[no-untyped-call]
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} stands twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep)


# A month such as 2024-10 must stay a month; YAML 1.1 would also turn "no" into False and 1:30 into 90.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag.split(":")[-1] not in ("timestamp",)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file.

    Raises
    ------
    ConfigError
        C001 with line and column if it is not YAML; C004 for tags, aliases or a
        key that stands twice; C003 if the file is not a mapping.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigError(
            f"{path} is not there; expected a YAML file, `crmml init DIR` writes a commented one", code="C010"
        ) from error
    except IsADirectoryError as error:
        raise ConfigError(f"{path} is a folder; expected a YAML file", code="C010") from error
    if len(data) > _MAX_BYTES:
        raise ConfigError(
            f"{path} has {len(data):,} bytes; expected at most {_MAX_BYTES:,}, a config is small", code="C004"
        )
    try:
        content = yaml.load(data.decode("utf-8"), Loader=_StrictLoader)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8", code="C001") from error
    except yaml.constructor.ConstructorError as error:
        raise ConfigError(
            f"{_place(path, error.problem_mark)}: {_problem(error)}; write plain data", code="C004"
        ) from error
    except yaml.MarkedYAMLError as error:
        raise ConfigError(f"{_place(path, error.problem_mark)}: not YAML, {_problem(error)}", code="C001") from error
    except RecursionError as error:
        raise ConfigError(f"{path} is nested too deep; expected a handful of levels", code="C004") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path} holds {type(content).__name__}; expected keys and values", code="C003")
    return content


def expand_environment(text: str, *, where: str) -> str:
    """`text` with each `${NAME}` replaced by that variable of the environment.

    Raises
    ------
    ConfigError
        C008, naming the variable (and no other) if it is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise ConfigError(
                f"{where}: ${{{name}}} is not set; set the environment variable {name} and run again", code="C008"
            )
        return os.environ[name]

    return _ENVIRONMENT.sub(value, text)


def _place(path: Path, mark: yaml.Mark | None) -> str:
    return f"{path}, line {mark.line + 1}, column {mark.column + 1}" if mark else str(path)


def _problem(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "it cannot be read"
    if "could not determine a constructor" in problem:
        return "tags such as !!python/object are refused"
    if r"'\t'" in problem:
        return "found a tab; indent with blanks"
    mark = error.problem_mark
    if mark is not None and mark.buffer is not None and mark.buffer[mark.pointer - 1 : mark.pointer + 1] == "${":
        problem += '; inside { } a value with ${NAME} stands in quotes, as "${NAME}/file.csv"'
    if error.problem_mark is not None and (snippet := error.problem_mark.get_snippet()):
        return f"{problem}\n{snippet}"
    return problem
