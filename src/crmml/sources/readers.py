"""Views of a bank's sources in DuckDB, one reader a format.

Nothing is downloaded and nothing but the declared files is read. Text stays
text: a CSV column that no option types is read as it stands, so ids keep their
leading zeros and a bad date reaches the checks instead of vanishing.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from crmml.errors import ConfigError
from crmml.sources.csv_files import read_csv, source_fault, unreadable
from crmml.sources.report import Issue
from crmml.sources.spec import Source
from crmml.sources.sql import identifier, paths, quoted

Reader = Callable[[duckdb.DuckDBPyConnection, Source, "list[Path]", Path], "list[Issue]"]


def files_of(source: Source) -> list[Path]:
    """The files of a source, sorted; empty if none is there.

    Environment variables in the path are filled in; a relative path starts from
    the workspace, `$CRMML_HOME` or the current folder.

    Raises
    ------
    ConfigError
        If a variable is not set.
    """

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            raise ConfigError(
                f"sources.{source.name}.path uses ${{{name}}}, which is not set; "
                f"set it to the folder that holds the data, e.g. export {name}=/path/to/data",
                code="C008",
            )
        return os.environ[name]

    path = Path(os.environ.get("CRMML_HOME") or ".") / re.sub(r"\$\{(\w+)\}", value, source.path)
    # `Path.glob` takes no absolute pattern.
    return sorted(Path(found) for found in glob.glob(str(path)) if Path(found).is_file())  # noqa: PTH207


def attach(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], scratch: Path) -> list[Issue]:
    """Make every source a view (or an attached database) of its name, then close all other doors.

    `scratch` receives copies of files whose encoding DuckDB cannot read.
    Returns what is wrong with the files.
    """
    issues, allowed = [], [scratch]
    for source in sources.values():
        files = files_of(source)
        if not files:
            issues.append(_missing(source))
            continue
        try:
            issues += READERS[source.format](connection, source, files, scratch)
        except duckdb.Error as error:
            issues.append(unreadable(source, files, error))
        allowed += files
    listed = ", ".join(quoted(str(path.resolve())) for path in allowed[1:])
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute(f"SET allowed_directories = [{quoted(str(scratch.resolve()))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return issues


def _missing(source: Source) -> Issue:
    return source_fault(source, "D001", f"no file {source.path}; expected one at sources.{source.name}.path")


def _read_parquet(
    connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path
) -> list[Issue]:
    connection.execute(f"CREATE VIEW {identifier(source.name)} AS SELECT * FROM read_parquet({paths(files)})")
    return []


def _read_duckdb(
    connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path
) -> list[Issue]:
    connection.execute(f"ATTACH {quoted(str(files[0].resolve()))} AS {identifier(source.name)} (READ_ONLY)")
    return []


# SQLite and PostgreSQL come in here, each as a function that hands Arrow batches to the connection.
READERS: Mapping[str, Reader] = {"parquet": _read_parquet, "csv": read_csv, "duckdb": _read_duckdb}
