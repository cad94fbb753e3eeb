"""From plain YAML data to the small dataclasses that the rooms below own.

The dataclass is the schema: its fields are the keys allowed, their types what
is expected, fields without a default what must be there. A key that is not a
field is refused with the nearest name.
"""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from typing import Any, TypeVar

from crmml.errors import ConfigError, did_you_mean
from crmml.periods import parse_day

T = TypeVar("T")
Shorthands = Mapping[type, Callable[[Any], Any]]

_WORDS = {str: "a text", int: "a whole number", float: "a number", bool: "true or false", date: "a date"}


def build(cls: type[T], data: Any, *, where: str, shorthands: Shorthands | None = None) -> T:
    """An instance of the dataclass `cls` from plain data.

    `where` is the file (and key) named in messages; `shorthands` maps a
    dataclass to a function that turns a shorter form, such as a plain text,
    into the mapping of its fields.

    Raises
    ------
    ConfigError
        C002 for an unknown key, C011 for a missing one, C003 for a wrong type,
        C005 for a value that the dataclass itself refuses.
    """
    shorthands = shorthands or {}
    if cls in shorthands and not isinstance(data, Mapping):
        data = shorthands[cls](data)
    if not isinstance(data, Mapping):
        raise _wrong_type(where, data, "keys and values")
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}  # type: ignore[arg-type]
    refuse_unknown_keys(data, fields, where=where)
    hints = typing.get_type_hints(cls)
    values = {
        name: convert(hints[name], data[name], where=_inside(where, name), shorthands=shorthands)
        for name in fields
        if name in data
    }
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in data:
            raise ConfigError(f"{where} has no key '{name}'; it has no default, write it down", code="C011")
    with placed(where):
        return cls(**values)


@contextmanager
def placed(where: str) -> Iterator[None]:
    """Name the place of what a spec itself refuses; a plain ValueError is a value out of range (C005)."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{where}: {error.message}", code=error.code) from error
    except ValueError as error:
        raise ConfigError(f"{where}: {error}", code="C005") from error


def refuse_unknown_keys(data: Mapping[Any, Any], allowed: Sequence[str] | Mapping[str, Any], *, where: str) -> None:
    """Raise ConfigError C002 for the first key of `data` that is not allowed."""
    for key in data:
        if key not in allowed:
            raise ConfigError(
                f"{where} has the unknown key '{key}'; expected one of {', '.join(sorted(allowed))}."
                f"{did_you_mean(str(key), allowed)}",
                code="C002",
            )


def convert(kind: Any, value: Any, *, where: str, shorthands: Shorthands) -> Any:
    """`value` as the type `kind`, or ConfigError C003."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(arguments, value, where=where, shorthands=shorthands)
    if origin is typing.Literal:
        return _convert_choice(arguments, value, where=where)
    if dataclasses.is_dataclass(kind):
        return build(typing.cast(type, kind), value, where=where, shorthands=shorthands)
    if origin in (tuple, list) or (isinstance(origin, type) and issubclass(origin, Sequence)):
        if not isinstance(value, list):
            raise _wrong_type(where, value, "a list")
        each = arguments[0] if arguments else Any
        return tuple(
            convert(each, item, where=f"{where}[{index}]", shorthands=shorthands) for index, item in enumerate(value)
        )
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise _wrong_type(where, value, "keys and values")
        return {
            _key(arguments[0], key): convert(arguments[1], item, where=_inside(where, key), shorthands=shorthands)
            for key, item in value.items()
        }
    if kind is Mapping or kind is dict:
        return value
    return _convert_plain(kind, value, where=where)


def _convert_union(options: tuple[Any, ...], value: Any, *, where: str, shorthands: Shorthands) -> Any:
    if value is None and type(None) in options:
        return None
    rest = [option for option in options if option is not type(None)]
    for option in rest[:-1]:
        try:
            return convert(option, value, where=where, shorthands=shorthands)
        except ConfigError as error:
            if error.code != "C003":
                raise
    return convert(rest[-1], value, where=where, shorthands=shorthands)


def _convert_choice(choices: tuple[Any, ...], value: Any, *, where: str) -> Any:
    if value in choices and type(value) in {type(choice) for choice in choices}:
        return value
    raise ConfigError(
        f"{where} is {value!r}; expected one of {', '.join(map(str, choices))}.{did_you_mean(str(value), map(str, choices))}",
        code="C003",
    )


def _convert_plain(kind: Any, value: Any, *, where: str) -> Any:
    if kind is date:
        try:
            return parse_day(value)
        except ValueError as error:
            raise ConfigError(f"{where}: {error}", code="C003") from error
    if kind is float and isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    if kind in (int, str, bool) and type(value) is kind:
        return value
    if kind is str and isinstance(value, int | float) and not isinstance(value, bool):
        raise _wrong_type(where, value, f"a text; put it in quotes: '{value}'")
    if kind in _WORDS:
        raise _wrong_type(where, value, _WORDS[kind])
    return value


def _key(kind: Any, key: Any) -> Any:
    return str(key) if kind is str else key


def _inside(where: str, key: object) -> str:
    return f"{where}: {key}" if where.endswith((".yaml", ".yml")) else f"{where}.{key}"


def _wrong_type(where: str, value: object, expected: str) -> ConfigError:
    found = "nothing" if value is None else repr(value)
    return ConfigError(f"{where} is {found}; expected {expected}", code="C003")
