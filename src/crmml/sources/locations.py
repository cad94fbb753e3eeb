"""Where the data of a source lie, and that a config reaches nothing else.

A path is relative to the workspace (`$CRMML_HOME`, or the current folder) or
begins with a `${VARIABLE}`: whoever runs crmml says by the variable that its
folder may be read. What a path finds, links followed, lies in the workspace, in
its `data` folder (which may be a link to a larger disk), or in the folder of a
variable of that path.
"""

from __future__ import annotations

import glob
import os
import re
from pathlib import Path, PurePosixPath

from crmml.errors import ConfigError
from crmml.sources.spec import Source

_VARIABLE = re.compile(r"\$\{(\w+)\}")


def files_of(source: Source) -> list[Path]:
    """The files of a source, sorted; empty if none is there, or if it is a server.

    Raises
    ------
    ConfigError
        C008 if a variable is not set, C007 if a file lies outside the folders
        that may be read.
    """
    if not source.path:
        return []
    pattern = _workspace() / _VARIABLE.sub(lambda found: glob.escape(_value(source, found.group(1))), source.path)
    files = sorted(Path(found) for found in glob.glob(str(pattern)) if Path(found).is_file())  # noqa: PTH207
    plain = _workspace() / _VARIABLE.sub(lambda found: _value(source, found.group(1)), source.path)
    if not files and plain.is_file():
        files = [plain]  # a name such as "export[1].csv", which reads as a pattern
    # A program may name any path; a config may not be absolute.
    if not PurePosixPath(source.path).is_absolute():
        _require_inside(source, files)
    return files


def names_of(files: list[Path]) -> list[str]:
    """What the files of one source are called: by their path below the folder that all are in."""
    if len(files) == 1:
        return [files[0].name]
    top = os.path.commonpath([path.parent for path in files]) if files else "."
    return [path.relative_to(top).as_posix() for path in files]


def uri_of(source: Source) -> str:
    """The address of a server, from the variable that holds it.

    Raises
    ------
    ConfigError
        C008 if the variable is not set.
    """
    return _VARIABLE.sub(lambda found: _value(source, found.group(1)), source.uri)


def place_fault(text: str) -> str | None:
    """What is wrong with a path as a config writes it, or None.

    >>> place_fault("${CRMML_DATA}/berka/*.asc")
    >>> place_fault("data/../../etc/passwd")
    'goes up with ..'
    """
    path = PurePosixPath(text)
    if ".." in path.parts:
        return "goes up with .."
    if path.is_absolute() or text.startswith("~"):
        return "is absolute"
    return None


def _workspace() -> Path:
    return Path(os.environ.get("CRMML_HOME") or ".")


def _value(source: Source, name: str) -> str:
    # An empty variable would make of ${NAME}/file.csv the file of the root folder.
    if not os.environ.get(name):
        key, what = ("uri", "the address of the server") if source.uri else ("path", "the folder that holds the data")
        example = "" if source.uri else f", e.g. export {name}=/path/to/data"
        raise ConfigError(
            f"sources.{source.name}.{key} uses ${{{name}}}, which is not set; set it to {what}{example}", code="C008"
        )
    return os.environ[name]


def _require_inside(source: Source, files: list[Path]) -> None:
    home = _workspace()
    variables = [home / _value(source, name) for name in _VARIABLE.findall(source.path)[:1]]
    is_leading = source.path.startswith("${")
    roots = [folder.resolve() for folder in (home, home / "data", *(variables if is_leading else []))]
    for path in files:
        if not any(path.resolve().is_relative_to(root) for root in roots):
            raise ConfigError(
                f"sources.{source.name}.path leads out of the folders that may be read: {path.name} lies elsewhere, "
                "through a link or a variable; expected a file in the project folder, or in the folder of the "
                "${VARIABLE} the path begins with",
                code="C007",
            )
