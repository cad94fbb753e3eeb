"""Views of a bank's sources in DuckDB, one reader a format.

Nothing is downloaded and nothing but the declared files and servers is read.
Text stays text: a CSV column that no option types is read as it stands, so ids
keep their leading zeros and a bad date reaches the checks instead of vanishing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import duckdb

from crmml.sources.csv_files import read_csv
from crmml.sources.faults import options_of, source_fault, unreadable
from crmml.sources.file_kinds import kind_fault
from crmml.sources.locations import files_of, names_of
from crmml.sources.parquet_files import read_parquet
from crmml.sources.report import Issue
from crmml.sources.spec import Source
from crmml.sources.sql import identifier, quoted
from crmml.sources.sqlite_files import read_sqlite

Reader = Callable[[duckdb.DuckDBPyConnection, Source, "list[Path]", Path], "list[Issue]"]
_SINGLE = ("duckdb", "sqlite")


def attach(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Source], scratch: Path) -> list[Issue]:
    """Make every source a view, a table or an attached database of its name, then close all other doors.

    `scratch` receives copies of files whose encoding DuckDB cannot read.
    Returns what is wrong with the sources.

    Raises
    ------
    ConfigError
        If a path, a variable or an option is wrong.
    BackendError
        If a server cannot be reached.
    """
    issues, allowed = [], []
    for source in sources.values():
        files = files_of(source)
        found = _file_faults(source, files)
        if not any(issue.severity == "error" for issue in found):
            try:
                found += READERS[source.format](connection, source, files, scratch)
            except duckdb.Error as error:
                found.append(unreadable(source, files, error))
        issues += found
        allowed += files
    listed = ", ".join(quoted(str(path.resolve())) for path in allowed)
    connection.execute(f"SET allowed_paths = [{listed}]")
    connection.execute(f"SET allowed_directories = [{quoted(str(scratch.resolve()))}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return issues


def _file_faults(source: Source, files: list[Path]) -> list[Issue]:
    """What the names and first bytes of the files show."""
    if source.format == "postgresql":
        return []
    if not files:
        told = f"no file {source.path}; expected one at sources.{source.name}.path"
        return [source_fault(source, "D001", told)]
    if source.format in _SINGLE and len(files) > 1:
        told = f"{source.path} finds {len(files):,} files ({files[0].name}, {files[1].name} …); expected one database"
        return [source_fault(source, "D027", told)]
    faults = ((name, kind_fault(path, source.format)) for name, path in zip(names_of(files), files, strict=True))
    return [source_fault(source, "D027", f"{name} {fault}") for name, fault in faults if fault]


def _attach_duckdb(
    connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path
) -> list[Issue]:
    options_of(source, {})
    connection.execute(f"ATTACH {quoted(str(files[0].resolve()))} AS {identifier(source.name)} (READ_ONLY)")
    return []


def _read_server(
    connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path
) -> list[Issue]:
    from crmml.sources.postgresql import read_postgresql  # its driver is an extra, slow to load

    return read_postgresql(connection, source, files, scratch)


READERS: Mapping[str, Reader] = {
    "parquet": read_parquet,
    "csv": read_csv,
    "duckdb": _attach_duckdb,
    "sqlite": read_sqlite,
    "postgresql": _read_server,
}
