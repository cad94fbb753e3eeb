"""CSV files as views: typed only where the options say so, and faults told without the file's contents."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import duckdb

from crmml.errors import ConfigError, did_you_mean
from crmml.sources.report import Issue
from crmml.sources.spec import Source
from crmml.sources.sql import identifier, paths, quoted

CSV_OPTIONS = ("delimiter", "encoding", "header", "nullstr", "dateformat", "columns")
_GUESSES = ("utf-8", "gb18030", "utf-16", "big5")


def source_fault(source: Source, code: str, text: str, *, column: str = "") -> Issue:
    """An issue of a source as a whole."""
    return Issue("error", code, source.name, column, 0, f"{source.name}: {text}")


def read_csv(connection: duckdb.DuckDBPyConnection, source: Source, files: list[Path], scratch: Path) -> list[Issue]:
    options = _csv_options(source)
    try:
        headers = [_header(path, options) for path in files]
    except (UnicodeDecodeError, EOFError, gzip.BadGzipFile) as error:
        return [unreadable(source, files, error)]
    names = headers[0]
    faults = _header_faults(source, files, headers)
    if faults:
        return faults
    if not _is_utf8(options):
        try:
            files = [_transcoded(path, str(options["encoding"]), scratch) for path in files]
        except UnicodeDecodeError as error:
            return [unreadable(source, files, error)]
    types = {name: str(dict(options["columns"]).get(name, "VARCHAR")).upper() for name in names}
    dates = [name for name in names if types[name] == "DATE" and options["dateformat"]]
    read = {name: "VARCHAR" if name in dates else kind for name, kind in types.items()}
    columns = ", ".join(f"{quoted(name)}: {quoted(kind)}" for name, kind in read.items())
    # Sniffing would take a later row for the header of a ragged file and drop the rows before it.
    connection.execute(
        f"CREATE VIEW {identifier(source.name)} AS SELECT {_iso_dates(names, dates, options)} FROM read_csv("
        f"{paths(files)}, auto_detect = false, columns = {{{columns}}}, delim = {quoted(str(options['delimiter']))}, "
        f"quote = '\"', escape = '\"', header = {bool(options['header'])}, nullstr = {quoted(str(options['nullstr']))})"
    )
    return []


def _iso_dates(names: list[str], dates: list[str], options: Mapping[str, Any]) -> str:
    """Columns to select; dates of another format become ISO text, and what is no date stays as it was."""
    written = [
        f"coalesce(strftime(try_strptime({identifier(name)}, {quoted(options['dateformat'])}), '%Y-%m-%d'), "
        f"{identifier(name)}) AS {identifier(name)}"
        if name in dates
        else identifier(name)
        for name in names
    ]
    return ", ".join(written)


def _csv_options(source: Source) -> dict[str, Any]:
    for name in source.options:
        if name not in CSV_OPTIONS:
            raise ConfigError(
                f"sources.{source.name}.options has {name!r}; expected one of {', '.join(CSV_OPTIONS)}."
                f"{did_you_mean(name, CSV_OPTIONS)}",
                code="C002",
            )
    defaults = {"delimiter": ",", "encoding": "utf-8", "header": True, "nullstr": "", "dateformat": "", "columns": {}}
    options = {**defaults, **source.options}
    try:
        codecs.lookup(str(options["encoding"]))
    except LookupError as error:
        raise ConfigError(
            f"sources.{source.name}.options.encoding is {options['encoding']!r}; expected one such as utf-8 or gbk",
            code="C003",
        ) from error
    return options


def _is_utf8(options: Mapping[str, Any]) -> bool:
    return codecs.lookup(str(options["encoding"])).name == "utf-8"


def _open(path: Path) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path, "rb")) if path.suffix == ".gz" else open(path, "rb")


def _header(path: Path, options: Mapping[str, Any]) -> list[str]:
    """The names of the columns: the first line, or `column0`, `column1` … where there is none."""
    encoding = "utf-8-sig" if _is_utf8(options) else _superset(str(options["encoding"]))
    with _open(path) as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        first = next(csv.reader(text, delimiter=str(options["delimiter"])), [])
    return first if options["header"] else [f"column{number}" for number in range(len(first))]


def _header_faults(source: Source, files: list[Path], headers: list[list[str]]) -> list[Issue]:
    names = headers[0]
    if not names:
        return [source_fault(source, "D002", f"{files[0].name} is empty; expected a header and rows")]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        text = f"the header of {files[0].name} repeats {', '.join(repeated)}; expected each name once"
        return [source_fault(source, "D004", text, column=repeated[0])]
    for path, header in zip(files, headers, strict=True):
        if header != names:
            text = f"{path.name} has columns {', '.join(header)}; expected those of {files[0].name}: {', '.join(names)}"
            return [source_fault(source, "D003", text)]
    return []


def _superset(encoding: str) -> str:
    # Exports labelled GBK hold characters that only its successor has.
    return "gb18030" if codecs.lookup(encoding).name in ("gbk", "gb2312") else encoding


def _transcoded(path: Path, encoding: str, scratch: Path) -> Path:
    """A UTF-8 copy in `scratch`; bytes that are not of `encoding` raise when they are met."""
    copy = scratch / f"{len(list(scratch.iterdir()))}-{path.name.removesuffix('.gz')}"
    with (
        _open(path) as raw,
        io.TextIOWrapper(raw, encoding=_superset(encoding), newline="") as text,
        open(copy, "w", encoding="utf-8", newline="") as file,
    ):
        shutil.copyfileobj(text, file, 1 << 20)
    return copy


def unreadable(source: Source, files: list[Path], error: Exception) -> Issue:
    """What is wrong with a file that could not be read, told without its contents."""
    text = str(error)
    if isinstance(error, UnicodeDecodeError) or "not utf-8" in text or "Invalid unicode" in text:
        return _wrong_encoding(source, files)
    line = re.search(r"CSV Error on Line: (\d+)", text)
    where = f"line {line.group(1)} of {source.path}" if line else source.path
    if "unterminated quote" in text:
        return source_fault(source, "D026", f'a quote opens in {where} and does not close; expected a pair of "')
    if "Number of Columns" in text:
        found = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", text)
        counts = f"{found.group(2)} cells, expected {found.group(1)}" if found else "another number of cells"
        return source_fault(source, "D026", f"{where} has {counts}")
    if "Maximum line size" in text:
        return source_fault(source, "D026", f"{where} is longer than 2 MB, which is not a row of a table")
    value = re.search(r'Error when converting column "(.+?)"\. Could not convert string "(.*?)" to \'(\w+)\'', text)
    if value:
        code = "D008" if value.group(3) == "DATE" else "D012"
        advice = "read it as text, with no type in options and no cast in the mapping, so that the row can be set aside"
        told = f"{where} has {value.group(2)!r} in {value.group(1)}, expected {value.group(3)}; {advice}"
        return source_fault(source, code, told, column=value.group(1))
    return source_fault(
        source, "D027", f"{source.path} is not a readable {source.format} file ({text.splitlines()[0]})"
    )


def _wrong_encoding(source: Source, files: list[Path]) -> Issue:
    declared = str(_csv_options(source)["encoding"]) if source.format == "csv" else "utf-8"
    for path in files:
        offset = _first_bad_byte(path, declared)
        if offset is not None:
            guesses = [guess for guess in _GUESSES if _first_bad_byte(path, guess, limit=1 << 22) is None]
            advice = f"it reads as {guesses[0]}, write options: {{encoding: gbk}}" if "gb18030" in guesses[:1] else ""
            advice = advice or (f"it reads as {guesses[0]}" if guesses else "it is no known encoding")
            text = f"{path.name} is declared {declared} and is not, from byte {offset:,} on; {advice}"
            return source_fault(source, "D025", text)
    return source_fault(source, "D025", f"{source.path} holds text that is not {declared}")


def _first_bad_byte(path: Path, encoding: str, *, limit: int | None = None) -> int | None:
    decoder, done = codecs.getincrementaldecoder(_superset(encoding))(), 0
    with _open(path) as raw:
        while block := raw.read(1 << 20):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(block)
            except UnicodeError as error:
                return done - pending + getattr(error, "start", 0)
            done += len(block)
            if limit is not None and done >= limit:
                break
    return None
