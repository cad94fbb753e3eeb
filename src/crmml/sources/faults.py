"""What is wrong with a source as a whole, told without its contents."""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from crmml.errors import ConfigError, did_you_mean
from crmml.sources.report import Issue
from crmml.sources.spec import Source


def source_fault(source: Source, code: str, text: str, *, column: str = "") -> Issue:
    """An issue of a source as a whole."""
    return Issue("error", code, source.name, column, 0, f"{source.name}: {text}")


def source_warning(source: Source, code: str, text: str) -> Issue:
    return Issue("warning", code, source.name, "", 0, f"{source.name}: {text}")


def options_of(source: Source, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a source, those not given from `defaults`.

    Raises
    ------
    ConfigError
        C002 for an option that files of this format do not have, C003 for a
        value of another type.
    """
    for name, value in source.options.items():
        where = f"sources.{source.name}.options"
        if name not in defaults:
            known = ", ".join(defaults) or "none"
            raise ConfigError(
                f"{where} has {name!r}; expected one of {known}.{did_you_mean(name, defaults)}", code="C002"
            )
        kinds: tuple[type, ...] = (list, tuple) if isinstance(defaults[name], tuple) else (type(defaults[name]),)
        if name == "encoding":
            kinds = (str, list, tuple)
        if not isinstance(value, kinds):
            expected = {dict: "column names and types", tuple: "a list", bool: "true or false"}.get(
                type(defaults[name]), "a text"
            )
            raise ConfigError(f"{where}.{name} is {value!r}; expected {expected}", code="C003")
    return {**defaults, **source.options}


def encodings_of(source: Source, given: str | Sequence[str]) -> tuple[str, ...]:
    """The encodings that the files of a source may have.

    Raises
    ------
    ConfigError
        C003 if one is not known, or a list holds more than UTF-8 and one other:
        which of two others a file has cannot be told.
    """
    names = (given,) if isinstance(given, str) else tuple(str(name) for name in given)
    where = f"sources.{source.name}.options.encoding is {given!r}"
    try:
        known = {codecs.lookup(name).name for name in names}
    except LookupError as error:
        raise ConfigError(f"{where}; expected one such as utf-8 or gbk", code="C003") from error
    if not names or (len(names) > 1 and (len(names) > 2 or not known & {"utf-8", "utf-8-sig"} or len(known) < 2)):
        raise ConfigError(f"{where}; expected one encoding, or utf-8 and one other such as [utf-8, gbk]", code="C003")
    return names


def unreadable(source: Source, files: list[Path], error: Exception) -> Issue:
    """The fault of a file that DuckDB could not read."""
    text = str(error)
    path = _file_of(files, text) or source.path
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"line {line.group(1)} of {path}" if line else path
    if "unterminated quote" in text:
        told = f'a quote opens in {where} and does not close, or text follows where it closes; expected a pair of "'
        return source_fault(source, "D026", told)
    if "Number of Columns" in text:
        found = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
        counts = f"{found.group(2)} cells, expected {found.group(1)}" if found else "another number of cells"
        return source_fault(source, "D026", f"{where} has {counts}")
    if "Maximum line size" in text:
        told = f"{where} is longer than the 2 MB that a row of a table may have; a quote that opens there may not close"
        return source_fault(source, "D026", told)
    if "state machine reached an invalid state" in text:
        told = (
            f"{path} mixes line ends (\\r\\n and \\n), or has text after a closing quote; expected one kind throughout"
        )
        return source_fault(source, "D026", told)
    return _failed_value(source, where, text) or source_fault(
        source, "D027", f"{path} is not a readable {source.format} file ({text.splitlines()[0]})"
    )


def _file_of(files: list[Path], text: str) -> str | None:
    """The file that the error names, where a source has several."""
    read = re.search(r"file = (.+)", text)
    name = Path(read.group(1).strip()).name if read else ""
    found = [path.name for path in files if name.endswith(path.name.removesuffix(".gz")) and name]
    return found[0] if found and len(files) > 1 else None


def _failed_value(source: Source, where: str, text: str) -> Issue | None:
    value = re.search(r'Error when converting column "(.+?)"\. Could not convert string "(.*?)" to \'(\w+)\'', text)
    if value is None:
        return None
    code = "D008" if value.group(3) == "DATE" else "D012"
    advice = "read it as text, with no type in options and no cast in the mapping, so that the row can be set aside"
    told = f"{where} has {value.group(2)!r} in {value.group(1)}, expected {value.group(3)}; {advice}"
    return source_fault(source, code, told, column=value.group(1))
