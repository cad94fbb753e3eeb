"""What a file is, by its first bytes: its name may say anything."""

from __future__ import annotations

from pathlib import Path

from crmml.sources.spec import Format

_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"PAR1", "Parquet"),
    (0, b"SQLite format 3\0", "SQLite"),
    (8, b"DUCK", "DuckDB"),
    (0, b"\x1f\x8b", "gzip"),
    (0, b"PK\x03\x04", "zip or Excel (.xlsx)"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel (.xls)"),
    (0, b"\x28\xb5\x2f\xfd", "zstd"),
    (0, b"BZh", "bzip2"),
    (0, b"\xfd7zXZ\0", "xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "7z"),
    (0, b"Rar!\x1a\x07", "rar"),
    (0, b"%PDF-", "PDF"),
    (0, b"ORC", "ORC"),
    (0, b"Obj\x01", "Avro"),
)
_EXPECTED: dict[Format, str] = {"parquet": "Parquet", "duckdb": "DuckDB", "sqlite": "SQLite"}
_ADVICE = {
    "SQLite": "write format: sqlite, and a table: or query:",
    "DuckDB": "write format: duckdb",
    "Parquet": "write format: parquet",
    "gzip": "a packed CSV file ends in .csv.gz",
}


def kind_of(path: Path) -> str | None:
    """The kind of file that the first bytes say, or None for text and what is not known."""
    with open(path, "rb") as file:
        start = file.read(32)
    return next((kind for place, magic, kind in _MAGIC if start[place:].startswith(magic)), None)


def kind_fault(path: Path, form: Format) -> str | None:
    """Why `path` cannot be a file of this format, or None."""
    expected = "gzip" if form == "csv" and path.suffix == ".gz" else _EXPECTED.get(form)
    found = kind_of(path)
    if found == expected:
        return _torn(path) if form == "parquet" else None
    if found is None and path.stat().st_size == 0:
        return None if form == "csv" else f"is empty; expected a {expected} file"
    return f"is {found or 'not one by its first bytes'}; expected {expected or 'text'}, {_advice(found, form)}"


def _advice(found: str | None, form: Format) -> str:
    if found in _ADVICE:
        return _ADVICE[found]
    return "export it as CSV" if form == "csv" else "export it again, or write the format it is"


def _torn(path: Path) -> str | None:
    with open(path, "rb") as file:
        file.seek(-min(4, path.stat().st_size), 2)
        end = file.read()
    if end == b"PARE":
        return "is an encrypted Parquet file; expected a plain one"
    return None if end == b"PAR1" else "does not end as a Parquet file does; it was cut off, copy it again"
